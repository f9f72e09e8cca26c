"""Surfaces: triangles, or clouds of points, from mesh files and back.

NumPy alone reads PLY, OBJ, OFF, XYZ and NPZ and writes PLY and NPZ; package trimesh does the rest.
"""

import math
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8
from numpy.lib.npyio import NpzFile

from ligeia.core import (
    FormatError,
    InputError,
    LigeiaError,
    SampleError,
    ShapeError,
    check_readable,
    optional,
    write_atomically,
)

from ._ply import loss_of_single, read_ply, write_ply
from ._signal import SurfaceSource
from ._surface_texts import read_obj, read_off, read_xyz

_SUFFIXES = (".ply", ".obj", ".stl", ".off", ".glb", ".gltf", ".xyz")
_ARCHIVE = ".npz"
_OUTPUTS = (".ply", ".obj", ".stl", ".off", ".glb", _ARCHIVE)
_OUTPUTS_WITHOUT_TRIMESH = (".ply", _ARCHIVE)
_SINGLE_PRECISION = (".stl", ".glb")
_LOSS = 1e-6  # of the diagonal of the box around a surface
_STL_HEAD, _STL_ROW = 84, 50  # bytes
_REASON = 200  # characters of another library's error


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Surface:
    """A surface as a file has it: triangles, or a cloud of points where there are none.

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


def is_surface(path: Path) -> bool:
    """Return whether a path has the ending of a surface file, or is an ``.npz`` file with the arrays of one.

    These are ``vertices`` and ``faces``, or ``points`` and ``normals``, or no other than ``points`` of shape (n, 3).
    """
    suffix = path.suffix.lower()
    if suffix != _ARCHIVE:
        return suffix in _SUFFIXES
    try:
        with path.open("rb") as file, NpzFile(file, allow_pickle=False) as archive:
            names = set(archive.files)
            if names == {"points"}:
                shape = archive["points"].shape
                return len(shape) == 2 and shape[1] == 3
            return {"vertices", "faces"} <= names or {"points", "normals"} <= names
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):  # reading it says what is wrong
        return False


def read_surface(path: Path) -> Surface:
    """Read a surface: PLY, OBJ, STL, OFF, GLB, glTF, XYZ or NPZ.

    Vertices stay as they are in the file, also those that coincide or that no face has; polygons become fans of
    triangles; the meshes of a scene become one, each where its transforms put it, and points beside them are left out.
    XYZ is text with x y z, or x y z and a normal, per line. `FormatError` for a file that is damaged or cut short,
    `SampleError` for vertices or normals of a cloud that are no numbers.
    """
    check_readable(path)
    suffix = path.suffix.lower()
    readers: dict[str, Callable[[Path], tuple[np.ndarray, np.ndarray | None, np.ndarray | None]]] = {
        ".ply": read_ply,
        ".obj": read_obj,
        ".off": lambda path: (*read_off(path), None),
        ".xyz": _read_xyz,
        ".npz": _read_archive,
        ".stl": _read_stl,
        ".glb": _read_scene,
        ".gltf": _read_scene,
    }
    if suffix not in readers:
        raise InputError(f"{path}: a surface ({', '.join(readers)}) was wanted; rename or convert it.")
    with _readable(path, suffix):
        vertices, faces, normals = readers[suffix](path)
    name = {".gltf": "GLB"}.get(suffix, suffix[1:].upper())
    try:
        if len(vertices) == 0 and (faces is None or len(faces) == 0):
            raise FormatError("vertices were wanted, the file has none, and no faces either; get it again.")
        return _checked(vertices, faces, normals, name)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error


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
    return _checked(np.asarray(vertices), None if faces is None else np.asarray(faces), normals, "ARRAY")


def _checked(
    vertices: Shaped[np.ndarray, "..."],
    faces: Shaped[np.ndarray, "..."] | None,
    normals: Shaped[np.ndarray, "..."] | None,
    name: str,
) -> Surface:
    vertices = _triples(vertices, "vertices", "uif").astype(np.float64, copy=False)
    if len(vertices) == 0:
        raise InputError("vertices were wanted, there are none.")
    _refuse(
        np.any(~np.isfinite(vertices), axis=1),
        "finite coordinates were wanted",
        "vertices",
        "leave those points out.",
    )
    if faces is None or len(faces) == 0:
        faces = np.zeros((0, 3), np.int64)
        if normals is not None:
            normals = _unit(_triples(np.asarray(normals), "normals", "uif").astype(np.float64, copy=False))
            if len(normals) != len(vertices):
                raise ShapeError(f"{len(vertices)} normals were wanted, one per point, got {len(normals)}.")
        is_cloud = True
    else:
        faces, normals, is_cloud = _triples(faces, "faces", "ui"), None, False
        low, high = int(faces.min()), int(faces.max())
        if low < 0 or high >= len(vertices):
            wrong = int(((faces < 0) | (faces >= len(vertices))).any(axis=1).sum())
            raise InputError(
                f"faces between vertices 0 to {len(vertices) - 1} were wanted, {wrong} of {len(faces)} refer to "
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
    _refuse(
        bad, "normals with a direction were wanted", "normals", "leave those points out, or all normals.", " or zero"
    )
    return normals / lengths


def _refuse(bad: Shaped[np.ndarray, " n"], wanted: str, what: str, advice: str, more: str = "") -> None:
    if bad.any():
        raise SampleError(
            f"{wanted}, {int(bad.sum())} of {len(bad)} {what} are NaN, infinite{more}, the first at index "
            f"{int(bad.argmax())}; {advice}".replace("NaN, infinite,", "NaN or infinite,")
        )


def _read_xyz(path: Path) -> tuple[np.ndarray, None, np.ndarray | None]:
    points, normals = read_xyz(path)
    return points, None, normals


def _read_archive(path: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    with path.open("rb") as file, NpzFile(file, allow_pickle=False) as archive:
        names = archive.files
        vertices = next((name for name in ("vertices", "points") if name in names), None)
        if vertices is None:
            raise FormatError(
                f"{path}: arrays vertices and faces, or points and normals, were wanted, the file holds: "
                f"{', '.join(names) or 'none'}; rename them."
            )
        faces = archive["faces"] if vertices == "vertices" and "faces" in names else None
        return archive[vertices], faces, archive["normals"] if "normals" in names else None


def _read_stl(path: Path) -> tuple[np.ndarray, np.ndarray, None]:
    """Return the triangles of an STL file, none of which share a vertex; one of wrong length is refused before."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_STL_HEAD)
        file.seek(-min(size, 256), 2)
        tail = file.read()
    count = int.from_bytes(head[-4:], "little")
    if len(head) < _STL_HEAD or size != _STL_HEAD + count * _STL_ROW:
        if not head.lstrip().startswith(b"solid") or b"\0" in head:
            raise FormatError(
                f"{path}: an STL file of {count} triangles, {_STL_HEAD + count * _STL_ROW} bytes, was wanted, got "
                f"{size} bytes; get the whole file."
            )
        if b"endsolid" not in tail:
            raise FormatError(f"{path}: an STL file that ends with endsolid was wanted; get the whole file.")
    return _read_scene(path)


