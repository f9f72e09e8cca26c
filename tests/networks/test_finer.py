"""Oracles: eq. 5 of Liu et al. 2024 written out; its claim that first biases choose among frequencies."""

import math

import torch
from torch.testing import assert_close

from ligeia.networks import Finer
from support.small_fits import spectrum_of


def test_the_values_are_those_of_the_definition() -> None:
    network = Finer(hidden_features=8, hidden_layers=1, omega=9.0).build(
        2, 3, generator=torch.Generator().manual_seed(0)
    )
    first, one, second, two, output, shift = network.double().tensors()
    x = torch.rand(10, 2).double()
    hidden = x
    for weight, bias in ((first, one), (second, two)):
        z = hidden @ weight.T + bias
        hidden = torch.sin(9.0 * (z.abs() + 1) * z)
    assert_close(network(x), hidden @ output.T + shift)


def test_larger_first_biases_reach_higher_frequencies() -> None:
    x = torch.linspace(-1, 1, 2049)[:-1, None]
    centroids = []
    for first_bias in (0.1, 1.0, 5.0):
        network = Finer(hidden_layers=0, first_bias=first_bias).build(1, 1, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            hidden = network.activations(x)[0].post
        power = torch.stack([spectrum_of(each[:, None]).square() for each in hidden.T[:64]]).sum(dim=0)[1:]
        centroids.append(float((power * torch.arange(1, len(power) + 1)).sum() / power.sum()))
    assert centroids[0] < centroids[1] < centroids[2]
    assert centroids[2] > 3 * centroids[0]


def test_first_biases_fill_their_range() -> None:
    network = Finer(hidden_features=2000, hidden_layers=0, first_bias=5.0).build(2, 1)
    assert math.isclose(float(network.tensors()[1].detach().abs().max()), 5.0, rel_tol=0.01)


def test_hidden_weights_fill_the_bounds_of_a_sine_network() -> None:
    network = Finer(hidden_features=300, hidden_layers=1, omega=20.0).build(2, 1)
    widest = float(network.tensors()[2].detach().abs().max())
    assert math.isclose(widest, math.sqrt(6 / 300) / 20, rel_tol=0.01)
