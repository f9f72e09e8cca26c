"""Pictures of the surface of a function of points, by tracing rays from a camera (Hart 1996, "Sphere tracing").

A ray goes on by as much as the function, which changes by at most ``lipschitz`` per unit of length, lets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from ligeia.core import InputError

from ._evaluations import Distance, Evaluations, Slopes

Look: TypeAlias = Literal["shaded", "depth", "normal"]
"""What a picture shows: the surface in light, how near it is, or its normals as colors."""

_TOUCH: Final = 1e-5  # of the box's diagonal: nearer than this, a ray has hit
_STRIDE = 100  # times `touch`
_HALVINGS = 24
_POLISHES = 8
_FARTHEST = 300  # times `touch`: about its root, as far as a grazing ray goes on from there to the surface
_LIGHTS = (((-0.5, 0.6, 0.65), 0.65), ((0.8, 0.1, 0.4), 0.12))  # from where, right, up and back; and how bright
_AMBIENT = 0.06
_SURFACE, _BACKGROUND = (0.83, 0.85, 0.88), 1.0

_Vector: TypeAlias = tuple[float, float, float]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Camera:
    """A pinhole camera; ``up`` is what is upward in its pictures."""

    eye: _Vector
    target: _Vector
    """What is in the middle of the picture."""
    up: _Vector = (0.0, 1.0, 0.0)
    field_of_view_degrees: float = 40.0
    """Angle between the top and the bottom of the picture."""

    def __post_init__(self) -> None:
        if not 0 < self.field_of_view_degrees < 180:
            raise InputError(
                f"a field of view between 0 and 180 degrees was wanted, got {self.field_of_view_degrees:g}."
            )
        ahead = np.subtract(self.target, self.eye)
        if not np.linalg.norm(np.cross(ahead, self.up)) > 1e-9 * np.linalg.norm(ahead) * np.linalg.norm(self.up):
            raise InputError(
                f"a target away from the eye, and not straight above or below it, was wanted, got an eye at "
                f"{self.eye}, a target at {self.target} and {self.up} upward; choose another `up`."
            )

    @classmethod
    def around(
        cls,
        box: Sequence[tuple[float, float]],
        azimuth_degrees: float,
        elevation_degrees: float,
        distance: float | None = None,
        *,
        up: _Vector = (0.0, 1.0, 0.0),
        field_of_view_degrees: float = 40.0,
    ) -> "Camera":
        """Return a camera that looks at the middle of a box, from as many of its diagonals away.

        At azimuth 0 and elevation 0, x is to the right (y, if x is upward); a positive azimuth moves the camera to its
        right, a positive elevation upward. Without a distance, all of the box is in the picture, as it just fits.

        >>> Camera.around([(-1.0, 1.0)] * 3, 0.0, 0.0, 1.0).eye
        (0.0, 0.0, 3.46...)
        """
        if not np.isfinite([azimuth_degrees, elevation_degrees]).all():
            raise InputError(f"finite angles were wanted, got {azimuth_degrees} and {elevation_degrees} degrees.")
        low, high = np.asarray(box, np.float64).T
        upward = np.asarray(up, np.float64) / np.linalg.norm(up)
        side = np.eye(3)[1 if abs(upward[0]) > 0.9 else 0]
        right = _unit(side - (side @ upward) * upward)
        front = np.cross(right, upward)
        azimuth, elevation = np.radians([azimuth_degrees, elevation_degrees])
        level = np.cos(azimuth) * front + np.sin(azimuth) * right
        away = np.cos(elevation) * level + np.sin(elevation) * upward
        if distance is None:
            distance = 0.5 / float(np.sin(np.radians(field_of_view_degrees) / 2))
        middle = (low + high) / 2
        return cls(
            eye=_vector(middle + distance * float(np.linalg.norm(high - low)) * away),
            target=_vector(middle),
            up=_vector(np.cos(elevation) * upward - np.sin(elevation) * level),  # never along the view
            field_of_view_degrees=field_of_view_degrees,
        )

    def axes(self) -> Float[np.ndarray, "3 3"]:
        """Return the unit vectors to the right, upward and backward, as rows: a right-handed system."""
        back = _unit(np.subtract(self.eye, self.target).astype(np.float64))
        right = _unit(np.cross(self.up, back))
        return np.stack([right, np.cross(back, right), back])

    def rays(self, rows: int, columns: int) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
        """Return where rays begin and their unit directions, through the middles of pixels row by row from the top."""
        right, upward, back = self.axes()
        half = np.tan(np.radians(self.field_of_view_degrees) / 2)
        heights = half * (1 - (2 * np.arange(rows) + 1) / rows)
        widths = half * ((2 * np.arange(columns) + 1) / columns - 1) * (columns / rows)
        y, x = (each.reshape(-1, 1) for each in np.meshgrid(heights, widths, indexing="ij"))
        directions = _unit(x * right + y * upward - back)
        return np.broadcast_to(np.asarray(self.eye, np.float64), directions.shape), directions


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Traced:
    """What each pixel sees of a surface; NaN where that is nothing."""

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
    shape: tuple[int, int],
    *,
    lipschitz: float = 1.0,
    most_steps: int = 256,
) -> Traced:
    """Return what a camera sees, in ``shape`` rows and columns, of the surface of a function within a box.

    The function is negative inside and changes by at most ``lipschitz`` per unit of length; where it changes by more,
    rays may pass through what is thin. A ray that enters the box, or begins, inside of the shape hits right there. Of
    ``most_steps``, the second half are of a thousandth of the box's diagonal or more, for rays that graze the surface;
    one that found nothing in all of them misses.
    """
    if not 0 < lipschitz < np.inf:
        raise InputError(f"a bound of the slope above 0 was wanted, got {lipschitz}; choose 1 for a distance.")
    if min(shape) < 1:
        raise InputError(f"a picture of 1 or more rows and columns was wanted, got {shape}.")
    sides = np.asarray(box, np.float64)
    evaluations = Evaluations(function, slopes)
    origins, directions = camera.rays(*shape)
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
        depth=depths.reshape(shape).astype(np.float32),
        normals=normals.reshape(*shape, 3).astype(np.float32),
        axes=camera.axes(),
    )


def shaded(traced: Traced, quantity: Look) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return a picture of what was traced.

    ``shaded`` is lit from the camera's upper left on white, ``depth`` is white where nearest, on black, and ``normal``
    has x, y and z from -1 to 1 as red, green and blue, on white.
    """
    hit = np.isfinite(traced.depth)
    match quantity:
        case "shaded":
            normals = np.where(hit[..., None], traced.normals, 0) @ traced.axes.T
            light = np.full(hit.shape, _AMBIENT)
            for place, brightness in _LIGHTS:
                light += brightness * np.maximum(normals @ _unit(np.array(place)), 0)
            picture = (light[..., None] * np.array(_SURFACE)) ** (1 / 2.2)  # from light to what a screen is sent
        case "depth":
            near, far = (traced.depth[hit].min(), traced.depth[hit].max()) if hit.any() else (0.0, 1.0)
            light = 1 - 0.85 * (traced.depth - near) / max(far - near, 1e-30)
            picture = np.repeat(light[..., None], 3, axis=-1)
        case "normal":
            picture = (traced.normals + 1) / 2
        case _:
            raise InputError(f"a picture that is shaded, of depth or of the normal was wanted, got {quantity!r}.")
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
    """Return how far rays come until they hit, NaN if they do not, and which begin inside of the shape."""
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
    """Return where rays that stepped too far cross the surface."""
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
    """Return depths after steps of Newton's along the rays, and the unit normals there."""
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


def _unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _vector(values: Float[np.ndarray, " 3"]) -> _Vector:
    x, y, z = (float(each) + 0.0 for each in values)  # no -0
    return x, y, z
