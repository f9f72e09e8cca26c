"""Oracle: plane waves, whose frequency is known."""

import math

import numpy as np
import pytest

from ligeia.signals import from_array, from_points, rms_frequencies


def wave(shape: tuple[int, ...], cycles: tuple[float, ...]) -> np.ndarray:
    # coordinates of cell centers in [-1, 1]: `cycles` periods over the axis are pi * cycles radians per unit
    axes = np.meshgrid(*[(2 * np.arange(size) + 1) / size - 1 for size in shape], indexing="ij")
    return np.sin(math.pi * sum(number * axis for number, axis in zip(cycles, axes, strict=True)) + 0.3)


@pytest.mark.parametrize("cycles", [8.0, 20.5, 100.0])
def test_a_tone_has_its_own_frequency(cycles: float) -> None:
    (found,) = rms_frequencies(from_array(wave((4096,), (cycles,))))
    assert found == pytest.approx(math.pi * cycles, rel=0.03)


def test_scattered_samples_of_one_axis_have_the_frequency_of_their_tone() -> None:
    places = np.random.default_rng(0).uniform(-1, 1, 4096)
    signal = from_points(places[:, None], np.sin(math.pi * 20 * places), box=[(-1.0, 1.0)])
    assert rms_frequencies(signal) == pytest.approx((math.pi * 20,), rel=0.05)


def test_axes_are_told_apart_and_channels_taken_together() -> None:
    image = np.stack([wave((128, 300), (10, 40)), wave((128, 300), (10, 40))], axis=-1)
    found = rms_frequencies(from_array(image, channels=True))
    assert found == pytest.approx([math.pi * 10, math.pi * 40], rel=0.03)


def test_two_tones_add_by_energy() -> None:
    both = wave((4096,), (30.0,)) + 0.5 * wave((4096,), (90.0,))
    (found,) = rms_frequencies(from_array(both))
    assert found == pytest.approx(math.pi * math.sqrt((30**2 + 0.25 * 90**2) / 1.25), rel=0.03)


def test_a_long_line_is_judged_by_its_middle() -> None:
    (found,) = rms_frequencies(from_array(wave((3 << 20,), (5000.0,)).astype(np.float32)))
    assert found == pytest.approx(math.pi * 5000, rel=0.03)


@pytest.mark.parametrize("shape", [(1,), (2,), (1, 1), (5, 1)])
def test_lines_too_short_or_constant_say_nothing(shape: tuple[int, ...]) -> None:
    found = rms_frequencies(from_array(np.full(shape, 7, np.uint8)))
    assert found == (0.0,) * len(shape)
