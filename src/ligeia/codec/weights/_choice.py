"""The choice of models for weights: the writer's search, which may change because readers accept any choice.

The cost of a candidate is its bits, parameters included. Consecutive tensors of one kind (weights, or biases) may
share a model: the best partition into such groups is found by dynamic programming. A fit packs much the same tensors
again and again, so it keeps a `PriceCache`; without one each search starts afresh. Both choose the same models.
"""

import bisect
import hashlib
import itertools
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int, Int32

from ..entropy._ans import PRECISION
from ..records._bytes import varint_bytes
from ._models import (
    COUNT_OF_ONE,
    FLAT,
    MAX_ADAPTIVE_REACH,
    MAX_REACH,
    NUM_SCALES,
    NUM_STRENGTHS,
    bell_table,
    half_bell,
    initial_counts,
    mean_magnitude,
    ratio,
    scales_of,
)

RAW_TAG: Final = 3  # on disk: append, never renumber
BELL_TAG: Final = 4
ADAPTIVE_TAG: Final = 16  # and the next 15: one per strength
BY_SCALE_TAG: Final = 32  # and the next 15

_LONGEST_GROUP: Final = 8

_FLOATS_PER_ENTRY: Final = 32  # memory of an entry besides its numbers


class Choice(NamedTuple):
    """The model of a tensor: its tag and what follows the step."""

    tag: int
    parameters: bytes


class _Priced(NamedTuple):
    bits: float
    choice: Choice


def choose(
    tensors: Sequence[Int32[np.ndarray, " ..."]], may_share: Sequence[bool], prices: "PriceCache | None" = None
) -> list[Choice | None]:
    """Return the cheapest models found for tensors of one kind, in order, none of them all zero.

    None stands for the model of the tensor before, where ``may_share`` allows it.
    """
    prices = PriceCache() if prices is None else prices
    digests = [_digest(each) for each in tensors]
    best: list[tuple[float, list[Choice | None]]] = [(0.0, [])]
    for end in range(1, len(tensors) + 1):
        ways = []
        for first in range(end - 1, max(-1, end - 1 - _LONGEST_GROUP), -1):
            priced = prices.price(tensors[first:end], tuple(digests[first:end]))
            bits, choices = best[first]
            ways.append(
                (bits + priced.bits + 8 * (end - first), [*choices, priced.choice, *[None] * (end - first - 1)])
            )
            if not may_share[first]:
                break
        best.append(min(ways, key=lambda way: way[0]))
    return best[-1][1]


@final
class PriceCache:
    """Results of a search of models that the next one may reuse: costs of groups of tensors, and distributions.

    It never changes a result. When it would hold more than ``most_groups`` costs (about 4 MiB by default), or more than
    ``most_floats`` numbers of distributions (32 MiB), it is emptied.
    """

    def __init__(self, *, most_groups: int = 1 << 14, most_floats: int = 1 << 22) -> None:
        self._most_groups, self._most_floats = most_groups, most_floats
        self._prices: dict[tuple[bytes, ...], _Priced] = {}
        self._bells: dict[tuple[int, int], Float[np.ndarray, " n"]] = {}
        self._costs: dict[tuple[int, int, int], Float[np.ndarray, " n"]] = {}
        self._num_floats = 0

    def price(self, tensors: Sequence[Int32[np.ndarray, "..."]], digests: tuple[bytes, ...]) -> _Priced:
        """Return the cheapest model that tensors of these digests share, and its bits."""
        if digests not in self._prices:
            if len(self._prices) >= self._most_groups:
                self._prices.clear()
            self._prices[digests] = _price(tensors, self)
        return self._prices[digests]

    def costs(self, reach: int, first: int, change: int) -> Float[np.ndarray, " n"]:
        """Return the bits of 0, 1, ..., ``reach`` by a bell of these codes."""
        key = reach, first, change
        found = self._costs.get(key)
        if found is None:
            weights = self._bell(reach, first, change)
            total = 2 * weights.sum() - weights[0]  # exact: a sum of whole numbers below 2**53
            scale = (1 << PRECISION) - (2 * reach + 1)
            found = np.full(reach + 1, float(PRECISION))
            found[: len(weights)] -= np.log2(1 + weights * (scale / total))
            self._make_room(reach + 1)
            self._costs[key] = found
        return found

    def _bell(self, reach: int, first: int, change: int) -> Float[np.ndarray, " m"]:
        """Return the weights of 0, 1, ..., ``reach`` up to the first that is 0."""
        found = self._bells.get((first, change))
        if found is None or (len(found) <= reach and found[-1]):
            # a bell begins as one of more reach does, so that those of about the same are worked out once
            found = np.array(half_bell((1 << reach.bit_length()) - 1, first, change), np.float64)
            found = found[: 1 + np.count_nonzero(found)]
            self._make_room(len(found))
            self._bells[first, change] = found
        return found[: reach + 1]

    def _make_room(self, num_floats: int) -> None:
        self._num_floats += num_floats + _FLOATS_PER_ENTRY
        if self._num_floats > self._most_floats:
            self._bells.clear()
            self._costs.clear()
            self._num_floats = num_floats + _FLOATS_PER_ENTRY


def _digest(tensor: Int32[np.ndarray, "..."]) -> bytes:
    return hashlib.blake2b(
        repr(tensor.shape).encode() + np.ascontiguousarray(tensor).tobytes(), digest_size=16
    ).digest()


