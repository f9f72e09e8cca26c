import math

import numpy as np
import pytest
import torch

from ligeia.fitting import passes
from ligeia.recipes import Configuration, fast, fit, paper
from ligeia.signals import Signal, from_array


def smooth(*shape: int) -> Signal:
    return from_array(np.indices(shape).sum(axis=0) / sum(shape))


def omegas(configuration: Configuration, signal: Signal) -> list[float]:
    return [each.omega for each in configuration.first_frequencies(signal, 30.0)]


@pytest.mark.parametrize(("width", "times"), [(32, 4), (64, 4), (128, 2), (256, 1), (512, 0.5)])
def test_the_learning_rate_falls_with_the_width_but_for_narrow_networks(width: int, times: float) -> None:
    recipe = fast(hidden_features=width).recipe
    assert recipe.batch_size is not None
    assert recipe.optimizer.learning_rate == pytest.approx(2e-4 * math.sqrt(recipe.batch_size / 256) * times)


def test_a_picture_gets_six_times_the_reference_frequency() -> None:
    assert omegas(fast(), smooth(300, 2000)) == [180.0, 180.0]


def test_a_short_axis_gets_less_than_its_samples_can_tell() -> None:
    found = fast().first_frequencies(smooth(300, 100), 30.0)
    assert [each.omega for each in found] == pytest.approx([180.0, 0.7 * 100])
    assert [each.axis for each in found] == ["row", "column"]
    assert [each.reason for each in found] == ["6 x omega_0", "0.7 radians per sample, at most"]


def test_three_axes_or_more_get_twice_the_reference_frequency() -> None:
    assert omegas(fast(), smooth(300, 100, 9)) == pytest.approx([60.0, 60.0, 0.7 * 9])
    assert omegas(fast(), smooth(90, 100, 9, 200)) == pytest.approx([60.0, 60.0, 0.7 * 9, 60.0])


def test_a_sound_gets_more_by_its_spectrum() -> None:
    # four times the frequency of a low tone, the geometric mean with 24,000 of a higher one
    for frequency, times in ((math.pi * 200, 4.0), (math.pi * 700, 3.3), (math.pi * 3000, 1.6)):
        tone = np.sin(frequency * np.linspace(-1, 1, 30000))
        (found,) = fast().first_frequencies(from_array(tone), 30.0)
        assert found.omega == pytest.approx(min(4 * frequency, math.sqrt(24_000 * frequency)), rel=0.05)
        assert found.reason.startswith(f"{times:g} x the signal's RMS frequency of ")


def test_a_small_picture_follows_its_spectrum_and_a_large_one_does_not() -> None:
    for size, wanted in ((340, 0.7 * 340), (500, 180.0)):
        rows, columns = np.indices((size, size))
        fine = from_array(np.sin(1.5 * rows) + np.sin(1.5 * columns))
        assert omegas(fast(), fine) == pytest.approx([wanted] * 2)


def test_scaled_coordinates_and_a_scaled_omega_are_the_same_network() -> None:
    signal = smooth(40, 30)
    field = fit(signal, stop=passes(1), first_omegas=[90.0, 45.0], hidden_features=8)
    twice = fit(signal, stop=passes(1), first_omegas=[90.0, 45.0], omega_0=60.0, hidden_features=8)
    first, second = (next(each.parameters()).detach() for each in (field, twice))
    # a step has moved both by some 1e-3 / omega
    assert torch.allclose(30 * first, 60 * second, atol=0.2)
    assert 30 * first.abs().max(dim=0).values == pytest.approx([90 / 2, 45 / 2], rel=0.3)


def test_the_reference_is_left_as_it_is() -> None:
    assert omegas(paper(), smooth(300, 9)) == [30.0, 30.0]
