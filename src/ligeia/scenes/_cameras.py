"""Cameras for new views: around a scene, at the height and distance of those that it was fitted to."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.signals import Camera, SceneSource

_UPRIGHT: Final = 0.9  # the cosine to an axis of the scene that counts as upward


def camera_around(
    field: Field, azimuth_degrees: float, elevation_degrees: float, shape: tuple[int, int] | None = None
) -> Camera:
    """Return a camera that looks at the middle of a scene, as far away as those that it was fitted to are.

    Angles are those of `Camera.around`; upward is what those cameras have upward, mostly. Field of view and, by
    default, rows and columns are the first one's.
    """
    cameras = fitted_cameras(field)
    first = cameras[0]
    box = [(min(axis.extent), max(axis.extent)) for axis in field.grid.axes]
    low, high = np.array(box).T
    distance = float(np.median([np.linalg.norm(each.eye - (low + high) / 2) for each in cameras]))
    up = _upward(cameras)
    return Camera.around(
        box,
        azimuth_degrees,
        elevation_degrees,
        distance / float(np.linalg.norm(high - low)),
        shape=first.shape if shape is None else shape,
        up=(float(up[0]), float(up[1]), float(up[2])),
        field_of_view_degrees=math.degrees(2 * math.atan(first.shape[0] / 2 / first.focal_lengths[1])),
    )


def orbit(field: Field, count: int, shape: tuple[int, int] | None = None) -> list[Camera]:
    """Return cameras once around a scene, at the median elevation of those that it was fitted to."""
    if count < 2:
        raise InputError(f"expected 2 views or more of an orbit, got {count}.")
    low, high = np.array([axis.extent for axis in field.grid.axes]).T
    cameras = fitted_cameras(field)
    up, away = _upward(cameras), np.stack([each.eye - (low + high) / 2 for each in cameras])
    heights = away @ up / np.linalg.norm(away, axis=1)
    elevation = math.degrees(math.asin(float(np.clip(np.median(heights), -1, 1))))
    return [camera_around(field, 360 * number / count, elevation, shape) for number in range(count)]


def fitted_camera(field: Field, which: str) -> Camera:
    """Return the camera of a view that a scene was fitted to, by its number or by the name of its file."""
    source = source_of(field)
    cameras = source.cameras
    if which.isdecimal() and len(which) < 9 and int(which) < len(cameras):
        return cameras[int(which)]
    found = [number for number, name in enumerate(source.names) if which in (name, name.rpartition("/")[2])]
    if len(found) == 1:
        return cameras[found[0]]
    raise InputError(
        f"expected a view from 0 to {len(cameras) - 1}, or the name of its file such as {source.names[0]}, "
        f"got {which!r}."
    )


def fitted_cameras(field: Field) -> Sequence[Camera]:
    """Return the cameras of the views that a scene was fitted to."""
    return source_of(field).cameras


def source_of(field: Field) -> SceneSource:
    """Return what a scene was fitted to; `InputError` for any other field."""
    if not isinstance(field.source, SceneSource) or not field.source.cameras:
        raise InputError("expected a scene, fitted to photographs with known cameras; this field is none.")
    return field.source


def _upward(cameras: Sequence[Camera]) -> Float[np.ndarray, " 3"]:
    mean = np.sum([each.axes()[1] for each in cameras], axis=0)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    largest = int(np.argmax(np.abs(mean)))
    return np.sign(mean[largest]) * np.eye(3)[largest] if abs(mean[largest]) > _UPRIGHT else mean
