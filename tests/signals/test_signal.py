"""Oracles: the linear map to [-1, 1] written out, and positions counted by hand."""

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from ligeia.core import SampleError, ShapeError
from ligeia.signals import Channel, Grid, Signal, from_array


def test_values_are_scaled_to_minus_one_to_one_per_channel() -> None:
    values = np.array([[0.0, 10.0], [5.0, 20.0], [10.0, 40.0]])
    channels = (Channel(name="u", low=0.0, high=10.0), Channel(name="v", low=20.0, high=40.0, unit="m/s"))
    signal = replace(from_array(values, channels=True), channels=channels)
    scaled = signal.normalized(np.array([2, 0, 1, 1]))
    assert scaled.dtype == np.float32
    assert scaled.tolist() == [[1.0, 1.0], [-1.0, -2.0], [0.0, -1.0], [0.0, -1.0]]


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.int32, np.int64, np.float16, np.float64])
def test_the_range_of_every_dtype_becomes_minus_one_to_one(dtype: type[np.generic]) -> None:
    signal = from_array(np.array([0, 1, 0], dtype=dtype), value_range=(0.0, 1.0))
    assert signal.normalized(np.arange(3)).ravel().tolist() == [-1.0, 1.0, -1.0]


def test_a_small_range_on_a_large_offset_is_scaled_before_it_is_rounded() -> None:
    signal = from_array(np.array([1e6, 1e6 + 25, 1e6 + 100]))
    assert signal.normalized(np.arange(3)).ravel().tolist() == [-1.0, -0.5, 1.0]


@pytest.mark.parametrize("layout", ["reversed", "transposed", "fortran"])
def test_the_layout_in_memory_changes_nothing_and_costs_no_copy(layout: str) -> None:
    plain = np.random.default_rng(0).normal(size=(200, 300, 3))
    array = {
        "reversed": np.ascontiguousarray(plain[..., ::-1])[..., ::-1],
        "transposed": np.ascontiguousarray(plain.transpose(2, 0, 1)).transpose(1, 2, 0),
        "fortran": np.asfortranarray(plain),
    }[layout]
    indices = np.array([0, 59_999, 12_345, 301])
    signal = from_array(array)
    tracemalloc.start()
    try:
        measured = signal.normalized(indices)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(measured, from_array(plain).normalized(indices))
    assert peak < array.nbytes / 10
    assert signal.digest() == from_array(plain).digest()


@pytest.mark.parametrize("bad", [math.inf, -math.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_samples_that_are_not_finite_are_counted_and_the_first_is_shown(bad: float, dtype: type[np.floating]) -> None:
    values = np.zeros((4, 5, 3), dtype=dtype)
    values[2, 1, 2] = values[3, 4, 0] = bad
    with pytest.raises(SampleError, match=r"2 of 60 are NaN or infinite, the first at index \(2, 1, 2\); replace them"):
        from_array(values)


def test_a_bad_sample_far_into_the_signal_is_found_across_pieces() -> None:
    values = np.zeros((3 << 22) + 5, dtype=np.float16)
    values[[(1 << 22) + 7, -1]] = np.inf
    with pytest.raises(SampleError, match=rf"2 of {values.size} .* first at index \({(1 << 22) + 7}, 0\)"):
        from_array(values)


def test_values_that_do_not_fit_the_grid_are_refused() -> None:
    signal = from_array(np.zeros((4, 5)))
    with pytest.raises(ShapeError, match=r"values must be \(5, 4, 1\) for this grid and its channels, got \(4, 5, 1\)"):
        Signal(grid=Grid.of((5, 4)), values=signal.values, channels=signal.channels, source=signal.source)


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (0.0, math.inf), (-1.7e308, 1.7e308)]
)
def test_a_channel_needs_a_finite_range(low: float, high: float) -> None:
    with pytest.raises(SampleError, match="channel 'red' needs a finite range low < high"):
        Channel(name="red", low=low, high=high)


def test_the_digest_tells_samples_and_dtype_apart() -> None:
    array = np.arange(24, dtype=np.uint8).reshape(4, 6)
    other = array.copy()
    other[3, 5] = 0
    signals = [
        from_array(array),
        from_array(other),
        from_array(array.astype(np.int32), value_range=(0.0, 255.0)),
    ]
    assert len({signal.digest() for signal in signals}) == len(signals)
    assert from_array(array.copy()).digest() == signals[0].digest()
    assert from_array(array, value_range=(np.float64(0), np.float64(255))).digest() == signals[0].digest()


def test_a_signal_knows_its_channels() -> None:
    assert from_array(np.zeros((4, 5, 3))).num_channels == 3


def test_a_channel_goes_between_its_units_and_those_of_a_network() -> None:
    channel = Channel(name="height", low=-1.0, high=3.0)
    assert (channel.middle, channel.half_range) == (1.0, 2.0)
    values = np.array([-1.0, 0.0, 3.0])
    assert np.array_equal(channel.scaled(values), [-1.0, -0.5, 1.0])
    assert np.array_equal(channel.physical(channel.scaled(values)), values)
