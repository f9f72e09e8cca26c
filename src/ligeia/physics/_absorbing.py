"""Perfectly matched layers: waves that leave the domain are absorbed inside its border and not reflected.

Source: Berenger 1994; in the form of Sitzmann et al. 2020, supplement s. 5. Coordinates are complex in the layer,
``d/dx -> (1 / e_x) d/dx`` with ``e_x = 1 - i strength (depth / thickness)^2``: with these signs outgoing waves are
``exp(-i k r)``.
"""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Complex, Float

from ligeia.core import InputError


class Stretching(NamedTuple):
    """The factors of the derivatives along one axis in ``(1 / e) d/dx ((1 / e) d/dx)``."""

    second: Complex[np.ndarray, " n"]
    """Of the second derivative, ``1 / e^2``."""
    first: Complex[np.ndarray, " n"]
    """Of the first one, ``-e' / e^3``."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class AbsorbingLayer:
    """A perfectly matched layer on every side of a domain, in the unit of its axes."""

    thickness: float
    strength: float = 4.0
    """Imaginary part of the stretching at the border."""

    def __post_init__(self) -> None:
        if not (0 < self.thickness < np.inf and 0 < self.strength < np.inf):
            raise InputError(f"expected a thickness and a strength above 0 for a layer, got {self}.")

    def stretch(self, places: Float[np.ndarray, " n"], low: float, high: float) -> Complex[np.ndarray, " n"]:
        """Return ``e`` at places between the ends of an axis."""
        return 1 - 1j * self.strength * (self._depth(places, low, high) / self.thickness) ** 2

    def stretching(self, places: Float[np.ndarray, " n"], low: float, high: float) -> Stretching:
        """Return the factors of derivatives along an axis from ``low`` to ``high``."""
        stretch, depth = self.stretch(places, low, high), self._depth(places, low, high)
        inward = np.where(places > (low + high) / 2, 1.0, -1.0)
        slope = -2j * self.strength * depth / self.thickness**2 * inward
        return Stretching(1 / stretch**2, -slope / stretch**3)

    def factors(self, points: Float[np.ndarray, "n 2"]) -> list[Complex[np.ndarray, " n"]]:
        """Return the factors of ``u_xx, u_x, u_yy, u_y`` in the square from -1 to 1."""
        along = [self.stretching(points[:, axis], -1.0, 1.0) for axis in (0, 1)]
        return [each for pair in along for each in (pair.second, pair.first)]

    def _depth(self, places: Float[np.ndarray, " n"], low: float, high: float) -> Float[np.ndarray, " n"]:
        return np.maximum(np.maximum(low + self.thickness - places, places - high + self.thickness), 0.0)
