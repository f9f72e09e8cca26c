"""Evaluation of a function of points in pieces, counted and checked, for surfaces and pictures."""

from collections.abc import Callable
from typing import TypeAlias, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError

Distance: TypeAlias = Callable[[Float[np.ndarray, "n 3"]], Float[np.ndarray, " n"]]
"""Maps physical points (float64) to values, negative inside of a shape."""

Slopes: TypeAlias = Callable[[Float[np.ndarray, "n 3"]], tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]]
"""Maps physical points (float64) to values and their gradients."""

PIECE = 1 << 17  # points per call: a network's activations for them take tens of megabytes per layer


@final
class Evaluations:
    """Values of a function and of its slopes in pieces of at most `PIECE` points.

    Raises `InputError` at the first piece with a value that is not finite, `ShapeError` for one of the wrong shape.
    """

    def __init__(self, function: Distance, slopes: Slopes | None = None) -> None:
        self.function, self.slopes = function, slopes
        self.num_points = 0
        """Points evaluated so far; a value together with its gradient counts as one."""
        self.low, self.high = np.inf, -np.inf

    def values(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Return the function at points."""
        found = np.empty(len(points))
        for start in range(0, len(points), PIECE):
            piece = points[start : start + PIECE]
            found[start : start + PIECE] = self._checked(self.function(piece), piece, (len(piece),))
        self.num_points += len(points)
        if len(found):
            self.low, self.high = min(self.low, float(found.min())), max(self.high, float(found.max()))
        return found

    def values_and_slopes(
        self, points: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n 3"]]:
        """Return the function and its gradient at points."""
        assert self.slopes is not None
        values, gradients = np.empty(len(points)), np.empty((len(points), 3))
        for start in range(0, len(points), PIECE):
            piece = points[start : start + PIECE]
            value, gradient = self.slopes(piece)
            values[start : start + PIECE] = self._checked(value, piece, (len(piece),))
            gradients[start : start + PIECE] = self._checked(gradient, piece, (len(piece), 3))
        self.num_points += len(points)
        return values, gradients

    @staticmethod
    def _checked(found: np.ndarray, points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if np.shape(found) != shape:
            raise ShapeError(
                f"expected results of shape {shape} for {len(points)} points, got {np.shape(found)}; return one "
                "value per point, and three slopes where slopes are requested."
            )
        finite = np.isfinite(found).reshape(len(points), -1).all(axis=1)
        if not finite.all():
            place = ", ".join(f"{each:g}" for each in points[np.argmin(finite)])
            raise InputError(
                f"expected finite values, got {np.count_nonzero(~finite)} that are not among {len(points)}, the "
                f"first of them at ({place}); choose a box in which the function is defined."
            )
        return found
