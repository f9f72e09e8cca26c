"""Grid: where the samples of a signal are. The only code that turns sample indices into coordinates."""

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, TypeVar, final

import numpy as np
from jaxtyping import Float, Int, Real

from ligeia.core import InputError, ShapeError

from ._axis import Alignment, Axis, spread
from ._footprint import POINT, Footprint

Each = TypeVar("Each")
Place = float | str
Region = Sequence[tuple[float, float]] | Mapping[str, Place | tuple[Place, Place]]
"""A part of a grid: per axis its first and last (exclusive) sample, or by name a physical interval or place."""

_MAX_SAMPLES = 2**62  # flat indices are int64
_BEYOND = 1e-6  # of the domain: rounding
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


@final
@dataclass(frozen=True, slots=True)
class Grid:
    """A grid of samples with any number of axes, in array order: (row, column), (time, row, column).

    Coordinates lie in [-1, 1] per axis. Sample ``i`` of ``n`` sits at its cell's center, ``(2 i + 1) / n - 1``,
    which stays consistent under enlargement; with ``align="corners"`` at ``2 i / (n - 1) - 1`` (the paper's
    ``linspace``). An axis of one sample has it at 0 either way. Unevenly spaced samples sit where their axis says.

    >>> Grid.of((2, 4)).points()[:3]
    array([[-0.5 , -0.75],
           [-0.5 , -0.25],
           [-0.5 ,  0.25]], dtype=float32)
    """

    axes: tuple[Axis, ...]
    align: Alignment = "centers"

    def __post_init__(self) -> None:
        if not self.axes:
            raise ShapeError("a grid needs at least one axis, got none.")
        names = [axis.name for axis in self.axes]
        if len(set(names)) < len(names):
            raise InputError(f"the axes of a grid need different names, got {names}.")
        if self.align not in ("centers", "corners"):
            raise InputError(f'align must be "centers" or "corners", got {self.align!r}.')
        if self.num_samples > _MAX_SAMPLES:
            raise ShapeError(f"a grid may hold at most 2**62 samples, got {self.shape}.")

    @classmethod
    def of(cls, shape: Sequence[int], *, align: Alignment = "centers") -> "Grid":
        """Return a grid of ``shape`` without physical units; one, two and three axes get the usual names."""
        usual = {1: ("time",), 2: ("row", "column"), 3: ("z", "y", "x")}
        names = usual.get(len(shape), tuple(f"axis{number}" for number in range(len(shape))))
        return cls(
            tuple(Axis(name=name, size=operator.index(size)) for name, size in zip(names, shape, strict=True)), align
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples per axis."""
        return tuple(axis.size for axis in self.axes)

    @property
    def num_axes(self) -> int:
        """Number of axes."""
        return len(self.axes)

    @property
    def num_inputs(self) -> int:
        """Number of coordinates that a network sees: one per axis, cosine and sine of a periodic one."""
        return self.num_axes + sum(axis.is_periodic for axis in self.axes)

    @property
    def num_samples(self) -> int:
        """Number of samples, the product of ``shape``."""
        return math.prod(self.shape)

    @property
    def footprints(self) -> tuple[Footprint, ...]:
        """What a sample is, per axis."""
        return tuple(axis.footprint for axis in self.axes)

    @property
    def is_averaged(self) -> bool:
        """Whether a sample is more than the value at its place."""
        return any(axis.footprint != POINT for axis in self.axes)

    def with_footprints(self, footprints: Sequence[Footprint]) -> "Grid":
        """Return this grid with other footprints: one per axis, or one for all.

        >>> from ligeia.signals import Box
        >>> Grid.of((2, 4)).with_footprints([Box()]).footprints
        (Box(width=1.0), Box(width=1.0))
        """
        pairs = zip(self.axes, self.per_axis(footprints, "footprints"), strict=True)
        return replace(self, axes=tuple(replace(axis, footprint=footprint) for axis, footprint in pairs))

    def per_axis(self, given: Sequence[Each], what: str) -> list[Each]:
        """Return one of ``given`` for each axis; a single one is that of all."""
        result = list(given) * (self.num_axes if len(given) == 1 else 1)
        self._check_axes(result, "list", what)
        return result

    def coordinates(self, axis: int) -> Float[np.ndarray, " n"]:
        """Return the coordinates in [-1, 1] of every sample along one axis, in float64."""
        return self.sampling().coordinates(axis)

    def points(
        self, indices: Int[np.ndarray, " n"] | None = None, *, start: int = 0, stop: int | None = None
    ) -> Float[np.ndarray, "n d"]:
        """Return the float32 coordinates of samples, one row per sample.

        ``indices`` are flat (row-major, last axis fastest); without them the rows are those of samples
        ``start`` to ``stop``, so that a large grid can be walked in pieces.
        """
        if indices is None:
            return self.sampling().points(start, stop)
        if indices.size and not 0 <= indices.min() <= indices.max() < self.num_samples:
            raise ShapeError(
                f"sample indices must lie in [0, {self.num_samples}), got {indices.min()} to {indices.max()}."
            )
        return self.sampling().points_of(indices)

    def resampled(self, shape: Sequence[int]) -> "Grid":
        """Return a grid of another shape over the same domain."""
        self._check_axes(shape, "shape", "sizes")
        axes = (axis.resized(operator.index(size), self.align) for axis, size in zip(self.axes, shape, strict=True))
        return Grid(tuple(axes), self.align)

    def sampling(self, shape: Sequence[int] | None = None, region: Region | None = None) -> "Sampling":
        """Return where to look for samples of ``shape`` over a part of this grid.

        By default the part is everything, and its shape is as dense as the original samples are.
        """
        ends = tuple((0.0, float(size)) for size in self.shape)
        if isinstance(region, Mapping):
            ends = self._physical_ends(region)
        elif region is not None:
            ends = self._sample_ends(region)
        if shape is None:
            shape = tuple(max(1, round(stop - start)) for start, stop in ends)
        self._check_axes(shape, "shape", "sizes")
        for size, axis in zip(shape, self.axes, strict=True):
            if operator.index(size) < 1:
                raise ShapeError(f"axis {axis.name!r} must have at least one sample, got {size}.")
        if math.prod(shape) > _MAX_SAMPLES:
            raise ShapeError(f"a grid may hold at most 2**62 samples, got {tuple(shape)}.")
        return Sampling(self, tuple(map(operator.index, shape)), ends)

    def region(self, bounds: Region) -> tuple[tuple[float, float], ...]:
        """Return, per axis, the coordinates of the outer edges of samples ``start`` to ``stop`` (exclusive).

        With ``align="corners"`` the ends are the first and the last sample themselves.
        """
        result = []
        for (start, stop), axis in zip(self.sampling(region=bounds).ends, self.axes, strict=True):
            at_corners = axis.aligned(self.align) == "corners"
            positions = np.array([start, stop - 1] if at_corners else [start - 0.5, stop - 0.5])
            low, high = axis.coordinates_at(positions, self.align)
            result.append((float(low), float(high)))
        return tuple(result)

    def to_physical(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Map coordinates in [-1, 1] to physical ones, axis by axis; linear, float64."""
        self._check_points(points)
        low, scale = self._affine()
        return low + (np.asarray(points, np.float64) + 1) * scale

    def from_physical(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Map physical coordinates to [-1, 1], axis by axis; linear, float64."""
        self._check_points(points)
        low, scale = self._affine()
        return (np.asarray(points, np.float64) - low) / scale - 1

    def from_physical_within(self, points: Float[np.ndarray, "n d"], said: str = "points") -> Float[np.ndarray, "n d"]:
        """Map physical coordinates to [-1, 1]; `InputError` for ones beyond the domain, which ``said`` names."""
        coordinates = self.from_physical(points)
        ended = np.array([not axis.is_periodic for axis in self.axes])
        inside = (np.abs(coordinates) <= 1 + _BEYOND) | (~ended & np.isfinite(coordinates))  # NaN is not
        wrong = np.asarray(~inside.all(axis=1))
        if wrong.any():
            domain = ", ".join(f"{axis.name} {axis.extent[0]:g} to {axis.extent[1]:g}" for axis in self.axes)
            first = int(wrong.argmax())
            place = ", ".join(f"{number:g}" for number in points[first])
            raise InputError(
                f"{said}: places within {domain} were wanted, {int(wrong.sum())} of {wrong.size} lie outside, the "
                f"first at index {first}: {place}; leave them out."
            )
        return coordinates

    def physical_scale(self) -> Float[np.ndarray, " d"]:
        """Return physical units per unit coordinate, per axis; negative on a descending axis."""
        return self._affine()[1]

    def _affine(self) -> tuple[np.ndarray, np.ndarray]:
        extent = np.array([axis.extent for axis in self.axes], dtype=np.float64)
        return extent[:, 0], (extent[:, 1] - extent[:, 0]) / 2

    def _sample_ends(self, bounds: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        self._check_axes(bounds, "region", "ranges")
        for (start, stop), axis in zip(bounds, self.axes, strict=True):
            if not 0 <= start < stop <= axis.size:
                raise ShapeError(
                    f"the region {start}:{stop} must be within 0:{axis.size} on axis {axis.name!r} and hold a sample."
                )
        return tuple((float(start), float(stop)) for start, stop in bounds)

    def _physical_ends(self, bounds: Mapping[str, Place | tuple[Place, Place]]) -> tuple[tuple[float, float], ...]:
        unknown = sorted(set(bounds) - {axis.name for axis in self.axes})
        if unknown:
            raise InputError(f"the axes are {self._names()}, a region of {', '.join(unknown)} came.")
        ends = []
        for axis in self.axes:
            asked = bounds.get(axis.name)
            if asked is None:
                ends.append((0.0, float(axis.size)))
                continue
            values = axis.numbers([*asked] if isinstance(asked, (tuple, list)) else [asked])
            positions = np.sort(axis.positions_of(values, self.align))
            at_corners = axis.aligned(self.align) == "corners"
            low, high = float(positions[0]), float(positions[-1])
            ends.append((low, high + 1) if at_corners else (low + 0.5, high + 0.5))
        return tuple(ends)

    def _check_axes(self, given: Sequence[object], what: str, each: str) -> None:
        if len(given) != self.num_axes:
            came = tuple(given) if what == "shape" else len(given)
            raise ShapeError(f"a {what} of {self.num_axes} {each} {self._names()} was wanted, got {came}.")

    def _check_points(self, points: np.ndarray) -> None:
        if points.ndim != 2 or points.shape[1] != self.num_axes:
            raise ShapeError(f"points must be (n, {self.num_axes}), one column per axis, got {points.shape}.")

    def _names(self) -> str:
        return "(" + ", ".join(axis.name for axis in self.axes) + ")"


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
