"""The payload of the chunk `RSID`: the residual that restores the original samples (spec/container.md, s. 5)."""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Int, Int64, Shaped

from ligeia.signals import Grid

from ..entropy._ans import PRECISION, DigestError, StreamError
from ..entropy._lanes import MOST_LANES_LOG2, LaneDecoder, Run, bit_runs, encode_lanes
from ..records._bytes import ByteReader, RecordError, number_bytes, varint_bytes
from ._order import Neighborhood, Pass, passes
from ._prediction import (
    DEFAULT_FEATURES,
    ESCAPE,
    MIDDLE,
    NUM_FEATURES,
    Counts,
    Planes,
    Weights,
    classes_of,
    plain_bits,
    tokens_of,
)

DTYPES: Final = {  # on disk: append, never renumber
    0: np.dtype(np.bool_),
    1: np.dtype(np.uint8),
    2: np.dtype(np.int8),
    3: np.dtype(np.uint16),
    4: np.dtype(np.int16),
    5: np.dtype(np.uint32),
    6: np.dtype(np.int32),
    7: np.dtype(np.uint64),
    8: np.dtype(np.int64),
}
MOST_RANGE: Final = (1 << 32) - 1
MOST_FIELD_BITS: Final = 8
LARGEST_TAP: Final = (1 << 15) - 1
_LARGEST_LOW: Final = 1 << 52
_DIGEST_BYTES: Final = 4
Samples = Int64[np.ndarray, " n"]


@final
@dataclass(frozen=True, slots=True)
class Residual:
    """The residual to add to a field to get integer samples; `ligeia.codec.exact_samples` adds it.

    ``packed`` is the payload of a file's chunk. It is decoded when the samples are requested.
    """

    packed: bytes

    @property
    def num_bytes(self) -> int:
        """Number of bytes in the file, without those around a chunk."""
        return len(self.packed)


class ResidualHead(NamedTuple):
    """What stands in front: the samples' type and ranges, and how the field is cut to integers."""

    dtype: np.dtype
    lows: tuple[int, ...]
    ranges: tuple[int, ...]
    digest: int
    field_bits: int = 0
    offsets: tuple[float, ...] = ()
    """Of each channel; empty where the field is not looked at."""
    has_stream: bool = True


class Model(NamedTuple):
    """How a channel is coded in a pass: by new weights, or as in the last pass along the same axis."""

    weights: Weights
    kind: int


MEAN: Final = 0  # on disk: append, never renumber
SAME: Final = 1
NEW: Final = 2


def digest_of(samples: Shaped[np.ndarray, "..."]) -> int:
    """Return the CRC-32 of samples, row-major, little endian."""
    return zlib.crc32(np.ascontiguousarray(samples, samples.dtype.newbyteorder("<")).view(np.uint8).data)


def pack_head(head: ResidualHead) -> bytes:
    """Return the bytes of a head, for `read_head`."""
    tag = next(tag for tag, dtype in DTYPES.items() if dtype == head.dtype)
    parts = [bytes([tag, bool(head.offsets) | head.has_stream << 1])]
    for low, reach in zip(head.lows, head.ranges, strict=True):
        parts += [signed_bytes(low), varint_bytes(reach)]
    if head.offsets:
        parts += [bytes([head.field_bits]), *map(number_bytes, head.offsets)]
    return b"".join([*parts, head.digest.to_bytes(_DIGEST_BYTES, "little")])


def read_head(reader: ByteReader, num_channels: int) -> ResidualHead:
    """Return the head, or raise `RecordError`."""
    tag, flags = reader.byte(), reader.flags(0b11)
    if tag not in DTYPES:
        raise reader.wrong(f"expected samples of a type from 0 to {max(DTYPES)}, got {tag}")
    if not flags:
        raise reader.wrong("expected a field to look at or a stream")
    lows, ranges = [], []
    is_bool = DTYPES[tag].kind == "b"
    limits = (0, 1) if is_bool else (np.iinfo(DTYPES[tag]).min, np.iinfo(DTYPES[tag]).max)
    for _ in range(num_channels):
        lows.append(read_signed(reader))
        ranges.append(reader.varint())
        if ranges[-1] > MOST_RANGE or abs(lows[-1]) > _LARGEST_LOW:
            raise reader.wrong(f"samples from {lows[-1]} to {lows[-1] + ranges[-1]} are beyond what is coded")
        if lows[-1] < limits[0] or lows[-1] + ranges[-1] > limits[1]:
            raise reader.wrong(f"samples from {lows[-1]} to {lows[-1] + ranges[-1]} are no {DTYPES[tag]}")
    bits, offsets = 0, []
    if flags & 1:
        bits = reader.byte()
        if bits > MOST_FIELD_BITS or max(ranges) << bits > MOST_RANGE or (bits and not flags & 2):
            raise reader.wrong(f"{bits} bits of fraction are too many")
        offsets = [reader.number() for _ in range(num_channels)]
        if not all(0 <= each < 1 and math.copysign(1, each) > 0 for each in offsets):
            raise reader.wrong("expected offsets from 0 to 1")
    digest = int.from_bytes(reader.take(_DIGEST_BYTES), "little")
    return ResidualHead(DTYPES[tag], tuple(lows), tuple(ranges), digest, bits, tuple(offsets), bool(flags & 2))


