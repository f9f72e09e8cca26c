"""Pinhole cameras for pictures of surfaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError

_Vector: TypeAlias = tuple[float, float, float]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Camera:
    """A pinhole camera; ``up`` is the direction that points upward in its pictures."""

    eye: _Vector
    target: _Vector
    """The point in the middle of the picture."""
    up: _Vector = (0.0, 1.0, 0.0)
    field_of_view_degrees: float = 40.0
    """Angle between the top and the bottom of the picture."""

    def __post_init__(self) -> None:
        if not 0 < self.field_of_view_degrees < 180:
            raise InputError(f"expected a field of view between 0 and 180 degrees, got {self.field_of_view_degrees:g}.")
        ahead = np.subtract(self.target, self.eye)
        if not np.linalg.norm(np.cross(ahead, self.up)) > 1e-9 * np.linalg.norm(ahead) * np.linalg.norm(self.up):
            raise InputError(
                "expected a target away from the eye, and not straight above or below it, got an eye at "
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
            raise InputError(f"expected finite angles, got {azimuth_degrees} and {elevation_degrees} degrees.")
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


def _unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _vector(values: Float[np.ndarray, " 3"]) -> _Vector:
    x, y, z = (float(each) + 0.0 for each in values)  # no -0
    return x, y, z
