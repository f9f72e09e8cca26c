"""`ligeia render --camera` of a scene: a picture of one view, a video of many."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from ligeia.core import InputError

from ._parsing import parse_background, parse_choice, parse_tuple
from ._progress import watched_views

if TYPE_CHECKING:
    from ligeia.field import Field
    from ligeia.signals import Camera

_SIDES: Final = {1: 1, 4: 2, 9: 3, 16: 4}
_QUANTITIES: Final = ("value", "depth", "normal", "alpha")
_FRAMES: Final = 120
_RATE: Final = 30


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SceneView:
    """What the command line says of a view."""

    camera: str
    shape: tuple[int, ...] | None = None
    scale: float | None = None
    quantity: str = "value"
    rays: int = 4
    frames: int | None = None
    background: str | None = None
    crf: int | None = None


def render_scene(field: "Field", output: Path, asked: SceneView, *, quiet: bool) -> tuple[int, ...]:
    """Write the view or the views of a scene, and return the shape written."""
    from ligeia import files
    from ligeia.recipes import background_named

    if asked.rays not in _SIDES:
        raise InputError(f"--rays must be one of {', '.join(map(str, _SIDES))}, got {asked.rays}.")
    quantity = parse_choice(asked.quantity, _QUANTITIES, f"--quantity must be one of {', '.join(_QUANTITIES)}")
    side = _SIDES[asked.rays]
    chosen = parse_background(asked.background)
    is_transparent = chosen == "none"
    background = (0.0, 0.0, 0.0) if is_transparent else None if chosen is None else background_named(chosen)
    cameras, rate = _cameras(field, asked)
    if len(cameras) == 1:
        if asked.crf is not None:
            raise InputError("--crf is for the video of several cameras; leave it out.")
        return files.render_view(
            field,
            output,
            cameras[0],
            quantity=quantity,  # type: ignore[arg-type]
            side=side,
            background=background,
            is_transparent=is_transparent,
        )
    if is_transparent:
        raise InputError("a video has no transparency; choose white, black or R,G,B as background.")
    with watched_views(quiet=quiet) as progress:
        return files.render_views(
            field,
            output,
            cameras,
            rate=rate,
            quantity=quantity,  # type: ignore[arg-type]
            side=side,
            background=background,
            crf=asked.crf,
            progress=progress,
        )


def _cameras(field: "Field", asked: SceneView) -> tuple[list["Camera"], int]:
    """Return the cameras that are named, and frames per second."""
    from ligeia import scenes
    from ligeia.formats import read_cameras

    first = scenes.fitted_cameras(field)[0]
    shape = _shape(asked.shape, first.shape)
    rate = _RATE
    if asked.camera == "orbit":
        cameras = scenes.orbit(field, _FRAMES if asked.frames is None else asked.frames, shape)
    elif asked.frames is not None:
        raise InputError("--frames is the number of views of --camera orbit; leave it out.")
    elif asked.camera.startswith("view:"):
        cameras = [scenes.fitted_camera(field, asked.camera.removeprefix("view:"))]
    elif asked.camera.lower().endswith(".json"):
        cameras, per_second = read_cameras(Path(asked.camera), first.shape if shape is None else shape)
        rate = _RATE if per_second is None else max(1, round(per_second))
    else:
        azimuth, elevation = parse_tuple(asked.camera, 2, "--camera 30,20, or view:12, orbit, path.json")
        cameras = [scenes.camera_around(field, azimuth, elevation, shape)]
    if shape is not None:
        cameras = [each.resized(shape) for each in cameras]
    if asked.scale is not None:
        cameras = [each.resized(_scaled(each.shape, asked.scale)) for each in cameras]
    return cameras, rate


def _shape(asked: tuple[int, ...] | None, usual: tuple[int, int]) -> tuple[int, int] | None:
    if asked is None:
        return None
    if len(asked) != 2:
        raise InputError(
            f"--shape must be rows x columns with --camera, as {usual[0]}x{usual[1]}, got {len(asked)} sizes."
        )
    return asked[0], asked[1]


def _scaled(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    if not (scale > 0 and math.isfinite(scale)):
        raise InputError(f"expected a scale above 0, got {scale:g}.")
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
