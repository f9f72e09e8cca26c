"""Checks of meshes: whether they are closed, and their connected parts."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

_PIECE = 1 << 20  # triangles


def is_watertight(faces: Int[np.ndarray, "m 3"]) -> bool:
    """Return whether every edge has exactly two triangles, wound alike.

    >>> is_watertight(np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
    True
    """
    if not len(faces):
        return False
    count = int(faces.max()) + 1
    keys = np.empty((2, 3 * len(faces)), np.int64)
    for start in range(0, len(faces), _PIECE):
        piece = faces[start : start + _PIECE].astype(np.int64)
        ahead = np.roll(piece, -1, axis=1)
        keys[0, 3 * start : 3 * (start + len(piece))] = (piece * count + ahead).reshape(-1)
        keys[1, 3 * start : 3 * (start + len(piece))] = (ahead * count + piece).reshape(-1)
    keys.sort(axis=1)
    is_once = bool((keys[0, 1:] != keys[0, :-1]).all())
    return is_once and bool(np.array_equal(keys[0], keys[1]))


def open_corners(faces: Int[np.ndarray, "m 3"]) -> Int[np.ndarray, " k"]:
    """Return the vertices at edges of a single triangle.

    >>> open_corners(np.array([[0, 1, 2], [2, 1, 3]])).tolist()
    [0, 1, 2, 3]
    """
    wide = faces.astype(np.int64)
    ends = np.sort(np.concatenate([wide[:, [0, 1]], wide[:, [1, 2]], wide[:, [2, 0]]]), axis=1)
    edges, numbers = np.unique(ends, axis=0, return_counts=True)
    return np.unique(edges[numbers == 1])


def component_shares(vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]) -> list[float]:
    """Return the share of the area that each connected part of a mesh has, the largest first."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(faces):
        return []
    pairs = faces[:, :2], faces[:, 1:]  # the third edge joins what these two join
    ends = [np.concatenate([each[:, end] for each in pairs]) for end in (0, 1)]
    shape = (len(vertices), len(vertices))
    joined: Any = coo_matrix((np.ones(len(ends[0]), np.int8), (ends[0], ends[1])), shape)
    count, labels = connected_components(joined, directed=False)
    areas = np.zeros(count)
    for start in range(0, len(faces), _PIECE):
        piece = faces[start : start + _PIECE]
        a, b, c = (vertices[piece[:, each]] for each in range(3))
        doubled = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        areas += np.bincount(labels[piece[:, 0]], doubled, count)
    shares = areas[areas > 0] / areas.sum()
    return [float(each) for each in np.sort(shares)[::-1]]
