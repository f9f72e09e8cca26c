"""Photographs of a ball whose color says where its surface looks, worked out in closed form."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from ligeia.signals import Camera, Views

RADIUS = 0.5
MIDDLE = np.array([0.3, -0.2, 0.1])
_SIDE = 3  # rays along the side of a pixel


def ball_views(count: int, size: int = 24, *, seed: int = 0) -> Views:
    """Return square RGBA pictures from places all around the ball."""
    rng = np.random.default_rng(seed)
    towards = rng.normal(size=(count, 3))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    middle = (float(MIDDLE[0]), float(MIDDLE[1]), float(MIDDLE[2]))
    cameras = []
    for x, y, z in MIDDLE + 3 * towards:
        cameras.append(Camera.looking((x, y, z), middle, shape=(size, size), field_of_view_degrees=30))
    return Views(
        cameras=tuple(cameras),
        names=tuple(f"{number}.png" for number in range(count)),
        pictures=tuple(ball_picture(camera) for camera in cameras),
    )


def ball_picture(camera: Camera) -> Float[np.ndarray, "rows columns 4"]:
    """Return the picture of the ball, straight alpha, each pixel the mean of 9 rays."""
    rows, columns = camera.shape
    y, x = np.meshgrid(np.arange(rows * _SIDE) + 0.5, np.arange(columns * _SIDE) + 0.5, indexing="ij")
    eye, ahead = camera.rays(np.column_stack([y.ravel(), x.ravel()]) / _SIDE)
    along = -(ahead @ (eye - MIDDLE))
    under = along**2 - np.sum((eye - MIDDLE) ** 2) + RADIUS**2
    hits = under > 0
    distance = along - np.sqrt(np.where(hits, under, 0))
    normal = (eye + distance[:, None] * ahead - MIDDLE) / RADIUS
    seen = np.column_stack([np.where(hits[:, None], 0.5 + 0.5 * normal, 0), hits])
    means = seen.reshape(rows, _SIDE, columns, _SIDE, 4).mean(axis=(1, 3))
    means[..., :3] /= np.maximum(means[..., 3:], 1e-9)
    return np.clip(means, 0, 1).astype(np.float32)


def save_views(folder: Path, views: Views, name: str, *, background: float | None = None) -> None:
    """Write pictures and a ``transforms_NAME.json``; with a ``background`` without alpha."""
    frames = []
    for number, camera in enumerate(views.cameras):
        rgba = views.rgba(number)
        if background is None:
            picture = np.concatenate([rgba[..., :3] / np.maximum(rgba[..., 3:], 1e-6), rgba[..., 3:]], axis=-1)
        else:
            picture = rgba[..., :3] + (1 - rgba[..., 3:]) * background
        path = folder / name / f"{number}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray((255 * picture.clip(0, 1)).round().astype(np.uint8)).save(path)
        pose = np.vstack([camera.pose, [0, 0, 0, 1]])
        frames.append({"file_path": f"{name}/{number}", "transform_matrix": pose.tolist()})
    document = {"fl_x": views.cameras[0].focal_lengths[0], "frames": frames}
    (folder / f"transforms_{name}.json").write_text(json.dumps(document))
