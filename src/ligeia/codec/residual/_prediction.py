"""Prediction of a sample and of the size of its error, in integers only (spec/container.md, s. 5)."""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Int, Int64

from ..entropy._ans import PRECISION
from ._order import Neighborhood

WEIGHT_BITS: Final = 10

DEFAULT_FEATURES: Final = (8, 4, 4, 16, 8, 32, 8, 0, 8)
NUM_FEATURES: Final = len(DEFAULT_FEATURES)
_SPREAD_BITS: Final = 3
NUM_CLASSES: Final = 4 * 38 + 1
# the spread at which each class but the first begins, in sixteenths of a step: four to the octave
_THRESHOLDS: Final = np.array([1, 2, 3, *((4 + part) << octave for octave in range(38) for part in range(4))])[
    : NUM_CLASSES - 1
]
_PLAIN_ABOVE: Final = 10  # bits of a spread, from which on the lowest bits of a residual are plain
NUM_EARLIER: Final = 3  # channels from which a channel is predicted
TOKENS: Final = 512
ESCAPE: Final = 0
MIDDLE: Final = TOKENS // 2
_GROWTH: Final = 32  # what a symbol that came adds to its weight
_PRIOR_BITS: Final = 13


class Weights(NamedTuple):
    """How a channel is predicted in a pass."""

    taps: tuple[int, ...]
    """In 1/1024; empty for the mean of the two neighbors."""
    features: tuple[int, ...] = DEFAULT_FEATURES
    """In 1/128: what makes the spread."""


@final
class Planes:
    """The samples known so far, channel by channel, in the order in which they are coded, from 0 up."""

    def __init__(
        self,
        samples: Sequence[Int[np.ndarray, " n"]],
        field: Sequence[Int[np.ndarray, " n"]],
        ranges: Sequence[int],
        field_bits: int,
    ) -> None:
        self.samples = list(samples)
        self.field = list(field)
        self.errors = [np.zeros_like(each) for each in samples]
        self.ranges = list(ranges)
        self._field_bits = field_bits

    def taps(self, channel: int, around: Neighborhood) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, "n taps"]]:
        """Return the mean of the two neighbors, and the terms that are weighted and added to it."""
        own = self.samples[channel]
        near = [own[each].astype(np.int64) for each in around.near]
        mean = near[0] + near[1] >> 1
        result = [near[0] - near[1], *(own[each] - mean for each in (*around.far, *around.corners))]
        for other in self.samples[max(0, channel - NUM_EARLIER) : channel]:
            low, high = (other[each].astype(np.int64) for each in around.near)
            base = low + high >> 1
            places = (around.places, *around.far, *around.corners, *around.beside)
            result += [low - high, *(other[each] - base for each in places)]
        if self.field:
            field, bits = self.field[channel], self._field_bits
            result.append(field[around.places] - (mean << bits))
            result += [field[each] - (value << bits) for each, value in zip(around.near, near, strict=True)]
        return mean, np.stack(result, axis=-1)

    @staticmethod
    def num_taps(channel: int, num_axes: int, *, has_field: bool) -> int:
        """Return how many taps `taps` gives."""
        corners = 4 * (num_axes - 1)
        per_earlier = 4 + corners + 2 * num_axes
        return 3 + corners + min(channel, NUM_EARLIER) * per_earlier + (3 if has_field else 0)

    def predict(
        self, channel: int, mean: Int64[np.ndarray, " n"], taps: Int64[np.ndarray, "n taps"], weights: Weights
    ) -> Int64[np.ndarray, " n"]:
        """Return the predicted samples, within the range of their channel."""
        if weights.taps:
            mean = mean + (taps @ np.array(weights.taps, np.int64) + (1 << WEIGHT_BITS - 1) >> WEIGHT_BITS)
        return np.clip(mean, 0, self.ranges[channel])

    def features(
        self, channel: int, around: Neighborhood, predicted: Int64[np.ndarray, " n"]
    ) -> Int64[np.ndarray, "n features"]:
        """Return the features that predict the size of a prediction's errors."""
        own, errors = self.samples[channel], self.errors[channel]
        near = [own[each].astype(np.int64) for each in around.near]
        far = [own[each].astype(np.int64) for each in around.far]
        corners = [own[each].astype(np.int64) for each in around.corners]
        none = np.zeros(len(predicted), np.int64)
        others = self.errors[max(0, channel - NUM_EARLIER) : channel]
        field = self.field[channel][around.places] if self.field else none
        columns = [
            np.abs(near[0] - near[1]),
            np.abs(far[0] - near[0]) + np.abs(far[1] - near[1]),
            sum((np.abs(one - two) for one, two in zip(corners[::2], corners[1::2], strict=True)), none),
            sum((errors[each] for each in around.near), none),
            sum((errors[each] for each in around.corners), none),
            sum((other[around.places] for other in others), none),
            sum((other[each] for other in others for each in around.beside), none),
            np.abs((field >> self._field_bits) - predicted) if self.field else none,
            np.ones(len(predicted), np.int64),
        ]
        return np.stack(columns, axis=-1)


