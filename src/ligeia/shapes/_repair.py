"""What is mended in a mesh before a field is fitted to it, and what is found out about it."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import InputError, optional

from ._level_set import signed_volume_and_area

_LEAST_AREA = 1e-20  # of the squared diagonal: a triangle below has no normal


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class RepairedMesh:
    """Triangles without doubles and idle vertices, their normals outward as far as that can be told."""

    vertices: Float[np.ndarray, "n 3"]
    faces: Int[np.ndarray, "m 3"]
    is_closed: bool
    """Whether every edge has two triangles, or four, six, ..."""
    remarks: tuple[str, ...]
    """What was mended, and what was not, for people."""


def repaired(vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]) -> RepairedMesh:
    """Return a mesh with vertices at one place made one, without idle vertices, and triangles without area or doubled.

    Where neighbours are wound against each other, each patch is wound alike (libigl); a mesh of negative volume is
    turned inside out. Raises `InputError` where no triangle is left.
    """
    remarks = []
    used = np.unique(faces)
    if len(used) < len(vertices):
        remarks.append(f"{len(vertices) - len(used):,} vertices without a triangle left out")
    places, inverse = np.unique(vertices[used], axis=0, return_inverse=True)
    if len(places) < len(used):
        remarks.append(f"{len(used) - len(places):,} vertices at the place of another merged with it")
    renumbered = np.zeros(len(vertices), np.int64)
    renumbered[used] = inverse.reshape(-1)
    kept = _without_idle(places, renumbered[faces])
    if len(kept) < len(faces):
        remarks.append(f"{len(faces) - len(kept):,} triangles without area, or doubled, left out")
    if not len(kept):
        raise InputError("triangles with an area were wanted, none of these has one; give a mesh or its points.")
    edges = _edges(kept)
    if edges.num_against:
        kept, patches = optional("igl", extra="mesh", needed_for="a mesh with flipped faces").bfs_orient(kept)
        kept = _outward(places, kept, patches)
        remarks.append(f"{edges.num_against:,} edges between triangles wound against each other: patches wound alike")
        edges = _edges(kept)
    elif signed_volume_and_area(places, kept)[0] < 0:
        kept = kept[:, ::-1].copy()
        remarks.append("normals pointed inward: turned outward")
    if edges.num_open:
        remarks.append(
            f"open: {edges.num_open:,} edges have one triangle; inside is where the generalized winding number is "
            "above 1/2"
        )
    if edges.num_branching:
        remarks.append(f"{edges.num_branching:,} edges have more than two triangles")
    return RepairedMesh(vertices=places, faces=kept, is_closed=edges.num_open == 0, remarks=tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Edges:
    num_open: int
    num_branching: int
    num_against: int


def _edges(faces: Int[np.ndarray, "m 3"]) -> _Edges:
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    count = int(ends.max()) + 1
    low, high = ends.min(axis=1), ends.max(axis=1)
    _, inverse, numbers = np.unique(low * count + high, return_inverse=True, return_counts=True)
    forward = np.bincount(inverse.reshape(-1), ends[:, 0] == low, len(numbers))
    return _Edges(
        num_open=int(np.count_nonzero(numbers % 2)),
        num_branching=int(np.count_nonzero(numbers > 2)),
        num_against=int(np.count_nonzero((numbers == 2) & (forward != 1))),
    )


def _without_idle(vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]) -> Int[np.ndarray, "k 3"]:
    a, b, c = (vertices[faces[:, each]] for each in range(3))
    doubled_area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    reach = float(np.square(vertices.max(axis=0) - vertices.min(axis=0)).sum())
    faces = faces[doubled_area > _LEAST_AREA * reach]
    # a triangle is the same if it begins at another corner, and another if it is wound the other way
    turn = np.argmin(faces, axis=1)[:, None]
    _, first = np.unique(np.take_along_axis(faces, (turn + np.arange(3)) % 3, axis=1), axis=0, return_index=True)
    return faces[np.sort(first)]


def _outward(
    vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"], patches: Int[np.ndarray, " m"]
) -> Int[np.ndarray, "m 3"]:
    """Return triangles with each patch wound so that its volume, seen from its own middle, is positive."""
    a, b, c = (vertices[faces[:, each]] for each in range(3))
    count = int(patches.max()) + 1
    sizes: Any = np.maximum(np.bincount(patches, minlength=count), 1)
    centers = (a + b + c) / 3
    middle = np.stack([np.bincount(patches, column, count) / sizes for column in centers.T], axis=1)
    volumes = np.bincount(patches, np.einsum("ij,ij->i", a - middle[patches], np.cross(b - a, c - a)), count)
    inward = volumes[patches] < 0
    return np.where(inward[:, None], faces[:, ::-1], faces)
