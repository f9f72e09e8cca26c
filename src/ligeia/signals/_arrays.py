"""Signals from NumPy arrays, and conversion of samples to the dtype of a file."""

import math
from typing import Final

import numpy as np
from jaxtyping import Float, Shaped

from ligeia.core import SampleError, ShapeError

from ._axis import Alignment
from ._blocks import Blocks, blocks_of_map
from ._channel import Channel, held_range
from ._grid import Grid
from ._missing import Missing, MissingValue, missing_in
from ._signal import Signal
from ._sources import ArraySource

_USED: Final = 0.25  # of what a type holds: samples that span less have a range of their own


def from_array(
    array: Shaped[np.ndarray, "..."],
    *,
    channels: bool | None = None,
    value_range: tuple[float, float] | None = None,
    align: Alignment = "centers",
    working_set: int | None = None,
    missing: MissingValue = None,
) -> Signal:
    """Return the signal of an array of real numbers.

    ``channels`` says whether the last axis holds channels rather than positions; by default it does for arrays of
    three axes whose last has at most 4 entries (an image). ``value_range`` is the lowest and highest possible
    value: by default that of `value_range_of`. Complex arrays are refused: pass real and imaginary parts as two
    channels. The masked samples of a `numpy.ma.MaskedArray` are missing, and those that are NaN or have the value
    ``missing``: nothing is fitted there. A memory map of more than ``working_set`` bytes is read from its file in
    blocks, if it has no gaps and its changes go to the file; none of its samples may be missing.
    """
    mapped = array if isinstance(array, np.memmap) and array.nbytes > (working_set or math.inf) else None
    mask = np.asarray(np.ma.getmaskarray(array)) if np.ma.is_masked(array) else None
    array = np.asarray(np.ma.getdata(array))
    has_channels = has_channel_axis(array.shape, array.dtype, channels)
    values = array if has_channels else array[..., None]
    if mapped is not None:
        blocks = blocks_of_map(mapped, values.shape, working_set=working_set or 0)
        if blocks is not None:
            return signal_of(blocks, has_channels, value_range=value_range, align=align)
    if mask is not None and has_channels:  # a sample without one of its channels is missing
        mask = np.any(mask, axis=-1)
    gone = missing_in(values, missing, mask=mask)
    return signal_of(values, has_channels, missing=gone, value_range=value_range, align=align)


def has_channel_axis(shape: tuple[int, ...], dtype: np.dtype, channels: bool | None = None) -> bool:
    """Return whether the last axis of an array holds channels; arrays that are no signal are refused."""
    if dtype.kind == "c":
        raise SampleError(
            f"expected real samples, the array is {dtype}; stack its real and imaginary parts along a last axis of "
            "2 channels."
        )
    if dtype.kind not in "buif":
        raise SampleError(f"expected an array of numbers, got dtype {dtype}.")
    if math.prod(shape) == 0:
        raise ShapeError(f"expected at least one sample, the array is empty: shape {shape}.")
    if not shape:
        raise ShapeError("expected an array with at least one axis, got a single number.")
    if channels is None:
        channels = len(shape) == 3 and shape[-1] <= 4
    if channels and len(shape) < 2:
        raise ShapeError(f"an array with channels needs at least two axes, got shape {shape}.")
    return bool(channels)


def signal_of(
    values: Shaped[np.ndarray, "*shape channels"] | Blocks,
    has_channels: bool,
    *,
    missing: Missing | None = None,
    value_range: tuple[float, float] | None = None,
    align: Alignment = "centers",
) -> Signal:
    """Return the signal of an array's samples ``(*grid, channels)``; the array had that last axis or not."""
    grid = Grid.of(values.shape[:-1], align=align)
    names = _channel_names(values.shape[-1])
    low, high = value_range if value_range is not None else value_range_of(values, missing)
    return Signal(
        grid=grid,
        values=values,
        channels=tuple(Channel(name=name, low=float(low), high=float(high)) for name in names),
        source=ArraySource(dtype=values.dtype.str, has_channel_axis=has_channels),
        missing=missing,
    )


def value_range_of(
    values: Shaped[np.ndarray, "*shape channels"] | Blocks,
    missing: Missing | None = None,
    *,
    bits: int | None = None,
    words_are_filled: bool = True,
) -> tuple[float, float]:
    """Return the lowest and highest value of samples, or those that their type holds, if they use it.

    Samples use an unsigned type of ``bits``, its own 8 or 16 by default, if they are alike or span a quarter of it: a
    photograph does, 12 bits of a microscope in words of 16 do not, nor does a mask of 0 and 1 in bytes. Words of 16
    bits are never used if ``words_are_filled`` is False.
    """
    if values.dtype == np.dtype(bool):
        return 0.0, 1.0
    held = held_range(values.dtype, bits) if words_are_filled or values.dtype.itemsize == 1 else None
    low, high = _range_of_samples(values, missing)
    if held is not None and (low == high or high - low >= (held[1] - held[0]) * _USED):
        return held
    if low == high:  # a constant signal still needs a range to be scaled by
        return low - max(abs(low), 1.0) / 2, high + max(abs(high), 1.0) / 2
    return low, high


def _range_of_samples(
    values: Shaped[np.ndarray, "*shape channels"] | Blocks, missing: Missing | None
) -> tuple[float, float]:
    """Return the lowest and the highest sample."""
    if isinstance(values, Blocks):
        low, high = values.scan.low, values.scan.high
    else:
        if missing is not None:
            values = values.reshape(-1, values.shape[-1])[~missing.mask()]
        low, high = float(values.min()), float(values.max())
        if low == high and values.min() != values.max():
            raise SampleError(
                f"expected samples that single precision can tell apart, all are near {low:.17g}; subtract it first."
            )
    if not (np.isfinite(low) and np.isfinite(high)):
        return 0.0, 1.0  # the signal refuses such samples and says where they are
    return low, high


def cast_samples(values: Float[np.ndarray, "..."], dtype: np.dtype) -> Shaped[np.ndarray, "..."]:
    """Return values in ``dtype``: clipped to what it can hold, rounded for integers, compared with 1/2 for bool."""
    if dtype.kind == "b":
        return values >= 0.5
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        rounded = np.rint(values.astype(np.float64, copy=False))
        # float64 cannot hold every 64-bit integer: the last one below the limit that it can keeps the cast defined
        high = np.nextafter(float(limits.max), 0) if limits.bits == 64 else limits.max
        return np.clip(rounded, limits.min, high).astype(dtype)
    if dtype.itemsize < values.dtype.itemsize:
        values = np.clip(values, np.finfo(dtype).min, np.finfo(dtype).max)
    return values.astype(dtype)


def _channel_names(count: int) -> tuple[str, ...]:
    usual = {1: ("value",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
    return usual.get(count, tuple(f"channel{number}" for number in range(count)))