def check_samples(samples: Shaped[np.ndarray, "..."]) -> tuple[list[int], list[int]]:
    """Return the lowest sample and the range of each channel (the last axis), or raise `RecordError`."""
    lows = [int(each) for each in samples.reshape(-1, samples.shape[-1]).min(axis=0)]
    ranges = [
        int(high) - low for high, low in zip(samples.reshape(-1, samples.shape[-1]).max(axis=0), lows, strict=True)
    ]
    if max(ranges) > MOST_RANGE or max(map(abs, lows)) > _LARGEST_LOW:
        raise RecordError(
            "expected integers of a channel that differ by less than 2**32, and lie within 2**52, they go from "
            f"{min(lows)} over a range of {max(ranges)}; code them as several channels."
        )
    return lows, ranges


def plane_dtype(ranges: Sequence[int]) -> np.dtype:
    """Return the smallest type in which planes are kept."""
    return np.dtype(np.int32 if max(ranges) < 1 << 30 else np.int64)


def walk_blocks(shape: Sequence[int], num_channels: int) -> Iterator[tuple[Pass, int]]:
    """Yield every pass that has samples, for every channel in turn."""
    for one in passes(shape):
        if all(one.counts()):
            for channel in range(num_channels):
                yield one, channel


def pack_model(model: Model) -> bytes:
    """Return the bytes of a model, for `_read_model`."""
    if model.kind != NEW:
        return bytes([model.kind])
    return b"".join([bytes([NEW]), *map(signed_bytes, model.weights.taps), bytes(model.weights.features)])


def _read_model(reader: ByteReader, num_taps: int, last: Weights | None) -> Weights:
    kind = reader.byte()
    if kind == MEAN:
        return Weights((), DEFAULT_FEATURES)
    if kind == SAME and last is not None:
        return last
    if kind != NEW:
        raise reader.wrong(f"expected a way to predict of 0, 2 or, after another, 1, got {kind}")
    if num_taps > reader.remaining():  # a weight takes a byte at least
        raise reader.wrong(f"{num_taps} weights end inside a value")
    taps = tuple(read_signed(reader) for _ in range(num_taps))
    if max(map(abs, taps)) > LARGEST_TAP:
        raise reader.wrong(f"expected weights up to {LARGEST_TAP}, got {max(map(abs, taps))}")
    return Weights(taps, tuple(reader.take(NUM_FEATURES)))


def block_runs(
    errors: Samples, classes: Samples, samples: Samples, counts: Counts, reach: int
) -> tuple[list[Run], Samples]:
    """Return the runs that code a block, and its tokens."""
    plain = plain_bits(classes)
    tokens, low_bits = tokens_of(errors, plain)
    there, rows = np.unique(classes, return_inverse=True)
    tables = counts.tables(there)
    ends = np.append(tables[:, 1:], np.full((len(tables), 1), 1 << PRECISION), axis=1)
    starts = tables[rows, tokens]
    is_escape = tokens == ESCAPE
    whole = np.full(int(is_escape.sum()), reach.bit_length())
    runs = [Run(starts, ends[rows, tokens] - starts)]
    runs += bit_runs(low_bits[~is_escape], plain[~is_escape])
    return runs + bit_runs(samples[is_escape], whole), tokens


def read_block(
    decoder: LaneDecoder, classes: Samples, predicted: Samples, counts: Counts, reach: int
) -> tuple[Samples, Samples]:
    """Return the samples of a block and its tokens."""
    plain = plain_bits(classes)
    there, rows = np.unique(classes, return_inverse=True)
    tokens = decoder.take(rows, counts.tables(there))
    is_escape = tokens == ESCAPE
    errors = tokens - MIDDLE << plain
    errors[~is_escape] |= decoder.take_bits(plain[~is_escape])
    samples = predicted + errors
    samples[is_escape] = decoder.take_bits(np.full(int(is_escape.sum()), reach.bit_length()))
    if (samples < 0).any() or (samples > reach).any():
        raise StreamError("a sample lies outside of the range of its channel; the file is damaged.")
    return samples, tokens


