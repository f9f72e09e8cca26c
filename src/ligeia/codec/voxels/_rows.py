"""The payload of the chunk `ROWS`: quantized density and features of voxels' nodes (spec/scenes.md)."""

import zlib
from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int64

from ..entropy._ans import PRECISION, DigestError
from ..entropy._lanes import MOST_LANES_LOG2, LaneDecoder, Run, encode_lanes
from ..records._bytes import ByteReader, varint_bytes
from ..residual._prediction import Counts, plain_bits, tokens_of
from ..residual._stream import MOST_RANGE, block_runs, read_block, read_signed, signed_bytes
from ..weights._quantized import QuantizedTensor, TensorError, step_byte, step_of_byte
from ._nodes import CHANNELS, Block, Integers, blocks

_DIGEST_BYTES: Final = 4
_FREE_NUMBERS: Final = 1 << 16
_NUMBERS_PER_BYTE: Final = 64
_NUMBERS_PER_LANE: Final = 1 << 15
_LOWEST: Final = -(1 << 31)
_KINDS: Final = (0, 1, 1, 1, 2, 2, 2, 2, 2)  # channels that share counts: density, color, other features

Values = Int64[np.ndarray, " n"]
Take = Callable[[Block, int, Values, Values, Counts], tuple[Values, Values]]
"""The values and tokens of a channel of nodes, given what is predicted, classes and counts."""