def classes_of(features: Int64[np.ndarray, "n features"], weights: Weights) -> Int64[np.ndarray, " n"]:
    """Return the class of each sample: four per octave of the expected error."""
    return classes_of_spread(features @ np.array(weights.features, np.int64) >> _SPREAD_BITS)


def classes_of_spread(spread: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Return the class of each expected error, in sixteenths of a step."""
    return np.searchsorted(_THRESHOLDS, spread, "right").astype(np.int64)


def plain_bits(classes: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Return how many of the lowest bits of each class's errors are coded plainly."""
    return _PLAIN_BITS[classes]


_PLAIN_BITS: Final = np.array([max(0, int(start).bit_length() - _PLAIN_ABOVE) for start in (0, *_THRESHOLDS)], np.int64)


@final
class Counts:
    """How often each token occurred in each class; initial counts follow from the spread of the class."""

    def __init__(self) -> None:
        self._counts = _prior().copy()

    def tables(self, classes: Int64[np.ndarray, " classes"]) -> Int64[np.ndarray, "classes tokens"]:
        """Return where the tokens of some classes begin, out of 2**24."""
        counts = self._counts[classes]
        below = np.cumsum(counts, axis=1)
        return (below - counts) * ((1 << PRECISION) - TOKENS) // below[:, -1:] + np.arange(TOKENS)

    def add(self, classes: Int64[np.ndarray, " n"], tokens: Int64[np.ndarray, " n"]) -> None:
        """Take in the tokens of a block."""
        np.add.at(self._counts, (classes, tokens), _GROWTH)


@cache
def _prior() -> Int64[np.ndarray, "classes tokens"]:
    """Return the weights that the counts begin with: they fall by a ratio from the middle outwards."""
    result = np.ones((NUM_CLASSES, TOKENS), np.int64)
    for number, (start, bits) in enumerate(zip((0, *_THRESHOLDS), _PLAIN_BITS, strict=True)):
        spread = int(start) >> int(bits)
        ratio = 65536 * spread // (spread + 16)
        half = [1 << 16]
        for _ in range(MIDDLE - 1):
            half.append(half[-1] * ratio >> 16)
        bell = np.array([0, *half[:0:-1], *half])
        result[number] += (bell << _PRIOR_BITS) // int(bell.sum())
    return result


def tokens_of(
    errors: Int64[np.ndarray, " n"], plain: Int64[np.ndarray, " n"]
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Return the token of each error, and the plain bits that go with it."""
    tokens = (errors >> plain) + MIDDLE
    tokens[(tokens < 1) | (tokens >= TOKENS)] = ESCAPE
    return tokens, errors & (np.int64(1) << plain) - 1
