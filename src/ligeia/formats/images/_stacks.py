"""TIFF files of many pages of one size, and ImageJ's: stacks as arrays (z, y, x), and back."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tifffile
from jaxtyping import Float, Shaped

from ligeia.core import FormatError, check_readable, errors_name, write_atomically
from ligeia.signals import Alignment, Signal, cast_samples, from_array

from .._opened import Opened, Reading
from .._output import Output
from ._kinds import TIFF_SUFFIXES
from ._read import nodata_of

STACK_SUFFIXES = TIFF_SUFFIXES
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CHANNEL_AXES = "CS"  # tifffile's letters for channels and for the samples of a pixel
_BROKEN = (ValueError, TypeError, OSError, EOFError, IndexError, KeyError, RuntimeError, ZeroDivisionError)


def is_stack(opened: Opened) -> bool:
    """Return whether a TIFF holds one array of several pages; pyramids, thumbnails and masks do not count."""
    if opened.head[:4] not in _TIFF:
        return False
    try:
        with tifffile.TiffFile(opened.file) as file:
            series = file.series[0]
            pages = [page.aspage() for page in file.pages]
            pages = [page for page in pages if not (page.is_reduced or page.is_mask)]
            if not pages or series.dtype is None:
                return False
            return series.size > pages[0].size and series.size >= pages[0].size * len(pages)
    except (tifffile.TiffFileError, *_BROKEN):
        return False  # the reader of pictures says what is wrong


def read_stack(path: Path, *, align: Alignment = "centers") -> Signal:
    """Read a stack as ``(z, y, x)``, or with the more axes that it has, in the dtype that it has on disk."""
    check_readable(path)
    with Opened(path) as opened:
        return stack_of(opened, Reading(align=align))


def stack_of(opened: Opened, asked: Reading) -> Signal:
    """Return the signal of a stack, as `read_stack` does."""
    path = opened.path
    try:
        with tifffile.TiffFile(opened.file) as file:
            series = file.series[0]
            values = series.asarray()
            letters = series.axes
            fill = nodata_of(file.pages[0].aspage())
    except (tifffile.TiffFileError, *_BROKEN) as error:
        raise FormatError(f"{path}: not a readable TIFF stack ({error}); get the whole file.") from error
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    colored = next((letters.index(letter) for letter in _CHANNEL_AXES if letter in letters), None)
    if colored is not None:
        values = np.moveaxis(values, colored, -1)
    with errors_name(path):
        missing = fill if asked.missing is None else asked.missing
        return from_array(values, channels=colored is not None, align=asked.align, missing=missing)


def is_stack_output(output: Output) -> bool:
    """Return whether an output is a stack: a TIFF of more than two axes, none of them cut."""
    return output.suffix in STACK_SUFFIXES and len(output.sampling.shape) > 2 and not output.is_slice


def save_stack(output: Output) -> None:
    """Write a TIFF of many pages; derivatives in float32."""
    full = (*output.sampling.shape, len(output.field.channels))
    dtype = np.dtype(output.field.source.dtype if output.quantity == "value" else np.float32)
    write_stack(output.path, full, dtype, output.filled_pieces(dtype))


def write_stack(
    path: Path,
    shape: Sequence[int],
    dtype: np.dtype,
    pieces: Iterable[tuple[int, int, Float[np.ndarray, "_ c"]]],
) -> None:
    """Write consecutive pieces ``(start, stop, samples)`` of an array ``(*pages, rows, columns, channels)``.

    A page is held at a time.
    """
    *leading, rows, columns, channels = shape
    pages = _pages(pieces, (rows, columns, channels), dtype)
    full = (math.prod(leading), rows, columns, *([channels] if channels > 1 else []))

    def write(partial: Path) -> None:
        kind = "rgb" if channels in (3, 4) and dtype.kind == "u" else "minisblack"
        tifffile.imwrite(partial, data=pages, shape=full, dtype=dtype, photometric=kind, metadata=None)

    write_atomically(path, write)


def _pages(
    pieces: Iterable[tuple[int, int, np.ndarray]], shape: tuple[int, int, int], dtype: np.dtype
) -> Iterator[Shaped[np.ndarray, "..."]]:
    for page in whole_blocks(pieces, shape, dtype):
        yield page if shape[2] > 1 else page[..., 0]


def whole_blocks(
    pieces: Iterable[tuple[int, int, Float[np.ndarray, "_ c"]]], shape: tuple[int, int, int], dtype: np.dtype
) -> Iterator[Shaped[np.ndarray, "rows columns c"]]:
    """Yield pages or frames of ``shape`` (rows, columns, channels) from consecutive pieces, in ``dtype``."""
    size = shape[0] * shape[1]
    held: list[np.ndarray] = []
    count = 0
    for _, _, samples in pieces:
        held.append(cast_samples(samples, dtype))
        count += len(samples)
        if count >= size:
            joined = np.concatenate(held)
            whole = count // size * size
            yield from joined[:whole].reshape(-1, *shape)
            held, count = [joined[whole:]], count - whole
