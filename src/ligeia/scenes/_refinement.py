"""From coarse voxels to finer ones: cells that are empty go, what the others hold is interpolated."""

from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.field import Field, voxels_of
from ligeia.kernels import EMPTY, GAINS, PixelRays, VoxelGrid

from ._fields import field_of

_LEAST_ALPHA: Final = 0.02  # of a cell that stays, or has a neighbor that does
_LEAST_SEEN: Final = 0.01  # weight in a ray of a cell that stays, or has a neighbor that does
_LEAST_WEIGHT: Final = 1e-4  # of nodes that have a row


def refined(field: Field, cells: int, rays: PixelRays | None = None) -> Field:
    """Return a field of a cube of ``cells`` along each side that looks the same, without cells that are empty.

    A cell stays with its neighbors if light loses more than a fiftieth on its way through it; with ``rays``, if it also
    is what one of them sees to more than a hundredth.
    """
    from scipy.ndimage import map_coordinates

    fit = voxels_of(field)
    old = fit.grid
    kept = _kept(fit.raw, old)
    if rays is not None:
        seen = kept & with_neighbors(fit.largest_weights(rays) > _LEAST_SEEN)
        kept = seen if seen.any() else kept
    occupied = _finer(kept, cells)
    grid = replace(old, occupied=occupied)
    result = field_of(grid, source=field.source)
    ratio = np.array(old.cells) / cells
    nodes = np.stack(np.unravel_index(grid.places, grid.node_shape), axis=1) - 1
    places = (nodes * ratio + 1).T
    weight = map_coordinates((old.row >= 0).astype(np.float32), places, order=1, mode="nearest")
    has_rows = weight > _LEAST_WEIGHT

    def interpolated(values: Float[np.ndarray, " rows"], otherwise: float) -> Float[np.ndarray, " n"]:
        spread = np.zeros(old.node_shape, np.float32)
        spread.reshape(-1)[old.places] = values  # nodes without a row take no part: the weights are of the others
        found = map_coordinates(spread, places, order=1, mode="nearest")
        return np.where(has_rows, found / np.maximum(weight, _LEAST_WEIGHT), otherwise)

    density, features, head = (each.detach().numpy() for each in result.network.tensors())
    density[:] = interpolated(fit.parameters[0], EMPTY / GAINS[0])
    for number in range(features.shape[1]):
        features[:, number] = interpolated(fit.parameters[1][:, number], 0.0)
    head[:] = fit.parameters[2]
    return result


def _kept(raw: Float[np.ndarray, "nodes_x nodes_y nodes_z"], grid: VoxelGrid) -> Bool[np.ndarray, "x y z"]:
    """Return the occupied cells that hold something, and those around them."""
    densest = largest_corners(raw)
    alpha = 1 - np.exp(-np.logaddexp(0, densest) * grid.scale / grid.per_unit.max())
    holds = (alpha > _LEAST_ALPHA) & grid.occupied
    return with_neighbors(holds) & grid.occupied if holds.any() else grid.occupied


def with_neighbors(cells: Bool[np.ndarray, "x y z"]) -> Bool[np.ndarray, "x y z"]:
    """Return cells and the 26 around each."""
    from scipy.ndimage import binary_dilation

    return binary_dilation(cells, np.ones((3, 3, 3), bool))


def _finer(occupied: Bool[np.ndarray, "x y z"], cells: int) -> Bool[np.ndarray, "a b c"]:
    """Return the finer cells whose middles lie in occupied ones."""
    picks = [((np.arange(cells) + 0.5) * count / cells).astype(np.int64) for count in occupied.shape]
    return occupied[np.ix_(*picks)]


def largest_corners(nodes: Float[np.ndarray, "nodes_x nodes_y nodes_z"]) -> Float[np.ndarray, "x y z"]:
    """Return the largest of the eight values at the corners of each cell, of an array over nodes (`VoxelGrid`)."""
    corners = nodes[1:-1, 1:-1, 1:-1]
    x, y, z = np.subtract(corners.shape, 1)
    return np.max([corners[i : i + x, j : j + y, k : k + z] for i, j, k in np.ndindex(2, 2, 2)], axis=0)
