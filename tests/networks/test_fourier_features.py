"""Oracles: Tancik et al. 2020, eq. 5, written out, and the kernel of its s. 4."""

import math

import torch
from torch.testing import assert_close

from ligeia.networks import FourierFeatures


def test_the_values_are_those_of_the_definition() -> None:
    network = FourierFeatures(hidden_features=4, hidden_layers=0, num_frequencies=3).build(
        2, 1, generator=torch.Generator().manual_seed(0)
    )
    frequencies, weight, bias, output, shift = network.double().tensors()
    x = torch.rand(6, 2).double()
    phases = 2 * math.pi * x @ frequencies.T
    encoded = torch.cat([torch.cos(phases), torch.sin(phases)], dim=1)
    assert_close(network(x), torch.relu(encoded @ weight.T + bias) @ output.T + shift)
    assert "frequencies" not in dict(network.named_parameters())


def test_frequencies_have_the_deviation_asked_for_and_fit_float16() -> None:
    network = FourierFeatures(num_frequencies=4000, sigma=5.0).build(2, 1, generator=torch.Generator().manual_seed(0))
    frequencies = network.tensors()[0]
    assert_close(frequencies.std(dim=0), torch.full((2,), 5.0), rtol=0.05, atol=0)
    assert torch.equal(frequencies, frequencies.half().float())


def test_the_kernel_of_the_features_depends_on_the_difference_of_places_alone() -> None:
    network = FourierFeatures(num_frequencies=16).build(2, 1, generator=torch.Generator().manual_seed(0))

    def features(x: torch.Tensor) -> torch.Tensor:
        phases = 2 * math.pi * x @ network.tensors()[0].double().T
        return torch.cat([torch.cos(phases), torch.sin(phases)], dim=1)

    x, y = torch.rand(2, 20, 2).double()
    moved = torch.tensor([0.3, -0.2]).double()
    assert_close((features(x) * features(y)).sum(dim=1), (features(x + moved) * features(y + moved)).sum(dim=1))
