"""Paths of cameras: ``transforms.json`` without its pictures, and the ``camera_path`` of nerfstudio's viewer."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ligeia.core import FormatError, check_readable, errors_name
from ligeia.signals import Camera

from ._transforms import camera_of, document_of, matrix_of, number_of


def read_cameras(path: Path, shape: tuple[int, int]) -> tuple[list[Camera], float | None]:
    """Read cameras of new views, in the user's own coordinates, and the frames per second if the file says so.

    Frames of a ``transforms.json`` need no pictures. A ``camera_path`` has ``camera_to_world`` as 16 numbers, and
    ``fov`` in degrees between top and bottom. Rows and columns are the file's, or else ``shape``.
    """
    with errors_name(check_readable(path)):
        document = document_of(path)
        if isinstance(document.get("camera_path"), list):
            frames = document["camera_path"]
            cameras = [_keyframe(document, frame, number, shape) for number, frame in enumerate(frames)]
            rate = number_of(document, "fps") if document.get("fps") is not None else None
        elif isinstance(document.get("frames"), list):
            cameras = [_frame(document, frame, number, shape) for number, frame in enumerate(document["frames"])]
            rate = None
        else:
            raise FormatError("expected a list of cameras as camera_path or frames, got neither.")
        if not cameras:
            raise FormatError("expected a camera or more, the list is empty.")
        if rate is not None and not 0 < rate <= 1000:
            raise FormatError(f"expected frames per second above 0 as fps, got {rate:g}.")
    return cameras, rate


def _frame(document: Mapping[str, Any], frame: object, number: int, shape: tuple[int, int]) -> Camera:
    with errors_name(f"frame {number}"):
        if not isinstance(frame, dict):
            raise FormatError("expected an object with a transform_matrix, got something else.")
        return camera_of(document, frame)(shape)


def _keyframe(document: Mapping[str, Any], frame: object, number: int, shape: tuple[int, int]) -> Camera:
    with errors_name(f"camera {number}"):
        if not isinstance(frame, dict):
            raise FormatError("expected an object with camera_to_world, got something else.")
        flat = frame.get("camera_to_world")
        if isinstance(flat, list) and len(flat) in (12, 16) and not isinstance(flat[0], list):
            frame = {**frame, "camera_to_world": np.reshape(np.array(flat, object), (-1, 4)).tolist()}
        pose = matrix_of(frame, "camera_to_world")[:3]
        rows, columns = shape
        if document.get("render_height") is not None and document.get("render_width") is not None:
            rows, columns = (int(number_of(document, f"render_{each}")) for each in ("height", "width"))
        fov = number_of(frame, "fov") if frame.get("fov") is not None else 50.0
        if not 0 < fov < 180:
            raise FormatError(f"expected a fov between 0 and 180 degrees, got {fov:g}.")
        focal = rows / 2 / math.tan(math.radians(fov) / 2)
        return Camera(
            pose=pose, focal_lengths=(focal, focal), principal_point=(columns / 2, rows / 2), shape=(rows, columns)
        )
