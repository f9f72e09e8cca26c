"""Arrays on disk that are read in blocks, so that an array larger than memory is never loaded as a whole.

Files are read, not mapped: pages of a memory map that were touched count as resident memory.
"""

import itertools
import math
import operator
import os
import threading
import weakref
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Int, Shaped

from ligeia.core import FormatError

_BLOCKS = 1 << 15  # of a file in the working set: many places at a time (design/bigger-than-memory.md), ...
_LEAST_BYTES = 1 << 6  # ... of at least this many bytes: a smaller one costs as much to read
_BOX_BYTES = 1 << 16  # smaller chunks are read several at once
_LEAST_BOXES = 4096  # in the working set, unless single chunks are larger
_MOST_BLOCKS = 1 << 20  # a pass shuffles their numbers
_PIECE_BYTES = 1 << 22  # of a walk over everything
_GAP_BYTES = 1 << 14  # between two samples asked for: nearer ones are read at once
_RUN_BYTES = 1 << 20  # at once


class Scan(NamedTuple):
    """The results of one walk over all samples."""

    low: float
    high: float
    """Lowest and highest sample; NaN or infinite where there is such a sample."""
    num_bad: int
    """NaN and infinite ones."""
    first_bad: int
    """Flat index of the first of them, channels counted; -1 for none."""
    checksum: int
    """CRC-32 of all blocks."""


