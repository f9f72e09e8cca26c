"""Grid: where the samples of a signal are, in coordinates and in physical units."""

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import InputError, ShapeError

from ._axis import Alignment, Axis
from ._footprint import POINT, Footprint
from ._inputs import InputArithmetic, Numbers
from ._sampling import Sampling

Each = TypeVar("Each")
Place = float | str
Region = Sequence[tuple[float, float]] | Mapping[str, Place | tuple[Place, Place]]
"""A part of a grid: per axis its first and last (exclusive) sample, or by name a physical interval or place."""

_MAX_SAMPLES = 2**62  # flat indices are int64
_BEYOND = 1e-6  # of the domain: rounding


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

    def network_inputs(self, do: InputArithmetic, points: Numbers) -> Numbers:
        """Return what a network sees of points ``(*batch, axes)``: ``cos(pi x), sin(pi x)`` in place of a periodic x.

        The only code that knows, in torch, jets, NumPy and ONNX alike: ``do`` is an arithmetic of `ligeia.networks`.

        >>> from ligeia.networks import NumpyArithmetic
        >>> grid = Grid((Axis(name="time", size=4), Axis(name="longitude", size=8, is_periodic=True)))
        >>> grid.network_inputs(NumpyArithmetic(), np.array([[0.25, 1.0]], np.float32)).round(6)
        array([[ 0.25, -1.  ,  0.  ]], dtype=float32)
        """
        if self.num_inputs == self.num_axes:
            return points
        columns = []
        for number, axis in enumerate(self.axes):
            place = do.column(points, number)
            if not axis.is_periodic:
                columns.append(place)
                continue
            turns = do.floor((place + 1.0) * 0.5)
            angle = (place - turns * 2.0) * math.pi  # the same number at both ends
            columns += [do.cos(angle), do.sin(angle)]
        return do.concat(columns)

    def resampled(self, shape: Sequence[int]) -> "Grid":
        """Return a grid of another shape over the same domain."""
        self._check_axes(shape, "shape", "sizes")
        axes = (axis.resized(operator.index(size), self.align) for axis, size in zip(self.axes, shape, strict=True))
        return Grid(tuple(axes), self.align)

    def sampling(self, shape: Sequence[int] | None = None, region: Region | None = None) -> Sampling:
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
                f"{said}: expected places within {domain}, {int(wrong.sum())} of {wrong.size} lie outside, the "
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
            raise InputError(f"the axes are {self._names()}, got a region of {', '.join(unknown)}.")
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
            raise ShapeError(f"expected a {what} of {self.num_axes} {each} {self._names()}, got {came}.")

    def _check_points(self, points: np.ndarray) -> None:
        if points.ndim != 2 or points.shape[1] != self.num_axes:
            raise ShapeError(f"points must be (n, {self.num_axes}), one column per axis, got {points.shape}.")

    def _names(self) -> str:
        return "(" + ", ".join(axis.name for axis in self.axes) + ")"
