"""Oracle: layers of bells written out."""

import torch
from torch.testing import assert_close

from ligeia.networks import Gauss


def test_the_values_are_those_of_the_definition() -> None:
    network = Gauss(hidden_features=8, hidden_layers=1, sigma=0.3).build(
        2, 3, generator=torch.Generator().manual_seed(0)
    )
    first, one, second, two, output, shift = network.double().tensors()
    x = torch.rand(10, 2).double()
    hidden = x
    for weight, bias in ((first, one), (second, two)):
        hidden = torch.exp(-0.5 * ((hidden @ weight.T + bias) / 0.3) ** 2)
    assert_close(network(x), hidden @ output.T + shift)


def test_activations_lie_from_0_to_1() -> None:
    network = Gauss(hidden_features=64).build(2, 1, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        layers = network.activations(torch.rand(200, 2) * 2 - 1)[:-1]
    assert len(layers) == 4
    assert all(float(layer.post.min()) >= 0 and float(layer.post.max()) <= 1 for layer in layers)
