"""Small files of radiance fields: cells that no camera sees go, and numbers are as exact as they are seen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float, Int64

from ligeia.codec import FieldRecord, cheapest_rows, nearest_step
from ligeia.core import InputError
from ligeia.field import Background, Field, background_of, camera_rays, composited, to_record, voxels_of
from ligeia.kernels import GAINS, VoxelFit, VoxelGrid
from ligeia.networks import Voxels
from ligeia.signals import Camera

from ._cameras import fitted_cameras
from ._refinement import largest_corners

_STEPS: Final = (0.2, 0.4)  # of density and features as they are stored
_BATCHES: Final = 96
_SIDE: Final = 2  # rays along the side of a pixel
_LEAST_BITS: Final = 1.0  # that a node of a cell that stays is worth
_STEEP: Final = 1e-30


def compacted(
    field: Field,
    *,
    error_weight: float = 3000.0,
    steps: tuple[float, float] = _STEPS,
    seed: int = 0,
) -> FieldRecord:
    """Return a record of a radiance field whose file is small, by what the cameras of its source see.

    ``error_weight`` is how many bits a squared error of 1 in one color of one pixel is worth: with a higher one the
    file is larger and nearer to the field. ``steps`` are those of density and features, before bits are weighed against
    errors. `InputError` without the cameras of a `SceneSource`.
    """
    cameras, background = fitted_cameras(field), background_of(field)
    fit = voxels_of(field)
    seen = _sensitivities(fit, cameras, background, seed)
    grid = _seen_cells(fit.grid, seen[1], _LEAST_BITS / error_weight)
    rows = fit.grid.row.reshape(-1)[grid.places]
    density, features, head = (np.asarray(each) for each in fit.parameters)
    weights = (seen[0][rows] * error_weight, seen[1][rows] * error_weight)
    harm = _Harm(grid, density[rows], features[rows], weights)
    tensors = cheapest_rows(
        density[rows], features[rows], grid.occupied, (nearest_step(steps[0]), nearest_step(steps[1])), harm
    )
    record = to_record(field)
    voxels = Voxels.of(grid.occupied, scale=grid.scale, spacing=grid.spacing, is_contracted=grid.is_contracted)
    network = replace(record.network, architecture=voxels)
    return replace(record, network=network, tensors=(*tensors, head.astype(np.float16)))


def _sensitivities(
    fit: VoxelFit, cameras: Sequence[Camera], background: Background, seed: int
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, "rows f"]]:
    """Return the sums over all colors of pixels of their squared derivatives by raw density and by features.

    They are estimated with random signs (Hutchinson): the square of a derivative of a sum of colors with signs is, on
    average, the sum of the squares.
    """
    rays = camera_rays(cameras)
    draw = np.random.default_rng(seed)
    live = draw.permutation(np.flatnonzero(fit.hits(rays, side=_SIDE)))
    density, features, _ = (np.zeros(each.shape) for each in fit.parameters)
    for part in np.array_split(live, min(_BATCHES, len(live))) if len(live) else ():
        numbers = np.sort(part)  # neighbors see the same cells
        some = rays.take(numbers)
        picture = fit.picture(some, side=_SIDE)
        color = composited(picture.color, picture.opacity, background)
        signs = draw.choice(np.array([-0.5, 0.5], np.float32), color.shape)
        target = np.column_stack([color - signs, np.ones(len(color), np.float32)])
        fit.gradient(some, target, background=background, side=_SIDE, key=int(draw.integers(1 << 31)))
        of_density, of_features, _ = fit.gradients()
        density += np.square(of_density * np.float64(color.size))
        features += np.square(of_features * np.float64(color.size))
    return density, features


def _seen_cells(grid: VoxelGrid, sensitivity: Float[np.ndarray, "rows f"], least: float) -> VoxelGrid:
    """Return the grid without cells of which no corner's color is seen."""
    spread = np.zeros(grid.node_shape)
    spread.reshape(-1)[grid.places] = sensitivity[:, :3].sum(axis=1)
    kept = grid.occupied & (largest_corners(spread) >= least)
    if not kept.any():
        raise InputError("expected cells that cameras see, they see none; check the poses.")
    return replace(grid, occupied=kept)


class _Harm:
    """How many bits the errors of numbers are worth.

    Of features it is quadratic. The density of a node that is empty or opaque has hardly a derivative, but must not
    leave that state: its error is that of the alpha of a cell of it, in units of the derivative.
    """

    def __init__(
        self,
        grid: VoxelGrid,
        density: Float[np.ndarray, " rows"],
        features: Float[np.ndarray, "rows f"],
        weights: tuple[Float[np.ndarray, " rows"], Float[np.ndarray, "rows f"]],
    ) -> None:
        self._thickness = grid.scale / float(grid.per_unit.max())
        self._raw = density.astype(np.float64) * GAINS[0]
        self._features, self._weights = features, weights
        self._alpha = self._alpha_of(self._raw)
        self._slope = self._thickness * (1 - self._alpha) / (1 + np.exp(-self._raw))

    def __call__(
        self, channel: int, rows: Int64[np.ndarray, " n"], values: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Return the bits that other values of some rows are worth; channel 0 is the density."""
        if channel:
            weight = self._weights[1][rows, channel - 1]
            return weight * np.square(values * GAINS[1] - self._features[rows, channel - 1] * GAINS[1])
        raw = values * GAINS[0]
        alpha = (self._alpha_of(raw) - self._alpha[rows]) / np.maximum(self._slope[rows], _STEEP)
        return self._weights[0][rows] * np.square(np.maximum(np.abs(alpha), np.abs(raw - self._raw[rows])))

    def _alpha_of(self, raw: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return -np.expm1(-self._thickness * np.logaddexp(0, raw))
