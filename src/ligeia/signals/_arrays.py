"""Signals from NumPy arrays and ``.npy`` files, and back."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from ligeia.core import FormatError, InputError, SampleError, ShapeError, check_readable, write_atomically

from ._axis import Alignment
from ._blocks import Blocks, blocks_of_map
from ._grid import Grid
from ._missing import Missing
from ._signal import ArraySource, Channel, Signal


def from_array(
    array: Shaped[np.ndarray, "..."],
    *,
    channels: bool | None = None,
    value_range: tuple[float, float] | None = None,
    align: Alignment = "centers",
    working_set: int | None = None,
) -> Signal:
    """Return the signal of an array of real numbers.

    ``channels`` says whether the last axis holds channels rather than positions; by default it does for arrays of
    three axes whose last has at most 4 entries (an image). ``value_range`` is the lowest and highest possible
    value: by default the full range of an unsigned 8- or 16-bit dtype, 0 to 1 for bool, else the range of the
    samples. Complex arrays are refused: pass real and imaginary parts as two channels. The masked samples of a
    `numpy.ma.MaskedArray` are missing: nothing is fitted there. A memory map of more than ``working_set`` bytes is read
    from its file in blocks, if it has no gaps and its changes go to the file.
    """
    mapped = array if isinstance(array, np.memmap) and array.nbytes > (working_set or math.inf) else None
    mask = np.asarray(np.ma.getmaskarray(array)) if np.ma.is_masked(array) else None
    array = np.asarray(np.ma.getdata(array))
    has_channels = has_channel_axis(array.shape, array.dtype, channels)
    values = array if has_channels else array[..., None]
    missing = None
    if mask is not None:  # a sample without one of its channels is missing
        missing = Missing.of(np.any(mask, axis=-1) if has_channels else mask)
    if mapped is not None:
        blocks = blocks_of_map(mapped, values.shape, working_set=working_set or 0)
        values = values if blocks is None else blocks
    return signal_of(values, has_channels, missing=missing, value_range=value_range, align=align)


def has_channel_axis(shape: tuple[int, ...], dtype: np.dtype, channels: bool | None = None) -> bool:
    """Return whether the last axis of an array holds channels; arrays that are no signal are refused."""
    if dtype.kind == "c":
        raise SampleError(
            f"real samples were wanted, the array is {dtype}; "
            "stack its real and imaginary parts along a last axis of 2 channels."
        )
    if dtype.kind not in "buif":
        raise SampleError(f"an array of numbers was wanted, got dtype {dtype}.")
    if math.prod(shape) == 0:
        raise ShapeError(f"at least one sample was wanted, the array is empty: shape {shape}.")
    if not shape:
        raise ShapeError("an array with at least one axis was wanted, got a single number.")
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
    words_are_filled: bool = True,
) -> tuple[float, float]:
    """Return the lowest and highest possible value of samples, from their dtype or else from the samples.

    Unsigned words of 16 bits are taken to use all of them, as in pictures, unless ``words_are_filled`` is False.
    """
    if values.dtype.kind == "u" and values.dtype.itemsize <= (2 if words_are_filled else 1):  # in either byte order
        return 0.0, float(np.iinfo(values.dtype).max)
    if values.dtype == np.dtype(bool):
        return 0.0, 1.0
    if isinstance(values, Blocks):
        low, high = values.scan.low, values.scan.high
    else:
        if missing is not None:
            values = values.reshape(-1, values.shape[-1])[~missing.mask()]
        low, high = float(values.min()), float(values.max())
        if low == high and values.min() != values.max():
            raise SampleError(
                f"samples that single precision can tell apart were wanted, all are near {low:.17g}; subtract it first."
            )
    if not (np.isfinite(low) and np.isfinite(high)):
        return 0.0, 1.0  # the signal refuses such samples and says where they are
    if low == high:  # a constant signal still needs a range to be scaled by
        return low - max(abs(low), 1.0) / 2, high + max(abs(high), 1.0) / 2
    return low, high


def read_array(
    path: Path, *, channels: bool | None = None, align: Alignment = "centers", working_set: int | None = None
) -> Signal:
    """Read an ``.npy`` file, in blocks if it has more than ``working_set`` bytes; pickled objects are refused.

    ``channels`` is that of `from_array`.
    """
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(len(np.lib.format.MAGIC_PREFIX))
    if head != np.lib.format.MAGIC_PREFIX:  # numpy would go on to try archives and pickles
        raise FormatError(f"{path}: an .npy file of one array was wanted, the bytes are not one; use numpy.save.")
    try:
        array = np.load(path, allow_pickle=False, mmap_mode="r")
    except (ValueError, OSError, EOFError, SyntaxError, tokenize.TokenError) as error:
        raise FormatError(f"{path}: not a readable .npy file of numbers ({error}).") from error
    try:
        return from_array(array, channels=channels, align=align, working_set=working_set)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error


def read_archive(
    path: Path, *, variable: str | None = None, channels: bool | None = None, align: Alignment = "centers"
) -> Signal:
    """Read one array of an ``.npz`` file: the only one of numbers, or the one named ``variable``.

    ``channels`` is that of `from_array`.
    """
    check_readable(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
            shapes = {name.removesuffix(".npy"): _described(archive, name) for name in members}
            name = _chosen(path, shapes, variable)
            with archive.open(f"{name}.npy") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
    except InputError:  # a ValueError as well
        raise
    # NotImplementedError is zipfile's answer to a compression that it does not know
    except (ValueError, OSError, EOFError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise FormatError(f"{path}: not a readable .npz file of numbers ({error}).") from error
    try:
        signal = from_array(array, channels=channels, align=align)
    except InputError as error:
        raise type(error)(f"{path}, {name}: {error}") from error
    assert isinstance(signal.source, ArraySource)
    return replace(signal, source=replace(signal.source, name=name))


def _described(archive: zipfile.ZipFile, member: str) -> str | None:
    """Return name, shape and dtype of an array of numbers in an archive, without reading it; None for anything else."""
    with archive.open(member) as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
        except ValueError:
            return None
    is_signal = dtype.kind in "buif" and len(shape) > 0
    return f"{member.removesuffix('.npy')} ({' x '.join(map(str, shape))} {dtype})" if is_signal else None


def _chosen(path: Path, shapes: dict[str, str | None], variable: str | None) -> str:
    usable = {name: shape for name, shape in shapes.items() if shape is not None}
    if variable in usable:
        return str(variable)
    if variable is None and len(usable) == 1:
        return next(iter(usable))
    wanted = "one array of numbers" if variable is None else f"the array {variable!r}"
    found = "; ".join(str(shape) for shape in usable.values()) or "none"
    raise InputError(f"{path}: {wanted} was wanted, the file holds: {found}; name one with --variable.")


def write_archive(path: Path, name: str, array: Shaped[np.ndarray, "..."]) -> None:
    """Write a compressed ``.npz`` file of one array; whole or not at all."""

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{name: array})

    write_atomically(path, write)


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


def write_array(
    path: Path,
    shape: Sequence[int],
    dtype: np.dtype,
    pieces: Iterable[tuple[int, int, Shaped[np.ndarray, "_ _"]]],
) -> None:
    """Write an ``.npy`` file from consecutive pieces ``(start, stop, samples)``; whole or not at all."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": tuple(shape)}

    def write(partial: Path) -> None:
        with partial.open("wb") as file:  # not a memory map: on a full disk that ends the process
            np.lib.format.write_array_header_1_0(file, header)
            written = sum(file.write(np.ascontiguousarray(samples, dtype=dtype).data) for _, _, samples in pieces)
        assert written == math.prod(shape) * dtype.itemsize, "the pieces do not add up to the shape"

    write_atomically(path, write)


def _channel_names(count: int) -> tuple[str, ...]:
    usual = {1: ("value",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "alpha")}
    return usual.get(count, tuple(f"channel{number}" for number in range(count)))
