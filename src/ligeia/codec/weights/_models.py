"""Probabilities of integer weights: tables computed in integers only, by the rules of spec/container.md s. 4.

Symbols are the integers from -m to m, in this order. A *bell* is a table of two bytes: its weights fall from 0
outwards by a ratio that itself changes by a ratio, which spans Laplace's and Gauss's laws and flat ones.
"""

import math
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import Final, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Int, Int32

from ..entropy._ans import PRECISION, Decoder, IntervalRun, TableRun

FLAT: Final = 208  # the ratio code of 1
MAX_REACH: Final = 4095
MAX_ADAPTIVE_REACH: Final = 127  # each symbol moves the counts of all that follow it in the order
NUM_STRENGTHS: Final = 16
COUNT_OF_ONE: Final = 32
NUM_SCALES: Final = 4


@runtime_checkable
class Model(Protocol):
    """Maps the integers of a tensor to symbols of the coder and back."""

    def run(self, integers: Int32[np.ndarray, "..."]) -> TableRun | IntervalRun:
        """Return the run that codes a tensor; the model must have symbols for all of its integers."""
        ...

    def read(self, decoder: Decoder, shape: tuple[int, ...]) -> Int32[np.ndarray, "..."]:
        """Return a tensor."""
        ...


def ratio(code: int) -> int:
    """Return a ratio in units of 2**-16, from its code of one byte; ratios rise with their codes.

    >>> [ratio(code) for code in (0, 9, 104, 207, 208, 209, 255)]
    [0, 9, 32768, 65535, 65536, 65568, 73216]
    """
    if code <= 104:
        return _magnitude(code)
    if code <= FLAT:
        return (1 << 16) - _magnitude(FLAT - code)
    return (1 << 16) + 32 * _magnitude(code - FLAT)


