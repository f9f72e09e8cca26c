"""The grids of a picture file: networks, steps and integers, and the two kinds of chunks that hold them.

spec/pictures.md is normative. Integers are decoded only when and as far as they are requested.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float32, Int32

from ligeia.kernels import HIDDEN
from ligeia.networks import NetworkConfig

from ..entropy._ans import Decoder, DigestError, IntervalRun, StreamError, encode
from ..records._bytes import ByteReader, RecordError, varint_bytes
from ..weights._quantized import QuantizedTensor
from ..weights._stream import pack_quantized, unpack_quantized
from ._layout import MOST_STEP_CODE, GridLayout, Steps, is_picture, layout
from ._model import FRACTION, Context, ScaleTables, intervals_of, read_grid
from ._networks import VERSION, LatentNetworks, learned, point_parts, sizes_for

_MOST_CELLS: Final = 1 << 28
_FREE_CELLS, _CELLS_PER_BYTE = 1 << 24, 1 << 16
_MOST_WEIGHT: Final = (1 << 16) - 1
_STEPS: Final = tuple(2.0**-each for each in range(FRACTION + 1))


class LevelsChunk(NamedTuple):
    """The integers of some levels, as they are in a file."""

    num_levels: int
    digest: int
    stream: bytes


@final
@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """The content of a picture file, in place of tensors.

    ``changes`` are the networks minus the learned ones, as quantized vectors; ``chunks`` go from the coarsest
    level to the finest.
    """

    version: int
    index: int
    steps: Steps
    changes: tuple[QuantizedTensor, QuantizedTensor, QuantizedTensor]
    chunks: tuple[LevelsChunk, ...]
    finest_level: int = 0
    """Finest level to decode; the integers of finer ones are taken as 0."""
    _read: list[list[Int32[np.ndarray, "..."]]] = field(default_factory=list, init=False, repr=False)

    def networks(self, config: NetworkConfig) -> LatentNetworks:
        """Return the picture's networks."""
        return changed(learned(self.version).networks_for(self.index, config), self.changes)

    def coarse(self, config: NetworkConfig) -> "Latents":
        """Return a copy that decodes only the levels of the first chunk."""
        return replace(self, finest_level=layout(config)[0].level - self.chunks[0].num_levels + 1)

    @property
    def most_cells(self) -> int:
        """The most integers that the streams can hold, given their bytes."""
        return most_cells(sum(len(chunk.stream) for chunk in self.chunks))

    def integers(self, config: NetworkConfig) -> list[Int32[np.ndarray, "..."]]:
        """Return the integers of all grids."""
        if not self._read:
            self._read.append(self._decoded(config))
        return self._read[0]

    def _decoded(self, config: NetworkConfig) -> list[Int32[np.ndarray, "..."]]:
        grids = layout(config)
        tables, networks = learned(self.version).tables, self.networks(config)
        known: list[Int32[np.ndarray, ...]] = []
        level = grids[0].level
        for chunk in self.chunks:
            last = level - chunk.num_levels + 1
            if level >= self.finest_level:
                wanted = [grid for grid in grids if last <= grid.level <= level]
                known += _read_levels(wanted, known, networks, tables, chunk)
            level = last - 1
        known += [np.zeros(grid.shape, np.int32) for grid in grids[len(known) :]]
        for grid, integers in zip(grids, known, strict=True):
            if grid.level < self.finest_level:
                integers[:] = 0
        return known

    def tensors(self, config: NetworkConfig) -> list[Float32[np.ndarray, "..."]]:
        """Return the tensors of the picture's network."""
        found: list[np.ndarray] = []
        for grid, integers in zip(layout(config), self.integers(config), strict=True):
            found.append((np.float64(self.steps.of(grid)) * integers).astype(np.float32))
        return [*found, *point_tensors(self.networks(config).point, config)]


def most_cells(num_bytes: int) -> int:
    """Return the most integers that ``num_bytes`` of streams can hold."""
    return min(_MOST_CELLS, _FREE_CELLS + _CELLS_PER_BYTE * num_bytes)


def num_cells(config: NetworkConfig) -> int:
    """Return how many integers a picture has."""
    return sum(rows * columns for rows, columns in (grid.shape for grid in layout(config)))


def changed(networks: LatentNetworks, changes: Sequence[QuantizedTensor]) -> LatentNetworks:
    """Return networks with changes added to them."""
    return LatentNetworks(*map(changed_by, networks, changes))


def changed_by(base: Int32[np.ndarray, " n"], change: QuantizedTensor) -> Int32[np.ndarray, " n"]:
    """Return the weights of one network with a change added to them."""
    moved = base.astype(np.int64) + int(change.step * (1 << FRACTION)) * change.integers.astype(np.int64)
    if np.abs(moved).max() > _MOST_WEIGHT:
        raise RecordError(f"weights of the picture's networks are at most {_MOST_WEIGHT} in magnitude.")
    return moved.astype(np.int32)


