"""The nodes of voxels in the order in which their integers are coded, and what is predicted from nodes before.

From coarse to fine, as pictures and samples are coded here: first every eighth node along each axis, then those halfway
between them along x, along y, along z, and so on (spec/scenes.md). Integers only.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Int, Int64

from ..residual._prediction import classes_of_spread

CHANNELS: Final = 9  # density, and features of which the first three are a color
_FIRST_STRIDE: Final = 8
_BLOCK: Final = 1 << 12  # nodes whose integers are coded with the same counts
_NEIGHBOR_WEIGHTS: Final = (0, 8, 3, 1)  # by how many axes lead to it
_BEFORE, _ERRORS, _CHANNELS_BEFORE = 5, 10, 10  # sixteenths of a step for each of what makes the spread
_FROM_COLOR: Final = 3  # quarters of the error of a color in the next one


class Block(NamedTuple):
    """Nodes that are coded together."""

    rows: Int64[np.ndarray, " n"]
    neighbors: Int64[np.ndarray, "k n"]
    """Rows of nodes before, -1 where there is none."""
    weights: Int64[np.ndarray, "k n"]
    """0 where there is none."""


def blocks(occupied: Bool[np.ndarray, "x y z"]) -> Iterator[Block]:
    """Yield all nodes at corners of occupied cells; rows are numbered as in `ligeia.kernels.VoxelGrid`."""
    has_row = np.zeros(np.add(occupied.shape, 1), bool)
    x, y, z = occupied.shape
    for i, j, k in np.ndindex(2, 2, 2):
        has_row[i : i + x, j : j + y, k : k + z] |= occupied
    row = np.full(has_row.shape, -1, np.int32)
    row[has_row] = np.arange(int(has_row.sum()), dtype=np.int32)
    strides = [_FIRST_STRIDE] * 3
    yield from _blocks(row, strides, None)
    while strides[2] > 1:
        for axis in range(3):
            strides[axis] //= 2
            yield from _blocks(row, strides, axis)


def _blocks(row: Int[np.ndarray, "x y z"], strides: list[int], axis: int | None) -> Iterator[Block]:
    """Yield the nodes at multiples of the strides, odd ones along ``axis``, row-major."""
    begins = [strides[each] if each == axis else 0 for each in range(3)]
    steps = [strides[each] * (2 if each == axis else 1) for each in range(3)]
    chosen = row[begins[0] :: steps[0], begins[1] :: steps[1], begins[2] :: steps[2]]
    places = np.argwhere(chosen >= 0) * steps + begins
    offsets = [] if axis is None else [each for each in product((-1, 0, 1), repeat=3) if each[axis]]
    size = np.array(row.shape)
    for start in range(0, len(places), _BLOCK):
        place = places[start : start + _BLOCK]
        neighbors = np.full((len(offsets), len(place)), -1, np.int64)
        weights = np.zeros_like(neighbors)
        for number, offset in enumerate(offsets):
            around = place + np.multiply(offset, strides)
            inside = np.all((around >= 0) & (around < size), axis=1)
            neighbors[number, inside] = row[tuple(around[inside].T)]
            weights[number] = (neighbors[number] >= 0) * _NEIGHBOR_WEIGHTS[np.count_nonzero(offset)]
        yield Block(row[tuple(place.T)].astype(np.int64), neighbors, weights)


@final
class Integers:
    """The integers of the nodes that are known, each less the lowest of its channel, and their errors."""

    def __init__(self, num_rows: int, lows: list[int], ranges: list[int]) -> None:
        # a row more: what a neighbor that is not there points to
        self.values = np.zeros((CHANNELS, num_rows + 1), np.int64 if max(ranges) >= 1 << 30 else np.int32)
        self._errors = np.zeros_like(self.values)
        self._nothing = [min(max(-low, 0), most) for low, most in zip(lows, ranges, strict=True)]
        self._ranges = ranges

    def predict(self, block: Block, channel: int) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Return what a channel of nodes is predicted to be, and the class of the error to be expected."""
        total = block.weights.sum(axis=0)
        some = np.maximum(total, 1)
        around = self.values[channel][block.neighbors].astype(np.int64)
        mean = (2 * (block.weights * around).sum(axis=0) + total) // (2 * some)
        mean[total == 0] = self._nothing[channel]
        errors = self._errors[:, block.rows].astype(np.int64)
        spread = _BEFORE * (block.weights * np.abs(around - mean)).sum(axis=0)
        spread += _ERRORS * (block.weights * np.abs(self._errors[channel][block.neighbors])).sum(axis=0)
        spread = np.where(total > 0, spread // some, _BEFORE + _ERRORS)
        if channel > 1:
            spread += _CHANNELS_BEFORE * np.abs(errors[1:channel]).sum(axis=0) // (channel - 1)
        if channel in (2, 3):
            mean += _FROM_COLOR * errors[channel - 1] + 2 >> 2
        return np.clip(mean, 0, self._ranges[channel]), classes_of_spread(spread)

    def learn(
        self, block: Block, channel: int, values: Int64[np.ndarray, " n"], predicted: Int64[np.ndarray, " n"]
    ) -> None:
        """Note what a channel of nodes is."""
        self.values[channel, block.rows] = values
        self._errors[channel, block.rows] = values - predicted
