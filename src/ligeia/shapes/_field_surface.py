"""The surface of a field: its level set as a mesh, and a picture of it, in the field's own coordinates and units."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ligeia.core import ShapeError, map_on_threads
from ligeia.field import Field
from ligeia.signals import Camera, SceneSource, SurfaceSource

from ._mesh_checks import is_watertight, open_corners
from ._queries import curvatures
from ._tracing import Traced, trace
from .level_set._extract import LevelSet, level_set

_PROBED, _STEPS, _TOUCH = 1 << 13, 3, 1e-3  # places that search for the surface, Newton steps, and tolerance
_FIRST_HALVING, _LAST_HALVING = 2, 10  # of the domain's side: distances from the surface at which slopes are measured
_MARGIN = 1.1  # on the measured slopes
_STEEP = 4.0  # a bound of the slope with which most of a grid is evaluated anyway
_COARSE = 64  # cells along the domain, where only the extent of the surface is wanted
_PIECE: Final = 1 << 13  # points that a thread takes at a time


@final
@dataclass(frozen=True)
class FieldSurface:
    """Where a scalar field of three axes has a level, as functions of physical float64 points.

    A field of a surface is its signed distance, and ``level`` a distance from that surface. For any other field,
    values above the level are inside, and no bound of its slope is known. Of a scene, it is the density per unit of
    length, 0 in cells that are missing.
    """

    field: Field
    level: float = 0.0

    def __post_init__(self) -> None:
        grid, count = self.field.grid, len(self.field.channels)
        if grid.num_axes != 3 or (count != 1 and not isinstance(self.field.source, SceneSource)):
            raise ShapeError(
                f"expected a field of three axes and one channel for a surface, got {grid.num_axes} and {count}; "
                "`ligeia fit bunny.obj -o bunny.lig` makes one of a mesh."
            )
        if not np.isfinite(self.level):
            raise ShapeError(f"expected a finite level, got {self.level}.")

    @property
    def is_distance(self) -> bool:
        """Whether the field is a signed distance."""
        return isinstance(self.field.source, SurfaceSource)

    @property
    def box(self) -> list[tuple[float, float]]:
        """The domain, in physical coordinates, low to high."""
        return [(min(axis.extent), max(axis.extent)) for axis in self.field.grid.axes]

    def values(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Return values that are 0 at the level and negative inside."""
        coordinates = self._coordinates(points)
        return self._signed(self._with_empty(self.field.values_at(coordinates)[:, 0], coordinates))

    def slopes(self, points: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
        """Return these values and their gradient, per physical unit."""
        channel = self.field.channels[0]
        middle, half = channel.middle, channel.half_range

        @torch.no_grad()  # here, because the mode is per thread
        def both(piece: Tensor) -> np.ndarray:
            if self.field.grid.num_inputs > 3:  # a periodic axis takes two
                found = self.field.derivatives(piece, "", "0", "1", "2")
                return torch.cat([each[:, :1] for each in found], dim=1).cpu().numpy()
            value, jacobian = self.field.network.value_and_jacobian(piece)
            return torch.cat([middle + half * value[:, :1], half * jacobian[:, 0]], dim=1).cpu().numpy()

        coordinates = self._coordinates(points)
        given = torch.from_numpy(coordinates).to(next(self.field.parameters()))
        found = np.concatenate(list(map_on_threads(both, given.split(_PIECE)))).astype(np.float64)
        slopes = found[:, 1:] / self.field.grid.physical_scale()
        return self._signed(self._with_empty(found[:, 0], coordinates)), slopes if self.is_distance else -slopes

    def steepest(self) -> float | None:
        """Return an upper bound of a signed distance's slope; None for any other field.

        The bound is used to exclude cells. It is measured at random places around points of the surface, plus a tenth
        as a margin; far from the surface a fitted distance may be steeper.
        """
        return self._steepest() if self.is_distance else None

    def _steepest(self) -> float:
        generator = np.random.default_rng(0)
        places = self.field.grid.to_physical(generator.uniform(-1, 1, (_PROBED, 3)))
        values, slopes = self.slopes(places)
        lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
        found = places
        for _ in range(_STEPS):
            squares = np.maximum(np.square(slopes).sum(axis=1), 1e-30)
            found = found - (values / squares)[:, None] * slopes
            values, slopes = self.slopes(found)
        low, high = np.array(self.box).T
        side = float((high - low).max())
        there = (np.abs(values) < _TOUCH * side * np.linalg.norm(slopes, axis=1)) & np.all(
            (found > low) & (found < high), axis=1
        )
        found = found[there]
        if not len(found):
            return _MARGIN * float(lengths.max())
        steepest = 0.0
        for halvings in range(_FIRST_HALVING, _LAST_HALVING):
            way = side / 2**halvings
            directions = generator.normal(size=found.shape)
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            around = found + way * directions
            around = around[np.all((around > low) & (around < high), axis=1)]
            if len(around):
                steepest = max(steepest, float(np.abs(self.values(around)).max()) / way)
        return _MARGIN * steepest

    def mesh(
        self, resolution: int = 256, *, newton_steps: int = 2, progress: Callable[[int, int], None] | None = None
    ) -> LevelSet:
        """Return the surface as a mesh; see `level_set`.

        A hole means that the bound of the slope was too low, for example because a mesh with holes was closed and its
        distance jumps. The bound is then doubled until there is no hole, or until hardly any cells are excluded.
        """
        bound = self.steepest()
        while True:
            found = level_set(
                self.values,
                self.box,
                resolution,
                lipschitz=bound,
                slopes=self.slopes,
                newton_steps=newton_steps,
                progress=progress,
            )
            if bound is None or bound > _STEEP or not self._has_holes(found):
                return found
            bound *= 2

    def _has_holes(self, found: LevelSet) -> bool:
        """Return whether a mesh is open anywhere but at the faces of the box."""
        if is_watertight(found.faces):
            return False
        low, high = np.array(self.box).T
        corners = found.vertices[open_corners(found.faces)]
        reach = 1e-6 * float((high - low).max())
        return not np.any((corners < low + reach) | (corners > high - reach), axis=1).all()

    def camera(self, azimuth_degrees: float, elevation_degrees: float, shape: tuple[int, int]) -> Camera:
        """Return a camera that shows the whole surface, from the given degrees to the right and above.

        ``shape`` is its picture's rows and columns.
        """
        found = self.mesh(_COARSE, newton_steps=0).vertices
        bounds = zip(found.min(axis=0).tolist(), found.max(axis=0).tolist(), strict=True)
        return Camera.around(list(bounds), azimuth_degrees, elevation_degrees, shape=shape)

    def trace(self, camera: Camera) -> Traced:
        """Return depth and normals in a camera's view; rays take small steps unless the field is a distance."""
        return trace(self.values, self.slopes, self.box, camera, lipschitz=self._steepest())

    def curvatures(self, points: Float[np.ndarray, "n 3"]) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return mean and Gaussian curvature at physical points, per unit; those of a sphere are positive."""
        scaled = _PerUnit(self.field)
        given = torch.from_numpy(self._coordinates(points)).to(next(self.field.parameters()))
        with torch.no_grad():
            found = [curvatures(scaled, piece) for piece in given.split(_PIECE)]
        mean, gaussian = (torch.cat(each).cpu().double().numpy() for each in zip(*found, strict=True))
        return (mean if self.is_distance else -mean), gaussian  # the mean changes with the side that is inside

    def _coordinates(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        return self.field.grid.from_physical(points).astype(np.float32).clip(-1, 1)

    def _with_empty(self, values: Float[np.ndarray, " n"], points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Return the values at points, 0 where cells of a scene are missing."""
        if self._is_missing is None:
            return values
        shape = self.field.grid.shape
        cell = np.clip((points + 1) / 2 * shape, 0, np.array(shape) - 1).astype(np.int64)
        return np.where(self._is_missing[tuple(cell.T)], np.zeros((), values.dtype), values)

    @cached_property
    def _is_missing(self) -> Bool[np.ndarray, "x y z"] | None:
        missing = self.field.missing
        if missing is None or not isinstance(self.field.source, SceneSource):
            return None
        return missing.mask().reshape(self.field.grid.shape)

    def _signed(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        shifted = values.astype(np.float64) - self.level
        return shifted if self.is_distance else -shifted


@final
class _PerUnit:
    """A field of coordinates in [-1, 1], with derivatives per physical unit: far from the origin those keep digits."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._scale = field.grid.physical_scale()

    def __call__(self, points: Tensor) -> Tensor:
        return self._field(points)

    def derivatives(self, points: Tensor, *wanted: str) -> tuple[Tensor, ...]:
        """Return what `Field.derivatives` does, axes by number, per physical unit."""
        factors = [float(np.prod([1 / self._scale[int(axis)] for axis in each])) for each in wanted]
        return tuple(each * by for each, by in zip(self._field.derivatives(points, *wanted), factors, strict=True))
