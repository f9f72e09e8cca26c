"""Plain zarr arrays as signals, and back (package zarr). Groups of them are gridded data, read through xarray."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from ligeia.core import FormatError, InputError, errors_name, optional
from ligeia.signals import BoxBlocks, Signal, has_channel_axis, signal_of

from ._arrays import full_shape
from ._gridded import write_folder
from ._opened import Opened, Reading
from ._output import Output

_CHUNK_BYTES = 1 << 20  # of what is written
_BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, RuntimeError)


def is_zarr_array(opened: Opened) -> bool:
    """Return whether a folder holds one zarr array, of format 2 or 3, and not a group."""
    if not opened.path.is_dir():
        return False
    if (opened.path / ".zarray").is_file():
        return True
    try:
        return json.loads((opened.path / "zarr.json").read_bytes())["node_type"] == "array"
    except (OSError, ValueError, KeyError, TypeError):
        return False  # the reader of groups says what is wrong


def read_zarr_array(opened: Opened, asked: Reading) -> Signal:
    """Read a zarr array; one larger than the working set is read in its chunks.

    Raises `MissingExtraError` without the package zarr.
    """
    path = opened.path
    if asked.variable is not None:
        raise InputError(f"{path}: this is one zarr array, so {asked.variable!r} cannot be chosen; leave it out.")
    zarr = optional("zarr", extra="science", needed_for="zarr")
    try:
        array = zarr.open_array(path, mode="r")
        shape, chunks, dtype = tuple(array.shape), tuple(array.chunks), np.dtype(array.dtype)
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    with errors_name(path):
        has_channels = has_channel_axis(shape, dtype, asked.channels)
        full = shape if has_channels else (*shape, 1)
        if asked.working_set is None or math.prod(shape) * dtype.itemsize <= asked.working_set:
            return signal_of(_part(path, array, ()).reshape(full), has_channels, align=asked.align)
        values = BoxBlocks(
            full,
            dtype,
            chunks[: len(full) - 1],
            lambda part: _part(path, array, part),
            working_set=asked.working_set,
        )
        return signal_of(values, has_channels, align=asked.align)


def save_zarr_array(output: Output) -> None:
    """Write a zarr array; NaN where there is no value."""
    pieces = output.pieces_with_nan(is_physical=True)
    write_zarr_array(output.path, full_shape(output), output.dtype, pieces)


def write_zarr_array(
    path: Path,
    shape: Sequence[int],
    dtype: np.dtype,
    pieces: Iterable[tuple[int, int, Shaped[np.ndarray, "_ _"]]],
) -> None:
    """Write consecutive pieces ``(start, stop, samples)`` as a zarr array; whole or not at all.

    A chunk of about a megabyte is held at a time.
    """
    zarr = optional("zarr", extra="science", needed_for="zarr")
    chunks = _chunks(shape, dtype)

    def write(partial: Path) -> None:
        array: Any = zarr.create_array(partial, shape=tuple(shape), chunks=chunks, dtype=dtype)
        parts = iter(_parts(shape, chunks))
        held, part = np.empty(0, dtype), next(parts)
        for _, _, samples in pieces:
            held = np.concatenate([held, np.asarray(samples, dtype).reshape(-1)])
            while part is not None and len(held) >= (size := math.prod(each.stop - each.start for each in part)):
                array[part] = held[:size].reshape([each.stop - each.start for each in part])
                held, part = held[size:], next(parts, None)
        assert part is None, "the pieces do not add up to the shape"

    write_folder(path, write)


def _part(path: Path, array: Any, part: tuple[slice, ...]) -> np.ndarray:
    try:
        return np.asarray(array[part])
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> FormatError:
    return FormatError(f"{path}: not a readable zarr array ({error}); get the whole folder.")


def _chunks(shape: Sequence[int], dtype: np.dtype) -> tuple[int, ...]:
    """Return chunks that are runs of consecutive samples."""
    chunks, left = [1] * len(shape), max(1, _CHUNK_BYTES // dtype.itemsize)
    for axis in reversed(range(len(shape))):
        chunks[axis] = min(shape[axis], left)
        if chunks[axis] < shape[axis]:
            break
        left = max(1, left // shape[axis])
    return tuple(chunks)


def _parts(shape: Sequence[int], chunks: Sequence[int]) -> Iterable[tuple[slice, ...]]:
    """Yield the slices of all chunks, in the order of their samples."""
    for places in np.ndindex(*(-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True))):
        yield tuple(
            slice(place * chunk, min((place + 1) * chunk, size))
            for place, chunk, size in zip(places, chunks, shape, strict=True)
        )
