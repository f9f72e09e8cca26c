import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ligeia.field import Field
from ligeia.fitting import Values, _values
from ligeia.signals import Signal, from_array
from support.sines import siren_of

pytest_plugins = ["support.fixtures"]
Build = Callable[..., Field]


def test_quality_is_the_psnr_of_clipped_predictions(signal: Signal, build: Build) -> None:
    field = build(signal)
    with torch.no_grad():
        siren_of(field).linears()[-1].weight *= 40  # far beyond the range, so that clipping matters
    predicted = field.sample().numpy().astype(np.float64)
    assert predicted.min() < 0
    assert predicted.max() > 255
    error = np.mean((np.clip(predicted, 0, 255) - signal.values) ** 2)
    quality = Values(signal).quality(field)
    assert quality.psnr_db == pytest.approx(10 * math.log10(255**2 / error), abs=1e-4)
    assert quality.num_measured == 120


def test_loss_and_batch_are_the_mean_squared_error_where_the_range_is_minus_one_to_one(
    signal: Signal, build: Build
) -> None:
    field, objective = build(signal), Values(signal)
    indices = np.array([3, 77, 12])
    loss = objective.loss(field, objective.batch(indices, torch.device("cpu")))
    wanted = signal.values.reshape(-1)[indices] / 255 * 2 - 1
    row, column = np.unravel_index(indices, (12, 10))
    points = np.stack([(2 * row + 1) / 12 - 1, (2 * column + 1) / 10 - 1], axis=1)
    got = field.network(torch.from_numpy(points).float()).detach().numpy()[:, 0]
    assert float(loss.detach()) == pytest.approx(np.mean((got - wanted) ** 2), rel=1e-5)


def test_the_best_constant_is_the_mean_of_each_channel() -> None:
    values = np.array([[[0, 10], [100, 30]], [[50, 20], [250, 60]]], np.uint8)
    error = np.mean((values - values.reshape(-1, 2).mean(axis=0)) ** 2)
    expected = 10 * math.log10(255**2 / error)
    assert Values(from_array(values, channels=True)).constant_db == pytest.approx(expected, abs=1e-5)
    assert Values(from_array(np.full((4, 4), 7, np.uint8))).constant_db == -math.inf


@pytest.mark.parametrize(("dtype", "steps"), [(np.uint8, 255), (np.uint16, 65535)])
def test_the_finest_quality_is_an_error_of_half_a_step(dtype: type[np.generic], steps: int) -> None:
    signal = from_array(np.zeros((4, 4), dtype))
    assert Values(signal).finest_db == pytest.approx(20 * math.log10(2 * steps))


def test_floats_have_no_finest_quality() -> None:
    assert Values(from_array(np.linspace(0, 1, 9))).finest_db == math.inf


def test_a_large_signal_is_measured_on_a_fixed_sample(
    signal: Signal, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_values, "_MEASURED_EXACTLY", 80)
    field, objective = build(signal), Values(signal, seed=5)
    first, again = objective.quality(field), Values(signal, seed=5).quality(field)
    assert first.num_measured == 20
    assert first == again
    assert Values(signal, seed=6).quality(field) != first


def test_most_points_bounds_the_measurement(signal: Signal, build: Build) -> None:
    objective = Values(signal)
    assert objective.quality(build(signal), most_points=7).num_measured == 7
    assert objective.quality(build(signal), most_points=700).num_measured == 120


@pytest.mark.parametrize("color", [(10, 20, 30), (200, 100, 50), (0, 0, 255)])
def test_a_signal_of_one_color_is_no_measure_of_a_dead_network(color: tuple[int, int, int]) -> None:
    picture = np.full((32, 32, 3), color, np.uint8)  # whose float32 mean is not quite the color
    assert Values(from_array(picture)).constant_db == -np.inf