def _read_scene(path: Path) -> tuple[np.ndarray, np.ndarray, None]:
    """Return the meshes of a scene as one, or its points where it has no mesh."""
    loaded = _trimesh(f"a {path.suffix.lower()} file").load(path, force="scene", process=False)
    vertices, faces, clouds, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [np.zeros((0, 3))], 0
    for node in loaded.graph.nodes_geometry:
        transform, name = loaded.graph[node]
        geometry = loaded.geometry[name]
        if not hasattr(geometry, "vertices"):
            continue
        places = np.asarray(geometry.vertices, np.float64) @ transform[:3, :3].T + transform[:3, 3]
        if not hasattr(geometry, "faces"):
            clouds.append(places)
            continue
        corners = np.asarray(geometry.faces, np.int64)
        if np.linalg.det(transform[:3, :3]) < 0:  # a mirror turns a surface inside out
            corners = corners[:, ::-1]
        vertices.append(places)
        faces.append(corners + count)
        count += len(places)
    return np.concatenate(vertices if count else clouds), np.concatenate(faces), None


@contextmanager
def _readable(path: Path, suffix: str) -> Iterator[None]:
    """Turn what the readers of these formats raise, anything, into one line about this file."""
    try:
        yield
    except LigeiaError as error:
        if str(error).startswith(str(path)) or not isinstance(error, InputError):
            raise
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:_REASON] or type(error).__name__
        raise FormatError(f"{path}: not a readable {suffix} file ({reason}); get the whole file.") from error


