"""Surface: triangles, or a cloud of points, checked."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from ligeia.core import InputError, SampleError, ShapeError

from ._sources import SurfaceSource


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Surface:
    """The content of a surface file: triangles, or a cloud of points if there are none.

    Coordinates are x, y, z in the file's units.
    """

    vertices: Float[np.ndarray, "n 3"]
    faces: Int[np.ndarray, "m 3"]
    """Three vertices each, counterclockwise seen from outside; (0, 3) for a cloud."""
    normals: Float[np.ndarray, "n 3"] | None = None
    """Of a cloud's points, unit length, outward; None where the file has none, and for triangles."""
    colors: UInt8[np.ndarray, "n 3"] | None = None
    """Red, green, blue of each vertex, for writing only."""
    source: SurfaceSource

    @property
    def is_cloud(self) -> bool:
        """Whether there are points alone."""
        return len(self.faces) == 0


def surface_of(
    vertices: Shaped[np.ndarray, "..."],
    faces: Shaped[np.ndarray, "..."] | None = None,
    normals: Shaped[np.ndarray, "..."] | None = None,
) -> Surface:
    """Return the surface of arrays: vertices (n, 3), faces (m, 3) or None for a cloud, normals (n, 3) of a cloud.

    Normals need not have unit length. `ShapeError` and `SampleError` as for a file.

    >>> surface_of(np.eye(3), np.array([[0, 1, 2]])).is_cloud
    False
    """
    return checked_surface(np.asarray(vertices), None if faces is None else np.asarray(faces), normals, "ARRAY")


def checked_surface(
    vertices: Shaped[np.ndarray, "..."],
    faces: Shaped[np.ndarray, "..."] | None,
    normals: Shaped[np.ndarray, "..."] | None,
    name: str,
) -> Surface:
    """Return the surface of arrays from a file of kind ``name``; see `surface_of`."""
    vertices = _triples(vertices, "vertices", "uif").astype(np.float64, copy=False)
    if len(vertices) == 0:
        raise InputError("expected vertices, there are none.")
    _refuse(
        np.any(~np.isfinite(vertices), axis=1),
        "expected finite coordinates",
        "vertices",
        "leave those points out.",
    )
    if faces is None or len(faces) == 0:
        faces = np.zeros((0, 3), np.int64)
        if normals is not None:
            normals = _unit(_triples(np.asarray(normals), "normals", "uif").astype(np.float64, copy=False))
            if len(normals) != len(vertices):
                raise ShapeError(f"expected {len(vertices)} normals, one per point, got {len(normals)}.")
        is_cloud = True
    else:
        faces, normals, is_cloud = _triples(faces, "faces", "ui"), None, False
        low, high = int(faces.min()), int(faces.max())
        if low < 0 or high >= len(vertices):
            wrong = int(((faces < 0) | (faces >= len(vertices))).any(axis=1).sum())
            raise InputError(
                f"expected faces between vertices 0 to {len(vertices) - 1}, {wrong} of {len(faces)} refer to "
                f"vertices that do not exist, from {low} to {high}; get the whole file, or leave those faces out."
            )
        faces = faces.astype(np.int64, copy=False)
    return Surface(
        vertices=vertices, faces=faces, normals=normals, source=SurfaceSource(format=name, is_cloud=is_cloud)
    )


def _triples(array: Shaped[np.ndarray, "..."], what: str, kinds: str) -> Shaped[np.ndarray, "n 3"]:
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in kinds:
        numbers = "whole numbers" if "f" not in kinds else "real numbers"
        raise ShapeError(f"{what} must be {numbers} of shape (n, 3), got {array.dtype} {array.shape}.")
    return array


def _unit(normals: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    bad = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
    _refuse(bad, "expected normals with a direction", "normals", "leave those points out, or all normals.", " or zero")
    return normals / lengths


def _refuse(bad: Shaped[np.ndarray, " n"], wanted: str, what: str, advice: str, more: str = "") -> None:
    if bad.any():
        raise SampleError(
            f"{wanted}, {int(bad.sum())} of {len(bad)} {what} are NaN, infinite{more}, the first at index "
            f"{int(bad.argmax())}; {advice}".replace("NaN, infinite,", "NaN or infinite,")
        )