class Blocks(ABC):
    """An array ``(*grid, channels)`` on disk, cut into blocks of samples that lie near each other.

    A sample has all channels, and a flat row-major index. Blocks may store samples in any order; `locate` and `place`
    convert between it and flat indices. ``working_set`` is the number of bytes that a fit may hold of them.
    """

    def __init__(self, shape: Sequence[int], dtype: np.dtype, *, working_set: int) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.working_set = working_set
        self.num_samples = math.prod(self.shape[:-1])
        self.sample_bytes = self.shape[-1] * dtype.itemsize

    @property
    def ndim(self) -> int:
        """Number of axes, that of the channels included."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Number of bytes of all samples."""
        return self.num_samples * self.sample_bytes

    @cached_property
    def sizes(self) -> Int[np.ndarray, " blocks"]:
        """Number of samples of each block."""
        return self._all_sizes()

    @property
    @abstractmethod
    def largest(self) -> int:
        """Number of samples of the largest block."""

    @abstractmethod
    def read(self, number: int) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples of a block."""

    @abstractmethod
    def take(self, indices: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples at flat indices, in any order; memory beyond the result is that of a block or two."""

    @abstractmethod
    def locate(self, indices: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Return the numbers of the blocks of samples, and where in their blocks they are."""

    @abstractmethod
    def place(self, numbers: Int[np.ndarray, " n"], offsets: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Return the flat indices of samples, by the numbers of their blocks and where in their blocks they are."""

    @property
    def num_blocks(self) -> int:
        """Number of blocks."""
        return len(self.sizes)

    def walk(self) -> Iterator[tuple[int, Shaped[np.ndarray, "n channels"]]]:
        """Yield all samples, some megabytes at a time: the number of the first block, and those of it and the next."""
        step = max(1, _PIECE_BYTES // (self.largest * self.sample_bytes))
        for first in range(0, self.num_blocks, step):
            yield first, self._read_range(first, min(first + step, self.num_blocks))

    @cached_property
    def scan(self) -> Scan:
        """Statistics of all samples, computed in one walk."""
        low, high, checksum, num_bad, first_bad = np.inf, -np.inf, 0, 0, -1
        for first, samples in self.walk():
            least, most = float(samples.min()), float(samples.max())
            low, high = float(np.minimum(low, least)), float(np.maximum(high, most))
            checksum = zlib.crc32(np.ascontiguousarray(samples).data, checksum)
            if not (math.isfinite(least) and math.isfinite(most)):
                rows, channels = np.nonzero(~np.isfinite(samples))
                ends = np.cumsum(self.sizes[first : first + len(samples)])
                inside = np.searchsorted(ends, rows, side="right")
                offsets = rows - (ends[inside] - self.sizes[first + inside])
                earliest = int((self.place(first + inside, offsets) * self.shape[-1] + channels).min())
                num_bad += len(rows)
                first_bad = earliest if first_bad < 0 else min(first_bad, earliest)
        return Scan(low, high, num_bad, first_bad, checksum)

    def __getitem__(self, key: Any) -> Shaped[np.ndarray, "..."]:
        """Return the part at whole numbers and slices, one per axis from the first, read now."""
        key = key if isinstance(key, tuple) else (key,)
        if len(key) > self.ndim or any(part is None or part is Ellipsis for part in key):
            raise IndexError(f"expected whole numbers and slices of {self.ndim} axes, got {key}.")
        grid = self.shape[:-1]
        chosen, kept = [], []
        for size, part in zip(grid, (*key, *[slice(None)] * len(grid)), strict=False):
            if isinstance(part, slice):
                chosen.append(np.arange(size)[part])
                kept.append(len(chosen[-1]))
            else:
                number = operator.index(part)
                if not -size <= number < size:
                    raise IndexError(f"expected an index within {size} samples, got {number}.")
                chosen.append(np.array([number % size]))
        flat = np.ravel_multi_index(np.ix_(*chosen), grid).reshape(-1)
        found = self.take(flat).reshape(*kept, self.shape[-1])
        return found[..., key[-1]] if len(key) == self.ndim else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return all samples, in memory."""
        if copy is False:
            raise ValueError("samples on disk cannot be had without a copy.")
        return self[()].astype(self.dtype if dtype is None else dtype, copy=False)

    @abstractmethod
    def _all_sizes(self) -> np.ndarray: ...

    def _read_range(self, first: int, stop: int) -> np.ndarray:
        return np.concatenate([self.read(number) for number in range(first, stop)])


@final
class FileBlocks(Blocks):
    """The samples of a file from ``offset`` on, in row-major order; a block is a short run.

    The open file ``descriptor`` is taken over. Only the first channels of each sample are given where the file has
    more, ``stored_channels``.
    """

    def __init__(
        self,
        descriptor: int,
        offset: int,
        shape: Sequence[int],
        dtype: np.dtype,
        *,
        working_set: int,
        stored_channels: int | None = None,
        block_bytes: int | None = None,
    ) -> None:
        super().__init__(shape, dtype, working_set=working_set)
        self._descriptor = descriptor
        self._offset = offset
        self._stored = self.shape[-1] if stored_channels is None else stored_channels
        self._lock = threading.Lock()  # seeking and reading are two calls
        if block_bytes is None:
            block_bytes = max(_LEAST_BYTES, working_set // _BLOCKS)
        wanted = max(1, block_bytes // self.sample_bytes, -(-self.num_samples // _MOST_BLOCKS))
        self._run = min(wanted, self.num_samples)
        weakref.finalize(self, os.close, descriptor)

    @classmethod
    def open(cls, path: Path, offset: int, shape: Sequence[int], dtype: np.dtype, **options: Any) -> "FileBlocks":
        """Open a file; see the class for the options."""
        return cls(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), offset, shape, dtype, **options)

    def _all_sizes(self) -> np.ndarray:
        sizes = np.full(-(-self.num_samples // self._run), self._run)
        sizes[-1] -= sizes.sum() - self.num_samples
        return sizes

    @property
    def largest(self) -> int:
        """Number of samples of the largest block."""
        return self._run

    def read(self, number: int) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples of a block."""
        return self._read_range(number, number + 1)

    def take(self, indices: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples at flat indices, in any order."""
        order = np.argsort(indices, kind="stable")
        ordered = indices[order]
        found = np.empty((len(indices), self.shape[-1]), self.dtype)
        gap, run = max(1, _GAP_BYTES // self.sample_bytes), max(1, _RUN_BYTES // self.sample_bytes)
        cuts = np.flatnonzero((np.diff(ordered) > gap) | (np.diff(ordered // run) > 0)) + 1
        bounds = [0, *cuts.tolist(), len(ordered)] if len(ordered) else []
        for first, stop in itertools.pairwise(bounds):
            start = int(ordered[first])
            samples = self._samples(start, int(ordered[stop - 1]) + 1)
            found[order[first:stop]] = samples[ordered[first:stop] - start]
        return found

    def locate(self, indices: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Return the numbers of the blocks of samples, and where in their blocks they are."""
        numbers = indices // self._run
        return numbers, indices - numbers * self._run

    def place(self, numbers: Int[np.ndarray, " n"], offsets: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Return the flat indices of samples."""
        return numbers.astype(np.int64) * self._run + offsets

    def _read_range(self, first: int, stop: int) -> np.ndarray:
        return self._samples(first * self._run, min(stop * self._run, self.num_samples))

    def _samples(self, start: int, stop: int) -> np.ndarray:
        stored = self._stored * self.dtype.itemsize
        position, left = self._offset + start * stored, (stop - start) * stored
        parts = []
        with self._lock:
            os.lseek(self._descriptor, position, os.SEEK_SET)
            while left:
                parts.append(os.read(self._descriptor, left))
                left -= len(parts[-1])
                if not parts[-1]:
                    raise FormatError(f"expected {left} more bytes of samples, the file ends; was it cut meanwhile?")
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        return np.frombuffer(data, self.dtype).reshape(-1, self._stored)[:, : self.shape[-1]]


@final
class BoxBlocks(Blocks):
    """The samples of an array that is stored in boxes, such as the chunks of zarr; a block is one or some of them.

    ``read_box`` returns the samples ``(*box, channels)`` of slices of the grid.
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: np.dtype,
        box: Sequence[int],
        read_box: Callable[[tuple[slice, ...]], Shaped[np.ndarray, "..."]],
        *,
        working_set: int,
        grow_first: bool = False,
    ) -> None:
        super().__init__(shape, dtype, working_set=working_set)
        grid = self.shape[:-1]
        sides = [min(side, size) for side, size in zip(box, grid, strict=True)]
        least = min(max(_BOX_BYTES, self.nbytes // _MOST_BLOCKS), int(working_set / _LEAST_BOXES))
        axes = range(len(grid)) if grow_first else reversed(range(len(grid)))
        for axis in axes:  # the axis along which neighbors lie next to each other on disk
            while math.prod(sides) * self.sample_bytes < least and sides[axis] < grid[axis]:
                sides[axis] = min(2 * sides[axis], grid[axis])
        self._box = tuple(sides)
        self._counts = tuple(-(-size // side) for size, side in zip(grid, sides, strict=True))
        self._read_box = read_box

    def _all_sizes(self) -> np.ndarray:
        sizes = np.ones(1, np.int64)
        for axis in range(len(self._box)):
            sizes = np.multiply.outer(sizes, self._sides(axis, np.arange(self._counts[axis]))).reshape(-1)
        return sizes

    @property
    def largest(self) -> int:
        """Number of samples of the largest block."""
        return math.prod(self._box)

    def read(self, number: int) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples of a block."""
        places = np.unravel_index(number, self._counts)
        part = tuple(
            slice(int(place) * side, min((int(place) + 1) * side, size))
            for place, side, size in zip(places, self._box, self.shape, strict=False)
        )
        return np.ascontiguousarray(self._read_box(part)).reshape(-1, self.shape[-1])

    def take(self, indices: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples at flat indices, in any order."""
        numbers, offsets = self.locate(indices)
        order = np.argsort(numbers, kind="stable")
        found = np.empty((len(indices), self.shape[-1]), self.dtype)
        for part in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            if len(part):
                found[part] = self.read(int(numbers[part[0]]))[offsets[part]]
        return found

    def locate(self, indices: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Return the numbers of the blocks of samples, and where in their blocks they are."""
        numbers, offsets = np.zeros_like(indices), np.zeros_like(indices)
        for axis, place in enumerate(np.unravel_index(indices, self.shape[:-1])):
            along = place // self._box[axis]
            numbers = numbers * self._counts[axis] + along
            offsets = offsets * self._sides(axis, along) + (place - along * self._box[axis])
        return numbers, offsets

    def place(self, numbers: Int[np.ndarray, " n"], offsets: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Return the flat indices of samples."""
        indices, stride = np.zeros(len(numbers), np.int64), 1
        along = np.unravel_index(numbers, self._counts)
        left = offsets
        for axis in reversed(range(len(self._box))):
            left, inside = np.divmod(left, self._sides(axis, along[axis]))
            indices += (along[axis] * self._box[axis] + inside) * stride
            stride *= self.shape[axis]
        return indices

    def _sides(self, axis: int, along: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Return the sizes of boxes along an axis: those at its end may be smaller."""
        return np.minimum(self._box[axis], self.shape[axis] - along * self._box[axis])


def blocks_of_map(array: np.memmap, shape: Sequence[int], *, working_set: int) -> Blocks | None:
    """Return the blocks of the file behind a memory map, with ``shape`` ``(*grid, channels)``.

    None for a part with gaps, and for a map whose changes are not in the file (copy on write).
    """
    whole = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    if whole.filename is None or whole.mode == "c":
        return None
    path, dtype = Path(whole.filename), array.dtype
    offset = whole.offset + array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    if array.flags.c_contiguous:
        return FileBlocks.open(path, offset, shape, dtype, working_set=working_set)
    if not array.flags.f_contiguous:
        return None
    stored = array.shape

    def read_box(part: tuple[slice, ...]) -> np.ndarray:  # a map of its own, whose pages go with it
        return np.array(np.memmap(path, dtype, "r", offset, stored, order="F")[part])

    return BoxBlocks(shape, dtype, [1] * (len(shape) - 1), read_box, working_set=working_set, grow_first=True)