def pack_rows(density: QuantizedTensor, features: QuantizedTensor, occupied: Bool[np.ndarray, "x y z"]) -> bytes | None:
    """Return the payload of two tensors, or None where they say so little that a reader would refuse it."""
    integers = np.column_stack([density.integers, features.integers]).T.astype(np.int64)
    lows, highs = integers.min(axis=1).tolist(), integers.max(axis=1).tolist()
    ranges = [high - low for low, high in zip(lows, highs, strict=True)]
    above = integers - np.array(lows)[:, None]
    runs: list[Run] = []

    def take(block: Block, channel: int, predicted: Values, classes: Values, counts: Counts) -> tuple[Values, Values]:
        values = above[channel, block.rows]
        found, tokens = block_runs(values - predicted, classes, values, counts, ranges[channel])
        runs.extend(found)
        return values, tokens

    _walk(occupied, Integers(integers.shape[1], lows, ranges), take)
    lanes_log2 = min(MOST_LANES_LOG2, (integers.size // _NUMBERS_PER_LANE).bit_length())
    parts = [bytes([step_byte(density.step), step_byte(features.step)])]
    parts += [signed_bytes(low) + varint_bytes(most) for low, most in zip(lows, ranges, strict=True)]
    parts += [_digest(density, features).to_bytes(_DIGEST_BYTES, "little"), bytes([lanes_log2])]
    stream = encode_lanes(runs, lanes_log2)
    if integers.size > _most_numbers(stream):
        return None
    return b"".join([*parts, stream])


def unpack_rows(
    payload: bytes | memoryview, num_rows: int, occupied: Callable[[], Bool[np.ndarray, "x y z"]]
) -> tuple[QuantizedTensor, QuantizedTensor]:
    """Return density and features of a payload, or raise a `FormatError`; memory is what the bytes pay for."""
    reader = ByteReader(payload, "ROWS chunk")
    steps = [step_of_byte(reader.byte()) for _ in range(2)]
    lows, ranges = [], []
    for _ in range(CHANNELS):
        lows.append(read_signed(reader))
        ranges.append(reader.varint())
        if lows[-1] < _LOWEST or ranges[-1] > MOST_RANGE or lows[-1] + ranges[-1] >= -_LOWEST:
            raise reader.wrong(f"integers from {lows[-1]} to {lows[-1] + ranges[-1]} have more than 32 bits")
    digest = int.from_bytes(reader.take(_DIGEST_BYTES), "little")
    lanes_log2 = reader.byte()
    if lanes_log2 > MOST_LANES_LOG2:
        raise reader.wrong(f"expected at most 2**{MOST_LANES_LOG2} lanes, got 2**{lanes_log2}")
    stream = reader.take(reader.remaining())
    if num_rows * CHANNELS > (most := _most_numbers(stream)):
        raise TensorError(
            f"a stream of {len(stream)} bytes holds at most {most} numbers of nodes, the network has "
            f"{num_rows * CHANNELS}; the file is damaged or hostile."
        )
    decoder = LaneDecoder(stream, lanes_log2)
    known = Integers(num_rows, lows, ranges)

    def take(_: Block, channel: int, predicted: Values, classes: Values, counts: Counts) -> tuple[Values, Values]:
        return read_block(decoder, classes, predicted, counts, ranges[channel])

    _walk(occupied(), known, take)
    decoder.check_end()
    integers = (known.values[:, :-1] + np.array(lows)[:, None]).astype(np.int32)
    density = QuantizedTensor(integers[0], steps[0])
    features = QuantizedTensor(np.ascontiguousarray(integers[1:].T), steps[1])
    if (found := _digest(density, features)) != digest:
        raise DigestError(
            f"the nodes read have the digest {found:08x}, those written had {digest:08x}; the file is damaged, or "
            "this ligeia reads it wrongly."
        )
    return density, features


def cheapest_rows(
    density: Float[np.ndarray, " rows"],
    features: Float[np.ndarray, "rows f"],
    occupied: Bool[np.ndarray, "x y z"],
    steps: tuple[float, float],
    harm: Callable[[int, Values, Float[np.ndarray, " n"]], Float[np.ndarray, " n"]],
) -> tuple[QuantizedTensor, QuantizedTensor]:
    """Return quantized tensors that weigh their bits against the harm that they do.

    ``harm(channel, rows, values)`` is how many bits other values of some rows are worth.
    """
    exact = np.column_stack([density / steps[0], features / steps[1]]).T
    lows = np.floor(exact.min(axis=1)).astype(int).tolist()
    ranges = (np.ceil(exact.max(axis=1)).astype(int) - lows).tolist()
    known = Integers(exact.shape[1], lows, ranges)

    def take(block: Block, channel: int, predicted: Values, classes: Values, counts: Counts) -> tuple[Values, Values]:
        there, rows = np.unique(classes, return_inverse=True)
        tables = counts.tables(there)
        bits = PRECISION - np.log2(np.diff(tables, append=1 << PRECISION, axis=1))
        plain = plain_bits(classes)
        nearest = np.rint(exact[channel, block.rows]).astype(np.int64) - lows[channel] - predicted
        errors = np.stack([nearest, nearest - np.sign(nearest), nearest // 2, np.zeros_like(nearest)])
        costs = []
        for each in errors:
            values = (predicted + each + lows[channel]) * steps[min(channel, 1)]
            costs.append(bits[rows, tokens_of(each, plain)[0]] + harm(channel, block.rows, values))
        chosen = np.take_along_axis(errors, np.argmin(costs, axis=0)[None], axis=0)[0]
        return predicted + chosen, tokens_of(chosen, plain)[0]

    _walk(occupied, known, take)
    integers = (known.values[:, :-1] + np.array(lows)[:, None]).astype(np.int32)
    return (
        QuantizedTensor(integers[0], steps[0]),
        QuantizedTensor(np.ascontiguousarray(integers[1:].T), steps[1]),
    )


def _walk(occupied: Bool[np.ndarray, "x y z"], known: Integers, take: Take) -> None:
    """Go through all nodes and channels in the order of coding."""
    counts = [Counts() for _ in range(max(_KINDS) + 1)]
    for block in blocks(occupied):
        for channel, kind in enumerate(_KINDS):
            predicted, classes = known.predict(block, channel)
            values, tokens = take(block, channel, predicted, classes, counts[kind])
            known.learn(block, channel, values, predicted)
            counts[kind].add(classes, tokens)


def _most_numbers(stream: bytes | memoryview) -> int:
    return _FREE_NUMBERS + _NUMBERS_PER_BYTE * len(stream)


def _digest(density: QuantizedTensor, features: QuantizedTensor) -> int:
    digest = zlib.crc32(np.ascontiguousarray(density.integers, "<i4").tobytes())
    return zlib.crc32(np.ascontiguousarray(features.integers, "<i4").tobytes(), digest)
