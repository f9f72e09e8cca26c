"""Oracle: bells and layers written out with brute-force distances."""

import torch
from torch.testing import assert_close

from ligeia.networks import Rbf


def test_the_values_are_those_of_the_definition() -> None:
    network = Rbf(hidden_features=6, hidden_layers=0, num_centers=5, sharpness=3.0).build(
        2, 1, generator=torch.Generator().manual_seed(0)
    )
    centers, sharpness, weight, bias, output, shift = network.double().tensors()
    assert torch.all(sharpness == 3.0)
    assert centers.shape == (2, 5)
    assert float(centers.detach().abs().max()) <= 1
    x = torch.rand(10, 2).double()
    distances = (x[:, None] - centers.T[None]).square().sum(dim=2)
    hidden = torch.relu(torch.exp(-sharpness * distances) @ weight.T + bias)
    assert_close(network(x), hidden @ output.T + shift)


def test_a_sharp_bell_is_local() -> None:
    network = Rbf(hidden_features=6, hidden_layers=0, num_centers=1, sharpness=1e3).build(1, 1).double()
    with torch.no_grad():
        network.tensors()[0].zero_()
        far = network(torch.tensor([[0.5], [0.9], [-0.7]]).double())
    assert_close(far, far[:1].expand(3, 1))  # nothing of the bell is left
