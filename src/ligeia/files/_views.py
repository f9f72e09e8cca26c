"""Views of a scene as files: a picture of one camera, a video of many; and how close they come to photographs."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Float
from PIL import Image

from ligeia.core import InputError, write_atomically
from ligeia.field import Background, Field, View, background_of, load
from ligeia.formats import is_video_output, read_views, write_video
from ligeia.scenes import ViewQuality, compare_views, normals_of
from ligeia.shapes import Traced, shaded
from ligeia.signals import Camera, VideoSource

SceneQuantity: TypeAlias = Literal["value", "depth", "normal", "alpha"]

_MOST_PIXELS: Final = 1 << 26  # of a picture


def render_view(
    field: Field,
    path: Path,
    camera: Camera,
    *,
    quantity: SceneQuantity = "value",
    side: int = 2,
    background: Background | None = None,
    is_transparent: bool = False,
) -> tuple[int, int]:
    """Write what a camera sees of a scene, and return its rows and columns.

    A pixel is the mean over its area of ``side**2`` rays. The background is that of the photographs unless given; a
    transparent picture has alpha instead. A picture of the depth is white where nearest, one of the normal has x, y and
    z from -1 to 1 as red, green and blue. An ``.npy`` file gets float32 in rows and columns: the color (from 0 to 1,
    and alpha if transparent), the distance along the ray in units of the scene, the normal, or alpha; NaN where nothing
    is.
    """
    if path.suffix.lower() not in (".npy", *Image.registered_extensions()):
        raise InputError(f"{path}: expected a picture such as .png, or .npy, for what a camera sees; rename it.")
    if is_transparent and path.suffix.lower() in (".jpg", ".jpeg"):
        raise InputError(f"{path}: a JPEG has no transparency; name a .png, or leave the background as it is.")
    view = _seen(field, camera, side, background)
    if path.suffix.lower() == ".npy":
        numbers = _numbers(field, view, camera, quantity, is_transparent=is_transparent)
        write_atomically(path, lambda partial: np.save(partial, numbers.astype(np.float32)))
        return camera.shape
    picture = _picture(field, view, camera, quantity, is_transparent=is_transparent)
    write_atomically(path, Image.fromarray(picture).save)
    return camera.shape


def render_views(
    field: Field,
    path: Path,
    cameras: Sequence[Camera],
    *,
    rate: int = 30,
    quantity: SceneQuantity = "value",
    side: int = 2,
    background: Background | None = None,
    crf: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[int, int, int]:
    """Write what cameras see one after the other as a video of ``rate`` frames a second; return its shape."""
    if not is_video_output(path):
        raise InputError(f"{path}: expected a video such as .mp4 for many cameras; rename it, or choose one camera.")
    shape = cameras[0].shape
    if any(camera.shape != shape for camera in cameras):
        raise InputError("expected cameras of one number of rows and columns for a video; give the shape.")
    count = math.prod(shape)

    def pieces() -> Iterator[tuple[int, int, np.ndarray]]:
        for number, camera in enumerate(cameras):
            picture = _picture(field, _seen(field, camera, side, background), camera, quantity)
            yield number * count, (number + 1) * count, picture.reshape(count, -1)[:, :3].astype(np.float32)
            if progress is not None:
                progress(number + 1, len(cameras))

    source = VideoSource(format="mov", codec="h264", pixel_format="yuv420p", dtype="uint8", rate_numerator=rate)
    write_video(path, (len(cameras), *shape), pieces(), 3, source, crf=crf)
    return len(cameras), *shape


def compare_scene(photographs: Path, candidate: Path) -> tuple[list[ViewQuality], Background]:
    """Measure a scene against photographs with known cameras, and return each view's quality and the background."""
    field = load(candidate)
    background = background_of(field)
    split: Literal["train", "val", "test"] = "test" if photographs.name.endswith("_test.json") else "train"
    return compare_views(field, read_views(photographs, split=split, at_least=1), background), background


def _seen(field: Field, camera: Camera, side: int, background: Background | None) -> View:
    if math.prod(camera.shape) > _MOST_PIXELS:
        raise InputError(
            f"expected at most {_MOST_PIXELS:,} pixels in a view, got {camera.shape[0]} x {camera.shape[1]}."
        )
    return field.render(camera, background=background, side=side)


def _numbers(
    field: Field, view: View, camera: Camera, quantity: SceneQuantity, *, is_transparent: bool
) -> Float[np.ndarray, "..."]:
    match quantity:
        case "value":
            return np.concatenate([view.color, view.opacity[..., None]], axis=-1) if is_transparent else view.color
        case "depth":
            return view.depth
        case "normal":
            return normals_of(field, view, camera)
        case "alpha":
            return view.opacity


def _picture(
    field: Field, view: View, camera: Camera, quantity: SceneQuantity, *, is_transparent: bool = False
) -> np.ndarray:
    if quantity in ("depth", "normal"):
        normals = normals_of(field, view, camera)
        depth = np.where(np.isfinite(normals[..., 0]), view.depth, np.nan)
        return shaded(Traced(depth=depth, normals=normals, axes=camera.axes()), quantity)
    alpha = np.clip(view.opacity[..., None], 0, 1)
    if quantity == "alpha":
        picture = np.repeat(alpha, 3, axis=-1)
    elif is_transparent:
        straight = np.clip(view.color / np.maximum(alpha, 1e-6), 0, 1)
        picture = np.concatenate([straight, alpha], axis=-1)
    else:
        picture = view.color
    return (255 * np.clip(picture, 0, 1)).round().astype(np.uint8)
