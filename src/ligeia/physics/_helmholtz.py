"""Helmholtz's equation (Sitzmann et al. 2020, s. 4.3 and supplement s. 5), and its constraints at points.

``laplacian u + (k / speed)^2 u = -source`` with a complex ``u``, whose real and imaginary parts are two channels, and
perfectly matched layers inside the border. The equation is divided by the stretching of the layers: multiplied by it,
as in the paper, the same least squares leave an error 1.5 times as large (design/differential-equations.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.calculus import PointFunction, derivatives
from ligeia.core import InputError
from ligeia.signals import Axis, Grid

from ._absorbing import AbsorbingLayer
from ._constraints import Constraint
from ._sources import GaussianSource

Speed = Callable[[Float[np.ndarray, "n 2"]], Float[np.ndarray, " n"]]
"""Relative speed of waves at points: 1 in the uniform medium, to which the wavenumber refers."""

_NEAR_SOURCE, _SPREAD = 0.16, 1.5  # of the points; widths of the source by which those are scattered around it
_BORDER_POINTS = 400
_BORDER_WEIGHT = 100.0


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Circle:
    """A medium in which waves are ``speed`` times as fast within a circle; the squared slowness changes by a tanh."""

    center: tuple[float, float]
    radius: float
    speed: float
    edge: float = 0.03
    """Width of the tanh: sharper edges are out of reach (design/differential-equations.md)."""

    def __post_init__(self) -> None:
        if not all(0 < each < np.inf for each in (self.radius, self.speed, self.edge)):
            raise InputError(f"expected a radius, a speed and an edge above 0 for a circle, got {self}.")

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Circle":
        """Return the circle of a place, a radius and a speed."""
        x, y, radius, speed = numbers
        return cls(center=(x, y), radius=radius, speed=speed)

    def check_within(self, half: float) -> None:
        """Raise `InputError` unless the circle lies in the square from ``-half`` to ``half``."""
        if max(abs(each) for each in self.center) + self.radius > half:
            raise InputError(
                f"expected a circle within {half:g} of the origin along both axes, got one of radius "
                f"{self.radius:g} at {self.center}."
            )

    def __call__(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Return the speed at points."""
        distance = np.hypot(*(points - np.asarray(self.center)).T)
        inside = (1 - np.tanh((distance - self.radius) / self.edge)) / 2
        return (1 + (self.speed**-2 - 1) * inside) ** -0.5


def uniform_speed(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    """Return 1 everywhere."""
    return np.ones(len(points))


@final
@dataclass(frozen=True, kw_only=True)
class Helmholtz:
    """Waves of one frequency from a source in a square of side 2 around the origin."""

    wavenumber: float
    """Radians per unit, where the speed is 1."""
    source: GaussianSource
    speed: Speed = uniform_speed
    layer: AbsorbingLayer = field(default_factory=lambda: AbsorbingLayer(thickness=0.4))

    def __post_init__(self) -> None:
        if not 0 < self.wavenumber < np.inf:
            raise InputError(f"expected a wavenumber above 0, got {self.wavenumber}.")
        if self.wavenumber * self.layer.thickness < 1:
            raise InputError(
                f"expected a wavenumber of {1 / self.layer.thickness:g} or more, got {self.wavenumber:g}: layers "
                f"{self.layer.thickness:g} thick do not absorb longer waves."
            )
        if isinstance(self.speed, Circle):
            self.speed.check_within(1 - self.layer.thickness)
        if max(abs(each) for each in self.source.center) + 3 * self.source.width > 1 - self.layer.thickness:
            raise InputError(
                f"expected a source inside the layers, within {1 - self.layer.thickness:g} of the origin by three "
                f"of its widths, got one at {self.source.center}."
            )

    def grid(self, size: int) -> Grid:
        """Return the domain as a grid of ``size`` x ``size`` samples."""
        return Grid(tuple(Axis(name=name, size=size, extent=(-1.0, 1.0)) for name in "xy"))

    def constraints(self, num_points: int, *, generator: np.random.Generator) -> list[Constraint]:
        """Return the equation at points, most spread evenly and some around the source, and 0 at the border.

        Each point is weighted by the area that it represents.
        """
        points, areas = self._points(num_points, generator)
        scale = float(np.sqrt(np.mean(areas * self.source.density(points) ** 2)))  # of a field of zeros
        reaction = (self.wavenumber / self.speed(points)) ** 2
        factors = self.layer.factors(points)
        known = np.stack([part for each in factors for part in (np.real(each), np.imag(each))], axis=1)
        root = np.sqrt(areas)[:, None] / scale
        sides = border_points(_BORDER_POINTS, generator)
        return [
            Constraint(_residual, points, (known, reaction[:, None], self.source.density(points)[:, None], root)),
            Constraint(_value, sides, weight=_BORDER_WEIGHT * self.wavenumber**2 * 8 / (len(points) * scale**2)),
        ]

    def is_physical(self, points: Float[np.ndarray, "n 2"]) -> np.ndarray:
        """Return which points lie outside of the layers and of the source, where its free field is known."""
        inside = np.abs(points).max(axis=1) < 1 - self.layer.thickness
        return inside & (self.source.distance(points) > 4.5 * self.source.width)

    def _points(self, num_points: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        even = even_points(round((1 - _NEAR_SOURCE) * num_points), generator)
        spread = GaussianSource(center=self.source.center, width=_SPREAD * self.source.width)
        near = np.asarray(self.source.center) + spread.width * generator.normal(size=(num_points - len(even), 2))
        near = near[np.abs(near).max(axis=1) < 1]
        points = np.concatenate([even, near])
        density = len(even) / 4 + len(near) * spread.density(points)
        return points, 1 / density


def even_points(num_points: int, generator: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Return about ``num_points`` points of the square from -1 to 1, one in each of equal cells."""
    side = max(2, round(np.sqrt(num_points)))
    cells = np.stack(np.meshgrid(*[np.arange(side)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    return (cells + generator.random(cells.shape)) * (2 / side) - 1


def border_points(num_points: int, generator: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Return points of the border of the square from -1 to 1, a fourth of them on each side."""
    places = generator.uniform(-1, 1, (4, num_points // 4))
    ends = np.ones_like(places[0])
    return np.concatenate(
        [
            np.stack([places[0], ends], axis=1),
            np.stack([places[1], -ends], axis=1),
            np.stack([ends, places[2]], axis=1),
            np.stack([-ends, places[3]], axis=1),
        ]
    )


def _residual(
    u: PointFunction, points: Tensor, factors: Tensor, reaction: Tensor, density: Tensor, root: Tensor
) -> Tensor:
    value, *parts = derivatives(u, points, "", "xx", "x", "yy", "y")
    total = reaction * value
    for part, factor in zip(parts, factors.split(2, dim=1), strict=True):
        real, imaginary = factor.split(1, dim=1)
        turned = torch.stack([-part[:, 1], part[:, 0]], dim=1)  # times i
        total = total + real * part + imaginary * turned
    return root * (total + torch.cat([density, torch.zeros_like(density)], dim=1))


def _value(u: PointFunction, points: Tensor) -> Tensor:
    return u(points)
