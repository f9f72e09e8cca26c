"""The pose of a frame relative to the reference frame."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError

LEAST_OVERLAP: Final = 1 / 16
"""Of a frame: what it must show of the reference."""

Places = Sequence[Float[np.ndarray, "..."]]
"""Rows and columns."""


@final
@dataclass(frozen=True, slots=True)
class Pose:
    """The pose of a frame in the reference frame.

    A pixel at ``q``, relative to the frame's center, shows what the reference shows at ``R q + t``, relative to its own
    center: ``t`` is ``(row, column)``, in pixels, and ``R`` rotates by ``angle`` radians from the row axis to the
    column axis, counterclockwise on a screen.
    """

    row: float = 0.0
    column: float = 0.0
    angle: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(each) for each in (self.row, self.column, self.angle)):
            raise InputError(f"expected a pose of three finite numbers, got {self}.")

    def places(self, at: Places, shape: tuple[int, int]) -> Places:
        """Return the places in the reference of places in a frame of ``shape``; pixel ``i`` has its center at ``i``."""
        middle_row, middle_column = (shape[0] - 1) / 2, (shape[1] - 1) / 2
        down, right = at[0] - middle_row, at[1] - middle_column
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return (
            middle_row + self.row + cosine * down - sine * right,
            middle_column + self.column + sine * down + cosine * right,
        )

    def back(self, at: Places, shape: tuple[int, int]) -> Places:
        """Return the places in the frame of places in the reference: the inverse of `places`."""
        middle_row, middle_column = (shape[0] - 1) / 2, (shape[1] - 1) / 2
        down, right = at[0] - middle_row - self.row, at[1] - middle_column - self.column
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return middle_row + cosine * down + sine * right, middle_column - sine * down + cosine * right

    def moved(self, step: Float[np.ndarray, "3"]) -> "Pose":
        """Return this pose with a step added to row, column and angle."""
        return Pose(self.row + float(step[0]), self.column + float(step[1]), self.angle + float(step[2]))

    def distance(self, other: "Pose", shape: tuple[int, int]) -> float:
        """Return how far apart two poses put a corner of a frame of ``shape``, in pixels, at most."""
        turn = abs(self.angle - other.angle) * math.hypot(*shape) / 2
        return math.hypot(self.row - other.row, self.column - other.column) + turn


def check_overlap(poses: Sequence[Pose], shape: tuple[int, int]) -> None:
    """Refuse poses at which a frame barely overlaps the reference."""
    grid = np.meshgrid(*(np.linspace(-0.5, side - 0.5, 33) for side in shape), indexing="ij")
    for number, pose in enumerate(poses):
        if inside(pose.places(grid, shape), shape).mean() < LEAST_OVERLAP:
            raise InputError(
                f"expected frames that overlap, frame {number} lies {pose.row:.6g} rows and {pose.column:.6g} "
                f"columns away from the reference, which has {shape[0]} x {shape[1]}; leave it out."
            )


def inside(at: Places, shape: tuple[int, int]) -> Bool[np.ndarray, "..."]:
    """Return which places lie in a picture of ``shape``, edges included."""
    in_rows = (at[0] >= -0.5) & (at[0] <= shape[0] - 0.5)
    return in_rows & (at[1] >= -0.5) & (at[1] <= shape[1] - 0.5)


def pixels_of(shape: tuple[int, ...]) -> Places:
    """Return the centers of all pixels of a frame, ``(h, w)`` each."""
    return np.meshgrid(*(np.arange(side, dtype=np.float64) for side in shape), indexing="ij")
