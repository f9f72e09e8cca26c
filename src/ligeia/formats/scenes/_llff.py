"""Captures for LLFF (Mildenhall et al. 2019): ``poses_bounds.npy`` beside the folder ``images``.

A row of 17 numbers per photograph, in the order of their names: a matrix of 3 x 5, camera to world with the axes down,
right and backward, then rows, columns and focal length; and two depths, which are not used here.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from ligeia.core import FormatError, InputError, check_readable, errors_name
from ligeia.signals import Camera

from .._arrays import mapped
from ..images._kinds import image_suffixes
from ._photographs import Found, Photograph

_NAME = "poses_bounds.npy"
_ROW = 17


def find_llff(folder: Path) -> Found:
    """Return the photographs of a folder with ``poses_bounds.npy``."""
    path = folder / _NAME
    rows = _rows(path)
    names = pictures_in(folder / "images")
    if len(names) != len(rows):
        raise InputError(
            f"{path}: expected a pose for each photograph in {folder / 'images'}, got {len(rows)} poses and "
            f"{len(names)} photographs; leave those out that LLFF has left out."
        )
    photographs = []
    for name, row in zip(names, rows, strict=True):
        matrix = row[:15].reshape(3, 5)
        shape = _sizes(path, matrix[:2, 4])
        with errors_name(path), errors_name(name.name):
            camera = Camera(
                pose=np.column_stack([matrix[:, 1], -matrix[:, 0], matrix[:, 2:4]]),
                focal_lengths=(float(matrix[2, 4]), float(matrix[2, 4])),
                principal_point=(shape[1] / 2, shape[0] / 2),
                shape=shape,
            )
        photographs.append(
            Photograph(
                name=str(name.relative_to(folder)), path=name, camera=lambda _, camera=camera: camera, shape=shape
            )
        )
    return Found(photographs=photographs)


def pictures_in(folder: Path) -> list[Path]:
    """Return the files in a folder that have the ending of a picture, in the order of their names."""
    if not folder.is_dir():
        return []
    suffixes = image_suffixes()
    return sorted(each for each in folder.iterdir() if each.suffix.lower() in suffixes and each.is_file())


def _rows(path: Path) -> Float[np.ndarray, "n 17"]:
    check_readable(path)
    rows = mapped(path)
    if rows.ndim != 2 or rows.shape[1] != _ROW or rows.dtype.kind not in "iuf" or not len(rows):
        raise FormatError(f"{path}: expected rows of {_ROW} numbers, one a photograph, got {rows.dtype} {rows.shape}.")
    return np.array(rows, np.float64)


def _sizes(path: Path, sizes: Float[np.ndarray, " 2"]) -> tuple[int, int]:
    if not (np.isfinite(sizes).all() and (sizes >= 1).all() and (sizes == np.floor(sizes)).all()):
        raise FormatError(f"{path}: expected whole numbers of rows and columns, got {sizes[0]:g} and {sizes[1]:g}.")
    return int(sizes[0]), int(sizes[1])
