"""Oracle: Fourier transforms over one period, which a band-limited function fills up to its band and no further."""

import math

import pytest
import torch

from ligeia.core import InputError
from ligeia.networks import Bacon, Inputs

STEP = math.pi / 2


def test_nothing_is_faster_than_the_bandwidth_whatever_the_weights() -> None:
    band = 24 * STEP
    network = Bacon(hidden_features=30, hidden_layers=2, bandwidths=(band, band / 2)).build(
        2, 1, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        for each in network.parameters():
            each.normal_(generator=torch.Generator().manual_seed(1))
    network = network.double()
    side = torch.arange(128).double() / 128 * 4 - 2  # one period of 4
    points = torch.stack(torch.meshgrid(side, side, indexing="ij"), dim=-1).reshape(-1, 2)
    with torch.no_grad():
        spectrum = torch.fft.fft2(network(points).reshape(128, 128)).abs()
    turns = torch.fft.fftfreq(128, 1 / 128).abs()
    outside = (turns[:, None] > 24) | (turns[None, :] > 12)
    assert float(spectrum[outside].max()) < 1e-10 * float(spectrum.max())
    assert float(spectrum[(turns[:, None] > 12) & (turns[None, :] <= 12)].max()) > 1e-3 * float(spectrum.max())


def test_frequencies_are_kept_and_phases_are_fitted() -> None:
    network = Bacon(hidden_features=6, hidden_layers=1, bandwidths=(40.0,)).build(1, 1)
    trained = dict(network.named_parameters())
    assert "filter0_weight" not in trained
    assert "filter0_bias" in trained
    turns = network.tensors()[0]
    assert torch.equal(turns, turns.round())
    assert float(turns.abs().max()) * STEP <= 20.0


def test_bandwidths_are_those_that_the_samples_tell() -> None:
    suited = Bacon().suited_to(Inputs((64, 10), (1.0, 1.0)))
    assert isinstance(suited, Bacon)
    assert suited.bandwidths == (64 * STEP, 10 * STEP)
    with pytest.raises(InputError, match="expected bandwidths of 3 coordinates, got 2"):
        suited.build(3, 1)
    with pytest.raises(InputError, match="expected bandwidths above 0"):
        Bacon(bandwidths=(-1.0,))
