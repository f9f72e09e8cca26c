"""Photographs that a file of cameras names, and their pixels.

Pixels are taken as they are stored, without the turn that EXIF asks for: so do the tools that find cameras (COLMAP,
instant-ngp, nerfstudio), whose places in a picture are in stored pixels. A cameras' file that states a size which the
turned picture has, and the stored one has not, was made from turned pictures; those are then taken.
"""

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Shaped

from ligeia.core import InputError, errors_name
from ligeia.signals import Camera, ImageSource, Views

from ..images._kinds import as_stored
from ..images._read import read_image

_MOST_THREADS = 8  # each decodes a picture, which takes memory
_LONGEST_NAME = 400  # characters
_NAMED = 3  # missing files that a warning names


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Mask:
    """A picture beside a photograph, that says which of its pixels to ignore."""

    path: Path
    is_black_ignored: bool
    """Whether black pixels are ignored, rather than all others."""


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Photograph:
    """A photograph with a camera, not read yet."""

    name: str
    path: Path
    camera: Callable[[tuple[int, int]], Camera]
    """Its camera, given the rows and columns that the picture has."""
    shape: tuple[int, int] | None = None
    """Rows and columns as the cameras' file states them."""
    masks: tuple[Mask, ...] = ()


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Found:
    """What a file of cameras holds."""

    photographs: Sequence[Photograph]
    points: Float[np.ndarray, "n 3"] | None = None


def views_of(path: Path, found: Found) -> Views:
    """Return the views of the photographs that are there; a warning names the others."""
    there = [each for each in found.photographs if exists(each.path)]
    missing = [each.name for each in found.photographs if not exists(each.path)]
    if not there:
        raise InputError(
            f"{path}: expected its photographs, none of {len(missing)} is there, the first would be "
            f"{one_line(found.photographs[0].path)}; put them where the file says, or correct it."
        )
    if missing:
        names = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
        warnings.warn(
            f"{path}: {len(missing)} of {len(found.photographs)} photographs are missing and left out: {names}.",
            stacklevel=3,
        )
    read = _all_read(path, there)
    with errors_name(path):
        return Views(
            cameras=tuple(camera for camera, _, _ in read),
            names=tuple(each.name for each in there),
            pictures=tuple(picture for _, picture, _ in read),
            masks=tuple(mask for _, _, mask in read),
            points=found.points,
        )


def one_line(name: object) -> str:
    """Return a name from a file for a message: no line of its own, and not too long."""
    return "".join(each if each.isprintable() else "?" for each in str(name)[:_LONGEST_NAME])


def exists(path: Path) -> bool:
    """Return whether a file is there; a name that no file can have is of none."""
    try:
        return path.is_file()
    except OSError:  # too long, or beyond what is no folder
        return False


def pixels(path: Path, shape: tuple[int, int] | None = None) -> Shaped[np.ndarray, "rows columns channels"]:
    """Return a picture as gray, RGB or RGBA: uint8 or uint16 if it uses all of these, else float32 from 0 to 1.

    ``shape`` is what the cameras' file says of its rows and columns.
    """
    signal = read_image(path)
    source, values = signal.source, signal.values
    assert isinstance(source, ImageSource)
    if source.mode in ("La", "RGBa"):
        raise InputError(f"{path}: expected straight alpha, the colors are multiplied by it; save it as a PNG.")
    if source.mode == "CMYK":
        raise InputError(f"{path}: expected gray or RGB, with or without alpha, this is CMYK; save it as RGB.")
    stored = as_stored(values, source.orientation)
    if shape is None or stored.shape[:2] == shape or values.shape[:2] != shape:
        values = stored
    if values.dtype.kind in "bu" and values.itemsize <= 2:
        assert signal.held_range is not None
        high = signal.held_range[1]
        if values.dtype.kind == "b" or high != np.iinfo(values.dtype).max:  # 1, 4 or 12 bits
            values = (values / np.float32(high)).astype(np.float32)
    elif values.dtype.kind == "f":
        values = values.astype(np.float32)
    else:
        raise InputError(f"{path}: expected 1 to 16 bits or numbers from 0 to 1, got {values.dtype}; convert it.")
    if values.shape[2] == 2:  # gray and alpha
        values = values[..., [0, 0, 0, 1]]
    return np.ascontiguousarray(values)


def _all_read(
    path: Path, photographs: Sequence[Photograph]
) -> list[tuple[Camera, Shaped[np.ndarray, "..."], Bool[np.ndarray, "_ _"] | None]]:
    """Return the camera, the pixels and the mask of each, read on several threads."""
    logger = logging.getLogger("tifffile")
    was_disabled = logger.disabled
    # decoders set these two aside and back, which threads do in any order: what they leave is undone here
    with warnings.catch_warnings(), ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        try:
            return list(pool.map(partial(_read, path), photographs))
        finally:
            pool.shutdown(cancel_futures=True)
            logger.disabled = was_disabled


def _read(path: Path, photograph: Photograph) -> tuple[Camera, np.ndarray, np.ndarray | None]:
    picture = pixels(photograph.path, photograph.shape)
    rows, columns = picture.shape[:2]
    with errors_name(path), errors_name(photograph.name):
        camera = photograph.camera((rows, columns))
    mask = None
    for each in photograph.masks:
        lit = pixels(each.path, photograph.shape)
        ignored = (lit[..., :3] > 0).any(axis=2) != each.is_black_ignored
        if ignored.shape != (rows, columns):
            raise InputError(
                f"{each.path}: expected a mask of {columns} x {rows} pixels as {photograph.name} has, got "
                f"{ignored.shape[1]} x {ignored.shape[0]}; save it in that size."
            )
        mask = ignored if mask is None else mask | ignored
    return camera, picture, mask
