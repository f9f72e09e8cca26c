"""Oracles: layers written out; the spectral bias of Rahaman et al. 2019, on a sum of two sines."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia.networks import Architecture, ReluMlp, SoftplusMlp, TanhMlp
from support.small_fits import fit_line, spectrum_of


@pytest.mark.parametrize(
    ("architecture", "activation"),
    [
        (ReluMlp(hidden_features=8, hidden_layers=2), lambda z: z.clamp_min(0)),
        (TanhMlp(hidden_features=8, hidden_layers=2), torch.tanh),
        (SoftplusMlp(hidden_features=8, hidden_layers=2), lambda z: torch.log1p(torch.exp(z))),
    ],
)
def test_the_values_are_those_of_the_definition(architecture: Architecture, activation: object) -> None:
    network = architecture.build(2, 3, generator=torch.Generator().manual_seed(0)).double()
    tensors = network.tensors()
    assert len(tensors) == 8
    x: Tensor = torch.rand(10, 2).double()
    expected = x
    for weight, bias in zip(tensors[:-2:2], tensors[1:-2:2], strict=True):
        expected = activation(expected @ weight.T + bias)  # type: ignore[operator]
    assert_close(network(x), expected @ tensors[-2].T + tensors[-1])


def test_first_weights_are_within_he_s_bound() -> None:
    weight = ReluMlp(hidden_features=400, hidden_layers=1).build(2, 1, generator=torch.Generator().manual_seed(0))
    second = weight.tensors()[2].detach()
    assert float(second.abs().max()) == pytest.approx(math.sqrt(6 / 400), rel=1e-3)


def test_relu_learns_a_slow_sine_before_a_fast_one() -> None:
    network = ReluMlp(hidden_features=64, hidden_layers=2).build(1, 1, generator=torch.Generator().manual_seed(0))
    x = torch.linspace(-1, 1, 257)[:-1, None]
    target = torch.sin(math.pi * x) + torch.sin(20 * math.pi * x)
    missing = spectrum_of(target - fit_line(network, x, target, steps=300, rate=2e-3))
    assert missing[1] < 0.05  # of the amplitude 1 of a period over the domain
    assert missing[20] > 0.5
