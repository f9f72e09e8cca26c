"""Oracles: fields made so that one thing is wrong with them."""

import math

import numpy as np
import pytest
import torch

from ligeia import fitting, recipes
from ligeia.core import InputError
from ligeia.field import Field
from ligeia.networks import Siren
from ligeia.reports import explain
from ligeia.signals import Grid, from_array

LINE = Grid.of((256,))


def wave_field(turns: float, grid: Grid = LINE) -> Field:
    """Return a field of ``sin(turns x)`` along its one axis, of two equal features."""
    network = Siren(1, 2, 0, 1, first_omega_0=1.0)
    weight, bias, output, shift = network.tensors()
    with torch.no_grad():
        weight.fill_(turns)
        bias.zero_()
        output.copy_(torch.tensor([[1.0, 0.0]]))
        shift.zero_()
    return Field(network, grid)


def waves(turns: float) -> np.ndarray:
    return np.sin(turns * LINE.coordinates(0)).astype(np.float32)


def test_the_spectrum_of_a_sine_is_at_its_frequency() -> None:
    found = explain(wave_field(100.0), from_array(waves(100.0)))
    peak = found.frequencies[found.values.argmax()]
    assert peak == pytest.approx(100.0, abs=math.pi)
    assert found.nyquist == pytest.approx(math.pi / 2 * 256)
    assert found.layers[0].reach == pytest.approx(100.0, abs=3 * math.pi)
    assert found.signal is not None
    assert found.frequencies[found.signal.argmax()] == peak


def test_equal_features_fill_one_direction() -> None:
    layer = explain(wave_field(20.0)).layers[0]
    assert layer.width == 2
    assert layer.effective_rank == pytest.approx(1.0, abs=1e-6)


def test_random_features_fill_almost_all_directions() -> None:
    network = Siren(2, 64, 1, 1, first_omega_0=30.0, generator=torch.Generator().manual_seed(0))
    layers = explain(Field(network, Grid.of((32, 64)))).layers
    assert all(32 < layer.effective_rank <= 64 for layer in layers)
    assert layers[1].reach > layers[0].reach  # products of sines turn faster


def test_noise_between_the_samples_is_told() -> None:
    found = explain(wave_field(700.0))  # Nyquist is 402
    assert any("noise between them" in each and "lower first frequency" in each for each in found.advice)


def test_a_first_layer_that_is_too_slow_is_told() -> None:
    rng = np.random.default_rng(0)
    turns = np.cumsum(rng.normal(size=1024)) / 10 + 20 * np.sin(np.linspace(0, 900, 1024))
    signal = from_array(turns.astype(np.float32))
    slow = recipes.fit(signal, stop=fitting.passes(60), hidden_features=32, first_omegas=[3.0])
    assert any("omega_0 is too low" in each for each in explain(slow, signal).advice)


def test_a_constant_and_a_collapsed_layer_are_told() -> None:
    network = Siren(1, 64, 2, 1, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.tensors()[2].copy_(torch.ones(64, 1) @ network.tensors()[2][:1])  # all rows of layer 2 alike
    assert any(each.startswith("Layer 2 has collapsed") for each in explain(Field(network, LINE)).advice)
    with torch.no_grad():
        network.tensors()[-2].zero_()
    assert explain(Field(network, LINE)).advice[0].startswith("The field is a constant")


def test_another_signal_is_refused() -> None:
    with pytest.raises(InputError, match="expected the signal that the field was fitted to, 256 with 1 channels"):
        explain(wave_field(1.0), from_array(np.zeros(100, np.float32)))


def test_a_field_of_a_single_sample_is_looked_into() -> None:
    assert explain(wave_field(1.0, Grid.of((1,)))).advice
