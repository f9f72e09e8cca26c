"""Reconstructions by COLMAP: ``cameras``, ``images`` and ``points3D``, in binary or text (colmap.github.io/format).

Poses there are world to camera, quaternions w x y z, and a camera's axes are OpenCV's: x to the right, y *downward*, it
looks along +z. Here they become camera to world, with y and z the other way round. The principal point is measured
from the top left corner of the picture in both.
"""

import math
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar, final

import numpy as np
from jaxtyping import Float

from ligeia.core import FormatError, InputError, check_readable, errors_name
from ligeia.signals import Camera

from ..images._kinds import image_suffixes
from ._photographs import Found, Photograph, exists, one_line

_FIELDS: Final = {  # in COLMAP's order; f is both focal lengths
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
}
_NUMBERS: Final = (  # in binary files
    *("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "OPENCV_FISHEYE", "FULL_OPENCV", "FOV"),
    *("SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE", "THIN_PRISM_FISHEYE", "RAD_TAN_THIN_PRISM_FISHEYE"),
)
Result = TypeVar("Result")

_LONGEST_NAME: Final = 4096  # bytes
_LARGEST_SIDE: Final = 2**20
_POINT_2D: Final = 24  # bytes, as the next two
_TRACK: Final = 8


class _Lens(NamedTuple):
    shape: tuple[int, int]
    values: dict[str, float]

    def camera(self, pose: Float[np.ndarray, "3 4"]) -> Camera:
        values = self.values
        focal = values.get("f", 0.0)
        return Camera(
            pose=pose,
            focal_lengths=(values.get("fx", focal), values.get("fy", focal)),
            principal_point=(values["cx"], values["cy"]),
            shape=self.shape,
            **{name: values[name] for name in ("k1", "k2", "p1", "p2") if name in values},
        )


class _Image(NamedTuple):
    name: str
    camera: int
    pose: Float[np.ndarray, "3 4"]


def model_folder(folder: Path) -> Path | None:
    """Return where in a folder a reconstruction lies: its ``sparse/0``, ``sparse``, or itself; None if nowhere."""
    places = (folder / "sparse" / "0", folder / "sparse", folder)
    return next((each for each in places if _ending(each) is not None), None)


def find_colmap(folder: Path) -> Found:
    """Return the photographs that COLMAP has found the cameras of, and its points.

    They are in the folder ``images`` beside ``sparse``, or in that folder itself; smaller copies, in ``images_2`` and
    the like, are never chosen. A warning tells how many photographs have no pose.
    """
    model = model_folder(folder)
    ending = None if model is None else _ending(model)
    if model is None or ending is None:
        raise InputError(f"{folder}: expected cameras and images of COLMAP, as .bin or .txt, they are not there.")
    is_binary = ending == ".bin"
    lenses = _read(model / f"cameras{ending}", _binary_cameras if is_binary else _text_cameras)
    images = _read(model / f"images{ending}", _binary_images if is_binary else _text_images)
    points = None
    if exists(path := model / f"points3D{ending}") and path.stat().st_size:
        points = _read(path, _binary_points if is_binary else _text_points)
    if not images:
        raise InputError(f"{model / f'images{ending}'}: expected photographs with poses, COLMAP has found none.")
    beside = _beside(folder, model, images)
    photographs = []
    for image in images:
        lens = lenses.get(image.camera)
        if lens is None:
            raise FormatError(
                f"{model}: expected a camera of number {image.camera} for {one_line(image.name)}, there is none; "
                "get whole files."
            )
        photographs.append(
            Photograph(
                name=one_line(image.name),
                path=beside / image.name.replace("\\", "/"),
                camera=lambda _, lens=lens, pose=image.pose: lens.camera(pose),
                shape=lens.shape,
            )
        )
    _tell_others(folder, beside, images)
    return Found(photographs=photographs, points=points)


def _ending(model: Path) -> str | None:
    endings = (".bin", ".txt")
    return next(
        (each for each in endings if exists(model / f"cameras{each}") and exists(model / f"images{each}")), None
    )


def _beside(folder: Path, model: Path, images: list[_Image]) -> Path:
    """Return the folder of the photographs."""
    roots = dict.fromkeys((folder, *(parent for parent in (model.parent, model.parent.parent) if folder == model)))
    places = [place for root in roots for place in (root / "images", root)]
    for place in places:
        if any(exists(place / image.name) for image in images):
            return place
    raise InputError(
        f"{folder}: expected the photographs of COLMAP in {places[0]}, {one_line(images[0].name)} is not there; put "
        "them there (smaller copies such as images_2 are not taken by themselves)."
    )


def _tell_others(folder: Path, beside: Path, images: list[_Image]) -> None:
    posed = {image.name for image in images}
    suffixes = image_suffixes()
    others = [each.name for each in beside.iterdir() if each.suffix.lower() in suffixes and each.name not in posed]
    if others:
        warnings.warn(
            f"{folder}: COLMAP has found no pose for {len(others)} of {len(others) + len(posed)} photographs, which "
            "are left out.",
            stacklevel=5,
        )


def _read(path: Path, parse: Callable[[Path], Result]) -> Result:
    check_readable(path)
    with errors_name(path):
        return parse(path)


def _lens(model: str, columns: int, rows: int, values: tuple[float, ...]) -> _Lens:
    fields = _fields(model)
    if not (0 < rows <= _LARGEST_SIDE and 0 < columns <= _LARGEST_SIDE):
        raise FormatError(
            f"expected a picture of 1 or more rows and columns, got {columns} x {rows}; get the whole file."
        )
    if len(values) != len(fields):
        raise FormatError(f"expected {len(fields)} numbers for a camera of model {model}, got {len(values)}.")
    return _Lens((rows, columns), dict(zip(fields, values, strict=True)))


def _fields(model: str) -> tuple[str, ...]:
    if model not in _FIELDS:
        raise InputError(
            f"expected cameras of model {', '.join(_FIELDS)}, got {one_line(model)}; undistort first: "
            "colmap image_undistorter."
        )
    return _FIELDS[model]


def _image(name: str, camera: int, quaternion: tuple[float, ...], translation: tuple[float, ...]) -> _Image:
    w, x, y, z = quaternion
    length = math.hypot(w, x, y, z)
    if not (0 < length < math.inf and all(map(math.isfinite, translation))):
        raise FormatError(f"{one_line(name)}: expected a pose of finite numbers, got {quaternion} and {translation}.")
    w, x, y, z = w / length, x / length, y / length, z / length
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return _Image(name, camera, np.column_stack([turn.T * [1, -1, -1], -turn.T @ np.array(translation)]))


@final
@dataclass(slots=True)
class _Bytes:
    """The bytes of a file, taken one after the other."""

    data: bytes
    at: int = 0

    def take(self, layout: str) -> tuple:  # type: ignore[type-arg]
        """Return the next numbers, little-endian."""
        start = self.at
        self.skip(struct.calcsize(f"<{layout}"))
        return struct.unpack_from(f"<{layout}", self.data, start)

    def skip(self, count: int) -> None:
        """Go on by a number of bytes."""
        self.at += count
        if self.at > len(self.data):
            raise FormatError(f"expected {self.at} bytes or more, got {len(self.data)}; get the whole file.")

    def text(self) -> str:
        """Return the text to the next zero byte."""
        end = self.data.find(b"\0", self.at, self.at + _LONGEST_NAME)
        if end < 0:
            raise FormatError("expected the name of a picture, it has no end; get the whole file.")
        start, self.at = self.at, end + 1
        return self.data[start:end].decode("utf-8", "replace")

    def rows(self, smallest: int) -> range:
        """Return numbers of the rows to come, of so many bytes or more each."""
        (count,) = self.take("Q")
        if count * smallest > len(self.data) - self.at:
            raise FormatError(f"expected {count} rows, the {len(self.data)} bytes are too few; get the whole file.")
        return range(count)


def _binary_cameras(path: Path) -> dict[int, _Lens]:
    found, result = _Bytes(path.read_bytes()), {}
    for _ in found.rows(48):
        number, model, columns, rows = found.take("iiQQ")
        name = _NUMBERS[model] if 0 <= model < len(_NUMBERS) else f"number {model}"
        result[number] = _lens(name, columns, rows, found.take(f"{len(_fields(name))}d"))
    return result


def _binary_images(path: Path) -> list[_Image]:
    found, result = _Bytes(path.read_bytes()), []
    for _ in found.rows(73):
        _, *pose, camera = found.take("I7di")
        name = found.text()
        result.append(_image(name, camera, tuple(pose[:4]), tuple(pose[4:])))
        found.skip(len(found.rows(_POINT_2D)) * _POINT_2D)
    return result


def _binary_points(path: Path) -> Float[np.ndarray, "n 3"]:
    found, result = _Bytes(path.read_bytes()), []
    for _ in found.rows(51):
        result.append(found.take("Q3d3Bd")[1:4])
        found.skip(len(found.rows(_TRACK)) * _TRACK)
    return _finite(result)


def _text_cameras(path: Path) -> dict[int, _Lens]:
    result = {}
    for number, line in _lines(path):
        with _row(number):
            name, model, columns, rows, *values = line.split()
            result[int(name)] = _lens(model, int(columns), int(rows), tuple(map(float, values)))
    return result


def _text_images(path: Path) -> list[_Image]:
    result, is_pose = [], True
    for number, line in _lines(path, keep_empty=True):
        if is_pose and not line:
            continue
        if is_pose:
            with _row(number):
                _, *pose, camera, name = line.split(maxsplit=9)
                quaternion, translation = tuple(map(float, pose[:4])), tuple(map(float, pose[4:]))
                result.append(_image(name, int(camera), quaternion, translation))
        is_pose = not is_pose  # a line of places of points follows, which may be empty
    return result


def _text_points(path: Path) -> Float[np.ndarray, "n 3"]:
    result = []
    for number, line in _lines(path):
        with _row(number):
            x, y, z = map(float, line.split(maxsplit=4)[1:4])
            result.append((x, y, z))
    return _finite(result)


def _finite(rows: list[tuple[float, float, float]]) -> Float[np.ndarray, "n 3"]:
    points = np.array(rows, np.float64).reshape(-1, 3)
    if not np.isfinite(points).all():
        raise FormatError("expected points of finite coordinates, got NaN or infinite ones; get the whole file.")
    return points


def _lines(path: Path, *, keep_empty: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the lines that are no comments, and their numbers from 1."""
    for number, line in enumerate(path.read_text("utf-8", "replace").split("\n"), start=1):
        if not line.startswith("#") and (keep_empty or line.strip()):
            yield number, line.strip()


@contextmanager
def _row(number: int) -> Iterator[None]:
    """Turn what Python says of a line that is something else into one about the file."""
    try:
        yield
    except InputError:  # a ValueError as well
        raise
    except (ValueError, OverflowError) as error:
        raise FormatError(
            f"line {number}: expected numbers as COLMAP writes them ({error}); get the whole file."
        ) from error
