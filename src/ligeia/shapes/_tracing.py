"""Pictures of the surface of a function of points, by tracing rays from a camera (Hart 1996, "Sphere tracing").

A ray advances by the distance within which the function, with its slope bounded by ``lipschitz``, has no zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from ligeia.core import InputError
from ligeia.signals import Camera

from .level_set._evaluations import Distance, Evaluations, Slopes

Look: TypeAlias = Literal["shaded", "depth", "normal"]
"""The content of a picture: the shaded surface, its depth, or its normals as colors."""

_TOUCH: Final = 1e-5  # of the box's diagonal: nearer than this, a ray has hit
_STRIDE = 100  # times `touch`
_HALVINGS = 24
_POLISHES = 8
_FARTHEST = 300  # times `touch`: about its root, as far as a grazing ray goes on from there to the surface
_LIGHTS = (((-0.5, 0.6, 0.65), 0.65), ((0.8, 0.1, 0.4), 0.12))  # from where, right, up and back; and how bright
_AMBIENT = 0.06
_SURFACE, _BACKGROUND = (0.83, 0.85, 0.88), 1.0


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Traced:
    """Depth and normal of a surface in each pixel; NaN where there is none."""

    depth: Float[np.ndarray, "rows columns"]
    """Length of the ray, float32."""
    normals: Float[np.ndarray, "rows columns 3"]
    """Unit vectors out of the shape, float32; out of the box where a ray enters it inside of the shape."""
    axes: Float[np.ndarray, "3 3"]
    """The camera's, to the right, upward and backward."""


def trace(
    function: Distance,
    slopes: Slopes,
    box: Sequence[tuple[float, float]],
    camera: Camera,
    *,
    lipschitz: float = 1.0,
    most_steps: int = 256,
) -> Traced:
    """Return a camera's view of the surface of a function within a box.

    The function is negative inside and changes by at most ``lipschitz`` per unit of length; where it is steeper, rays
    may pass through thin parts. A ray that starts, or enters the box, inside the shape hits there. The second half of
    ``most_steps`` are at least a thousandth of the box's diagonal long, for rays that graze the surface; a ray that
    finds nothing in all steps misses.
    """
    if not 0 < lipschitz < np.inf:
        raise InputError(f"expected a bound of the slope above 0, got {lipschitz}; choose 1 for a distance.")
    sides = np.asarray(box, np.float64)
    evaluations = Evaluations(function, slopes)
    eye, directions = camera.pixel_rays()
    origins = np.broadcast_to(eye, directions.shape)
    enters, leaves, faces = _clipped(origins, directions, sides)
    touch = _TOUCH * float(np.linalg.norm(sides[:, 1] - sides[:, 0]))
    depths, cut = _marched(evaluations, origins, directions, (enters, leaves), touch, lipschitz, most_steps)
    normals = np.where(cut[:, None], faces, np.nan)
    found = np.flatnonzero(np.isfinite(depths) & ~cut)
    bounds = enters[found], leaves[found]
    depths[found], normals[found] = _polished(
        evaluations, origins[found], directions[found], depths[found], bounds, touch
    )
    return Traced(
        depth=depths.reshape(camera.shape).astype(np.float32),
        normals=normals.reshape(*camera.shape, 3).astype(np.float32),
        axes=camera.axes(),
    )


