"""The probability model of a picture file's integers, given those already decoded (spec/pictures.md).

All arithmetic is on integers, so that every machine decodes the same: NumPy computes in float64, where sums and
products below 2**53 are exact in any order. The compiled decoder does the same (`ligeia.kernels`).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float64, Int32, Int64

from ligeia.kernels import (
    HIDDEN,
    OTHER,
    PARENT,
    SAME,
    context_sizes,
    has_reader,
    read_grid as compiled_read_grid,
)

from ..entropy._ans import PRECISION, Decoder, StreamError
from ._layout import DELAY, GridLayout, num_biases, num_inputs

FRACTION: Final = 12  # bits of a weight after the point
MEAN_BITS: Final = 4  # of a mean after the point
NUM_SCALES: Final = 169
MOST_INPUT: Final = 255  # integers are clipped to this magnitude as inputs of contexts
_FIRST_SCALE: Final = -72  # the logarithm of scale 0, in sixteenths
_MOST_HIDDEN: Final = 2.0**30 - 1
_MOST_MEAN: Final = 1 << 20
_TOTAL: Final = 1 << PRECISION
_TAIL: Final = 1 << 9  # of 2**24: what lies beyond the reach of a table, to either side, at most
_MOST_REACH: Final = 255
_COUNT_BITS: Final = 5  # of an escape: how many bits follow
_MOST_VALUE: Final = 1 << 30
_TOO_LARGE: Final = "an integer of the picture has more than 30 bits; the file is damaged."
_PIECE: Final = 1 << 16  # cells whose contexts are computed at a time


@final
class ScaleTables:
    """The cumulative frequencies of each scale: of Laplace distributions, by repeated multiplication.

    ``decays`` are, for each scale, the factor by which the tail falls within a sixteenth, in units of 2**-32.
    """

    def __init__(self, decays: Sequence[int]) -> None:
        self.tails: list[list[int]] = []
        """Per scale the tail beyond each sixteenth, 2**23 at 0."""
        self.reaches: list[int] = []
        """Per scale how far integers go, from that nearest to the mean, before an escape."""
        for decay in decays:
            tail, reach = [_TOTAL >> 1], 0
            while reach < 1 or (tail[-1] >= _TAIL and reach < _MOST_REACH):
                for _ in range(1 << MEAN_BITS):
                    tail.append(tail[-1] * decay >> 32)
                reach += 1
            for _ in range(1 << MEAN_BITS):
                tail.append(tail[-1] * decay >> 32)
            self.tails.append(tail)
            self.reaches.append(reach)
        longest = max(map(len, self.tails))
        self.padded = np.array([tail + [0] * (longest - len(tail)) for tail in self.tails], np.int64)
        self.reach = np.array(self.reaches, np.int64)
        self._lists: dict[int, list[int]] = {}

    def cumulative(self, scale: int, fraction: int) -> list[int]:
        """Return the table of a scale and of a mean ``fraction`` sixteenths above an integer: escape, ..., escape."""
        key = scale << MEAN_BITS | (fraction + (1 << MEAN_BITS - 1))
        if (found := self._lists.get(key)) is None:
            symbols = np.arange(2 * self.reaches[scale] + 4)
            scales = np.full(len(symbols), scale)
            found = self._lists[key] = self._starts(scales, np.full(len(symbols), fraction), symbols).tolist()
        return found

    def intervals(
        self, scales: Int64[np.ndarray, " n"], fractions: Int64[np.ndarray, " n"], offsets: Int64[np.ndarray, " n"]
    ) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Return start and width of the symbols of integers ``offsets`` from that nearest to the mean."""
        reach = self.reach[scales]
        symbols = np.clip(offsets, -reach - 1, reach + 1) + reach + 1
        starts = self._starts(scales, fractions, symbols)
        return starts, self._starts(scales, fractions, symbols + 1) - starts

    def excess(self, scales: Int64[np.ndarray, " n"], offsets: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return by how much each integer exceeds the reach of its table; 0 if it does not."""
        return np.maximum(np.abs(offsets) - self.reach[scales], 0)

    def _starts(
        self, scales: Int64[np.ndarray, " n"], fractions: Int64[np.ndarray, " n"], symbols: Int64[np.ndarray, " n"]
    ) -> Int64[np.ndarray, " n"]:
        reach = self.reach[scales]
        count = 2 * reach + 3
        edge = ((symbols - 1 - reach) << MEAN_BITS) - (1 << MEAN_BITS - 1) - fractions
        tails = self.padded[scales, np.minimum(np.abs(edge), self.padded.shape[1] - 1)]
        below = np.where(edge <= 0, tails, _TOTAL - tails)
        below = np.where(symbols <= 0, 0, np.where(symbols >= count, _TOTAL, below))
        return (below * (_TOTAL - count) >> PRECISION) + symbols


class Context(NamedTuple):
    """A context network for one grid, its weights as whole numbers in float64."""

    first: Float64[np.ndarray, "inputs hidden"]
    bias: Float64[np.ndarray, " hidden"]
    second: Float64[np.ndarray, "hidden hidden"]
    second_bias: Float64[np.ndarray, " hidden"]
    output: Float64[np.ndarray, "hidden 2"]
    straight: Float64[np.ndarray, "inputs 2"]
    output_bias: Float64[np.ndarray, " 2"]

    @staticmethod
    def of(weights: Int32[np.ndarray, " n"], grid: GridLayout) -> "Context":
        """Return the network of a grid: its weights in order are those of `ligeia.kernels.LatentFit`."""
        inputs, biases = num_inputs(grid.network), num_biases(grid.network)
        parts = np.split(weights.astype(np.float64), np.cumsum(context_sizes(inputs, biases))[:-1])
        return Context(
            parts[0].reshape(inputs, HIDDEN),
            parts[1].reshape(biases, HIDDEN)[grid.bias],
            parts[2].reshape(HIDDEN, HIDDEN),
            parts[3],
            parts[4].reshape(2, HIDDEN).T,
            parts[5].reshape(2, inputs).T,
            parts[6].reshape(biases, 2)[grid.bias],
        )

    def predict(
        self, inputs: Float64[np.ndarray, "n inputs"]
    ) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Return the means, in sixteenths, and the numbers of the scales."""
        one = float(1 << FRACTION)
        low = np.maximum(inputs @ self.first + self.bias, 0)
        high = np.maximum(low @ self.second + one * (low + self.second_bias), 0)
        high = np.minimum(np.floor(high / one), _MOST_HIDDEN)
        out = high @ self.output + one * (inputs @ self.straight + self.output_bias)
        half = 1 << 2 * FRACTION - MEAN_BITS - 1
        rounded = np.floor((out + half) / (2 * half))
        means = np.clip(rounded[:, 0], -_MOST_MEAN, _MOST_MEAN).astype(np.int64)
        scales = np.clip(rounded[:, 1] - _FIRST_SCALE, 0, NUM_SCALES - 1)
        return means, scales.astype(np.int64)


@final
class _Surroundings:
    """The inputs of the contexts of a grid, gathered by flat indices of cells."""

    def __init__(self, grid: GridLayout, known: Sequence[Int32[np.ndarray, "..."]]) -> None:
        rows, columns = grid.shape
        self.stride = columns + 2 * DELAY
        self.flat = np.zeros((rows + DELAY) * self.stride)
        same = [each for each in grid.inputs if each.source == SAME]
        self._offsets = np.array([each.row * self.stride + each.column for each in same])
        self._inputs = grid.inputs
        self._known = {
            each.grid: np.clip(known[each.grid], -MOST_INPUT, MOST_INPUT).astype(np.float64)
            for each in grid.inputs
            if each.source == OTHER
        }
        self._parent = None
        if grid.parent >= 0:
            self._parent = np.clip(known[grid.parent], -MOST_INPUT, MOST_INPUT).astype(np.float64)
            self._parent = np.pad(self._parent, ((0, 0), (1, 1)))

    def places(self, y: Int64[np.ndarray, " n"], x: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return where cells are in `flat`."""
        return (y + DELAY) * self.stride + x + DELAY

    def at(self, y: Int64[np.ndarray, " n"], x: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, "n inputs"]:
        """Return the inputs of cells."""
        count = len(self._offsets)
        found = np.zeros((len(y), len(self._inputs)))
        found[:, :count] = self.flat[self.places(y, x)[:, None] + self._offsets]
        for column, each in enumerate(self._inputs[count:], count):
            if each.source == OTHER:
                found[:, column] = self._known[each.grid][y, x]
            elif each.source == PARENT and self._parent is not None:
                row, place = y >> 1, (x >> 1) + 1
                if each.row:
                    row = np.clip(row + 2 * (y & 1) - 1, 0, len(self._parent) - 1)
                if each.column:
                    place = place + 2 * (x & 1) - 1
                found[:, column] = self._parent[row, place]
        return found


def waves(shape: tuple[int, int]) -> Iterator[tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]]:
    """Yield rows and columns of cells that are coded together: those with one ``column + 3 * row``, top row first."""
    rows, columns = shape
    for time in range(columns + DELAY * (rows - 1)):
        y = np.arange(max(0, -(-(time - columns + 1) // DELAY)), min(rows - 1, time // DELAY) + 1)
        if len(y):  # a grid of one column has none every now and then
            yield y, time - DELAY * y


def intervals_of(
    grid: GridLayout,
    number: int,
    integers: Sequence[Int32[np.ndarray, "..."]],
    context: Context,
    tables: ScaleTables,
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Return start and width of each symbol of a grid, in the order of coding, escapes included."""
    rows, columns = grid.shape
    around = _Surroundings(grid, integers)
    values = integers[number].astype(np.int64)
    cells = np.arange(rows * columns)
    y, x = np.divmod(cells, columns)
    around.flat[around.places(y, x)] = np.clip(values, -MOST_INPUT, MOST_INPUT).reshape(-1)
    means, scales = np.empty(len(cells), np.int64), np.empty(len(cells), np.int64)
    for first in range(0, len(cells), _PIECE):
        piece = slice(first, first + _PIECE)
        means[piece], scales[piece] = context.predict(around.at(y[piece], x[piece]))
    nearest = means + (1 << MEAN_BITS - 1) >> MEAN_BITS
    offsets = values.reshape(-1) - nearest
    starts, widths = tables.intervals(scales, means - (nearest << MEAN_BITS), offsets)
    order = np.lexsort((y, x + DELAY * y))
    starts, widths = starts[order], widths[order]
    excess = tables.excess(scales, offsets)[order]
    escaped = np.flatnonzero(excess)
    if not len(escaped):
        return starts, widths
    extra = [_escape(int(each)) for each in excess[escaped]]
    places = np.repeat(escaped + 1, [len(each) for each in extra])
    flat = [pair for each in extra for pair in each]
    return np.insert(starts, places, [s for s, _ in flat]), np.insert(widths, places, [w for _, w in flat])


def _escape(excess: int) -> list[tuple[int, int]]:
    """Return the symbols of a number above 0: how many bits follow its first, then these."""
    bits = excess.bit_length() - 1
    found = [_plain(bits, _COUNT_BITS)]
    for shift in range(0, bits, 16):
        width = min(16, bits - shift)
        found.append(_plain(excess >> shift & (1 << width) - 1, width))
    if excess.bit_length() > 30:
        raise StreamError(f"integers of pictures have up to 30 bits, got {excess}.")
    return found


def _plain(value: int, bits: int) -> tuple[int, int]:
    return value << PRECISION - bits, 1 << PRECISION - bits


@cache
def _raw_table(bits: int) -> list[int]:
    return [each << PRECISION - bits for each in range((1 << bits) + 1)]


def read_grid(
    grid: GridLayout,
    known: Sequence[Int32[np.ndarray, "..."]],
    context: Context,
    tables: ScaleTables,
    decoder: Decoder,
) -> Int32[np.ndarray, "h w"]:
    """Return the integers of a grid: in compiled code, or wave by wave in NumPy."""
    if has_reader():
        return _read_compiled(grid, known, context, tables, decoder)
    around = _Surroundings(grid, known)
    result = np.zeros(grid.shape, np.int32)
    for y, x in waves(grid.shape):
        means, scales = context.predict(around.at(y, x))
        nearest = means + (1 << MEAN_BITS - 1) >> MEAN_BITS
        fractions = means - (nearest << MEAN_BITS)
        values = [
            near + _read(decoder, tables, scale, fraction)
            for near, scale, fraction in zip(nearest.tolist(), scales.tolist(), fractions.tolist(), strict=True)
        ]
        array = np.array(values, np.int64)
        if np.abs(array).max() >= _MOST_VALUE:
            raise StreamError(_TOO_LARGE)
        result[y, x] = array
        around.flat[around.places(y, x)] = np.clip(array, -MOST_INPUT, MOST_INPUT)
    return result


def _read_compiled(
    grid: GridLayout,
    known: Sequence[Int32[np.ndarray, "..."]],
    context: Context,
    tables: ScaleTables,
    decoder: Decoder,
) -> Int32[np.ndarray, "h w"]:
    parent = known[grid.parent] if grid.parent >= 0 else None
    found = compiled_read_grid(
        grid.shape, grid.inputs, known, parent, context, tables.padded, tables.reach, decoder.state()
    )
    if found is None:
        raise StreamError(_TOO_LARGE)
    decoder.go_on(*found[1:])
    return found[0]


def _read(decoder: Decoder, tables: ScaleTables, scale: int, fraction: int) -> int:
    """Return the next integer, less that nearest to its mean."""
    symbol = decoder.symbol(tables.cumulative(scale, fraction))
    reach = tables.reaches[scale]
    if 0 < symbol < 2 * reach + 2:
        return symbol - 1 - reach
    bits = decoder.symbol(_raw_table(_COUNT_BITS))
    if bits > 29:
        raise StreamError(_TOO_LARGE)
    excess = 1 << bits
    for shift in range(0, bits, 16):
        excess |= decoder.symbol(_raw_table(min(16, bits - shift))) << shift
    return reach + excess if symbol else -reach - excess
