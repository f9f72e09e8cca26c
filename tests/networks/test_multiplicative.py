"""Oracles: products written out; the sum of sines that a Fourier network is (Fathony et al. 2021, theorem 1)."""

import torch
from torch.testing import assert_close

from ligeia.networks import FourierNet, GaborNet


def test_a_product_of_two_filters_is_a_sum_of_sines() -> None:
    network = FourierNet(hidden_features=1, hidden_layers=1).build(1, 1, generator=torch.Generator().manual_seed(0))
    a, p, w, c, b, q, output, shift = (each.detach().item() for each in network.double().tensors())
    x = torch.linspace(-1, 1, 50).double()[:, None]
    both = 0.5 * w * (torch.cos((a - b) * x + p - q) - torch.cos((a + b) * x + p + q))
    assert_close(network(x).detach(), output * (both + c * torch.sin(b * x + q)) + shift)


def test_the_values_of_a_gabor_network_are_those_of_the_definition() -> None:
    network = GaborNet(hidden_features=4, hidden_layers=1).build(2, 3, generator=torch.Generator().manual_seed(0))
    tensors = network.double().tensors()
    x = torch.rand(10, 2).double()

    def filtered(weight: torch.Tensor, phase: torch.Tensor, centers: torch.Tensor, gamma: torch.Tensor) -> torch.Tensor:
        distance = (x[:, None] - centers.T[None]).square().sum(dim=2)
        return torch.exp(-0.5 * gamma * distance) * torch.sin(x @ weight.T + phase)

    hidden = filtered(*tensors[:4])
    hidden = (hidden @ tensors[4].T + tensors[5]) * filtered(*tensors[6:10])
    assert_close(network(x), hidden @ tensors[10].T + tensors[11])


def test_the_variance_of_the_features_does_not_vanish_with_depth() -> None:
    x = torch.rand(500, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for depth in (1, 3, 8):
        network = FourierNet(hidden_layers=depth).build(2, 1, generator=torch.Generator().manual_seed(0))
        last = network.activations(x)[-2].post.detach()
        assert 0.3 < float(last.std()) < 1.5


def test_filters_together_turn_as_fast_as_asked() -> None:
    network = FourierNet(hidden_features=2000, hidden_layers=3).build(1, 1, generator=torch.Generator().manual_seed(0))
    first = network.config.tensors((80.0,))
    assert first[0].name == "filter0_weight"
    built = network.config.build(frequencies=(80.0,), generator=torch.Generator().manual_seed(0))
    assert abs(float(built.tensors()[0].detach().abs().max()) - 40.0) < 0.1  # 80 over the root of four filters