def _magnitude(code: int) -> int:
    return code if code < 8 else (8 + code % 8) << (code // 8 - 1)


def half_bell(reach: int, first: int, change: int) -> list[int]:
    """Return the weights of 0, 1, ..., ``reach``; ``first`` and ``change`` are codes of ratios."""
    weight, fall, change_ratio, one = 1 << PRECISION, ratio(first), ratio(change), 1 << 16
    weights = [weight]
    while weight and len(weights) <= reach and (fall < one or change_ratio < one):
        weight = weight * fall >> 16
        fall = fall * change_ratio >> 16
        weights.append(weight)
    return weights + [weight] * (reach + 1 - len(weights))  # a bell that has become 0, or flat, stays so


def table_of(weights: list[int]) -> list[int]:
    """Return the table of weights: each symbol gets 1 and, of the rest, in proportion to its weight.

    >>> table_of([0, 1, 2])
    [0, 1, 5592406, 16777216]
    """
    count, total = len(weights), sum(weights)
    scale = (1 << PRECISION) - count
    return [below * scale // total + symbol for symbol, below in enumerate(accumulate(weights, initial=0))]


def bell_table(reach: int, first: int, change: int) -> list[int]:
    """Return the table of -reach, ..., reach."""
    half = half_bell(reach, first, change)
    return table_of([*half[:0:-1], *half])


@final
class Fixed:
    """A fixed distribution."""

    def __init__(self, reach: int, first: int, change: int) -> None:
        self._reach = reach
        self._table = bell_table(reach, first, change)

    def run(self, integers: Int32[np.ndarray, "..."]) -> TableRun:
        """Return what codes a tensor."""
        return TableRun(integers.ravel() + np.int32(self._reach), self._table)

    def read(self, decoder: Decoder, shape: tuple[int, ...]) -> Int32[np.ndarray, "..."]:
        """Return a tensor."""
        return decoder.take(self._table, math.prod(shape)).reshape(shape) - np.int32(self._reach)


def initial_counts(table: list[int], strength: int) -> list[int]:
    """Return the counts that an adaptive model begins with: those of a table, worth ``2**strength`` symbols."""
    return [1 + (end - start >> 19 - strength) for start, end in pairwise(table)]


@final
class Adaptive:
    """Counts that start as a distribution worth ``2**strength`` symbols and are updated by every symbol.

    With ``by_scale`` there are `NUM_SCALES` sets of counts: a weight is coded by the set for the scale predicted from
    the magnitudes before it in its row and column.
    """

    def __init__(self, reach: int, first: int, change: int, strength: int, *, by_scale: bool) -> None:
        counts = initial_counts(bell_table(reach, first, change), strength)
        self._reach = reach
        self._below = [list(accumulate(counts, initial=0)) for _ in range(NUM_SCALES if by_scale else 1)]
        self._mean = mean_magnitude(reach, first, change) if by_scale else None

    def run(self, integers: Int32[np.ndarray, "..."]) -> IntervalRun:
        """Return the run that codes a tensor, and count its symbols."""
        symbols = (integers.ravel() + np.int32(self._reach)).tolist()
        scales = [0] * len(symbols) if self._mean is None else scales_of(integers, self._mean).ravel().tolist()
        share = (1 << PRECISION) - 2 * self._reach - 1
        starts, widths = [], []
        for symbol, scale in zip(symbols, scales, strict=True):
            below = self._below[scale]
            start = below[symbol] * share // below[-1] + symbol
            starts.append(start)
            widths.append(below[symbol + 1] * share // below[-1] + symbol + 1 - start)
            below[symbol + 1 :] = [count + COUNT_OF_ONE for count in below[symbol + 1 :]]
        return IntervalRun(starts, widths)

    def read(self, decoder: Decoder, shape: tuple[int, ...]) -> Int32[np.ndarray, "..."]:
        """Return a tensor, and count its symbols."""
        num_rows, num_columns = shape[0], math.prod(shape[1:])
        result = np.empty((num_rows, num_columns), np.int32)
        mean, columns = self._mean, [0] * num_columns
        for number in range(num_rows):
            row, in_row = [], 0
            for place in range(num_columns):
                scale = 0 if mean is None else _scale(in_row, place, columns[place], number, mean)
                integer = self._read_symbol(decoder, self._below[scale]) - self._reach
                row.append(integer)
                in_row += abs(integer)
                columns[place] += abs(integer)
            result[number] = row
        return result.reshape(shape)

    def _read_symbol(self, decoder: Decoder, below: list[int]) -> int:
        share, total, quantile = (1 << PRECISION) - 2 * self._reach - 1, below[-1], decoder.quantile()
        # no later symbol can begin at or below the quantile; the 1 of each symbol may ask for an earlier one
        symbol = bisect_right(below, ((quantile + 1) * total - 1) // share) - 1
        while (start := below[symbol] * share // total + symbol) > quantile:
            symbol -= 1
        decoder.advance(start, below[symbol + 1] * share // total + symbol + 1 - start)
        below[symbol + 1 :] = [count + COUNT_OF_ONE for count in below[symbol + 1 :]]
        return symbol


def mean_magnitude(reach: int, first: int, change: int) -> int:
    """Return the mean magnitude of a bell in sixteenths, at least 1."""
    half = half_bell(reach, first, change)
    first_moment = sum(distance * weight for distance, weight in enumerate(half))
    return max(1, 16 * 2 * first_moment // (2 * sum(half) - half[0]))


def _scale(in_row: int, num_in_row: int, in_column: int, num_in_column: int, mean: int) -> int:
    # the mean of either, in sixteenths, which begins as four weights of the bell's own
    product = (16 * in_row + 4 * mean) // (num_in_row + 4) * ((16 * in_column + 4 * mean) // (num_in_column + 4))
    square = mean * mean
    return (2 * product >= square) + (product >= square) + (product >= 2 * square)


def scales_of(integers: Int32[np.ndarray, "..."], mean: int) -> Int[np.ndarray, "rows columns"]:
    """Return the number, below `NUM_SCALES`, of the counts that code each integer."""
    magnitudes = np.abs(integers.reshape(len(integers), -1).astype(np.int64))
    num_rows, num_columns = magnitudes.shape
    in_row, in_column = (np.cumsum(magnitudes, axis) - magnitudes for axis in (1, 0))
    row_means = (16 * in_row + 4 * mean) // (np.arange(num_columns) + 4)
    product = row_means * ((16 * in_column + 4 * mean) // (np.arange(num_rows)[:, None] + 4))
    square = mean * mean
    return (2 * product >= square).astype(np.int64) + (product >= square) + (product >= 2 * square)


@final
class Raw:
    """Integers plus ``2**(bits - 1)``, all equally probable; bits above the lowest 16 are a symbol of their own."""

    def __init__(self, bits: int) -> None:
        self._bits = bits

    def run(self, integers: Int32[np.ndarray, "..."]) -> IntervalRun:
        """Return what codes a tensor."""
        raised = integers.ravel().astype(np.int64) + (1 << self._bits - 1)
        high, low = max(self._bits - 16, 0), min(self._bits, 16)
        starts = [(raised & 0xFFFF) << PRECISION - low]
        widths = [np.full_like(raised, 1 << PRECISION - low)]
        if high:
            starts.insert(0, raised >> 16 << PRECISION - high)
            widths.insert(0, np.full_like(raised, 1 << PRECISION - high))
        return IntervalRun(np.stack(starts, 1).ravel().tolist(), np.stack(widths, 1).ravel().tolist())

    def read(self, decoder: Decoder, shape: tuple[int, ...]) -> Int32[np.ndarray, "..."]:
        """Return a tensor."""
        sizes = [size for size in (self._bits - 16, min(self._bits, 16)) if size > 0]
        result = np.empty(math.prod(shape), np.int32)
        for position in range(len(result)):
            raised = 0
            for size in sizes:
                symbol = decoder.quantile() >> PRECISION - size
                decoder.advance(symbol << PRECISION - size, 1 << PRECISION - size)
                raised = raised << size | symbol
            result[position] = raised - (1 << self._bits - 1)
        return result.reshape(shape)
