import math

import numpy as np
import pytest

from ligeia.recipes import fast, paper
from ligeia.signals import Signal, from_array


def smooth(*shape: int) -> Signal:
    return from_array(np.indices(shape).sum(axis=0) / sum(shape))


@pytest.mark.parametrize(("width", "times"), [(32, 4), (64, 4), (128, 2), (256, 1), (512, 0.5)])
def test_the_learning_rate_falls_with_the_width_but_for_narrow_networks(width: int, times: float) -> None:
    recipe = fast(hidden_features=width).recipe
    assert recipe.batch_size is not None
    assert recipe.optimizer.learning_rate == pytest.approx(2e-4 * math.sqrt(recipe.batch_size / 256) * times)


def test_a_picture_gets_six_times_the_reference_frequency() -> None:
    assert fast().first_layer_scales(smooth(300, 2000), 30.0) == [6.0, 6.0]


def test_a_short_axis_gets_less_than_its_samples_can_tell() -> None:
    found = fast().first_layer_scales(smooth(300, 100, 9), 30.0)
    assert found == pytest.approx([6.0, 0.7 * 100 / 30, 0.7 * 9 / 30])


def test_a_sound_gets_more_by_its_spectrum() -> None:
    tone = np.sin(math.pi * 700 * np.linspace(-1, 1, 20000))
    (scale,) = fast().first_layer_scales(from_array(tone), 30.0)
    assert scale == pytest.approx(2.5 * math.pi * 700 / 30, rel=0.05)


def test_the_reference_is_left_as_it_is() -> None:
    assert paper().first_layer_scales(smooth(300, 9), 30.0) == [1.0, 1.0]
