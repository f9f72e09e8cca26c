"""The payload of the chunk `CELL`: which cells are occupied, from one block of all to the cells (spec/scenes.md).

A block of 2 x 2 x 2 is occupied if one of its parts is. Only the parts of occupied blocks are coded, each given what is
known of the six around it. All first parts of blocks come before all second ones, so that NumPy decodes many at once.
"""

import math
import zlib
from collections.abc import Iterator, Sequence
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Int8, Int64

from ..entropy._ans import PRECISION, DigestError
from ..entropy._lanes import MOST_LANES_LOG2, LaneDecoder, Run, encode_lanes
from ..records._bytes import ByteReader, RecordError

MOST_SIDE: Final = 1024
_FREE_CELLS: Final = 1 << 22
_CELLS_PER_BYTE: Final = 64
_BLOCK: Final = 1 << 12  # parts coded with the same counts
_GROWTH: Final = 2  # of a count that begins as 1
_UNKNOWN: Final = 2  # beside empty, 0, and occupied, 1
_FACES: Final = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))
_PARTS: Final = tuple(np.ndindex(2, 2, 2))
_DIGEST_BYTES: Final = 4
_PARTS_PER_LANE: Final = 1 << 15


def check_cells(cells: Sequence[int], num_bytes: int) -> None:
    """Refuse numbers of cells that a file of so many bytes does not hold."""
    if not all(1 <= count <= MOST_SIDE for count in cells):
        raise RecordError(f"expected 1 to {MOST_SIDE} cells along a side, got {tuple(cells)}.")
    if (count := math.prod(cells)) > (most := _FREE_CELLS + _CELLS_PER_BYTE * num_bytes):
        raise RecordError(
            f"expected at most {most:,} cells in a file of {num_bytes:,} bytes, got {count:,}; take a smaller box, or "
            "fewer cells."
        )


