"""Normals of a bare point cloud: planes through neighbors, turned alike along a spanning tree, then outwards.

Hoppe et al. 1992 (Surface reconstruction from unorganized points, doi 10.1145/133994.134011, s. 3.2 and 3.3). Differs
from the paper: an edge costs more where it leaves its two tangent planes, so that the tree does not cross between the
sides of a thin part; and each component is turned by the sign of its volume, not by its highest point.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import InputError, ShapeError

from ._winding import dipole_winding, point_areas

_PIECE = 1 << 15  # points whose neighborhoods are held at a time
_UNLIKE = 0.3  # cosine under which two normals say little about each other's side
_ROUND = 0.5  # a plane is uncertain where its least spread is over this share of the middle one
_OPEN = 0.05  # a sheet encloses less than this share of what its normals sweep
_NESTED, _PLACES, _DIPOLES = 256, 16, 20_000  # components, places in each and points that the test of nesting takes


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class EstimatedNormals:
    """Outward unit normals of a cloud, and their reliability."""

    normals: Float[np.ndarray, "n 3"]
    """Unit normals, float64."""
    num_components: int
    """Pieces of the graph of neighbors, each turned outwards by itself."""
    num_uncertain: int
    """Points without a clear plane, turned over an edge with ``|n . n'| < 0.3``, or in a sheet without an inside."""


def estimated_normals(points: Float[np.ndarray, "n 3"], *, neighbors: int = 12) -> EstimatedNormals:
    """Return estimated outward normals of the solid whose surface the points lie on.

    Points form a component if they are linked through ``neighbors`` nearest neighbors. A component inside an odd
    number of others bounds a cavity: its normals point into the cavity, out of the solid. This is checked for the 256
    largest components. An open sheet has no outside: it is oriented away from the middle of the cloud, if there is one,
    and counted as uncertain. Walls thinner than the spacing of the points defeat any such method. Points at one place
    get one normal. Raises `InputError` for points that are not finite and for fewer places than neighbors.

    >>> sphere = np.random.default_rng(0).normal(size=(1000, 3))
    >>> sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    >>> bool(((estimated_normals(sphere).normals * sphere).sum(axis=1) > 0.9).all())
    True
    """
    places, inverse = _distinct_places(points, neighbors)
    indices = _neighbor_indices(places, neighbors)
    normals, uncertain = _planes(places, indices)
    tree = _spanning_tree(places, normals, indices)
    normals = normals * tree.signs[:, None]
    uncertain |= tree.uncertain
    signs, flat = _outward_signs(places, normals, tree.labels, tree.num_components)
    normals *= signs[tree.labels, None]
    uncertain |= flat[tree.labels]
    return EstimatedNormals(
        normals=normals[inverse],
        num_components=tree.num_components,
        num_uncertain=int(np.count_nonzero(uncertain[inverse])),
    )


class _Tree(NamedTuple):
    signs: np.ndarray
    """Per point: 1 or -1, the factor that orients its normal like that of the root of its component."""
    labels: np.ndarray
    """Per point: the number of its component."""
    num_components: int
    uncertain: np.ndarray
    """Per point: whether its normal and that of its parent are unlike."""


