"""Repairs of a mesh before a field is fitted to it."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from ligeia.core import InputError, optional

from .level_set._extract import signed_volume_and_area

_MOST_PATCHES = 64  # that are looked into for cavities
_LEAST_AREA = 1e-20  # of the squared diagonal: a triangle below has no normal


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class RepairedMesh:
    """Triangles without duplicates and unused vertices, oriented outward as far as possible."""

    vertices: Float[np.ndarray, "n 3"]
    faces: Int[np.ndarray, "m 3"]
    is_closed: bool
    """Whether every edge has two triangles, or four, six, ..."""
    remarks: tuple[str, ...]
    """What was repaired and what was not, as text."""


def repaired(vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]) -> RepairedMesh:
    """Return a mesh with coincident vertices merged, and without unused vertices, degenerate and duplicate triangles.

    If neighbors are wound inconsistently, each patch gets the winding of its majority (libigl). A closed patch that is
    inside out is flipped, unless it lies within others: then it may bound a cavity (checked for at most 64 patches).
    Raises `InputError` if no triangle is left.
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
        raise InputError("expected triangles with an area, none of these has one; give a mesh or its points.")
    edges = _edges(kept)
    oriented, patches = optional("igl", extra="mesh", needed_for="a mesh").bfs_orient(kept)
    if edges.num_against:
        remarks.append(f"{edges.num_against:,} edges between triangles wound against each other: patches wound alike")
        kept = _as_most(oriented.astype(np.int64), kept, patches.astype(np.int64))
    whole = signed_volume_and_area(places, kept)[0] < 0
    if whole:
        kept = kept[:, ::-1]
    turned = _inside_out(places, kept, patches.astype(np.int64), every=edges.num_against > 0)
    kept = np.ascontiguousarray(np.where(turned[:, None], kept[:, ::-1], kept))
    if (whole or turned.any()) and not edges.num_against:
        remarks.append("normals pointed inward: turned outward")
    if edges.num_open:
        remarks.append(
            f"open: {edges.num_open:,} edges have one triangle; inside is where the generalized winding number is "
            "above 1/2"
        )
    if edges.num_branching:
        remarks.append(f"{edges.num_branching:,} edges have more than two triangles")
    return RepairedMesh(vertices=places, faces=kept, is_closed=edges.is_closed, remarks=tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Edges:
    is_closed: bool
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
        is_closed=not (numbers % 2).any(),
        num_open=int(np.count_nonzero(numbers == 1)),
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


def _inside_out(
    vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"], patches: Int[np.ndarray, " m"], *, every: bool
) -> Bool[np.ndarray, " m"]:
    """Return which triangles to flip: those of patches that are inside out; with ``every`` also those of open patches,
    judged from their own middle."""
    count = int(patches.max()) + 1
    corners = [vertices[faces[:, each]] for each in range(3)]
    sizes: Any = np.maximum(np.bincount(patches, minlength=count), 1)
    center = (corners[0] + corners[1] + corners[2]) / 3
    middle = np.stack([np.bincount(patches, column, count) / sizes for column in center.T], axis=1)[patches]
    a, b, c = (each - middle for each in corners)
    inward = np.bincount(patches, np.einsum("ij,ij->i", a, np.cross(b, c)), count) < 0
    if not every:
        ends = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
        owned, numbers = np.unique(np.column_stack([np.tile(patches, 3), ends]), axis=0, return_counts=True)
        inward[owned[numbers % 2 == 1, 0]] = False  # open: its neighbors over branching edges say how it is wound
    if not 1 < count <= _MOST_PATCHES:
        return inward[patches] if count == 1 or every else np.zeros(len(faces), np.bool_)
    return (inward & ~_nested(vertices, faces, patches, count))[patches]


def _nested(
    vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"], patches: Int[np.ndarray, " m"], count: int
) -> Bool[np.ndarray, " p"]:
    """Return which patches lie within others, by the winding number of each at a corner of all."""
    igl = optional("igl", extra="mesh", needed_for="a mesh of several parts")
    vertices = (vertices - vertices.mean(axis=0)) / np.ptp(vertices, axis=0).max()  # libigl computes it in float32
    places = vertices[faces[np.unique(patches, return_index=True)[1], 0]]
    around = np.zeros(count, np.bool_)
    for patch in range(count):
        holds = np.abs(np.asarray(igl.fast_winding_number(vertices, faces[patches == patch], places))) > 0.5
        holds[patch] = False
        around |= holds
    return around


def _as_most(
    oriented: Int[np.ndarray, "m 3"], given: Int[np.ndarray, "m 3"], patches: Int[np.ndarray, " m"]
) -> Int[np.ndarray, "m 3"]:
    """Return oriented patches, each wound as most of its triangles were."""
    count = int(patches.max()) + 1
    first = np.argmax(oriented == given[:, :1], axis=1)[:, None]  # where the first corner has gone
    kept = np.take_along_axis(oriented, (first + 1) % 3, axis=1)[:, 0] == given[:, 1]
    against = 2 * np.bincount(patches, kept, count) < np.bincount(patches, minlength=count)
    return np.where(against[patches][:, None], oriented[:, ::-1], oriented)
