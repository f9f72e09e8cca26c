"""Inside or outside of an oriented point cloud: the generalized winding number.

Barill et al. 2018 (Fast winding numbers for soups and clouds, doi 10.1145/3197517.3201337). Differs from the paper: the
area of a point comes from the density of its neighbors on the same side of the solid, not from a Voronoi cell.
"""

import math
from typing import Any, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError, optional

_NEIGHBORS = 20  # relative error of an area about 1 / sqrt(20)
_SAME_SIDE = -0.5  # cosine: keeps both faces of a sharp edge, leaves out the back of a thin plate
_COARSEST = 1e-9  # of the diagonal: points closer than that are merged, as an octree cannot part them
_PIECE = 1 << 21  # pairs of places and points held at a time
_LEAF = 16  # points of a cell that is not split: cells of one point take ten times the memory
_ORDER, _OPENING = 2, 2.0  # of libigl's expansion: the values its documentation recommends


@final
class CloudWinding:
    """The winding number field of a cloud with outward normals: about 1 inside of the solid, about 0 outside.

    ``areas`` ``(n,)`` holds the share of the surface of each point, in the squared unit of the points. Needs libigl, of
    the extra ``mesh``; `dipole_winding` is the same sum in plain NumPy, for few places. Closer to the surface than
    about the spacing of the points, single points dominate and the values are unreliable.

    >>> sphere = np.random.default_rng(0).normal(size=(4000, 3))
    >>> sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    >>> CloudWinding(sphere, sphere).at(np.array([[0.0, 0.0, 0.5], [0.0, 0.0, 2.0]])).round(1)
    array([1., 0.])
    """

    def __init__(self, points: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"]) -> None:
        self._igl = optional("igl", extra="mesh", needed_for="the winding number of a point cloud")
        check_cloud(points, normals)
        normals = normals / np.linalg.norm(normals.astype(np.float64), axis=1, keepdims=True)
        self.areas = point_areas(points, normals)
        self._points, dipoles = _merged(points.astype(np.float64), normals * self.areas[:, None])
        weights = np.linalg.norm(dipoles, axis=1)
        self._weights = weights
        self._directions = dipoles / np.maximum(weights, np.finfo(np.float64).tiny)[:, None]
        indices, children = _pruned(*self._igl.octree(self._points)[:2])
        tree = self._igl.fast_winding_number_precompute(
            self._points, self._directions, weights, indices, children, _ORDER
        )
        # libigl fills one row per cell and returns eight times as many
        self._tree = (indices, children, *(np.ascontiguousarray(each[: len(children)]) for each in tree))

    def at(self, places: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, " m"]:
        """Return the winding number at places, in the coordinates of the points."""
        if places.ndim != 2 or places.shape[1] != 3:
            raise ShapeError(f"places must be (m, 3), got {places.shape}.")
        if len(places) == 0:
            return np.empty(0)
        query = np.ascontiguousarray(places, np.float64)
        found: Any = self._igl.fast_winding_number(
            self._points, self._directions, self._weights, *self._tree, query, _OPENING
        )
        return np.asarray(found, np.float64).reshape(-1)


def dipole_winding(
    points: Float[np.ndarray, "n 3"], dipoles: Float[np.ndarray, "n 3"], places: Float[np.ndarray, "m 3"]
) -> Float[np.ndarray, " m"]:
    """Return the winding number at places as the plain sum over all points; ``dipoles`` are normals times areas.

    A place that is one of the points leaves that point out.
    """
    total = np.zeros(len(places))
    step = max(1, _PIECE // max(1, len(points)))
    constants = (points * dipoles).sum(axis=1)
    squares = (points * points).sum(axis=1)
    for start in range(0, len(places), step):
        piece = places[start : start + step]
        squared = (piece * piece).sum(axis=1)[:, None] - 2 * piece @ points.T + squares
        # rounding of the expanded square: closer than this is the point itself
        near = squared <= 1e-14 * (squares.max(initial=0.0) + (piece * piece).sum(axis=1)[:, None])
        squared[near] = np.inf
        # eq. 5: a dipole seen from a place, over the area of the unit sphere
        total[start : start + step] = ((constants - piece @ dipoles.T) / (squared * np.sqrt(squared))).sum(axis=1)
    return total / (4 * math.pi)


def point_areas(points: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Return the share of the surface of each point, from the density of its neighbors with a like normal.

    Right on average for a flat, evenly sampled surface, with a scatter of about a quarter for each point; up to twice
    too large along an open border, by 5 % on a plate that is thinner than the spacing. Normals have unit length.
    """
    from scipy.spatial import KDTree

    wanted = min(_NEIGHBORS, len(points) - 1)
    tree: Any = KDTree(points)
    distances, neighbors = tree.query(points, wanted + 1, workers=-1)
    same_side = np.zeros(len(points), np.int64)
    for column in range(1, wanted + 1):  # column by column: all at once is (n, 20, 3)
        same_side += (normals * normals[neighbors[:, column]]).sum(axis=1) > _SAME_SIDE
    return math.pi * distances[:, wanted] ** 2 / np.maximum(same_side, 1)


def check_cloud(points: np.ndarray, normals: np.ndarray) -> None:
    """Raise `ShapeError` or `InputError` unless this is a cloud of at least two points with normals."""
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2 or normals.shape != points.shape:
        raise ShapeError(f"expected points and normals (n, 3) of n at least 2, got {points.shape}, {normals.shape}.")
    if not (np.isfinite(points).all() and np.isfinite(normals).all() and normals.any(axis=1).all()):
        raise InputError("expected finite points and normals longer than 0; leave the others out.")


def _merged(points: np.ndarray, dipoles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cloud with points at one place made one, so that libigl's octree ends."""
    low = points.min(axis=0)
    diagonal = float(np.linalg.norm(points.max(axis=0) - low)) or 1.0
    cells = np.round((points - low) / (_COARSEST * diagonal)).astype(np.int64)
    _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)  # NumPy 2.0 alone keeps a second axis
    summed = np.stack([np.bincount(inverse, column, len(first)) for column in dipoles.T], axis=1)
    return np.ascontiguousarray(points[first]), summed


def _pruned(indices: list[list[int]], children: np.ndarray) -> tuple[list[list[int]], np.ndarray]:
    """Return libigl's octree, the points and the children of each cell, with cells of few points left whole."""
    counts = np.fromiter(map(len, indices), np.int64, len(indices))
    is_split = (counts > _LEAF) & (children[:, 0] >= 0)
    is_kept = np.zeros(len(children), np.bool_)
    is_kept[0] = True
    is_kept[children[is_split].reshape(-1)] = True
    numbers = np.cumsum(is_kept) - 1
    kept = np.flatnonzero(is_kept)
    pruned = np.where(is_split[:, None], numbers[children], -1)[kept]
    return [indices[cell] for cell in kept], np.ascontiguousarray(pruned, np.int64)
