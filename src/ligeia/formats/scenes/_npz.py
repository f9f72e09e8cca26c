"""An ``.npz`` archive of ``images``, ``poses`` and ``focal``, as NeRF's own small example is.

``images`` are (n, rows, columns) or (n, rows, columns, channels), ``poses`` camera to world (n, 3, 4) or (n, 4, 4) with
the axes of `Camera`, ``focal`` one focal length in pixels, or one for each. ``index`` may hold the views' numbers.
"""

import math
import zipfile
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from ligeia.core import FormatError, check_readable, errors_name
from ligeia.signals import Camera, Views

from .._arrays import ARCHIVE_ERRORS, header_of

_NEEDED = ("images", "poses", "focal")
_MOST_BYTES = 16 << 30  # a small archive can claim any size


def is_archive_of_views(path: Path) -> bool:
    """Return whether an ``.npz`` archive has arrays of these names."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{name}.npy" for name in _NEEDED} <= set(archive.namelist())
    except ARCHIVE_ERRORS:
        return False


def read_archive_of_views(path: Path) -> Views:
    """Return the views of an archive."""
    check_readable(path)
    arrays = _arrays(path)
    images, poses, focal = (arrays[name] for name in _NEEDED)
    with errors_name(path):
        if images.ndim == 3:
            images = images[..., None]
        if images.ndim != 4 or images.dtype.kind not in "uf":
            raise FormatError(f"expected images of rows, columns and channels, got {images.dtype} {images.shape}.")
        count, rows, columns, _ = images.shape
        if poses.shape not in ((count, 3, 4), (count, 4, 4)) or poses.dtype.kind not in "iuf":
            raise FormatError(f"expected poses of shape ({count}, 4, 4), got {poses.dtype} {poses.shape}.")
        if focal.shape not in ((), (1,), (count,)) or focal.dtype.kind not in "iuf":
            raise FormatError(f"expected one focal length, or {count}, got {focal.dtype} {focal.shape}.")
        index = arrays["index"] if "index" in arrays else np.arange(count)
        if index.shape != (count,) or index.dtype.kind not in "iu":
            raise FormatError(f"expected {count} whole numbers as index, got {index.dtype} {index.shape}.")
        names = tuple(f"view {number}" for number in index.tolist())
        cameras = []
        for name, pose, length in zip(names, poses, np.broadcast_to(focal, count).tolist(), strict=True):
            with errors_name(name):
                cameras.append(
                    Camera(
                        pose=pose[:3].astype(np.float64),
                        focal_lengths=(float(length), float(length)),
                        principal_point=(columns / 2, rows / 2),
                        shape=(rows, columns),
                    )
                )
        pictures = tuple(images.astype(np.float32) if images.dtype.kind == "f" else images)
        return Views(cameras=tuple(cameras), names=names, pictures=pictures)


def _arrays(path: Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}
            missing = [name for name in _NEEDED if name not in members]
            if missing:
                held = ", ".join(sorted(members)) or "none"
                raise FormatError(f"{path}: expected arrays {', '.join(_NEEDED)}, the file holds: {held}; rename them.")
            return {name: _array(path, archive, name) for name in (*_NEEDED, "index") if name in members}
    except FormatError:  # a ValueError as well
        raise
    except ARCHIVE_ERRORS as error:
        raise FormatError(f"{path}: not a readable .npz file of numbers ({error}).") from error


def _array(path: Path, archive: zipfile.ZipFile, name: str) -> Shaped[np.ndarray, "..."]:
    """Return an array whose size is no more than can be."""
    shape, dtype = header_of(archive, f"{name}.npy")
    if math.prod(shape) * dtype.itemsize > _MOST_BYTES:
        raise FormatError(f"{path}: expected {name} of at most {_MOST_BYTES >> 30} GiB, got {dtype} {shape}.")
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)
