"""A small scene in the forms that tools write: cameras at (1 + k, 2, 3) that look along y, with z upward.

From the first, `POINT` is half a unit to the right, a quarter above, and 2 ahead: with a focal length of 100 pixels
around (row 20, column 30) it is at row 20 - 100 * 0.25 / 2 = 7.5 and column 30 + 100 * 0.5 / 2 = 55. Each next one has
it 50 columns farther to the left.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ligeia.signals import Views

POINT = np.array([[1.5, 4.0, 3.25]])
ROWS, COLUMNS, FOCAL = 40, 60, 100.0
AXES = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]  # right, upward, backward as columns


def eye(number: int) -> list[float]:
    return [1.0 + number, 2.0, 3.0]


def pose(number: int) -> list[list[float]]:
    return [[*axes, at] for axes, at in zip(AXES, eye(number), strict=True)] + [[0.0, 0.0, 0.0, 1.0]]


def save_picture(path: Path, *, channels: int = 3, shade: int = 7, shape: tuple[int, int] = (ROWS, COLUMNS)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*shape, channels), shade, np.uint8).squeeze()).save(path)
    return path


def frames(count: int = 3, *, folder: str = "images", ending: str = ".png") -> list[dict[str, Any]]:
    return [{"file_path": f"{folder}/{k}{ending}", "transform_matrix": pose(k)} for k in range(count)]


def save_transforms(folder: Path, document: dict[str, Any], *, name: str = "transforms.json", count: int = 3) -> Path:
    """Write a file of cameras, and the pictures ``images/0.png``, ``images/1.png`` ..."""
    for k in range(count):
        save_picture(folder / "images" / f"{k}.png", shade=k)
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def check_point(views: Views) -> None:
    """Compare where the cameras see the point with the closed form."""
    for number, camera in enumerate(views.cameras):
        places, depths = camera.project(POINT)
        assert np.allclose(places, [[7.5, 55.0 - 50.0 * number]], atol=1e-9), number
        assert np.allclose(depths, 2.0)
        assert np.allclose(camera.eye, eye(number))
        assert camera.shape == (ROWS, COLUMNS)
