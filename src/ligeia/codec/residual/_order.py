"""The order in which the samples of a grid are coded, and what is known around each (spec/container.md, s. 5).

The first sample of all comes first; then the grid is refined, axis by axis, by the samples midway between those that
are known. Nothing in a *pass* depends on the same channel's samples of that pass, so NumPy computes many at once, and
each sample is predicted from both sides. The rule is the same for any number of axes.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Int

BLOCK: Final = 1 << 14  # samples after which the counts of symbols are taken in


@final
@dataclass(frozen=True, slots=True)
class Pass:
    """New samples: along ``axis`` midway between those known, which are ``2 * half`` apart there."""

    shape: tuple[int, ...]
    axis: int
    half: int
    strides: tuple[int, ...]
    """Along the other axes, from sample to sample."""

    def counts(self) -> list[int]:
        """Return the number of new samples per axis."""
        return [len(each) for each in self._positions()]

    def _positions(self) -> list[range]:
        return [
            range(self.half, size, 2 * self.half) if number == self.axis else range(0, size, self.strides[number])
            for number, size in enumerate(self.shape)
        ]

    def block_starts(self) -> range:
        """Return the first sample of each block."""
        return range(0, int(np.prod(self.counts(), dtype=np.int64)), BLOCK)


def passes(shape: Sequence[int]) -> Iterator[Pass]:
    """Yield the passes over a grid; all but its first sample come in exactly one.

    >>> [(each.axis, each.half, each.counts()) for each in passes((3, 2))]
    [(0, 2, [1, 1]), (0, 1, [1, 1]), (1, 1, [3, 1])]
    """
    strides = [1 << (size - 1).bit_length() for size in shape]
    while max(strides) > 1:
        largest = max(strides)
        for axis, stride in enumerate(strides):
            if stride == largest:
                strides[axis] = stride // 2
                yield Pass(tuple(shape), axis, stride // 2, tuple(strides))


@final
class Neighborhood:
    """Where the samples of a block lie in the flat grid, and their neighbors.

    Neighbors beyond the last known sample of an axis are that sample.
    """

    def __init__(self, one: Pass, start: int) -> None:
        self._pass = one
        positions = one._positions()
        counts = [len(each) for each in positions]
        stop = min(start + BLOCK, int(np.prod(counts, dtype=np.int64)))
        self._index = np.unravel_index(np.arange(start, stop), counts)
        self._positions = [np.arange(each.start, each.stop, each.step) for each in positions]
        self._pitch = [int(np.prod(one.shape[number + 1 :], dtype=np.int64)) for number in range(len(one.shape))]
        along, half = one.axis, one.half
        others = [number for number in range(len(one.shape)) if number != along]
        self.places = self._at({}, half)
        self.near = [self._at({along: sign * half}, 2 * half) for sign in (-1, 1)]
        self.far = [self._at({along: sign * 3 * half}, 2 * half) for sign in (-1, 1)]
        self.corners = [
            self._at({along: sign * half, other: side * one.strides[other]}, 2 * half)
            for other, sign, side in itertools.product(others, (-1, 1), (-1, 1))
        ]
        steps = [(along, 2 * half), *((other, one.strides[other]) for other in others)]
        self.beside = [self._at({axis: sign * step}, half) for axis, step in steps for sign in (-1, 1)]

    def _at(self, offsets: dict[int, int], step_along: int) -> Int[np.ndarray, " n"]:
        one, result = self._pass, np.zeros(len(self._index[0]), np.int64)
        for number, (positions, index, size) in enumerate(zip(self._positions, self._index, one.shape, strict=True)):
            step = step_along if number == one.axis else one.strides[number]
            last = (size - 1) // step * step
            result += (np.clip(positions + offsets.get(number, 0), 0, last) * self._pitch[number])[index]
        return result
