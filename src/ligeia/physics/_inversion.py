"""An unknown speed from recordings of waves of one frequency (Sitzmann et al. 2020, s. 4.3 and supplement s. 5.3).

With the free field ``u_0`` of a source, the scattered one ``v`` obeys ``laplacian v + k^2 m v = -k^2 (m - 1) u_0``,
where ``m = 1 / speed^2``, and ``u_0 + v`` was recorded. Differs from the paper: the fields are linear in their output
layers, which least squares set again at each evaluation of the loss (variable projection, Golub & Pereyra 1973), and
the loss includes the total variation of the speed in addition to the equation and the recordings
(design/differential-equations.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from ligeia.core import InputError, ShapeError
from ligeia.field import Field

from ._absorbing import AbsorbingLayer
from ._helmholtz import border_points, even_points
from ._output_layer import solved
from ._sources import GaussianSource

_NEAR, _TAPER = 0.07, 0.12  # from sources, receivers and layers: the speed is 1 within the first, free beyond both
_CONTRAST = 0.15  # of the medium that the equation's residual is measured against
_BORDER_POINTS, _BORDER_WEIGHT = 400, 100.0
_VARIATION, _EDGE = 6e-3, 0.05  # weight; slopes below the latter count as none
_SLOWEST = 0.2  # lower speeds are clipped to it: a line search may try anything
_RIDGE = 1e-8
_ORDER = ("xx", "x", "yy", "y", "")


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Inversion:
    """Recordings of waves from known sources, in the square from -1 to 1 around an unknown medium.

    The speed is 1 in the layers and close to sources and receivers.
    """

    wavenumber: float
    """Radians per unit, where the speed is 1."""
    sources: Sequence[GaussianSource]
    receivers: Float[np.ndarray, "receivers 2"]
    recordings: Complex[np.ndarray, "_ _"]
    """The waves of each source, outgoing as ``exp(-i k r)``, at each receiver: ``(sources, receivers)``."""
    layer: AbsorbingLayer = field(default_factory=lambda: AbsorbingLayer(thickness=0.3, strength=3.0))

    def __post_init__(self) -> None:
        if not 0 < self.wavenumber < np.inf:
            raise InputError(f"expected a wavenumber above 0, got {self.wavenumber}.")
        wanted = (len(self.sources), len(self.receivers))
        if 0 in wanted or self.recordings.shape != wanted:
            raise ShapeError(
                f"expected one recording per source and receiver, {wanted[0]} x {wanted[1]} and none of these 0, "
                f"got {tuple(self.recordings.shape)}."
            )
        if not np.isfinite(self.recordings).all():
            raise InputError("expected recordings that are finite, got NaN or infinity.")
        inside = 1 - self.layer.thickness
        for name, places in (("sources", self.source_places), ("receivers", self.receivers)):
            # written so that NaN is refused
            if not (farthest := float(np.abs(places).max())) <= inside:
                raise InputError(
                    f"expected {name} inside the layers, coordinates from -{inside:g} to {inside:g}, got one of "
                    f"{farthest:g}."
                )

    @property
    def source_places(self) -> Float[np.ndarray, "sources 2"]:
        """Centers of the sources."""
        return np.array([source.center for source in self.sources], np.float64)

    def free_fields(self, points: Float[np.ndarray, "n 2"]) -> Complex[np.ndarray, "sources n"]:
        """Return the waves of each source in a uniform medium."""
        return np.stack([source.free_field(points, self.wavenumber) for source in self.sources])

    def scattered(self) -> Complex[np.ndarray, "sources receivers"]:
        """Return the scattered part of the recordings."""
        return self.recordings - self.free_fields(self.receivers)

    def freedom(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
        """Return to which degree the speed is unknown at points: 1 where it is unknown, 0 where it is known to be 1."""
        places = np.concatenate([self.source_places, self.receivers])
        nearest = np.hypot(*(points[:, None] - places).transpose(2, 0, 1)).min(axis=1)
        distance = np.minimum(nearest, 1 - self.layer.thickness - np.abs(points).max(axis=1))
        share = np.clip((distance - _NEAR) / _TAPER, 0, 1)
        return share**2 * (3 - 2 * share)


class Misfit(NamedTuple):
    """The parts of the loss of an inversion."""

    equation: Float[Tensor, ""]
    """Squared residual of the waves, relative to that of zero waves in a medium of typical contrast."""
    recordings: Float[Tensor, ""]
    """Squared error at the receivers, relative to the waves scattered to them."""
    variation: Float[Tensor, ""]
    """Total variation of the speed, and its difference from 1 where that is known; weighted."""

    @property
    def total(self) -> Float[Tensor, ""]:
        """The loss."""
        return self.equation + self.recordings + self.variation


@final
class Eliminated:
    """The misfit of a speed to recordings, with the best waves that a field's hidden layers allow.

    ``speed`` has one channel; ``waves`` has two per source, the real parts first, and no use of its output layer, which
    `store` sets. Points are fixed, so that the loss is the same function at every call.
    """

    def __init__(
        self, problem: Inversion, waves: Field, speed: Field, *, num_points: int, generator: np.random.Generator
    ) -> None:
        self.problem, self.waves, self.speed = problem, waves, speed
        like = next(waves.parameters())

        def to_tensor(values: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values)).to(like)

        points = even_points(num_points, generator)
        free, freedom = problem.free_fields(points), problem.freedom(points)
        if not freedom.any():
            raise InputError("no place is far enough from sources, receivers and layers for the speed to be unknown.")
        self._squared = problem.wavenumber**2
        area = 4 / len(points)
        scattering = _CONTRAST * self._squared * np.sqrt(area) * np.linalg.norm(freedom * free)
        sides = border_points(_BORDER_POINTS, generator)
        self._points, self._sides, self._receivers = map(to_tensor, (points, sides, problem.receivers))
        self._root, self._area = float(np.sqrt(area) / scattering), area
        self._border = float(np.sqrt(_BORDER_WEIGHT * 8 / len(sides)) * problem.wavenumber / scattering)
        self._freedom = to_tensor(freedom[:, None])
        factors = problem.layer.factors(points)
        self._real, self._imaginary = (to_tensor(part(factors))[..., None] for part in (np.real, np.imag))
        self._free = to_tensor(np.concatenate([np.real(free), np.imag(free)]).T)
        scattered = problem.scattered()
        if not (size := float(np.linalg.norm(scattered))):
            raise InputError("expected recordings of a medium that scatters, got those of a uniform one.")
        self._heard = 1 / size
        self._wanted = to_tensor(np.concatenate([np.real(scattered), np.imag(scattered)]).T / size)
        self._plan = waves.physical.plan(_ORDER)
        self._plain = waves.physical.plan(("",))

    def __call__(self) -> Misfit:
        """Return the misfit, differentiable in the speed's parameters and the hidden layers of the waves."""
        speed, *slopes = self.speed.physical.derivatives(self._points, "", "x", "y")
        change = self._freedom * (speed.clamp_min(_SLOWEST) ** -2 - 1)
        features = self._features()
        with torch.no_grad():
            weights = self._weights(change, *features)
        along, sides, heard = ([each @ weights for each in group] for group in features)
        residual = self._squared * ((1 + change) * along[-1] + change * self._free)
        for part, real, imaginary in zip(along, self._real, self._imaginary, strict=False):
            residual = residual + real * part + imaginary * _times_i(part)
        steepness = torch.sqrt(slopes[0] ** 2 + slopes[1] ** 2 + _EDGE**2) - _EDGE
        known = (1 - self._freedom) * (speed - 1) ** 2
        return Misfit(
            equation=(self._root * residual).square().sum() + (self._border * sides[0]).square().sum(),
            recordings=(self._heard * heard[0] - self._wanted).square().sum(),
            variation=self._area * (_VARIATION * steepness + known).sum(),
        )

    @torch.no_grad()
    def store(self) -> None:
        """Set the output layer of the waves to the one that the misfit is measured with."""
        speed = self.speed.physical(self._points)
        change = self._freedom * (speed.clamp_min(_SLOWEST) ** -2 - 1)
        output = self.waves.network.output_layer()
        assert output is not None  # its features are what the misfit is about
        output.weight.copy_(self._weights(change, *self._features()).T)
        output.bias.zero_()

    def _features(self) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return the inputs of the output layer: derivatives at points, values at the border and at receivers."""
        function = self.waves.physical
        inside = self._plan.pick(function.features(self._points, self._plan))
        others = [function.features(places, self._plain) for places in (self._sides, self._receivers)]
        return list(inside), [others[0][0]], [others[1][0]]

    def _weights(self, change: Tensor, along: list[Tensor], sides: list[Tensor], heard: list[Tensor]) -> Tensor:
        """Return the output layer of the least misfit, ``(features, 2 sources)``, by least squares in float64."""
        real = self._squared * (1 + change) * along[-1]
        imaginary = torch.zeros_like(real)
        for part, first, second in zip(along, self._real, self._imaginary, strict=False):
            real = torch.addcmul(real, first, part)
            imaginary = torch.addcmul(imaginary, second, part)
        rows = self._root * torch.complex(real.double(), imaginary.double())
        source = -self._root * self._squared * (change * self._free).double()
        right = rows.mH @ _as_complex(source)
        normal = rows.mH @ rows
        border, receivers = self._border * sides[0].double(), self._heard * heard[0].double()
        normal += border.T @ border + receivers.T @ receivers
        right += receivers.T.to(right) @ _as_complex(self._wanted.double())
        found = solved(normal, right, _RIDGE)
        return torch.cat([found.real, found.imag], dim=1).to(change)


def _as_complex(pairs: Float[Tensor, "n both"]) -> Tensor:
    return torch.complex(*pairs.chunk(2, dim=1))


def _times_i(pairs: Float[Tensor, "n both"]) -> Tensor:
    real, imaginary = pairs.chunk(2, dim=1)
    return torch.cat([-imaginary, real], dim=1)
