"""Oracles: Mildenhall et al. 2020, eq. 4, written out; Nyquist by hand."""

import math

import torch
from torch.testing import assert_close

from ligeia.networks import Inputs, PositionalEncoding
from support.small_fits import fit_line, spectrum_of


def test_the_first_layer_sees_the_paper_s_encoding() -> None:
    architecture = PositionalEncoding(hidden_features=4, hidden_layers=0, num_octaves=(2, 1))
    network = architecture.build(2, 1, generator=torch.Generator().manual_seed(0)).double()
    weight, bias, output, shift = network.tensors()
    x = torch.rand(6, 2).double()
    phases = torch.stack([math.pi * x[:, 0], 2 * math.pi * x[:, 0], math.pi * x[:, 1]], dim=1)
    encoded = torch.cat([x, torch.sin(phases), torch.cos(phases)], dim=1)
    assert_close(network(x), torch.relu(encoded @ weight.T + bias) @ output.T + shift)


def test_octaves_end_where_samples_cannot_tell_them_apart() -> None:
    suited = PositionalEncoding().suited_to(Inputs((256, 100, 1), (1.0, 1.0, 1.0)))
    assert isinstance(suited, PositionalEncoding)
    assert suited.num_octaves == (8, 6, 1)  # octave k has 2^k periods; 2^7 of them take 256 samples
    assert PositionalEncoding(num_octaves=(3,)).suited_to(Inputs((256,), (1.0,))) == PositionalEncoding(
        num_octaves=(3,)
    )


def test_it_learns_a_fast_sine_that_relu_alone_does_not() -> None:
    network = PositionalEncoding(hidden_features=64, hidden_layers=2, num_octaves=(7,)).build(
        1, 1, generator=torch.Generator().manual_seed(0)
    )
    x = torch.linspace(-1, 1, 257)[:-1, None]
    target = torch.sin(math.pi * x) + torch.sin(20 * math.pi * x)
    missing = spectrum_of(target - fit_line(network, x, target, steps=300, rate=2e-3))
    assert missing[1] < 0.05
    assert missing[20] < 0.1
