"""Oracles: torch's own sinc; the sampling theorem, which is the paper's reason for this activation."""

import math

import torch
from torch.testing import assert_close

from ligeia.networks import Sinc


def test_the_values_are_those_of_the_definition() -> None:
    network = Sinc(hidden_features=8, hidden_layers=1, omega=9.0).build(
        2, 3, generator=torch.Generator().manual_seed(0)
    )
    first, one, second, two, output, shift = network.double().tensors()
    x = torch.rand(10, 2).double()
    hidden = x
    for weight, bias in ((first, one), (second, two)):
        hidden = torch.sinc(9.0 * (hidden @ weight.T + bias) / math.pi)
    assert_close(network(x), hidden @ output.T + shift)


def test_a_layer_of_shifted_sincs_is_the_band_limited_signal_of_its_samples() -> None:
    omega, count = 40.0, 801
    network = Sinc(hidden_features=count, hidden_layers=0, omega=omega).build(1, 1).double()
    samples_at = (torch.arange(count).double() - count // 2) * math.pi / omega
    signal = lambda x: torch.sin(13.0 * x + 0.4)  # noqa: E731  slower than omega
    with torch.no_grad():
        weight, bias, output, shift = network.tensors()
        weight.fill_(1.0)
        bias.copy_(-samples_at)
        output.copy_(signal(samples_at)[None])
        shift.zero_()
    x = torch.linspace(-1, 1, 97).double()[:, None]
    assert_close(network(x).detach(), signal(x), atol=2e-3, rtol=0)
