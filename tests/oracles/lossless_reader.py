"""A second reader of lossless files, in plain Python, written from spec/container.md alone.

It knows nothing of ligeia, takes valid files of float32 weights on plain grids only, and is as short and as slow as
the page allows.
"""

import itertools
import math
import struct
from collections.abc import Iterator
from itertools import accumulate, islice

from oracles.quantized_reader import chunks_of, shapes_of, take, varint

Index = tuple[int, ...]
Step = tuple[int, int, list[int], int, list[Index], tuple[list[int], list[int]]]


def read_lossless(data: bytes) -> list[int]:
    """Return the samples of a file, row-major, channels last."""
    chunks = chunks_of(data[9:])
    by_kind = dict(chunks)
    shape = _grid_shape(iter(by_kind[b"GRID"]))
    rest = iter(by_kind[b"RSID"])
    next(rest)
    flags = next(rest)
    num_channels = _network(iter(by_kind[b"NETW"]))[0]
    ranges = [(_signed(rest), varint(rest)) for _ in range(num_channels)]
    bits, offsets = 0, []
    if flags & 1:
        bits = next(rest)
        offsets = [_number(rest) for _ in range(num_channels)]
    take(rest, 4)
    places = list(itertools.product(*map(range, shape)))
    field = [_cut(chunks, shape, place, ranges, bits, offsets) for place in places] if flags & 1 else []
    if not flags & 2:
        samples = field
    else:
        by_channel = _Reader(
            rest, shape, [reach for _, reach in ranges], dict(zip(places, field, strict=bool(field))), bits
        ).samples
        samples = [[by_channel[channel][place] for channel in range(num_channels)] for place in places]
    return [value + low for each in samples for value, (low, _) in zip(each, ranges, strict=True)]


def _grid_shape(rest: Iterator[int]) -> Index:
    next(rest)
    sizes = []
    for _ in range(next(rest)):
        take(rest, next(rest))
        sizes.append(varint(rest))
        assert next(rest) == 0
    return tuple(sizes)


def _network(rest: Iterator[int]) -> tuple[int, list[float]]:
    _, flags, _, _, num_hidden = next(rest), next(rest), varint(rest), varint(rest), next(rest) + 1
    num_channels = varint(rest)
    omegas = [_number(rest)] * num_hidden if flags & 2 else [_number(rest) for _ in range(num_hidden)]
    return num_channels, omegas


def _number(rest: Iterator[int]) -> float:
    return struct.unpack("<d", take(rest, next(rest)).rjust(8, b"\0"))[0]


def _signed(rest: Iterator[int]) -> int:
    value = varint(rest)
    return -(value + 1) // 2 if value % 2 else value // 2


def _cut(
    chunks: list[tuple[bytes, bytes]],
    shape: Index,
    place: Index,
    ranges: list[tuple[int, int]],
    bits: int,
    offsets: list[float],
) -> list[int]:
    by_kind = dict(chunks)
    tensors = [payload for kind, payload in chunks if kind == b"TENS"]
    values = [(2 * i + 1) / n - 1 for i, n in zip(place, shape, strict=True)]
    omegas = _network(iter(by_kind[b"NETW"]))[1]
    for number, (rows, columns) in enumerate(shapes_of(iter(by_kind[b"NETW"]))[::2]):
        weight = struct.unpack(f"<{rows * columns}f", tensors[2 * number][1:])
        bias = struct.unpack(f"<{rows}f", tensors[2 * number + 1][1:])
        sums = [bias[i] + sum(w * v for w, v in zip(weight[i * columns :], values, strict=False)) for i in range(rows)]
        values = [math.sin(omegas[number] * each) for each in sums] if number < len(omegas) else sums
    scale = iter(by_kind[b"CHAN"][2:])
    ends = _number(scale), _number(scale)
    result = []
    for value, (low, reach), offset in zip(values, ranges, offsets, strict=True):
        steps = ((ends[1] + ends[0]) / 2 + value * (ends[1] - ends[0]) / 2 - low) * 2**bits + offset
        result.append(math.floor(min(max(steps, 0), reach * 2**bits)))
    return result


