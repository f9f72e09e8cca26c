"""Surfaces from files: NumPy alone reads PLY, OBJ, OFF, XYZ and NPZ, package trimesh the rest."""

import json
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.npyio import NpzFile

from ligeia.core import (
    FormatError,
    InputError,
    LigeiaError,
    check_readable,
    errors_name,
    optional,
)
from ligeia.signals import Surface, checked_surface

from .._opened import Opened
from ._ply import read_ply
from ._texts import read_obj, read_off, read_xyz

_UNIT: Final = 0.02  # of the length of a normal, as text may round it
_COMPRESSIONS: Final = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")
SURFACE_SUFFIXES = (".ply", ".obj", ".stl", ".off", ".glb", ".gltf", ".xyz")
_ARCHIVE = ".npz"
_STL_HEAD, _STL_ROW = 84, 50  # bytes
_REASON = 200  # characters of another library's error


def holds_surface(opened: Opened) -> bool:
    """Return whether a path has the ending of a surface file, or is an ``.npz`` file with the arrays of one.

    These are ``vertices`` and ``faces``, or ``points`` and ``normals``, or no other than ``points`` of shape (n, 3).
    """
    if opened.suffix != _ARCHIVE:
        return opened.suffix in SURFACE_SUFFIXES
    try:
        with NpzFile(opened.file, allow_pickle=False) as archive:
            names = set(archive.files)
            if names == {"points"}:
                shape = archive["points"].shape
                return len(shape) == 2 and shape[1] == 3
            return {"vertices", "faces"} <= names or {"points", "normals"} <= names
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):  # reading it says what is wrong
        return False


def read_surface(path: Path) -> Surface:
    """Read a surface: PLY, OBJ, STL, OFF, GLB, glTF, XYZ or NPZ.

    All vertices of the file are kept, including duplicates and those of no face; polygons become fans of triangles; the
    meshes of a scene are transformed and merged into one, and its loose points are ignored.
    XYZ is text with x y z, or x y z and a normal, per line; three numbers after x y z that are no unit normals are left
    out, with a warning. Normals that are all zero are none. `FormatError` for a file that is damaged or cut short,
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
        raise InputError(f"{path}: expected a surface ({', '.join(readers)}); rename or convert it.")
    with _readable(path, suffix):
        vertices, faces, normals = readers[suffix](path)
    if normals is not None and len(normals) and not np.any(normals):
        normals = None  # 3D Gaussian splats are saved so
    name = {".gltf": "GLB"}.get(suffix, suffix[1:].upper())
    with errors_name(path):
        if len(vertices) == 0 and (faces is None or len(faces) == 0):
            raise FormatError("expected vertices, the file has none, and no faces either; get it again.")
        return checked_surface(vertices, faces, normals, name)


def _read_xyz(path: Path) -> tuple[np.ndarray, None, np.ndarray | None]:
    points, normals = read_xyz(path)
    if normals is None:
        return points, None, None
    lengths = np.linalg.norm(normals, axis=1)
    if bool(np.all((np.abs(lengths - 1) <= _UNIT) | (lengths == 0) | ~np.isfinite(lengths))):
        return points, None, normals
    said = f"{path}: the numbers after x y z are no normals, whose length is 1; they are taken for colors and left out."
    warnings.warn(said, stacklevel=2)
    return points, None, None


def _read_archive(path: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    with path.open("rb") as file, NpzFile(file, allow_pickle=False) as archive:
        names = archive.files
        vertices = next((name for name in ("vertices", "points") if name in names), None)
        if vertices is None:
            raise FormatError(
                f"{path}: expected arrays vertices and faces, or points and normals, the file holds: "
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
                f"{path}: expected an STL file of {count} triangles, {_STL_HEAD + count * _STL_ROW} bytes, got "
                f"{size} bytes; get the whole file."
            )
        if b"endsolid" not in tail:
            raise FormatError(f"{path}: expected an STL file that ends with endsolid; get the whole file.")
    return _read_scene(path)


def _refuse_compressed(path: Path) -> None:
    """Raise an error for a glTF or GLB whose meshes are compressed, of which trimesh reads the empty placeholders."""
    with path.open("rb") as file:
        head = file.read(20)
        text = file.read(int.from_bytes(head[12:16], "little")) if head.startswith(b"glTF") else head + file.read()
    try:
        needed = json.loads(text).get("extensionsRequired", ())
        found = [name for name in _COMPRESSIONS if name in needed]
    except (ValueError, AttributeError, TypeError):
        return  # the reader says what is wrong
    if found:
        raise FormatError(f"{path}: expected plain meshes, these are compressed ({found[0]}); save it without that.")


def _read_scene(path: Path) -> tuple[np.ndarray, np.ndarray, None]:
    """Return the meshes of a scene as one, or its points where it has no mesh."""
    if path.suffix.lower() != ".stl":
        _refuse_compressed(path)
    loaded = trimesh(f"a {path.suffix.lower()} file").load(path, force="scene", process=False)
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
        with errors_name(path):
            yield
    except LigeiaError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:_REASON] or type(error).__name__
        raise FormatError(f"{path}: not a readable {suffix} file ({reason}); get the whole file.") from error


def trimesh(needed_for: str) -> Any:
    """Return package trimesh, or raise `MissingExtraError` that says what it is needed for."""
    return optional("trimesh", extra="mesh", needed_for=needed_for)