def shaded(traced: Traced, quantity: Look) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return a picture of traced rays.

    ``shaded`` is lit from the camera's upper left on white, ``depth`` is white where nearest, on black, and ``normal``
    has x, y and z from -1 to 1 as red, green and blue, on white.
    """
    hit = np.isfinite(traced.depth)
    match quantity:
        case "shaded":
            normals = np.where(hit[..., None], traced.normals, 0) @ traced.axes.T
            light = np.full(hit.shape, _AMBIENT)
            for place, brightness in _LIGHTS:
                light += brightness * np.maximum(
                    normals @ (np.array(place) / np.linalg.norm(place, axis=-1, keepdims=True)), 0
                )
            picture = (light[..., None] * np.array(_SURFACE)) ** (1 / 2.2)  # from light to what a screen is sent
        case "depth":
            near, far = (traced.depth[hit].min(), traced.depth[hit].max()) if hit.any() else (0.0, 1.0)
            light = 1 - 0.85 * (traced.depth - near) / max(far - near, 1e-30)
            picture = np.repeat(light[..., None], 3, axis=-1)
        case "normal":
            picture = (traced.normals + 1) / 2
        case _:
            raise InputError(f"expected a picture that is shaded, of depth or of the normal, got {quantity!r}.")
    picture = np.where(hit[..., None], picture, 0.0 if quantity == "depth" else _BACKGROUND)
    return (255 * np.clip(picture, 0, 1)).round().astype(np.uint8)


def _clipped(
    origins: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"], sides: Float[np.ndarray, "3 2"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
    """Return where rays enter and leave a box, and the normal there: of the box, or of the ray if it begins inside."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (sides[:, 0] - origins) / directions
        second = (sides[:, 1] - origins) / directions
    near = np.fmin(first, second)  # 0 / 0, of a ray within a face, is no bound
    far = np.fmax(first, second)
    axis = np.argmax(near, axis=1)
    enters, leaves = near.max(axis=1), far.min(axis=1)
    normals = -np.sign(directions) * np.eye(3)[axis]
    begins_inside = enters < 0
    normals[begins_inside] = -directions[begins_inside]
    return np.maximum(enters, 0.0), leaves, normals


def _marched(
    evaluations: Evaluations,
    origins: Float[np.ndarray, "n 3"],
    directions: Float[np.ndarray, "n 3"],
    bounds: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
    touch: float,
    lipschitz: float,
    most_steps: int,
) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return the lengths of rays until they hit, NaN if they do not, and which begin inside the shape."""
    enters, leaves = bounds
    depths, cut = np.full(len(origins), np.nan), np.zeros(len(origins), bool)
    live = np.flatnonzero(enters <= leaves)
    reached, before = enters[live], enters[live]
    for step in range(most_steps):
        values = evaluations.values(origins[live] + reached[:, None] * directions[live])
        inside = values < 0
        hit = inside | (values < touch * lipschitz)
        if step == 0:
            cut[live[inside]] = True
            depths[live[hit]] = reached[hit]
        else:
            depths[live[hit]] = reached[hit]
            passed = live[inside]
            depths[passed] = _halved(evaluations, origins[passed], directions[passed], before[inside], reached[inside])
        least = _STRIDE * touch if 2 * step > most_steps else 0.0  # past what a ray has grazed for long
        further = reached + np.maximum(values / lipschitz, least)
        going = ~hit & (further <= leaves[live])
        live, before, reached = live[going], reached[going], further[going]
        if not len(live):
            break
    return depths, cut


def _halved(
    evaluations: Evaluations,
    origins: Float[np.ndarray, "n 3"],
    directions: Float[np.ndarray, "n 3"],
    outside: Float[np.ndarray, " n"],
    inside: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Return where rays that overshot cross the surface."""
    for _ in range(_HALVINGS if len(origins) else 0):
        middle = (outside + inside) / 2
        beyond = evaluations.values(origins + middle[:, None] * directions) < 0
        outside, inside = np.where(beyond, outside, middle), np.where(beyond, middle, inside)
    return inside


def _polished(
    evaluations: Evaluations,
    origins: Float[np.ndarray, "n 3"],
    directions: Float[np.ndarray, "n 3"],
    depths: Float[np.ndarray, " n"],
    bounds: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
    touch: float,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
    """Return depths after Newton steps along the rays, and the unit normals there."""
    normals = -directions
    moving = np.arange(len(depths))
    for _ in range(_POLISHES):
        if not len(moving):
            break
        ahead = directions[moving]
        values, slopes = evaluations.values_and_slopes(origins[moving] + depths[moving, None] * ahead)
        lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
        np.divide(slopes, lengths, out=slopes, where=lengths > 0)
        normals[moving] = np.where(lengths > 0, slopes, -ahead)
        along = np.einsum("ij,ij->i", slopes, ahead) * lengths[:, 0]
        steps = np.divide(-values, along, out=np.zeros_like(values), where=along < 0)  # of rays from outside
        before = depths[moving]
        depths[moving] = np.clip(
            before + np.clip(steps, -_FARTHEST * touch, _FARTHEST * touch), *(each[moving] for each in bounds)
        )
        moving = moving[np.abs(depths[moving] - before) > 0.1 * touch]
    return depths, normals
