"""Grid: where the samples of a signal are. The only code that turns sample indices into coordinates."""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import InputError, ShapeError

Alignment = Literal["centers", "corners"]

_MAX_SAMPLES = 2**62  # flat indices are int64
_MAX_TABLE = 1 << 16  # coordinates of longer axes are worked out where they are asked for, never kept


def steps_between_ends(size: int, align: Alignment) -> int:
    """Return how many steps from sample to sample fit between the ends of an axis; at least 1."""
    return size - 1 if align == "corners" and size > 1 else size


def _coordinates_of(index: Int[np.ndarray, " n"], size: int, align: Alignment) -> Float[np.ndarray, " n"]:
    at_corners = align == "corners" and size > 1  # a single sample sits at 0 either way
    position = index.astype(np.float64)
    return 2 * position / (size - 1) - 1 if at_corners else (2 * position + 1) / size - 1


@lru_cache(maxsize=64)  # a batch asks for them thousands of times a second
def _table(size: int, align: Alignment) -> Float[np.ndarray, " n"]:
    result = _coordinates_of(np.arange(size), size, align)
    result.flags.writeable = False
    return result


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One axis of a grid.

    ``size`` samples fill the physical interval ``extent``, whose ends are the outer edges of the first and last
    cell for ``align="centers"`` and the first and last sample themselves for ``align="corners"``.
    """

    name: str
    size: int
    extent: tuple[float, float] = (-1.0, 1.0)
    """Physical ends, in ``unit``; a descending axis has ``extent[0] > extent[1]``."""
    unit: str = ""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ShapeError(f"axis {self.name!r} must have at least one sample, got {self.size}.")
        low, high = self.extent
        if not (math.isfinite(low) and math.isfinite(high) and low != high):
            raise InputError(f"axis {self.name!r} needs two different finite ends, got {self.extent}.")


@final
@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid of samples with any number of axes, in array order: (row, column), (time, row, column).

    Coordinates lie in [-1, 1] per axis. Sample ``i`` of ``n`` sits at its cell's center, ``(2 i + 1) / n - 1``,
    which stays consistent under enlargement; with ``align="corners"`` at ``2 i / (n - 1) - 1`` (the paper's
    ``linspace``). An axis of one sample has it at 0 either way.

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
    def num_samples(self) -> int:
        """Number of samples, the product of ``shape``."""
        return math.prod(self.shape)

    def coordinates(self, axis: int) -> Float[np.ndarray, " n"]:
        """Return the coordinates in [-1, 1] of every sample along one axis, in float64."""
        size = self.shape[axis]
        return _table(size, self.align) if size <= _MAX_TABLE else _coordinates_of(np.arange(size), size, self.align)

    def points(
        self, indices: Int[np.ndarray, " n"] | None = None, *, start: int = 0, stop: int | None = None
    ) -> Float[np.ndarray, "n d"]:
        """Return the float32 coordinates of samples, one row per sample.

        ``indices`` are flat (row-major, last axis fastest); without them the rows are those of samples
        ``start`` to ``stop``, so that a large grid can be walked in pieces.
        """
        if indices is None:
            stop = self.num_samples if stop is None else stop
            if not 0 <= start <= stop <= self.num_samples:
                raise ShapeError(f"samples {start} to {stop} are not within 0 to {self.num_samples}.")
            indices = np.arange(start, stop)
        elif indices.size and not 0 <= indices.min() <= indices.max() < self.num_samples:
            raise ShapeError(
                f"sample indices must lie in [0, {self.num_samples}), got {indices.min()} to {indices.max()}."
            )
        result = np.empty((len(indices), self.num_axes), dtype=np.float32)
        for number, (position, size) in enumerate(zip(np.unravel_index(indices, self.shape), self.shape, strict=True)):
            if size <= _MAX_TABLE:
                result[:, number] = _table(size, self.align)[position]
            else:
                result[:, number] = _coordinates_of(position, size, self.align)
        return result

    def resampled(self, shape: Sequence[int]) -> "Grid":
        """Return a grid of another shape over the same domain."""
        if len(shape) != self.num_axes:
            raise ShapeError(f"a shape of {self.num_axes} sizes {self._names()} was wanted, got {tuple(shape)}.")
        axes = (
            Axis(name=axis.name, size=operator.index(size), extent=axis.extent, unit=axis.unit)
            for axis, size in zip(self.axes, shape, strict=True)
        )
        return Grid(tuple(axes), self.align)

    def region(self, bounds: Sequence[tuple[int, int]]) -> tuple[tuple[float, float], ...]:
        """Return, per axis, the coordinates of the outer edges of samples ``start`` to ``stop`` (exclusive).

        With ``align="corners"`` the ends are the first and the last sample themselves.
        """
        if len(bounds) != self.num_axes:
            raise ShapeError(f"a region needs {self.num_axes} ranges {self._names()}, got {len(bounds)}.")
        result = []
        for (start, stop), axis in zip(bounds, self.axes, strict=True):
            if not 0 <= start < stop <= axis.size:
                raise ShapeError(
                    f"the region {start}:{stop} must be within 0:{axis.size} on axis {axis.name!r} and hold a sample."
                )
            if self.align == "corners" and axis.size > 1:
                result.append((2 * start / (axis.size - 1) - 1, 2 * (stop - 1) / (axis.size - 1) - 1))
            else:
                result.append((2 * start / axis.size - 1, 2 * stop / axis.size - 1))
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

    def physical_scale(self) -> Float[np.ndarray, " d"]:
        """Return physical units per unit coordinate, per axis; negative on a descending axis."""
        return self._affine()[1]

    def _affine(self) -> tuple[np.ndarray, np.ndarray]:
        extent = np.array([axis.extent for axis in self.axes], dtype=np.float64)
        return extent[:, 0], (extent[:, 1] - extent[:, 0]) / 2

    def _check_points(self, points: np.ndarray) -> None:
        if points.ndim != 2 or points.shape[1] != self.num_axes:
            raise ShapeError(f"points must be (n, {self.num_axes}), one column per axis, got {points.shape}.")

    def _names(self) -> str:
        return "(" + ", ".join(axis.name for axis in self.axes) + ")"
