"""``transforms.json``: the synthetic scenes of NeRF (Blender), instant-ngp, nerfstudio.

Poses are camera to world, in the axes that `Camera` has. Lens and size stand once for all frames, or in a frame.
``applied_transform`` is what nerfstudio calls the transformation "to saved coordinates from original data coordinates"
(``applied_scale`` is a factor after it): both are undone, so that poses and points are in the user's own coordinates.
instant-ngp's ``scale``, ``offset`` and ``aabb_scale`` describe its own cube; its poses are the user's already.
"""

import json
import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Float

from ligeia.core import FormatError, InputError, errors_name
from ligeia.signals import Camera

from ..images._kinds import image_suffixes
from ..surfaces._read import read_surface
from ._photographs import Found, Mask, Photograph, exists, one_line

Split: TypeAlias = Literal["train", "val", "test"]
"""Which of the views: those to fit to, or those that are kept apart."""

_SPLITS: Final[tuple[Split, ...]] = ("train", "val", "test")
_MODELS: Final = ("OPENCV", "PERSPECTIVE", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
_DISTORTION: Final = ("k1", "k2", "k3", "p1", "p2")
_OTHER_DISTORTION: Final = ("k4", "k5", "k6")
_LENS: Final = ("fl_x", "fl_y", "camera_angle_x", "camera_angle_y", "cx", "cy", "w", "h")
_ROUNDED: Final = 1e-3


def find_transforms(path: Path, split: Split = "train") -> Found:
    """Return the photographs of a ``transforms.json``: of those lists of names that nerfstudio knows, one, or all."""
    with errors_name(path):
        document = document_of(path)
        frames = _frames(document, split)
        undone = _undone(document)
        photographs = [_photograph(path.parent, document, frame, where, undone) for where, frame in frames]
        return Found(photographs=photographs, points=_points(path, document, undone))


def document_of(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file."""
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, nested without end
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"expected JSON, it cannot be read ({reason}); get the whole file.") from error
    if not isinstance(document, dict):
        raise FormatError(f"expected a JSON object with frames, got {_kind(document)}.")
    return document


def _frames(document: dict[str, Any], split: Split) -> list[tuple[str, dict[str, Any]]]:
    """Return the frames that are asked for, and what to call each in a message."""
    frames = document.get("frames")
    if not isinstance(frames, list) or not frames:
        raise FormatError(f"expected a list of frames, got {_kind(frames)}; get the whole file.")
    result = []
    for number, frame in enumerate(frames):
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str) or not frame["file_path"]:
            raise FormatError(f"frame {number}: expected an object with the name of a file as file_path.")
        result.append((f"frame {number} ({one_line(frame['file_path'])})", frame))
    lists = {name: document.get(f"{name}_filenames") for name in _SPLITS}
    if all(names is None for names in lists.values()):
        return result
    names = lists[split]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormatError(f"expected a list of names as {split}_filenames, got {_kind(names)}.")
    chosen = {_plain(name) for name in names}
    result = [(where, frame) for where, frame in result if _plain(frame["file_path"]) in chosen]
    if not result:
        raise FormatError(f"expected frames with the names in {split}_filenames, there are none.")
    return result


def _photograph(
    folder: Path, document: dict[str, Any], frame: dict[str, Any], where: str, undone: Float[np.ndarray, "4 4"]
) -> Photograph:
    with errors_name(where):
        given = _lens(document, frame)
        sizes = {name: _size(given, name) for name in ("h", "w") if name in given}
        pose = _unscaled(undone @ matrix_of(frame, "transform_matrix"), undone)
        path = _picture(folder, frame["file_path"])
        masks = []
        if (name := frame.get("mask_path")) is not None:
            if not isinstance(name, str):
                raise FormatError(f"expected the name of a file as mask_path, got {_kind(name)}.")
            masks.append(Mask(path=_local(folder, name), is_black_ignored=True))
            if exists(path) and not exists(masks[0].path):
                raise InputError(
                    f"expected its mask at {one_line(masks[0].path)}, no such file; put it there, or correct mask_path."
                )
        if exists(beside := path.with_name(f"dynamic_mask_{path.stem}.png")):
            masks.append(Mask(path=beside, is_black_ignored=False))
        return Photograph(
            name=_name(folder, path),
            path=path,
            camera=partial(_camera, pose, given),
            shape=(sizes["h"], sizes["w"]) if len(sizes) == 2 else None,
            masks=tuple(masks),
        )


def camera_of(document: Mapping[str, Any], frame: Mapping[str, Any]) -> Callable[[tuple[int, int]], Camera]:
    """Return what makes the camera of a frame for rows and columns, where the file does not say how many."""
    undone = _undone(document)
    pose = _unscaled(undone @ matrix_of(frame, "transform_matrix"), undone)
    return partial(_camera, pose, _lens(document, frame))


def _lens(document: Mapping[str, Any], frame: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a frame's lens, or else those of all frames."""
    both = {**document, **frame}
    _check_model(both)
    return {name: number_of(both, name) for name in (*_LENS, *_DISTORTION) if both.get(name) is not None}


def _camera(pose: Float[np.ndarray, "3 4"], given: Mapping[str, float], shape: tuple[int, int]) -> Camera:
    """Return the camera of a frame whose picture has ``shape`` rows and columns, if the file does not say otherwise."""
    rows, columns = int(given.get("h", shape[0])), int(given.get("w", shape[1]))
    fx, fy = _focal(given, "x", columns), _focal(given, "y", rows)
    fx, fy = fy if fx is None else fx, fx if fy is None else fy  # square pixels
    if fx is None or fy is None:
        raise FormatError("expected the focal length as fl_x, or the field of view as camera_angle_x, got neither.")
    return Camera(
        pose=pose,
        focal_lengths=(fx, fy),
        principal_point=(given.get("cx", columns / 2), given.get("cy", rows / 2)),
        shape=(rows, columns),
        **{name: given[name] for name in _DISTORTION if name in given},
    )


def _focal(given: Mapping[str, float], axis: str, size: int) -> float | None:
    if (length := given.get(f"fl_{axis}")) is not None:
        return length
    if (angle := given.get(f"camera_angle_{axis}")) is None:
        return None
    if not 0 < angle < math.pi:
        raise FormatError(f"expected a camera_angle_{axis} between 0 and pi, got {angle:g}.")
    return size / 2 / math.tan(angle / 2)


def _check_model(both: dict[str, Any]) -> None:
    model = both.get("camera_model", _MODELS[0])
    if both.get("is_fisheye") is True:
        model = "OPENCV_FISHEYE"
    if model not in _MODELS:
        raise InputError(
            f"expected a camera_model of {', '.join(_MODELS)}, got {one_line(model)}; undistort the pictures "
            "first, for example with colmap image_undistorter."
        )
    for name in _OTHER_DISTORTION:
        if both.get(name) is not None and number_of(both, name) != 0:
            raise InputError(
                f"expected distortion by k1, k2, k3, p1 and p2, got {name} as well; undistort the pictures."
            )


def _undone(document: Mapping[str, Any]) -> Float[np.ndarray, "4 4"]:
    """Return what leads from the coordinates of the file to the user's own."""
    result = np.eye(4)
    if document.get("applied_transform") is not None:
        result = matrix_of(document, "applied_transform")
        turn = result[:3, :3]
        if np.abs(turn.T @ turn - np.eye(3)).max() > _ROUNDED or np.linalg.det(turn) < 0:
            raise FormatError(f"expected a rigid applied_transform, got a determinant of {np.linalg.det(turn):.6g}.")
        result = np.linalg.inv(result)
    if document.get("applied_scale") is not None:
        scale = number_of(document, "applied_scale")
        if not 0 < scale < math.inf:
            raise FormatError(f"expected an applied_scale above 0, got {scale:g}.")
        result = result @ np.diag([1 / scale, 1 / scale, 1 / scale, 1.0])
    return result


def _unscaled(pose: Float[np.ndarray, "4 4"], undone: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "3 4"]:
    """Return a pose without the scale that its axes have from undoing ``applied_scale``."""
    result = pose[:3].copy()
    result[:, :3] /= np.cbrt(np.linalg.det(undone[:3, :3]))
    return result


def _points(path: Path, document: dict[str, Any], undone: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "n 3"] | None:
    """Return the points of the scene that the file names, None if there are none that can be read."""
    name = document.get("ply_file_path")
    if not isinstance(name, str):
        return None
    try:
        vertices = read_surface(_local(path.parent, name)).vertices
    except InputError as error:
        warnings.warn(f"{path}: the points of ply_file_path are left out: {error}", stacklevel=4)
        return None
    return vertices @ undone[:3, :3].T + undone[:3, 3]


def _picture(folder: Path, name: str) -> Path:
    """Return the path of a picture; its ending may have been left out."""
    path = _local(folder, name)
    if exists(path):
        return path
    candidates = (path.with_name(path.name + suffix) for suffix in image_suffixes() if path.name)
    return next((each for each in candidates if exists(each)), path)


def _local(folder: Path, name: str) -> Path:
    return folder / name.replace("\\", "/").replace("\0", "?")


def _plain(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")))


def _name(folder: Path, path: Path) -> str:
    return one_line(path.relative_to(folder) if path.is_relative_to(folder) else path)


def number_of(owner: Mapping[str, Any], name: str) -> float:
    """Return a finite number of an object."""
    value = owner[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"expected a number as {name}, got {_kind(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FormatError(f"expected a finite number as {name}, got {number}.")
    return number


def _size(given: Mapping[str, float], name: str) -> int:
    if given[name] < 1 or given[name] != int(given[name]):
        raise FormatError(f"expected a whole number of pixels, 1 or more, as {name}, got {given[name]:g}.")
    return int(given[name])


def matrix_of(owner: Mapping[str, Any], name: str) -> Float[np.ndarray, "4 4"]:
    """Return a matrix of 3 or 4 rows as one of 4."""
    rows = owner.get(name)
    if rows is None:
        raise FormatError(f"expected its pose as {name}, it is not there; the camera was not found, so leave it out.")
    if (
        not isinstance(rows, list)
        or len(rows) not in (3, 4)
        or not all(isinstance(r, list) and len(r) == 4 for r in rows)
    ):
        raise FormatError(f"expected 3 or 4 rows of 4 numbers as {name}, got something else.")
    last = [0.0, 0.0, 0.0, 1.0]
    numbers = [[number_of({name: value}, name) for value in row] for row in rows]
    result = np.array(numbers if len(numbers) == 4 else [*numbers, last])
    if not np.allclose(result[3], last, atol=1e-6):
        raise FormatError(f"expected a last row of 0 0 0 1 in {name}, got {' '.join(f'{x:g}' for x in result[3])}.")
    return result


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number") if value != [] else "an empty list"