def choose_raw(integers: Int32[np.ndarray, " ..."]) -> Choice:
    """Return the raw model, which takes two bits or more per weight."""
    return Choice(RAW_TAG, bytes([min(32, _num_bits(integers) + 1)]))


def _num_bits(integers: Int32[np.ndarray, " ..."]) -> int:
    return 1 + max(int(integers.max()), -1 - int(integers.min())).bit_length()


def _price(tensors: Sequence[Int32[np.ndarray, "..."]], prices: PriceCache) -> _Priced:
    """Return the cheapest model that tensors share, and the bits of its parameters and of all their weights."""
    integers = np.concatenate([each.ravel() for each in tensors])
    num_bits = _num_bits(integers)
    raw = _Priced(num_bits * len(integers), Choice(RAW_TAG, bytes([num_bits])))
    reach = max(1, int(integers.max()), -int(integers.min()))
    if reach > MAX_REACH:
        return _Priced(raw.bits + 16, raw.choice)
    counts = np.bincount(integers + reach, minlength=2 * reach + 1)
    first, change = _fit_bell(counts, prices)
    parameters, table = varint_bytes(reach) + bytes([first, change]), bell_table(reach, first, change)
    candidates = [raw, _Priced(_table_bits(counts, table), Choice(BELL_TAG, parameters))]
    if reach <= MAX_ADAPTIVE_REACH:
        bits, strength = _fit_strength([counts], table)
        candidates.append(_Priced(bits, Choice(ADAPTIVE_TAG + strength, parameters)))
    if reach <= MAX_ADAPTIVE_REACH and tensors[0].ndim > 1:
        mean = mean_magnitude(reach, first, change)
        scales = np.concatenate([scales_of(each, mean).ravel() for each in tensors])
        by_scale = np.bincount(integers + reach + scales * len(counts), minlength=NUM_SCALES * len(counts))
        bits, strength = _fit_strength([*by_scale.reshape(NUM_SCALES, -1)], table)
        candidates.append(_Priced(bits, Choice(BY_SCALE_TAG + strength, parameters)))
    bits, choice = min(candidates, key=lambda each: each.bits)
    return _Priced(bits + 8 + 8 * len(choice.parameters), choice)


def _fit_strength(histograms: list[Int[np.ndarray, " n"]], table: list[int]) -> tuple[float, int]:
    """Return bits and strength of the cheapest adaptive model that begins as a table."""

    def priced(strengths: range) -> tuple[float, int]:
        ways = []
        for strength in strengths:
            initial = initial_counts(table, strength)
            ways.append((sum(_adaptive_bits(counts, initial) for counts in histograms), strength))
        return min(ways)

    _, coarse = priced(range(1, NUM_STRENGTHS, 3))
    return priced(range(max(coarse - 1, 0), min(coarse + 2, NUM_STRENGTHS)))


def _table_bits(counts: Int[np.ndarray, " n"], table: list[int]) -> float:
    return float(counts @ (PRECISION - np.log2(np.diff(table))))


def _adaptive_bits(counts: Int[np.ndarray, " n"], initial: list[int]) -> float:
    """Return the bits of an adaptive model, which do not depend on the order of the symbols."""
    total = sum(initial) / COUNT_OF_ONE
    nats = math.lgamma(total + int(counts.sum())) - math.lgamma(total)
    for symbol in np.flatnonzero(counts).tolist():
        before = initial[symbol] / COUNT_OF_ONE
        nats -= math.lgamma(before + int(counts[symbol])) - math.lgamma(before)
    return nats / math.log(2)


def _fit_bell(counts: Int[np.ndarray, " n"], prices: PriceCache) -> tuple[int, int]:
    """Return the two codes of the cheapest bell that a pattern search finds from Laplace's and Gauss's laws."""
    reach = len(counts) // 2
    half_counts = counts[reach:] + np.append(0, counts[:reach][::-1])

    @cache
    def bits(first: int, change: int) -> float:
        return float(half_counts @ prices.costs(reach, first, change))

    size, distances = counts.sum(), np.arange(reach + 1)
    mean, square = half_counts @ distances / size, half_counts @ distances**2 / size
    starts = [
        (_nearest_code(mean / (1 + mean)), FLAT),
        (_nearest_code(math.exp(-0.5 / square)), _nearest_code(math.exp(-1 / square))),
    ]
    return _descend(bits, *min(starts, key=lambda codes: bits(*codes)))


def _descend(bits: Callable[[int, int], float], first: int, change: int) -> tuple[int, int]:
    here = (first, change)
    for stride in (16, 8, 4, 2, 1):
        while True:
            moves = itertools.product((-stride, 0, stride), repeat=2)
            around = [(min(max(here[0] + a, 0), FLAT), min(max(here[1] + b, 0), 255)) for a, b in moves]
            best = min(around, key=lambda codes: bits(*codes))
            if bits(*best) >= bits(*here):
                break
            here = best
    return here


def _nearest_code(fraction: float) -> int:
    above = min(bisect.bisect_left(range(FLAT), 65536 * fraction, key=ratio), FLAT)
    below = max(above - 1, 0)
    return min(below, above, key=lambda code: abs(ratio(code) - 65536 * fraction))
