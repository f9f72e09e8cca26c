"""Surfaces to files: NumPy alone writes PLY and NPZ, package trimesh OBJ, STL, OFF and GLB."""

import math
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from ligeia.core import (
    InputError,
    ShapeError,
    write_atomically,
)

from ._ply import loss_of_single, write_ply
from ._read import trimesh

_ARCHIVE = ".npz"
_OUTPUTS = (".ply", ".obj", ".stl", ".off", ".glb", _ARCHIVE)
_OUTPUTS_WITHOUT_TRIMESH = (".ply", _ARCHIVE)
_SINGLE_PRECISION = (".stl", ".glb")
_LOSS = 1e-6  # of the diagonal of the box around a surface


def check_surface_output(path: Path) -> None:
    """Raise `InputError` unless a surface can be written under this name, `MissingExtraError` if that needs trimesh."""
    suffix = path.suffix.lower()
    if suffix not in _OUTPUTS:
        raise InputError(
            f"{path}: a surface is written as {', '.join(_OUTPUTS)}, got {suffix or 'no ending'}; rename the output."
        )
    if suffix not in _OUTPUTS_WITHOUT_TRIMESH:
        trimesh(f"a {suffix} file")


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
            raise ShapeError(f"{path}: expected {what} {vertices.shape}, one per vertex, got {array.shape}.")
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
    mesh = trimesh(f"a {suffix} file").Trimesh(
        vertices=vertices, faces=faces, vertex_normals=normals, vertex_colors=colors, process=False
    )
    options = {"digits": _decimals(vertices)} if suffix in (".obj", ".off") else {}

    def write(partial: Path) -> None:
        written = mesh.export(file_type=suffix[1:], **options)
        partial.write_bytes(written.encode() if isinstance(written, str) else written)

    write_atomically(path, write)


def _decimals(vertices: Float[np.ndarray, "n 3"]) -> int:
    """Return the decimals that a coordinate needs: to 1e-8 of the diagonal, and at least 8."""
    diagonal = float(np.linalg.norm(vertices.max(axis=0) - vertices.min(axis=0)))
    return max(8, 8 - math.floor(math.log10(diagonal))) if diagonal else 8