def _distinct_places(points: np.ndarray, neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each place once, centered and of unit size, and the place of each point."""
    if points.ndim != 2 or points.shape[1] != 3:
        raise ShapeError(f"points must be (n, 3), got {points.shape}.")
    if neighbors < 3:
        raise InputError(f"at least 3 neighbors are needed for a plane, got {neighbors}.")
    if not np.isfinite(points).all():
        raise InputError("expected finite points, some are not; leave those out.")
    # of repeated points (corners of triangles) the nearest neighbors would be copies
    places, inverse = np.unique(points.astype(np.float64), axis=0, return_inverse=True)
    if len(places) <= neighbors:
        raise InputError(
            f"expected more than {neighbors} different points for {neighbors} neighbors each, got {len(places)}."
        )
    places -= places.mean(axis=0)
    return places / np.abs(places).max(), inverse.reshape(-1)


def _neighbor_indices(points: Float[np.ndarray, "n 3"], neighbors: int) -> Int[np.ndarray, "n k"]:
    """Return the nearest neighbors of each point, itself first."""
    from scipy.spatial import KDTree

    tree: Any = KDTree(points)
    return tree.query(points, neighbors + 1, workers=-1)[1]


def _planes(points: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the normal of the plane through each neighborhood, of either sign, and whether it is none."""
    normals, uncertain = np.empty_like(points), np.empty(len(points), np.bool_)
    for start in range(0, len(points), _PIECE):
        piece = slice(start, start + _PIECE)
        around = points[indices[piece]]
        around -= around.mean(axis=1, keepdims=True)
        spreads, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", around, around))
        normals[piece] = axes[:, :, 0]
        uncertain[piece] = spreads[:, 0] >= _ROUND * spreads[:, 1]
    return normals, uncertain


def _edge_costs(points: np.ndarray, normals: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the cost of propagating the orientation of each point to each of its neighbors, ``(n, k)``."""
    costs = np.empty((len(points), indices.shape[1] - 1))
    for start in range(0, len(points), _PIECE):
        piece, others = slice(start, start + _PIECE), indices[start : start + _PIECE, 1:]
        ways = points[others] - points[piece, None]
        ways /= np.linalg.norm(ways, axis=2, keepdims=True)
        unlike = 1 - np.abs(np.einsum("ni,nki->nk", normals[piece], normals[others]))  # Hoppe et al., s. 3.3
        leaving = np.abs(np.einsum("nki,ni->nk", ways, normals[piece])) + np.abs((ways * normals[others]).sum(axis=2))
        costs[piece] = unlike + leaving
    return costs


def _spanning_tree(points: np.ndarray, normals: np.ndarray, indices: np.ndarray) -> _Tree:
    """Turn normals alike along the minimum spanning tree of the graph of neighbors."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

    num_points = len(points)
    rows, columns = np.repeat(np.arange(num_points), indices.shape[1] - 1), indices[:, 1:].reshape(-1)
    costs = _edge_costs(points, normals, indices).reshape(-1) + 1e-6  # an explicit 0 is no edge to scipy
    graph: Any = coo_matrix((costs, (rows, columns)), shape=(num_points, num_points)).tocsr()
    branches: Any = minimum_spanning_tree(graph.maximum(graph.T)).tocoo()
    num_components, labels = connected_components(branches, directed=False)
    # one more point above the roots of all components makes one tree
    roots = np.unique(labels, return_index=True)[1]
    rows = np.concatenate([branches.row, np.full(num_components, num_points)])
    columns = np.concatenate([branches.col, roots])
    joined = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(num_points + 1, num_points + 1)).tocsr()
    parents = breadth_first_order(joined, num_points, directed=False)[1].astype(np.int64)
    parents[num_points] = num_points
    above = parents[:num_points]
    cosines = np.ones(num_points)
    inner = above < num_points
    cosines[inner] = (normals[inner] * normals[above[inner]]).sum(axis=1)
    signs = np.append(np.where(cosines < 0, -1.0, 1.0), 1.0)
    while not (parents == num_points).all():  # each pass doubles the stretch that a sign stands for
        signs, parents = signs * signs[parents], parents[parents]
    return _Tree(signs[:num_points], labels, int(num_components), np.abs(cosines) < _UNLIKE)


def _outward_signs(
    points: np.ndarray, normals: np.ndarray, labels: np.ndarray, num_components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sign that orients each component outwards, and whether it encloses almost no volume."""

    def totals(values: np.ndarray) -> np.ndarray:
        return np.bincount(labels, values, num_components)

    dipoles = normals * point_areas(points, normals)[:, None]
    counts = totals(np.ones(len(points)))
    centers = np.stack([totals(column) / counts for column in points.T], axis=1)
    heights = ((points - centers[labels]) * dipoles).sum(axis=1)  # a third of it: the volume of a cone
    volumes, swept = totals(heights), totals(np.abs(heights))
    flat = np.abs(volumes) <= _OPEN * swept
    away = totals((points * dipoles).sum(axis=1))  # the cloud is centered at 0
    signs = np.where(np.where(flat, away, volumes) < 0, -1.0, 1.0)
    if num_components > 1:
        dipoles *= signs[labels, None]
        _turn_hollows(signs, points, dipoles, labels, np.argsort(-counts)[:_NESTED])
    return signs, flat


def _turn_hollows(
    signs: np.ndarray, points: np.ndarray, dipoles: np.ndarray, labels: np.ndarray, largest: np.ndarray
) -> None:
    """Turn, in place, the components that lie within an odd number of others."""
    shuffled = np.random.default_rng(0).permutation(len(points))  # the same for the same cloud, in no order of a scan
    taken = shuffled[:_DIPOLES]
    seen, strength = points[taken], dipoles[taken] * (len(points) / len(taken))
    for component in largest:
        own = shuffled[labels[shuffled] == component][:_PLACES]
        others = labels[taken] != component
        around = np.median(dipole_winding(seen[others], strength[others], points[own]))
        if round(float(around)) % 2:
            signs[component] = -signs[component]
