"""The wave equation (Sitzmann et al. 2020, s. 4.3 and supplement s. 6), and its constraints at points.

``u_tt = speed^2 laplacian u`` in a square and from time 0, with ``u`` and ``u_t`` known at 0. Waves leave at the edges,
by the absorbing condition of first order, ``u_t + speed u_n = 0`` (Engquist & Majda 1977, eq. 1.27), without which
others would enter.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ligeia.calculus import PointFunction, derivatives
from ligeia.core import InputError
from ligeia.signals import Axis, Grid

from ._constraints import Constraint
from ._helmholtz import Circle, Speed, uniform_speed

_INITIAL, _EDGE = 0.5, 0.25  # points, over those inside
_NEAR_PULSE, _SPREAD = 0.25, 1.5  # of the points at time 0; widths of the pulse by which those are scattered around it
_REACH, _NODES = 9.0, 400  # of a pulse's spectrum, in radians per width; nodes of its quadrature


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class GaussianPulse:
    """``height exp(-r^2 / (2 width^2))`` around a place in the plane."""

    center: tuple[float, float]
    width: float
    height: float = 1.0

    def __post_init__(self) -> None:
        if not (self.width > 0 and all(math.isfinite(each) for each in (*self.center, self.width, self.height))):
            raise InputError(f"expected a place, a width above 0 and a height for a pulse, got {self}.")

    def __call__(self, places: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Return the values at places."""
        return self.height * np.exp(-((self._distance(places) / self.width) ** 2) / 2)

    def _distance(self, places: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        return np.hypot(*(places - np.asarray(self.center)).T)

    def wave(self, points: Float[np.ndarray, "n 3"], *, as_velocity: bool = False) -> Float[np.ndarray, " n"]:
        """Return the waves of this pulse in an infinite plane of speed 1, at points of time and place.

        It is ``u`` at time 0, or with ``as_velocity`` ``u_t`` there: the Hankel transform, each frequency k times
        ``cos(k t)`` or ``sin(k t) / k``, by Gauss and Legendre's quadrature.
        """
        from scipy.special import j0

        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        k = (nodes + 1) * (_REACH / 2 / self.width)
        spectrum = self.height * self.width**2 * np.exp(-((k * self.width) ** 2) / 2) * k
        spectrum *= weights * (_REACH / 2 / self.width)
        times, distances = points[:, 0], self._distance(points[:, 1:])
        result = np.empty(len(points))
        for piece in np.array_split(np.arange(len(points)), -(-len(points) // 4096)):
            turns = np.outer(times[piece], k)
            along = np.sin(turns) / k if as_velocity else np.cos(turns)
            result[piece] = (j0(np.outer(distances[piece], k)) * along) @ spectrum
        return result


@final
@dataclass(frozen=True, kw_only=True)
class Wave:
    """A pulse that spreads in the square of side 2 around the origin."""

    pulse: GaussianPulse
    """``u`` at time 0."""
    velocity: GaussianPulse | None = None
    """``u_t`` at time 0; None is 0."""
    speed: Speed = uniform_speed
    duration: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.duration < np.inf:
            raise InputError(f"expected a duration above 0, got {self.duration}.")
        for pulse in self.pulses:
            if max(abs(each) for each in pulse.center) >= 1:
                raise InputError(f"expected a pulse in the square from -1 to 1, got one at {pulse.center}.")
        if isinstance(self.speed, Circle):
            self.speed.check_within(1.0)
        if self._power() == 0:
            raise InputError("expected a pulse of some height, of u or of its velocity, got 0.")

    @property
    def pulses(self) -> tuple[GaussianPulse, ...]:
        """The pulses that are not 0 at time 0."""
        return (self.pulse,) if self.velocity is None else (self.pulse, self.velocity)

    @property
    def width(self) -> float:
        """Width of the narrowest pulse."""
        return min(pulse.width for pulse in self.pulses)

    def reach(self) -> float:
        """Return how large ``u`` may become."""
        reach = abs(self.pulse.height)
        return reach if self.velocity is None else reach + abs(self.velocity.height) * self.velocity.width

    def grid(self, size: int, num_times: int) -> Grid:
        """Return time and place as a grid of ``num_times`` x ``size`` x ``size`` samples."""
        time = Axis(name="t", size=num_times, extent=(0.0, self.duration))
        return Grid((time, *(Axis(name=name, size=size, extent=(-1.0, 1.0)) for name in "xy")))

    def free_wave(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """Return the solution in an endless plane of speed 1."""
        found = self.pulse.wave(points)
        return found if self.velocity is None else found + self.velocity.wave(points, as_velocity=True)

    def constraints(
        self, num_points: int, *, generator: np.random.Generator, until: float | None = None
    ) -> list[Constraint]:
        """Return the equation at random points up to a time, ``u`` and ``u_t`` at 0, and the edges.

        Weights scale each residual to the error of ``u`` that it corresponds to; their sum for ``u = 0`` is 1.
        """
        until, width = self.duration if until is None else until, self.width
        inside = np.concatenate(
            [generator.uniform(0, until, (num_points, 1)), generator.uniform(-1, 1, (num_points, 2))], axis=1
        )
        first = self._first_points(round(_INITIAL * num_points), generator)
        edge, normals = _edge_points(round(_EDGE * num_points), until, generator)
        velocity = np.zeros(len(first)) if self.velocity is None else self.velocity(first[:, 1:])
        power = self._power()
        speeds = [self.speed(places[:, 1:])[:, None] for places in (inside, edge)]
        return [
            Constraint(_equation, inside, (speeds[0] ** 2,), weight=(width * self.duration) ** 2 / power),
            Constraint(_value, first, (self.pulse(first[:, 1:])[:, None],), weight=1 / power),
            Constraint(_velocity, first, (velocity[:, None],), weight=width**2 / power),
            Constraint(_outgoing, edge, (normals, speeds[1]), weight=width**2 / power),
        ]

    def _power(self) -> float:
        """Return the mean square of ``u`` over the square, and that of ``width u_t``, at time 0."""
        scales = (1.0, self.width)
        return sum(
            math.pi / 4 * (scale * pulse.height * pulse.width) ** 2
            for scale, pulse in zip(scales, self.pulses, strict=False)
        )

    def _first_points(self, count: int, generator: np.random.Generator) -> Float[np.ndarray, "n 3"]:
        near = round(_NEAR_PULSE * count) // len(self.pulses)
        parts = [generator.uniform(-1, 1, (count - near * len(self.pulses), 2))]
        for pulse in self.pulses:
            drawn = np.asarray(pulse.center) + _SPREAD * pulse.width * generator.normal(size=(near, 2))
            parts.append(drawn.clip(-1, 1))
        places = np.concatenate(parts)
        return np.concatenate([np.zeros((len(places), 1)), places], axis=1)


def _edge_points(
    count: int, until: float, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 2"]]:
    """Return points on the four sides up to a time, and the outward normals there."""
    sides, along = generator.integers(0, 4, count), generator.uniform(-1, 1, count)
    normals = np.array([(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])[sides]
    places = normals + along[:, None] * np.abs(normals[:, ::-1])
    return np.concatenate([generator.uniform(0, until, (count, 1)), places], axis=1), normals


def _equation(u: PointFunction, points: Tensor, squared_speed: Tensor) -> Tensor:
    later, bend = derivatives(u, points, "tt", "xx+yy")
    return later - squared_speed * bend


def _value(u: PointFunction, points: Tensor, known: Tensor) -> Tensor:
    return u(points) - known


def _velocity(u: PointFunction, points: Tensor, known: Tensor) -> Tensor:
    return derivatives(u, points, "t")[0] - known


def _outgoing(u: PointFunction, points: Tensor, normals: Tensor, speed: Tensor) -> Tensor:
    later, x, y = derivatives(u, points, "t", "x", "y")
    return later + speed * (normals[:, :1] * x + normals[:, 1:] * y)
