"""Footprints: how a sample weighs the signal around its place, along one axis.

A camera's pixel is the mean of the light over its area, a slice of a scanner that over its thickness. Lengths are
counted in steps between samples. Along several axes the weights multiply.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError

_PER_STEP = 2  # nodes by default
_SIGMAS = 3.0  # a Gaussian ends there: 0.3 % of it lie beyond


class Footprint(ABC):
    """The weights of a sample along one axis; they integrate to 1 and are symmetric."""

    @property
    @abstractmethod
    def reach(self) -> float:
        """Radius of the footprint, in steps; 0 for a point."""

    @abstractmethod
    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the weight per step at offsets within the reach, up to a common factor."""

    def nodes(self, per_step: float = _PER_STEP) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return offsets and weights of the midpoint rule with ``per_step`` nodes per step; the weights sum to 1.

        With a whole number ``s`` of nodes per step, these are the sample centers of a grid ``s`` times as fine: the
        rule is then the one by which an image is downsampled.
        """
        count = max(1, math.ceil(2 * self.reach * per_step - 1e-9))
        offsets = ((np.arange(count) + 0.5) / count * 2 - 1) * self.reach
        weights = self.density(offsets)
        return offsets, weights / weights.sum()


@final
@dataclass(frozen=True, slots=True)
class Point(Footprint):
    """The signal at the place itself."""

    @property
    def reach(self) -> float:
        """Zero."""
        return 0.0

    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return ones."""
        return np.ones_like(offset)


@final
@dataclass(frozen=True, slots=True)
class Box(Footprint):
    """The mean over an interval; of one step, the cell of the sample."""

    width: float = 1.0

    def __post_init__(self) -> None:
        _check_length("width of a box", self.width)

    @property
    def reach(self) -> float:
        """Half of the width."""
        return self.width / 2

    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return ones."""
        return np.ones_like(offset)


@final
@dataclass(frozen=True, slots=True)
class Gaussian(Footprint):
    """A bell curve, cut off at three standard deviations."""

    sigma: float

    def __post_init__(self) -> None:
        _check_length("standard deviation of a Gaussian", self.sigma)

    @property
    def reach(self) -> float:
        """Three standard deviations."""
        return _SIGMAS * self.sigma

    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return ``exp(-x^2 / (2 sigma^2))``."""
        return np.exp(-((offset / self.sigma) ** 2) / 2)


@final
@dataclass(frozen=True, slots=True)
class Bicubic(Footprint):
    """The cubic kernel with which programs downsample images: Keys 1981, equation 4, with a = -1/2."""

    @property
    def reach(self) -> float:
        """Two steps."""
        return 2.0

    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the two cubics of the kernel."""
        x = np.abs(offset)
        near = (1.5 * x - 2.5) * x**2 + 1
        far = ((-0.5 * x + 2.5) * x - 4) * x + 2
        return np.where(x < 1, near, np.where(x < 2, far, 0.0))


@final
@dataclass(frozen=True, slots=True)
class Profile(Footprint):
    """Weights that were measured, such as a scanner's slice profile: evenly spaced over ``width`` steps, symmetric."""

    weights: tuple[float, ...]
    width: float = 1.0

    def __post_init__(self) -> None:
        _check_length("width of a profile", self.width)
        weights = np.asarray(self.weights, np.float64)
        if not (weights.size and np.isfinite(weights).all() and weights.sum() > 0):
            raise InputError(f"expected finite weights with a sum above 0 for a profile, got {self.weights}.")
        if not np.allclose(weights, weights[::-1]):
            raise InputError("expected a profile that is the same on both sides; average it with its mirror image.")

    @property
    def reach(self) -> float:
        """Half of the width."""
        return self.width / 2

    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the weight of the cell that an offset is in."""
        count = len(self.weights)
        cell = np.floor((offset / self.width + 0.5) * count).astype(np.int64).clip(0, count - 1)
        return np.asarray(self.weights)[cell]


POINT = Point()


def _check_length(what: str, length: float) -> None:
    if not (math.isfinite(length) and length > 0):
        raise InputError(f"expected a {what} above 0 steps, got {length}.")