def unpack_samples(
    reader: ByteReader, head: ResidualHead, grid: Grid, field: Sequence[Int[np.ndarray, " n"]]
) -> list[Int[np.ndarray, " n"]]:
    """Return the samples above their lowest, per channel of the field, from what follows the head."""
    lanes_log2 = reader.byte()
    if lanes_log2 > MOST_LANES_LOG2:
        raise reader.wrong(f"expected at most 2**{MOST_LANES_LOG2} lanes, got 2**{lanes_log2}")
    num_channels = len(head.lows)
    order = [reader.varint() for _ in range(num_channels)]
    if sorted(order) != list(range(num_channels)):
        raise reader.wrong("expected every channel once")
    first = [reader.varint() for _ in range(num_channels)]
    ranges = [head.ranges[number] for number in order]
    if any(value > reach for value, reach in zip(first, ranges, strict=True)):
        raise reader.wrong("the first sample lies outside of the range of its channel")
    weights = _read_weights(reader, grid, num_channels, has_field=bool(field))
    decoder = LaneDecoder(reader.take(reader.remaining()), lanes_log2)
    samples = [np.zeros(grid.num_samples, plane_dtype(ranges)) for _ in ranges]
    planes = Planes(samples, [field[number] for number in order] if field else [], ranges, head.field_bits)
    for plane, value in zip(planes.samples, first, strict=True):
        plane[0] = value
    counts = Counts()
    for (one, channel), each in zip(walk_blocks(grid.shape, num_channels), weights, strict=True):
        for start in one.block_starts():
            around = Neighborhood(one, start)
            predicted = planes.predict(channel, *planes.taps(channel, around), each)
            classes = classes_of(planes.features(channel, around, predicted), each)
            found, tokens = read_block(decoder, classes, predicted, counts, ranges[channel])
            planes.samples[channel][around.places] = found
            planes.errors[channel][around.places] = np.abs(found - predicted)
            counts.add(classes, tokens)
    decoder.check_end()
    return [planes.samples[order.index(number)] for number in range(num_channels)]


def _read_weights(reader: ByteReader, grid: Grid, num_channels: int, *, has_field: bool) -> list[Weights]:
    last: dict[tuple[int, int], Weights] = {}
    result = []
    for one, channel in walk_blocks(grid.shape, num_channels):
        num_taps = Planes.num_taps(channel, grid.num_axes, has_field=has_field)
        last[one.axis, channel] = _read_model(reader, num_taps, last.get((one.axis, channel)))
        result.append(last[one.axis, channel])
    return result


def pack_samples(
    order: Sequence[int], first: Sequence[int], models: Sequence[Model], runs: Sequence[Run], bits: float
) -> bytes:
    """Return the bytes of the samples, for `unpack_samples`; ``bits`` is about the size of the stream."""
    lanes_log2 = min(8, max(0, int(bits / 8 / 6000).bit_length()))  # a lane costs six bytes: a thousandth
    parts = [bytes([lanes_log2]), *map(varint_bytes, order), *map(varint_bytes, first)]
    return b"".join([*parts, *map(pack_model, models), encode_lanes(runs, lanes_log2)])


def check_digest(samples: Shaped[np.ndarray, "..."], wanted: int) -> None:
    """Raise `DigestError` if the digest differs."""
    if (found := digest_of(samples)) != wanted:
        raise DigestError(
            f"the samples read have the digest {found:08x}, those written had {wanted:08x}; "
            "the file is damaged, or this machine computes the field differently."
        )


def signed_bytes(value: int) -> bytes:
    """Return an integer of either sign in the encoding that `read_signed` reads."""
    return varint_bytes(value << 1 if value >= 0 else -value * 2 - 1)


def read_signed(reader: ByteReader) -> int:
    """Return an integer of either sign."""
    value = reader.varint()
    return -(value + 1 >> 1) if value & 1 else value >> 1


def check_residual(residual: Residual, num_channels: int) -> ResidualHead:
    """Return the head of a residual, or raise `FormatError`; nothing else is checked when a file is read."""
    head = read_head(reader := ByteReader(residual.packed, "RSID chunk"), num_channels)
    if not head.has_stream:
        reader.close()
    return head
