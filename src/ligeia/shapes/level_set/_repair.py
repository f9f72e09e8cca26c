"""Separates edges that two pairs of triangles share by accident.

Marching cubes may draw, in two neighboring ambiguous cells, the same diagonal of the face between them: four triangles
then meet in one edge (Custodio et al. 2019, "An extended triangulation to the marching cubes 33 algorithm"). One of
the two pairs gets a vertex of its own in the middle of the edge, so that every edge has two triangles again.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from ._slabs import Mesh

_PIECE = 1 << 20


def with_simple_edges(mesh: Mesh) -> Mesh:
    """Return a mesh in which no edge has more than two triangles; the mesh itself if it is one already."""
    shared = _shared_edges(mesh)
    if not len(shared):
        return mesh
    pieces: dict[int, list[list[int]]] = {}  # of each triangle that gets cut
    added: list[tuple[int, int]] = []
    for (a, b), triangles in _triangles_at(mesh, shared).items():
        for pair in _pairs(mesh.faces, a, b, triangles)[1:]:
            middle = len(mesh.vertices) + len(added)
            added.append((a, b))
            for number in pair:
                _cut(pieces.setdefault(number, [mesh.faces[number].tolist()]), a, b, middle)
    faces = mesh.faces.copy()
    for number, parts in pieces.items():
        faces[number] = parts[0]
    extra = [part for parts in pieces.values() for part in parts[1:]]
    ends = np.array(added)
    return Mesh(
        vertices=np.concatenate([mesh.vertices, mesh.vertices[ends].mean(axis=1)]),
        on_border=np.concatenate([mesh.on_border, mesh.on_border[ends].all(axis=1)]),
        faces=np.concatenate([faces, np.array(extra, np.int32)]),
    )


def _shared_edges(mesh: Mesh) -> Int[np.ndarray, " k"]:
    """Return the keys of edges that two triangles run through in the same direction."""
    rising = []  # each edge has one triangle in which its vertices rise
    for start in range(0, len(mesh.faces), _PIECE):
        keys = _keys(mesh, mesh.faces[start : start + _PIECE], both_ways=False)
        rising.append(keys[keys >= 0])
    keys = np.concatenate([np.empty(0, np.int64), *rising])
    rising.clear()
    keys.sort()
    return np.unique(keys[1:][keys[1:] == keys[:-1]])


def _keys(mesh: Mesh, faces: Int[np.ndarray, "m 3"], *, both_ways: bool) -> Int[np.ndarray, "m 3"]:
    """Return a number for each edge of triangles: the same in both directions, or -1 in one of them."""
    begin = faces.astype(np.int64)
    end = np.roll(begin, -1, axis=1)
    keys = np.minimum(begin, end) * len(mesh.vertices) + np.maximum(begin, end)
    return keys if both_ways else np.where(begin < end, keys, -1)


def _triangles_at(mesh: Mesh, shared: Int[np.ndarray, " k"]) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = {}
    for start in range(0, len(mesh.faces), _PIECE):
        keys = _keys(mesh, mesh.faces[start : start + _PIECE], both_ways=True)
        place = np.minimum(np.searchsorted(shared, keys), len(shared) - 1)
        for row, column in np.argwhere(shared[place] == keys).tolist():
            edge = divmod(int(keys[row, column]), len(mesh.vertices))
            found.setdefault(edge, []).append(start + row)
    return found


def _pairs(faces: Int[np.ndarray, "m 3"], a: int, b: int, triangles: Sequence[int]) -> list[tuple[int, int]]:
    """Return the triangles at an edge, one that runs from ``a`` to ``b`` with one that runs back.

    Those of one cell, which belong together, follow each other.
    """
    left, pairs = list(triangles), []
    while left:
        first = left.pop(0)
        partner = next((each for each in left if _runs(faces[first], a, b) != _runs(faces[each], a, b)), None)
        if partner is None:
            continue  # on the border of the mesh
        left.remove(partner)
        pairs.append((first, partner))
    return pairs


def _runs(face: Int[np.ndarray, " 3"], a: int, b: int) -> bool:
    corners = face.tolist()
    return corners[(corners.index(a) + 1) % 3] == b


def _cut(parts: list[list[int]], a: int, b: int, middle: int) -> None:
    """Replace the part of a triangle that has the edge by two, in the same sense."""
    for number, part in enumerate(parts):
        if a in part and b in part:
            first = part.index(a) if part[(part.index(a) + 1) % 3] == b else part.index(b)
            begin, end, apex = (part[(first + each) % 3] for each in range(3))
            parts[number] = [begin, middle, apex]
            parts.append([middle, end, apex])
            return