def _trimesh(needed_for: str) -> Any:
    return optional("trimesh", extra="mesh", needed_for=needed_for)


def check_surface_output(path: Path) -> None:
    """Raise `InputError` unless a surface can be written under this name, `MissingExtraError` if that needs trimesh."""
    suffix = path.suffix.lower()
    if suffix not in _OUTPUTS:
        raise InputError(
            f"{path}: a surface is written as {', '.join(_OUTPUTS)}, got {suffix or 'no ending'}; rename the output."
        )
    if suffix not in _OUTPUTS_WITHOUT_TRIMESH:
        _trimesh(f"a {suffix} file")


def write_surface(
    path: Path,
    vertices: Float[np.ndarray, "n 3"],
    faces: Int[np.ndarray, "m 3"],
    normals: Float[np.ndarray, "_ 3"] | None = None,
    colors: UInt8[np.ndarray, "_ 3"] | None = None,
) -> None:
    """Write a surface, whole or not at all: PLY, OBJ, STL, OFF, GLB or NPZ by the ending; without faces PLY or NPZ.

    PLY is binary, in single precision where that moves no vertex by more than 1e-6 of the diagonal; memory beyond the
    arrays is a few MB. STL and OFF hold neither normals nor colors of vertices.
    """
    check_surface_output(path)
    for what, array in (("normals", normals), ("colors", colors)):
        if array is not None and array.shape != vertices.shape:
            raise ShapeError(f"{path}: {what} {vertices.shape} were wanted, one per vertex, got {array.shape}.")
    suffix = path.suffix.lower()
    if suffix == ".ply":
        write_atomically(path, lambda partial: write_ply(partial, vertices, faces, normals, colors))
        return
    if suffix == _ARCHIVE:
        arrays = {"vertices": vertices, "faces": faces, "normals": normals, "colors": colors}
        present = {name: array for name, array in arrays.items() if array is not None}

        def write_archive(partial: Path) -> None:
            with partial.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **present)

        write_atomically(path, write_archive)
        return
    if len(faces) == 0:
        raise InputError(f"{path}: a cloud of points is written as .ply or .npz; rename the output.")
    if suffix in _SINGLE_PRECISION and loss_of_single(vertices) > _LOSS:
        warnings.warn(f"{path}: {suffix} keeps single precision only, which moves vertices; write .ply.", stacklevel=2)
    mesh = _trimesh(f"a {suffix} file").Trimesh(
        vertices=vertices, faces=faces, vertex_normals=normals, vertex_colors=colors, process=False
    )
    options = {"digits": _decimals(vertices)} if suffix in (".obj", ".off") else {}

    def write(partial: Path) -> None:
        written = mesh.export(file_type=suffix[1:], **options)
        partial.write_bytes(written.encode() if isinstance(written, str) else written)

    write_atomically(path, write)


def _decimals(vertices: Float[np.ndarray, "n 3"]) -> int:
    """Return digits after the point that a coordinate needs: 1e-8 of the diagonal, and 8 at least."""
    diagonal = float(np.linalg.norm(vertices.max(axis=0) - vertices.min(axis=0)))
    return max(8, 8 - math.floor(math.log10(diagonal))) if diagonal else 8
