"""TIFF files of many pages of one size, and ImageJ's: stacks as arrays (z, y, x), and back."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tifffile
from jaxtyping import Float, Shaped

from ligeia.core import FormatError, InputError, check_readable, write_atomically

from ._arrays import cast_samples, from_array
from ._axis import Alignment
from ._signal import Signal

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CHANNEL_AXES = "CS"  # tifffile's letters for channels and for the samples of a pixel
_BROKEN = (ValueError, TypeError, OSError, EOFError, IndexError, KeyError, RuntimeError, ZeroDivisionError)


def is_stack(head: bytes, path: Path) -> bool:
    """Return whether a TIFF holds one array of several pages; pyramids, thumbnails and masks do not count."""
    if head[:4] not in _TIFF:
        return False
    try:
        with tifffile.TiffFile(path) as file:
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
    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            values = series.asarray()
            letters = series.axes
    except (tifffile.TiffFileError, *_BROKEN) as error:
        raise FormatError(f"{path}: not a readable TIFF stack ({error}); get the whole file.") from error
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    colored = next((letters.index(letter) for letter in _CHANNEL_AXES if letter in letters), None)
    if colored is not None:
        values = np.moveaxis(values, colored, -1)
    try:
        return from_array(values, channels=colored is not None, align=align)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error


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