def pack_cells(occupied: Bool[np.ndarray, "x y z"]) -> bytes:
    """Return the payload of occupied cells."""
    if not occupied.any():
        raise RecordError("expected a cell that is occupied, all are empty.")
    runs: list[Run] = []
    walk, counts = _Walk(occupied.shape), _Counts()
    for shape, is_part in zip(walk.shapes[1:], _levels(occupied)[1:], strict=True):
        for places, known, is_implied in walk.parts(shape):
            found = is_part[tuple(places.T)]
            contexts, coded = known[~is_implied], found[~is_implied].astype(np.int64)
            for start in range(0, len(coded), _BLOCK):
                block = slice(start, start + _BLOCK)
                ends = counts.ends(contexts[block])
                starts = np.where(coded[block], ends, 0)
                runs.append(Run(starts, np.where(coded[block], (1 << PRECISION) - ends, ends)))
                counts.add(contexts[block], coded[block])
            walk.learn(places, found)
    num_parts = sum(len(run.starts) for run in runs)
    lanes_log2 = min(MOST_LANES_LOG2, (num_parts // _PARTS_PER_LANE).bit_length())
    return bytes([lanes_log2]) + _digest(occupied).to_bytes(_DIGEST_BYTES, "little") + encode_lanes(runs, lanes_log2)


def unpack_cells(payload: bytes | memoryview, cells: Sequence[int]) -> Bool[np.ndarray, "x y z"]:
    """Return the occupied cells of a payload, at least one, or raise a `FormatError`; `check_cells` was called."""
    reader = ByteReader(payload, "CELL chunk")
    lanes_log2 = reader.byte()
    if lanes_log2 > MOST_LANES_LOG2:
        raise reader.wrong(f"expected at most 2**{MOST_LANES_LOG2} lanes, got 2**{lanes_log2}")
    digest = int.from_bytes(reader.take(_DIGEST_BYTES), "little")
    decoder = LaneDecoder(reader.take(reader.remaining()), lanes_log2)
    walk, counts = _Walk(cells), _Counts()
    for shape in walk.shapes[1:]:
        for places, known, is_implied in walk.parts(shape):
            found = is_implied.copy()
            contexts = known[~is_implied]
            coded = np.empty(len(contexts), np.int64)
            for start in range(0, len(coded), _BLOCK):
                block = slice(start, start + _BLOCK)
                there, rows = np.unique(contexts[block], return_inverse=True)
                ends = counts.ends(there)
                coded[block] = decoder.take(rows, np.stack([np.zeros_like(ends), ends], axis=1))
                counts.add(contexts[block], coded[block])
            found[~is_implied] = coded == 1
            walk.learn(places, found)
    decoder.check_end()
    occupied = walk.occupied()
    if (read := _digest(occupied)) != digest:
        raise DigestError(
            f"the cells read have the digest {read:08x}, those written had {digest:08x}; the file is damaged, or this "
            "ligeia reads it wrongly."
        )
    return occupied


def _digest(occupied: Bool[np.ndarray, "x y z"]) -> int:
    return zlib.crc32(np.packbits(occupied).tobytes())


def _levels(occupied: Bool[np.ndarray, "x y z"]) -> list[Bool[np.ndarray, "a b c"]]:
    """Return the occupied blocks of each level, from one block to the cells."""
    found = [occupied]
    while max(found[-1].shape) > 1:
        padded = np.pad(found[-1], [(0, count % 2) for count in found[-1].shape])
        x, y, z = (count // 2 for count in padded.shape)
        found.append(np.max(padded.reshape(x, 2, y, 2, z, 2), axis=(1, 3, 5)))
    return found[::-1]


@final
class _Counts:
    """How often what came for each context, empty and occupied."""

    def __init__(self) -> None:
        self._counts = np.ones((2, 3 ** len(_FACES)), np.int64)

    def ends(self, contexts: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return where the interval of empty ends; that of occupied begins there."""
        empty, occupied = self._counts[:, contexts]
        return empty * ((1 << PRECISION) - 2) // (empty + occupied) + 1

    def add(self, contexts: Int64[np.ndarray, " n"], found: Int64[np.ndarray, " n"]) -> None:
        """Count what came."""
        np.add.at(self._counts, (found, contexts), _GROWTH)


@final
class _Walk:
    """What is known of the parts of blocks, level by level, in the order of coding."""

    def __init__(self, cells: Sequence[int]) -> None:
        self.shapes = [tuple(cells)]
        while max(self.shapes[-1]) > 1:
            self.shapes.append(tuple(-(-count // 2) for count in self.shapes[-1]))
        self.shapes.reverse()
        self._known = np.pad(np.ones((1, 1, 1), np.int8), 1)  # with a ring of what is empty

    def parts(
        self, shape: Sequence[int]
    ) -> Iterator[tuple[Int64[np.ndarray, "n 3"], Int64[np.ndarray, " n"], Bool[np.ndarray, " n"]]]:
        """Yield the first parts of all occupied blocks, then the second ones, and so on.

        They come as places, contexts, and whether they must be occupied: the last of a block that is empty so far.
        What they are is to be learned before the next ones are asked for.
        """
        known = self.occupied()
        blocks = np.argwhere(known)
        for axis in range(3):
            known = known.repeat(2, axis)
        x, y, z = shape
        self._known = np.pad(known[:x, :y, :z].astype(np.int8) * np.int8(_UNKNOWN), 1)
        last = ((2 * blocks + 1 < shape) * (4, 2, 1)).sum(axis=1)
        is_empty = np.ones(len(blocks), bool)
        for number, step in enumerate(_PARTS):
            places = 2 * blocks + step
            is_there = (places < shape).all(axis=1)
            places = places[is_there]
            yield places, self._contexts(places), (is_empty & (last == number))[is_there]
            is_empty[is_there] &= self._known[tuple(places.T + 1)] == 0

    def learn(self, places: Int64[np.ndarray, "n 3"], found: Bool[np.ndarray, " n"]) -> None:
        """Note what parts are."""
        self._known[tuple(places.T + 1)] = found

    def _contexts(self, places: Int64[np.ndarray, "n 3"]) -> Int64[np.ndarray, " n"]:
        """Return the contexts of parts: what is known of the six around each, in base 3."""
        result = np.zeros(len(places), np.int64)
        for face in _FACES:
            around: Int8[np.ndarray, " n"] = self._known[tuple((places + face).T + 1)]
            result = 3 * result + around
        return result

    def occupied(self) -> Bool[np.ndarray, "x y z"]:
        """Return the occupied blocks of the level that is known."""
        return self._known[1:-1, 1:-1, 1:-1] == 1