def in_floats(weights: Int32[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Return weights that are whole numbers of 2**-12."""
    return (weights / float(1 << FRACTION)).astype(np.float32)


def point_tensors(point: Int32[np.ndarray, " n"], config: NetworkConfig) -> list[Float32[np.ndarray, "..."]]:
    """Return hidden and output weights and biases of a `LatentGrid` from its point network."""
    parts = point_parts(in_floats(point), config.num_features - HIDDEN, config.out_features)
    first, bias, output, straight, output_bias = parts
    return [np.ascontiguousarray(first.T), bias, np.concatenate([output, straight], axis=1), output_bias]


def coded_levels(
    config: NetworkConfig,
    integers: Sequence[Int32[np.ndarray, "..."]],
    networks: LatentNetworks,
    version: int,
    split: Sequence[int],
) -> tuple[LevelsChunk, ...]:
    """Return the chunks of integers; each of ``split`` is how many levels one holds, coarsest first."""
    grids, tables = layout(config), learned(version).tables
    chunks, level = [], grids[0].level
    for count in split:
        last = level - count + 1
        starts, widths, digest = [], [], 0
        for number, grid in enumerate(grids):
            if not last <= grid.level <= level:
                continue
            context = Context.of(networks[grid.network], grid)
            found = intervals_of(grid, number, integers, context, tables)
            starts.append(found[0])
            widths.append(found[1])
            digest = _add_to_digest(digest, integers[number])
        run = IntervalRun(np.concatenate(starts).tolist(), np.concatenate(widths).tolist())
        chunks.append(LevelsChunk(count, digest, encode([run])))
        level = last - 1
    return tuple(chunks)


def _read_levels(
    grids: Sequence[GridLayout],
    known: Sequence[Int32[np.ndarray, "..."]],
    networks: LatentNetworks,
    tables: ScaleTables,
    chunk: LevelsChunk,
) -> list[Int32[np.ndarray, "..."]]:
    decoder = Decoder(chunk.stream)
    found = list(known)
    digest = 0
    for grid in grids:
        context = Context.of(networks[grid.network], grid)
        found.append(read_grid(grid, found, context, tables, decoder))
        digest = _add_to_digest(digest, found[-1])
    if not decoder.is_spent():
        raise StreamError("the stream of a picture does not end where its last integer does; the file is damaged.")
    if digest != chunk.digest:
        raise DigestError(
            f"the integers read have the digest {digest:08x}, those written had {chunk.digest:08x}; the file is "
            "damaged, or this ligeia reads it wrongly."
        )
    return found[len(known) :]


def _add_to_digest(digest: int, integers: Int32[np.ndarray, "h w"]) -> int:
    return zlib.crc32(np.ascontiguousarray(integers, "<i4").tobytes(), digest)


def no_latents(config: NetworkConfig) -> Latents:
    """Return the latents of a picture of middle gray: all integers 0, no changes."""
    zeros = [QuantizedTensor(np.zeros(size, np.int32), 1.0) for size in sizes_for(config)]
    chunk = LevelsChunk(layout(config)[0].level + 1, 0, b"")
    return Latents(VERSION, 0, Steps(0, 0, 0), (zeros[0], zeros[1], zeros[2]), (chunk,))


def latents_bytes(latents: Latents) -> int:
    """Return the bytes of the chunks of networks and of streams in a file."""
    payloads = [pack_networks(latents), *map(pack_levels, latents.chunks)]
    return sum(8 + len(varint_bytes(len(each))) + len(each) for each in payloads)


def pack_networks(latents: Latents) -> bytes:
    """Return the payload of `LATN`."""
    head = bytes([latents.version, latents.index, *latents.steps])
    return head + pack_quantized(latents.changes)


def unpack_networks(payload: memoryview, config: NetworkConfig) -> Latents:
    """Return the latents of a payload, without integers, or raise a `FormatError`."""
    if not is_picture(config):
        raise RecordError("coded grids belong to a picture's network only; the file was put together wrongly.")
    reader = ByteReader(payload, "LATN chunk")
    version, index = reader.byte(), reader.byte()
    steps = Steps(reader.byte(), reader.byte(), reader.byte())
    finest = max(steps.code(grid) for grid in layout(config))
    if finest > MOST_STEP_CODE:
        raise reader.wrong("a step of a grid is finer than a byte can say")
    changes = unpack_quantized(reader.take(reader.remaining()), [(size,) for size in sizes_for(config)])
    vectors = [each for each in changes if isinstance(each, QuantizedTensor)]
    if len(vectors) != 3 or any(each.step not in _STEPS for each in vectors):
        raise RecordError("changes of networks have steps of 2**-12 to 1, powers of 2; the file is not ligeia's.")
    return Latents(version, index, steps, (vectors[0], vectors[1], vectors[2]), ())


def pack_levels(chunk: LevelsChunk) -> bytes:
    """Return the payload of a `LATT`."""
    return bytes([chunk.num_levels]) + chunk.digest.to_bytes(4, "little") + chunk.stream


def unpack_levels(payload: memoryview) -> LevelsChunk:
    """Return the levels of a payload, still coded, or raise a `FormatError`."""
    reader = ByteReader(payload, "LATT chunk")
    num_levels = reader.byte()
    digest = int.from_bytes(reader.take(4), "little")
    stream = bytes(reader.take(reader.remaining()))
    if not num_levels:
        raise reader.wrong("a chunk of a picture holds one level at least")
    if stream[:1] == b"\0":
        raise StreamError("the stream of a picture begins with a zero byte; the file is not ligeia's.")
    return LevelsChunk(num_levels, digest, stream)
