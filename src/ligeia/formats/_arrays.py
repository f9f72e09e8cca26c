"""Arrays to files and back: ``.npy``, and the arrays of ``.npz`` archives."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from ligeia.core import FormatError, InputError, check_readable, errors_name, write_atomically
from ligeia.signals import Alignment, ArraySource, Signal, from_array

from ._opened import Opened, Reading
from ._output import Output

_ZIP = b"PK\x03\x04"

# NotImplementedError is zipfile's answer to a compression that it does not know, KeyError to a member that is not there
ARCHIVE_ERRORS = (
    ValueError,
    OSError,
    EOFError,
    MemoryError,
    NotImplementedError,
    KeyError,
    zipfile.BadZipFile,
    zlib.error,
)


def is_array(opened: Opened) -> bool:
    """Return whether a file is an ``.npy`` file, by its first bytes or its name."""
    return opened.head.startswith(np.lib.format.MAGIC_PREFIX) or opened.suffix == ".npy"


def is_archive(opened: Opened) -> bool:
    """Return whether a file is an ``.npz`` archive, by its first bytes or its name."""
    return opened.head.startswith(_ZIP) or opened.suffix == ".npz"


def read_array(
    path: Path, *, channels: bool | None = None, align: Alignment = "centers", working_set: int | None = None
) -> Signal:
    """Read an ``.npy`` file, in blocks if it has more than ``working_set`` bytes; pickled objects are refused.

    ``channels`` is that of `from_array`.
    """
    check_readable(path)
    with Opened(path) as opened:
        return array_of(opened, Reading(channels=channels, align=align, working_set=working_set))


def array_of(opened: Opened, asked: Reading) -> Signal:
    """Return the signal of an ``.npy`` file, as `read_array` does."""
    path = opened.path
    if not opened.head.startswith(np.lib.format.MAGIC_PREFIX):
        raise FormatError(f"{path}: expected an .npy file of one array, the bytes are not one; use numpy.save.")
    array = mapped(path)
    with errors_name(path):
        return from_array(
            array, channels=asked.channels, align=asked.align, working_set=asked.working_set, missing=asked.missing
        )


def mapped(path: Path) -> Shaped[np.ndarray, "..."]:
    """Return the array of an ``.npy`` file, read from there as it is used."""
    try:
        return np.lib.format.open_memmap(path, mode="r")  # which refuses objects
    except (ValueError, OSError, EOFError, SyntaxError, tokenize.TokenError) as error:
        raise FormatError(f"{path}: not a readable .npy file of numbers ({error}).") from error


def read_archive(opened: Opened, asked: Reading) -> Signal:
    """Read one array of an ``.npz`` file: the only one of numbers, or the one that is asked for."""
    path = opened.path
    try:
        with zipfile.ZipFile(opened.file) as archive:
            members = [name for name in archive.namelist() if name.endswith(".npy")]
            shapes = {name.removesuffix(".npy"): _described(archive, name) for name in members}
            name = _chosen(path, shapes, asked.variable)
            with archive.open(f"{name}.npy") as file:
                array = np.lib.format.read_array(file, allow_pickle=False)
    except InputError:  # a ValueError as well
        raise
    except ARCHIVE_ERRORS as error:
        raise FormatError(f"{path}: not a readable .npz file of numbers ({error}).") from error
    with errors_name(f"{path}, {name}"):
        signal = from_array(array, channels=asked.channels, align=asked.align, missing=asked.missing)
    assert isinstance(signal.source, ArraySource)
    return replace(signal, source=replace(signal.source, name=name))


def _described(archive: zipfile.ZipFile, member: str) -> str | None:
    """Return name, shape and dtype of an array of numbers in an archive, without reading it; None for anything else."""
    try:
        shape, dtype = header_of(archive, member)
    except ValueError:
        return None
    is_signal = dtype.kind in "buif" and len(shape) > 0
    return f"{member.removesuffix('.npy')} ({' x '.join(map(str, shape))} {dtype})" if is_signal else None


def header_of(archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, ...], np.dtype]:
    """Return shape and dtype of an array in an archive, without reading it; ValueError where there is none."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return shape, dtype


def _chosen(path: Path, shapes: dict[str, str | None], variable: str | None) -> str:
    usable = {name: shape for name, shape in shapes.items() if shape is not None}
    if variable in usable:
        return str(variable)
    if variable is None and len(usable) == 1:
        return next(iter(usable))
    wanted = "one array of numbers" if variable is None else f"the array {variable!r}"
    found = "; ".join(str(shape) for shape in usable.values()) or "none"
    raise InputError(f"{path}: expected {wanted}, the file holds: {found}; name one with --variable.")


def write_archive(path: Path, name: str, array: Shaped[np.ndarray, "..."]) -> None:
    """Write a compressed ``.npz`` file of one array; whole or not at all."""

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{name: array})

    write_atomically(path, write)


def full_shape(output: Output) -> tuple[int, ...]:
    """Return the shape of an output as an array: with an axis of channels, unless the original had one value only."""
    source, channels = output.field.source, output.field.channels
    full = (*output.sampling.shape, len(channels))
    if output.is_original and len(channels) == 1:
        return full if isinstance(source, ArraySource) and source.has_channel_axis else full[:-1]
    return full


def save_array(output: Output) -> None:
    """Write an ``.npy`` file; NaN where there is no value."""
    write_array(output.path, full_shape(output), output.dtype, output.pieces_with_nan())


def save_archive(output: Output) -> None:
    """Write an ``.npz`` file of one array, under the name that the original's had."""
    source = output.field.source
    name = source.name if isinstance(source, ArraySource) else ""
    values = np.concatenate([each for _, _, each in output.pieces_with_nan()])
    write_archive(output.path, name or "value", values.reshape(full_shape(output)))


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
