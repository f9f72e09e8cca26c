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

_PER_STEP = 2  # nodes, unless more are asked for
_SIGMAS = 3.0  # a Gaussian ends there: 0.3 % of it lie beyond


class Footprint(ABC):
    """The weights of a sample along one axis; they have the integral 1 and are the same on both sides."""

    @property
    @abstractmethod
    def reach(self) -> float:
        """How far from its place a sample sees, in steps; 0 for a point."""

    @abstractmethod
    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the weight per step at offsets within the reach, up to a common factor."""

    @abstractmethod
    def response(self, frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return by how much a wave shrinks, at frequencies in radians per step: the weights' Fourier transform."""

    def nodes(self, per_step: float = _PER_STEP) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Return offsets and weights of the midpoint rule with so many nodes a step; the weights add up to 1.

        Nodes at ``s`` a step, a whole number, are the centers of the samples of a grid ``s`` times as fine: the rule is
        then the one by which an image is made smaller.
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
        """No way: 0."""
        return 0.0

    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return ones."""
        return np.ones_like(offset)

    def response(self, frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return ones: nothing shrinks."""
        return np.ones_like(frequency)


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

    def response(self, frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return ``sin(f w / 2) / (f w / 2)``."""
        return np.sinc(frequency * self.width / (2 * np.pi))


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

    def response(self, frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the response of the whole curve; the part cut off changes it by 0.004 at most."""
        return np.exp(-((frequency * self.sigma) ** 2) / 2)


@final
@dataclass(frozen=True, slots=True)
class Bicubic(Footprint):
    """The cubic kernel by which programs make images smaller: Keys 1981, equation 4, with a = -1/2."""

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

    def response(self, frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return its transform in closed form."""
        # three times a quadratic B-spline's transform, less twice one of the cosines at its sides
        half = np.asarray(frequency) / 2
        s = np.sinc(half / np.pi)
        return s**3 * (3 * s - 2 * np.cos(half))


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
            raise InputError(f"finite weights with a sum above 0 were wanted for a profile, got {self.weights}.")
        if not np.allclose(weights, weights[::-1]):
            raise InputError("a profile that is the same on both sides was wanted; average it with its mirror image.")

    @property
    def reach(self) -> float:
        """Half of the width."""
        return self.width / 2

    def density(self, offset: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the weight of the cell that an offset is in."""
        count = len(self.weights)
        cell = np.floor((offset / self.width + 0.5) * count).astype(np.int64).clip(0, count - 1)
        return np.asarray(self.weights)[cell]

    def response(self, frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return the sum of the waves of its cells."""
        count, cell = len(self.weights), self.width / len(self.weights)
        centers = (np.arange(count) + 0.5) * cell - self.width / 2
        weights = np.asarray(self.weights) / np.sum(self.weights)
        waves = np.cos(np.asarray(frequency)[..., None] * centers) @ weights
        return waves * np.sinc(np.asarray(frequency) * cell / (2 * np.pi))


POINT = Point()


def _check_length(what: str, length: float) -> None:
    if not (math.isfinite(length) and length > 0):
        raise InputError(f"a {what} above 0 steps was wanted, got {length}.")
