"""A second reader of quantized weights, in plain Python, written from spec/container.md alone.

It knows nothing of ligeia, takes valid files only, and is as short and as slow as the page allows.
"""

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice, pairwise


@dataclass
class Coder:
    """The state of the coder."""

    words: list[int]
    x: int = 0


@dataclass
class Model:
    """A model: raw if it has bits."""

    bits: int = 0
    tag: int = 0
    reach: int = 0
    g: int = 0
    sets: list[list[int]] = field(default_factory=list)


def read_quantized(data: bytes) -> list[tuple[float, list[int]]]:
    """Return step and integers of every quantized tensor of a file."""
    chunks = dict(chunks_of(data[9:]))
    return read_tensors(iter(chunks[b"QUAN"]), shapes_of(iter(chunks[b"NETW"])), 2)


def read_tensors(rest: Iterator[int], shapes: list[tuple[int, int]], num_kinds: int) -> list[tuple[float, list[int]]]:
    """Return step and integers of every quantized tensor of a payload; kinds take turns."""
    tensors = []
    models: dict[int, Model] = {}
    for number, (num_rows, num_columns) in enumerate(shapes):
        tag = next(rest)
        if tag < 2:
            take(rest, num_rows * num_columns * (4, 2)[tag])
            continue
        step = 24 if tag == 2 else tag - 48 if tag >= 48 else next(rest)
        if tag == 3:
            models[number % num_kinds] = Model(next(rest))
        elif 3 < tag < 48:
            models[number % num_kinds] = _bell(tag, varint(rest), next(rest), next(rest))
        model = None if tag == 2 else models[number % num_kinds]
        tensors.append(((8 + step % 8) / 2 ** (step // 8), num_rows, num_columns, model))
    digest, coder = take(rest, 4), coder_of(bytes(rest))
    result = [(step, _integers(coder, rows, columns, model)) for step, rows, columns, model in tensors]
    check(coder, digest, [integer for _, integers in result for integer in integers])
    return result


def coder_of(stream: bytes) -> Coder:
    """Return the coder at the beginning of a stream."""
    if stream[:1] == b"\0":
        raise ValueError("the stream begins with a zero byte")
    padded = bytes(-len(stream) % 4) + stream
    coder = Coder(list(struct.unpack(f">{len(padded) // 4}I", padded)))
    _refill(coder)
    _refill(coder)
    return coder


def check(coder: Coder, digest: bytes, integers: list[int]) -> None:
    """Raise ValueError unless the stream has ended and the integers have this digest."""
    if coder != Coder([], 0):
        raise ValueError("the stream does not end with its last symbol")
    if digest != struct.pack("<I", zlib.crc32(struct.pack(f"<{len(integers)}i", *integers))):
        raise ValueError("the integers have another digest")


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return type and payload of all chunks."""
    rest, result = iter(data), []
    while kind := take(rest, 4):
        result.append((kind, take(rest, varint(rest))))
        take(rest, 4)
    return result


def shapes_of(rest: Iterator[int]) -> list[tuple[int, int]]:
    """Return rows and columns of weight, bias, weight, bias, ... from a network's payload."""
    _, flags, width = next(rest), next(rest), [varint(rest)]
    hidden = [] if flags & 4 else [varint(rest)]
    num_hidden = next(rest) + 1
    widths = width + (hidden * num_hidden or [varint(rest) for _ in range(num_hidden)])
    widths.append(varint(rest))
    return [shape for fan_in, fan_out in pairwise(widths) for shape in ((fan_out, fan_in), (fan_out, 1))]


def take(rest: Iterator[int], count: int) -> bytes:
    """Return the next bytes."""
    return bytes(islice(rest, count))


def varint(rest: Iterator[int]) -> int:
    """Return the next varint."""
    byte = next(rest)
    return byte if byte < 128 else byte - 128 + 128 * varint(rest)


def _ratio(code: int) -> int:
    def magnitude(i: int) -> int:
        return i if i < 8 else (8 + i % 8) * 2 ** (i // 8 - 1)

    if code <= 104:
        return magnitude(code)
    return 65536 - magnitude(208 - code) if code <= 208 else 65536 + 32 * magnitude(code - 208)


def _bell(tag: int, reach: int, first: int, change: int) -> Model:
    f, r = [2**24], _ratio(first)
    for _ in range(reach):
        f.append(f[-1] * r >> 16)
        r = min(r * _ratio(change) >> 16, 65536)
    weights = [f[abs(k)] for k in range(-reach, reach + 1)]
    g = max(1, 32 * sum(k * each for k, each in enumerate(f)) // (f[0] + 2 * sum(f[1:])))
    if tag >= 16:
        c = _table(weights)
        weights = [1 + (c[i + 1] - c[i] >> 19 - tag % 16) for i in range(len(weights))]
    return Model(0, tag, reach, g, [list(weights) for _ in range(4)])


def _table(weights: list[int]) -> list[int]:
    share = 2**24 - len(weights)
    return [below * share // sum(weights) + i for i, below in enumerate(accumulate(weights, initial=0))]


def _integers(coder: Coder, num_rows: int, num_columns: int, model: Model | None) -> list[int]:
    rows: list[list[int]] = []
    for i in range(num_rows):
        rows.append([])
        for j in range(num_columns):
            if model is None:
                rows[i].append(0)
            elif model.bits:
                low, high = min(model.bits, 16), max(model.bits - 16, 0)
                u = raw(coder, high) * 2**16 + raw(coder, low)
                rows[i].append(u - 2 ** (model.bits - 1))
            else:
                g, chosen = model.g, 0
                if model.tag >= 32:
                    a = (16 * sum(map(abs, rows[i])) + 4 * g) // (j + 4)
                    b = (16 * sum(abs(row[j]) for row in rows[:i]) + 4 * g) // (i + 4)
                    chosen = (2 * a * b >= g * g) + (a * b >= g * g) + (a * b >= 2 * g * g)
                weights = model.sets[chosen]
                k = symbol(coder, _table(weights))
                weights[k] += 32 if model.tag >= 16 else 0
                rows[i].append(k - model.reach)
    return [integer for row in rows for integer in row]


def raw(coder: Coder, bits: int) -> int:
    """Return the next symbol of so many bits, up to 16; no symbol is read for 0 bits."""
    return symbol(coder, range(0, 2**24 + 1, 2 ** (24 - bits))) if bits else 0


def symbol(coder: Coder, c: Sequence[int]) -> int:
    """Return the next symbol, of a table."""
    q = coder.x % 2**24
    i = bisect_right(c, q) - 1
    coder.x = (coder.x >> 24) * (c[i + 1] - c[i]) + q - c[i]
    if coder.x < 2**32:
        _refill(coder)
    return i


def _refill(coder: Coder) -> None:
    if coder.words:
        coder.x = coder.x * 2**32 + coder.words.pop(0)