class _Reader:
    """The samples of the stream."""

    def __init__(
        self, rest: Iterator[int], shape: Index, ranges: list[int], field: dict[Index, list[int]], bits: int
    ) -> None:
        self.shape, self.field, self.bits = shape, field, bits
        self.num_lanes = 2 ** next(rest)
        self.order = [varint(rest) for _ in ranges]
        self.ranges = [ranges[each] for each in self.order]
        origin = (0,) * len(shape)
        self.known: list[dict[Index, int]] = [{origin: varint(rest)} for _ in ranges]
        self.errors: list[dict[Index, int]] = [{origin: 0} for _ in ranges]
        plan = list(self._plan(rest))
        stream = bytes(rest)
        self.states = list(struct.unpack_from(f">{self.num_lanes}Q", stream))
        self.words = list(struct.unpack(f">{len(stream) // 4 - 2 * self.num_lanes}I", stream[8 * self.num_lanes :]))
        self.counts: dict[int, list[int]] = {}
        for axis, half, strides, channel, places, weights in plan:
            for start in range(0, len(places), 2**14):
                self._block(axis, half, strides, channel, places[start : start + 2**14], weights)
        assert not self.words
        assert set(self.states) == {2**32}
        self.samples = [self.known[self.order.index(channel)] for channel in range(len(ranges))]

    def _plan(self, rest: Iterator[int]) -> Iterator[Step]:
        num_axes, last = len(self.shape), {}
        for axis, half, strides, places in _passes(self.shape):
            for channel in range(len(self.order)):
                num_taps = 4 * num_axes - 1 + min(channel, 3) * 6 * num_axes + (3 if self.field else 0)
                kind = next(rest)
                if kind == 0:
                    last[axis, channel] = ([0] * num_taps, [8, 4, 4, 16, 8, 32, 8, 0, 8])
                elif kind == 2:
                    last[axis, channel] = ([_signed(rest) for _ in range(num_taps)], list(take(rest, 9)))
                yield axis, half, strides, channel, places, last[axis, channel]

    def _block(
        self,
        axis: int,
        half: int,
        strides: list[int],
        channel: int,
        places: list[Index],
        weights: tuple[list[int], list[int]],
    ) -> None:
        expected = [self._expect(axis, half, strides, channel, place, *weights) for place in places]
        classes = [sum(start <= spread for start in _STARTS) for _, spread in expected]
        tables = {each: self._table(each) for each in set(classes)}
        tokens = [self._symbol(number, tables[each]) for number, each in enumerate(classes)]
        for each, token in zip(classes, tokens, strict=True):
            self.counts[each][token] += 32
        plain = [_plain_bits(each) for each in classes]
        low = self._bits([0 if token == 0 else each for token, each in zip(tokens, plain, strict=True)])
        whole = self._bits([self.ranges[channel].bit_length() if token == 0 else 0 for token in tokens])
        for number, (place, token) in enumerate(zip(places, tokens, strict=True)):
            error = (token - 256) * 2 ** plain[number] + low[number]
            value = whole[number] if token == 0 else expected[number][0] + error
            self.known[channel][place] = value
            self.errors[channel][place] = abs(value - expected[number][0])

    def _expect(
        self, axis: int, half: int, strides: list[int], channel: int, place: Index, taps: list[int], shares: list[int]
    ) -> tuple[int, int]:
        def at(step: int, **moved: int) -> Index:
            result = []
            for number, (i, n) in enumerate(zip(place, self.shape, strict=True)):
                unit = step if number == axis else strides[number]
                result.append(min(max(i + moved.get(f"a{number}", 0), 0), (n - 1) // unit * unit))
            return tuple(result)

        others = [each for each in range(len(place)) if each != axis]
        near = [at(2 * half, **{f"a{axis}": sign * half}) for sign in (-1, 1)]
        far = [at(2 * half, **{f"a{axis}": sign * 3 * half}) for sign in (-1, 1)]
        corners = [
            at(2 * half, **{f"a{axis}": sign * half, f"a{other}": side * strides[other]})
            for other in others
            for sign in (-1, 1)
            for side in (-1, 1)
        ]
        beside = [at(half, **{f"a{axis}": sign * 2 * half}) for sign in (-1, 1)]
        beside += [at(half, **{f"a{other}": sign * strides[other]}) for other in others for sign in (-1, 1)]
        own, errors, earlier = self.known[channel], self.errors[channel], range(max(0, channel - 3), channel)
        a, b = (own[each] for each in near)
        mean = (a + b) // 2
        terms = [a - b, *(own[each] - mean for each in far + corners)]
        for other in earlier:
            known = self.known[other]
            center = sum(known[each] for each in near) // 2
            terms += [known[near[0]] - known[near[1]]]
            terms += [known[each] - center for each in [place, *far, *corners, *beside]]
        here = 0
        if self.field:
            field = {each: self.field[each][self.order[channel]] for each in [place, *near]}
            here = field[place]
            terms += [here - mean * 2**self.bits, *(field[each] - own[each] * 2**self.bits for each in near)]
        predicted = mean + (sum(w * t for w, t in zip(taps, terms, strict=True)) + 512) // 1024
        predicted = min(max(predicted, 0), self.ranges[channel])
        signs = [
            abs(a - b),
            abs(own[far[0]] - a) + abs(own[far[1]] - b),
            sum(abs(own[one] - own[two]) for one, two in zip(corners[::2], corners[1::2], strict=True)),
            sum(errors[each] for each in near),
            sum(errors[each] for each in corners),
            sum(self.errors[other][place] for other in earlier),
            sum(self.errors[other][each] for other in earlier for each in beside),
            abs(here // 2**self.bits - predicted) if self.field else 0,
            1,
        ]
        return predicted, sum(share * sign for share, sign in zip(shares, signs, strict=True)) // 8

    def _table(self, number: int) -> list[int]:
        if number not in self.counts:
            spread = ([0, *_STARTS])[number] >> _plain_bits(number)
            ratio = 65536 * spread // (spread + 16)
            bell = list(accumulate(range(255), lambda weight, _: weight * ratio >> 16, initial=65536))
            bell = [0, *bell[:0:-1], *bell]
            self.counts[number] = [1 + each * 2**13 // sum(bell) for each in bell]
        counts = self.counts[number]
        share = 2**24 - 512
        return [below * share // sum(counts) + i for i, below in enumerate(accumulate(counts, initial=0))]

    def _symbol(self, number: int, c: list[int]) -> int:
        lane, q = number % self.num_lanes, self.states[number % self.num_lanes] % 2**24
        i = next(i for i in range(len(c)) if q < c[i + 1])
        self.states[lane] = (self.states[lane] >> 24) * (c[i + 1] - c[i]) + q - c[i]
        if self.states[lane] < 2**32:
            self.states[lane] = self.states[lane] * 2**32 + self.words.pop(0)
        return i

    def _bits(self, sizes: list[int]) -> list[int]:
        result = [0] * len(sizes)
        for above in (16, 0):
            chosen = [number for number, size in enumerate(sizes) if size > above]
            for turn, number in enumerate(chosen):
                size = min(sizes[number] - above, 16)
                symbol = self._symbol(turn, [k * 2 ** (24 - size) for k in range(2**size + 1)])
                result[number] += symbol * 2**above
        return result


def _passes(shape: Index) -> Iterator[tuple[int, int, list[int], list[Index]]]:
    strides = [2 ** math.ceil(math.log2(size)) for size in shape]
    while (largest := max(strides)) > 1:
        for axis, stride in enumerate(strides):
            if stride == largest:
                half = strides[axis] = stride // 2
                ranges = [range(0, size, each) for size, each in zip(shape, strides, strict=True)]
                ranges[axis] = range(half, shape[axis], stride)
                if places := list(itertools.product(*ranges)):
                    yield axis, half, list(strides), places


_STARTS = [1, 2, 3, *islice(((4 + part) * 2**octave for octave in itertools.count() for part in range(4)), 149)]


def _plain_bits(number: int) -> int:
    return max(0, ([0, *_STARTS])[number].bit_length() - 10)
