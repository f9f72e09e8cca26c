"""Sources of waves, and their fields in closed form."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Complex, Float

from ligeia.core import InputError

_REACH, _RINGS = 6.0, 1000  # widths within which a Gaussian is not treated as a point


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class GaussianSource:
    """A Gaussian of total strength 1 in the plane, in the unit of its axes."""

    center: tuple[float, float]
    width: float
    """Standard deviation."""

    def __post_init__(self) -> None:
        if not (self.width > 0 and all(math.isfinite(each) for each in (*self.center, self.width))):
            raise InputError(f"expected a place and a width above 0 for a source, got {self}.")

    def density(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Return the strength per area at points."""
        return np.exp(-((self.distance(points) / self.width) ** 2) / 2) / (2 * np.pi * self.width**2)

    def distance(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Return the distance of points from the center."""
        return np.hypot(*(points - np.asarray(self.center)).T)

    def free_field(self, points: Float[np.ndarray, "n 2"], wavenumber: float) -> Complex[np.ndarray, " n"]:
        """Return the field of this source alone in a uniform plane.

        ``laplacian u + k^2 u = -density`` is solved by ``-(i / 4) H_0^(2)(k r)`` for a point; the mean of a wave over a
        Gaussian is the wave times ``exp(-(k width)^2 / 2)``. Within six widths it is the integral over rings, whose
        waves are ``J_0`` inside of them and ``H_0^(2)`` outside, to 1e-5.
        """
        from scipy.interpolate import CubicSpline
        from scipy.special import hankel2, j0

        edges = np.linspace(0, _REACH * self.width, _RINGS + 1)
        rings = (edges[1:] + edges[:-1]) / 2
        strength = np.diff(-np.exp(-((edges / self.width) ** 2) / 2))
        damping = math.exp(-((wavenumber * self.width) ** 2) / 2)
        inside = np.concatenate([[0], np.cumsum(strength * j0(wavenumber * rings))])
        inside *= damping / inside[-1]  # no jump where the closed form begins
        outside = np.cumsum((strength * hankel2(0, wavenumber * rings))[::-1])[::-1]
        at = wavenumber * np.maximum(edges, rings[0] / 2)
        near = hankel2(0, at) * inside + j0(wavenumber * edges) * np.concatenate([outside, [0]])
        distance = self.distance(points)
        far = damping * hankel2(0, wavenumber * np.maximum(distance, edges[-1]))
        within = CubicSpline(edges, near)(np.minimum(distance, edges[-1]))
        return -0.25j * np.where(distance < edges[-1], within, far)
