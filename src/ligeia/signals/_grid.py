"""Grid: where the samples of a signal are. The only code that turns sample indices into coordinates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import InputError, ShapeError

Alignment = Literal["centers", "corners"]

_MAX_SAMPLES = 2**62  # flat indices are int64


@lru_cache(maxsize=64)  # a batch asks for them thousands of times a second
def _coordinates(size: int, align: Alignment) -> Float[np.ndarray, " n"]:
    index = np.arange(size, dtype=np.float64)
    at_corners = align == "corners" and size > 1  # a single sample sits at 0 either way
    result = 2 * index / (size - 1) - 1 if at_corners else (2 * index + 1) / size - 1
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
        return cls(tuple(Axis(name=name, size=int(size)) for name, size in zip(names, shape, strict=True)), align)

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
        return _coordinates(self.shape[axis], self.align)

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
        for number, position in enumerate(np.unravel_index(indices, self.shape)):
            result[:, number] = self.coordinates(number)[position]
        return result

    def resampled(self, shape: Sequence[int]) -> "Grid":
        """Return a grid of another shape over the same domain."""
        if len(shape) != self.num_axes:
            raise ShapeError(f"a shape of {self.num_axes} sizes {self._names()} was wanted, got {tuple(shape)}.")
        axes = (
            Axis(name=axis.name, size=int(size), extent=axis.extent, unit=axis.unit)
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
        for number, ((start, stop), axis) in enumerate(zip(bounds, self.axes, strict=True)):
            if not 0 <= start < stop <= axis.size:
                raise ShapeError(
                    f"the region {start}:{stop} must be within 0:{axis.size} on axis {axis.name!r} and hold a sample."
                )
            inside = self.coordinates(number)[start:stop]
            half_cell = 1 / axis.size if self.align == "centers" or axis.size == 1 else 0.0
            result.append((float(inside[0] - half_cell), float(inside[-1] + half_cell)))
        return tuple(result)

    def to_physical(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Map coordinates in [-1, 1] to physical ones, axis by axis; linear, float64."""
        low, scale = self._affine()
        return low + (np.asarray(points, np.float64) + 1) * scale

    def from_physical(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Map physical coordinates to [-1, 1], axis by axis; linear, float64."""
        low, scale = self._affine()
        return (np.asarray(points, np.float64) - low) / scale - 1

    def physical_scale(self) -> Float[np.ndarray, " d"]:
        """Return physical units per unit coordinate, per axis; negative on a descending axis."""
        return self._affine()[1]

    def _affine(self) -> tuple[np.ndarray, np.ndarray]:
        extent = np.array([axis.extent for axis in self.axes], dtype=np.float64)
        return extent[:, 0], (extent[:, 1] - extent[:, 0]) / 2

    def _names(self) -> str:
        return "(" + ", ".join(axis.name for axis in self.axes) + ")"
