"""Sampling: where to look at a grid. The only code that turns sample indices into coordinates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int, Real

from ligeia.core import ShapeError

from ._axis import Alignment, Axis, spread
from ._footprint import POINT, Footprint

if TYPE_CHECKING:  # a grid makes its samplings, and stands above them
    from ._grid import Grid
else:
    Grid = Any

_MAX_TABLE = 1 << 16  # coordinates of longer axes are worked out where they are asked for, never kept


@lru_cache(maxsize=64)  # a batch asks for them thousands of times a second
def _table(axis: Axis, size: int, ends: tuple[float, float], align: Alignment) -> Float[np.ndarray, " n"]:
    result = _coordinates(axis, np.arange(size), size, ends, align)
    result.flags.writeable = False
    return result


def _coordinates(
    axis: Axis, index: Real[np.ndarray, " n"], size: int, ends: tuple[float, float], align: Alignment
) -> Float[np.ndarray, " n"]:
    if ends == (0.0, axis.size):  # exactly what a grid of that size has
        return axis.resized(size, align).coordinates_at(index.astype(np.float64), align)
    return axis.coordinates_at(spread(ends, index, size, axis.aligned(align)), align)


@lru_cache(maxsize=64)
def _node_table(
    axis: Axis, size: int, ends: tuple[float, float], align: Alignment, offsets: tuple[float, ...]
) -> Float[np.ndarray, "n k"]:
    result = _node_coordinates(axis, np.arange(size), size, ends, align, offsets)
    result.flags.writeable = False
    return result


def _node_coordinates(
    axis: Axis,
    index: Int[np.ndarray, " n"],
    size: int,
    ends: tuple[float, float],
    align: Alignment,
    offsets: tuple[float, ...],
) -> Float[np.ndarray, "n k"]:
    """Return the coordinates around samples, at offsets in steps; those beyond the ends of an axis are its ends."""
    places = (index[:, None] + np.array(offsets)).reshape(-1)
    found = _coordinates(axis, places, size, ends, align)
    return (found if axis.is_periodic else found.clip(-1, 1)).reshape(len(index), len(offsets))


class Nodes(NamedTuple):
    """Where a sample looks around its place along one axis, and with what weights."""

    offsets: tuple[float, ...]
    """In steps between samples."""
    weights: tuple[float, ...]
    """They add up to 1."""


@final
@dataclass(frozen=True, slots=True)
class Sampling:
    """Where to look at a field: ``shape`` samples that fill a part of a grid, aligned as that grid is."""

    grid: Grid
    shape: tuple[int, ...]
    ends: tuple[tuple[float, float], ...]
    """Per axis the first and last (exclusive) sample of the part, of the original ones; equal for a single place."""
    nodes: tuple[Nodes, ...] = ()
    """Per axis the places that a sample is a weighted mean of; empty for samples that are values at their places."""

    @property
    def num_samples(self) -> int:
        """Number of samples, the product of ``shape``."""
        return math.prod(self.shape)

    def steps(self) -> tuple[float, ...]:
        """Return, per axis, how many original samples a step from sample to sample goes over; 0 at a single place."""
        return tuple((stop - start) / size for (start, stop), size in zip(self.ends, self.shape, strict=True))

    def positions(self, axis: int, index: Int[np.ndarray, " n"] | None = None) -> Float[np.ndarray, " n"]:
        """Return the places of samples along one axis, of all or of those asked for, counted in original samples."""
        size, along = self.shape[axis], self.grid.axes[axis]
        return spread(
            self.ends[axis], np.arange(size) if index is None else index, size, along.aligned(self.grid.align)
        )

    def coordinates(self, axis: int, index: Int[np.ndarray, " n"] | None = None) -> Float[np.ndarray, " n"]:
        """Return the coordinates of samples along one axis, of all or of those asked for; float64."""
        size, ends, along, align = self.shape[axis], self.ends[axis], self.grid.axes[axis], self.grid.align
        if size <= _MAX_TABLE:
            table = _table(along, size, ends, align)
            return table if index is None else table[index]
        return _coordinates(along, np.arange(size) if index is None else index, size, ends, align)

    def physical(self, axis: int) -> Float[np.ndarray, " n"]:
        """Return the physical places of all samples along one axis; where it has ticks, exactly those."""
        along = self.grid.axes[axis]
        if along.ticks and self.shape[axis] == along.size and self.ends[axis] == (0.0, along.size):
            return np.array(along.ticks)
        low, high = along.extent
        return low + (self.coordinates(axis) + 1) * ((high - low) / 2)

    def lattice(self) -> list[Float[np.ndarray, " n"]] | None:
        """Return the coordinates along each axis whose combinations are the samples.

        None where samples are means of several places, or a network sees other coordinates than these.
        """
        if self.nodes or self.grid.num_inputs > self.grid.num_axes:
            return None
        return [self.coordinates(number) for number in range(len(self.shape))]

    def points(self, start: int = 0, stop: int | None = None) -> Float[np.ndarray, "n d"]:
        """Return the float32 coordinates of samples ``start`` to ``stop``, one row per sample, last axis fastest."""
        stop = self.num_samples if stop is None else stop
        if not 0 <= start <= stop <= self.num_samples:
            raise ShapeError(f"samples {start} to {stop} are not within 0 to {self.num_samples}.")
        return self.points_of(np.arange(start, stop))

    def points_of(self, indices: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
        """Return the float32 coordinates of samples by their flat indices."""
        result = np.empty((len(indices), len(self.shape)), dtype=np.float32)
        for number, index in enumerate(np.unravel_index(indices, self.shape)):
            result[:, number] = self.coordinates(number, index)
        return result

    def averaging(
        self, footprints: Sequence[Footprint], *, nodes_per_step: Sequence[float] | None = None
    ) -> "Sampling":
        """Return the same samples as means around their places, in steps between these samples.

        A mean is over ``nodes_per_step`` places along each step; by default two, or one for each original sample that
        a step goes over. Footprints and numbers are one per axis, or one for all.
        """
        footprints = self.grid.per_axis(footprints, "footprints")
        if all(each == POINT for each in footprints):
            return replace(self, nodes=())
        if nodes_per_step is None:
            nodes_per_step = [max(2.0, math.ceil(step)) for step in self.steps()]
        counts = self.grid.per_axis(nodes_per_step, "numbers of places")
        pairs = (footprint.nodes(count) for footprint, count in zip(footprints, counts, strict=True))
        nodes = tuple(Nodes(tuple(offsets.tolist()), tuple(weights.tolist())) for offsets, weights in pairs)
        return replace(self, nodes=nodes)

    def wave_factors(self, turns: Float[np.ndarray, "waves d"]) -> Float[np.ndarray, " waves"] | None:
        """Return by how much waves ``sin(turns @ x + b)`` shrink as means of this sampling, float64.

        ``turns`` are in radians per unit coordinate. None where the means are no such waves: of places that are not
        evenly spaced, or that the ends of the domain may cut off.
        """
        if any(axis.ticks or axis.is_periodic for axis in self.grid.axes):
            return None
        # aligned at corners, the outermost cells reach beyond the ends
        if self.grid.align != "centers" or any(max(map(abs, each.offsets)) > 0.5 for each in self.nodes):
            return None
        factors = np.ones(len(turns))
        for number, (axis, nodes) in enumerate(zip(self.grid.axes, self.nodes, strict=True)):
            turn = np.asarray(turns[:, number], np.float64) * (self.steps()[number] * 2 / axis.size)
            factors *= np.cos(turn[:, None] * np.array(nodes.offsets)) @ np.array(nodes.weights)
        return factors

    def node_weights(self) -> Float[np.ndarray, " k"]:
        """Return the float32 weights of the places that a sample is a mean of, last axis fastest."""
        weights = np.ones(1)
        for each in self.nodes:
            weights = (weights[:, None] * np.array(each.weights)).reshape(-1)
        return weights.astype(np.float32)

    def node_points_of(self, indices: Int[np.ndarray, " n"]) -> Float[np.ndarray, "points d"]:
        """Return the float32 coordinates of the places that samples are means of, those of a sample one by one."""
        if not self.nodes:
            return self.points_of(indices)
        counts = [len(each.offsets) for each in self.nodes]
        result = np.empty((len(indices), *counts, len(counts)), dtype=np.float32)
        for number, index in enumerate(np.unravel_index(indices, self.shape)):
            size, along, offsets = self.shape[number], self.grid.axes[number], self.nodes[number].offsets
            if size * len(offsets) <= _MAX_TABLE:
                found = _node_table(along, size, self.ends[number], self.grid.align, offsets)[index]
            else:
                found = _node_coordinates(along, index, size, self.ends[number], self.grid.align, offsets)
            ones = [1] * len(counts)
            ones[number] = counts[number]
            result[..., number] = found.reshape(len(indices), *ones)
        return result.reshape(-1, len(counts))
