"""Objectives on oriented points: a signed distance without samples of it (Sitzmann et al. 2020, s. 4.2).

Both fit a field to 0 and to the normals at points of a surface, and to a gradient of length 1 (the eikonal equation).
Coordinates and distances are those of the network, where the half side of the domain is 1.
"""

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.fitting import Batches, Quality, ShuffledBatches
from ligeia.metrics import decibels

from ._cloud_distance import CloudDistance
from ._shape import Shape, surface_samples

_MOST_PLACES = 300_000  # off the surface
_MEASURED = 1 << 14  # points of the surface
_WIDTH, _SPREAD = 0.03, 1.0  # of places near the surface: median distance, and its logarithm's deviation

Batch: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class OrientedWeights:
    """Weights of the squared residuals of `OrientedSurface`, each a mean over its points."""

    surface: float = 3000.0
    """Of the value at points of the surface."""
    normal: float = 1.0
    """Of gradient minus normal there: direction and length at once."""
    eikonal: float = 0.3
    """Of the gradient's length minus 1, off the surface."""
    distance: float = 100.0
    """Of value minus the cloud's distance, where that is known."""

    def __post_init__(self) -> None:
        if not all(0 <= each < np.inf for each in (self.surface, self.normal, self.eikonal, self.distance)):
            raise InputError(f"expected weights of 0 or more, got {self}.")


@final
class OrientedSurface:
    """Fit a field to points with normals, and off them to slope 1 and to the distance of the cloud.

    Differs from the paper's losses (`PaperSurface`): residuals are squared, gradients match normals in length too, and
    places off the surface are fitted to `CloudDistance`. The paper instead penalizes small values there, which leaves
    their sign open and lets spurious surfaces appear. Where the cloud's distance is undecided, as behind a hole, only
    the eikonal equation applies.
    """

    finest_db = np.inf
    constant_db = -np.inf

    def __init__(
        self, shape: Shape, *, num_points: int = 100_000, weights: OrientedWeights | None = None, seed: int = 0
    ):
        self._weights = OrientedWeights() if weights is None else weights
        points, normals = _oriented(shape, num_points, seed)
        cloud, places = CloudDistance(points, normals), _places_off(points, seed)
        distances, self.spacing = cloud.at(places), cloud.spacing
        self._points, self._normals, self._places, self._distances = map(
            _to_tensor, (points, normals, places, distances)
        )

    @property
    def num_points(self) -> int:
        """Number of points of the surface, and of places off it."""
        return len(self._points) + len(self._places)

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit, shuffled."""
        return ShuffledBatches(self.num_points, batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> Batch:
        """Return points and normals, places and their distances, NaN where unknown."""
        count = len(self._points)
        on, off = (torch.from_numpy(each) for each in (indices[indices < count], indices[indices >= count] - count))
        parts = (self._points[on], self._normals[on], self._places[off], self._distances[off])
        return tuple(each.to(device) for each in parts)  # type: ignore[return-value]

    def loss(self, field: Field, batch: Batch) -> Float[Tensor, ""]:
        """Return the weighted mean of squared residuals over a batch."""
        points, normals, places, distances = batch
        values, slopes = _values_and_slopes(field, torch.cat([points, places]))
        count, weights = len(points), self._weights
        known = torch.isfinite(distances)
        off = torch.where(known, values[count:] - torch.nan_to_num(distances), torch.zeros_like(distances))
        total = (
            weights.surface * values[:count].square().sum()
            + weights.normal * (slopes[:count] - normals).square().sum()
            + weights.eikonal * (slopes[count:].norm(dim=1) - 1).square().sum()
            + weights.distance * off.square().sum()
        )
        return total / len(values)

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of 0 at points of the surface, the peak being the side of the domain."""
        return _zero_quality(field, self._points, most_points)


@final
class PaperSurface:
    """The paper's own losses (s. 4.2, eq. 6), with the weights of the reference code's ``sdf`` loss.

    ``3000 |f| + 100 (1 - cos(grad f, n))`` on the surface, ``100 exp(-100 |f|)`` off it at as many fresh uniform
    places, ``50 ||grad f| - 1|`` at both, over the number of all of these.
    """

    finest_db = np.inf
    constant_db = -np.inf

    def __init__(self, shape: Shape, *, num_points: int = 100_000, seed: int = 0) -> None:
        points, normals = _oriented(shape, num_points, seed)
        self._points, self._normals = _to_tensor(points), _to_tensor(normals)
        self._seed = seed

    @property
    def num_points(self) -> int:
        """Number of points of the surface; a step sees as many places off it as points on it."""
        return len(self._points)

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit, shuffled."""
        return ShuffledBatches(self.num_points, batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Return points, normals, and as many places of the domain: the same ones for the same batch."""
        generator = np.random.default_rng([self._seed, int(indices[0]), int(indices.sum())])
        places = generator.uniform(-1, 1, (len(indices), 3)).astype(np.float32)
        chosen = torch.from_numpy(indices)
        parts = (self._points[chosen], self._normals[chosen], torch.from_numpy(places))
        return tuple(each.to(device) for each in parts)  # type: ignore[return-value]

    def loss(self, field: Field, batch: tuple[Tensor, Tensor, Tensor]) -> Float[Tensor, ""]:
        """Return the sum of the four losses over a batch."""
        points, normals, places = batch
        values, slopes = _values_and_slopes(field, torch.cat([points, places]))
        on, count = len(points), len(values)
        turned = 1 - torch.nn.functional.cosine_similarity(slopes[:on], normals, dim=1)
        return (
            3e3 * values[:on].abs().sum()
            + 1e2 * turned.sum()
            + 1e2 * torch.exp(-1e2 * values[on:].abs()).sum()
            + 5e1 * (slopes.norm(dim=1) - 1).abs().sum()
        ) / count  # of all, as in the reference code: each loss is 0 where it is not meant

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of 0 at points of the surface, the peak being the side of the domain."""
        return _zero_quality(field, self._points, most_points)


def _oriented(shape: Shape, num_points: int, seed: int) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    """Return all points of a cloud, or samples of a mesh, in coordinates in [-1, 1], and their normals."""
    surface = shape.surface
    if surface.is_cloud:
        assert surface.normals is not None
        return shape.grid.from_physical(surface.vertices), surface.normals
    points, normals = surface_samples(surface, num_points, seed=seed)
    return shape.grid.from_physical(points), normals


def _places_off(points: Float[np.ndarray, "n 3"], seed: int) -> Float[np.ndarray, "m 3"]:
    """Return places off the surface: half of them uniform in the domain, half around the points."""
    generator = np.random.default_rng([seed, 3])
    count = min(max(len(points), 4096), _MOST_PLACES)
    uniform = generator.uniform(-1, 1, (count // 2, 3))
    chosen = points[generator.integers(0, len(points), count - len(uniform))]
    widths = _WIDTH * np.exp(_SPREAD * generator.normal(size=(len(chosen), 1)))
    return np.concatenate([uniform, chosen + widths * generator.normal(size=chosen.shape)]).clip(-1, 1)


def _values_and_slopes(field: Field, points: Float[Tensor, "n 3"]) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
    """Return values and gradients in the network's own units, by one sweep."""
    value, *slopes = field.derivatives(points, "", "0", "1", "2")
    (channel,) = field.channels
    return value[:, 0] / channel.high, torch.cat(slopes, dim=1) / channel.high


def _zero_quality(field: Field, points: Float[Tensor, "n 3"], most_points: int | None) -> Quality:
    count = min(len(points), _MEASURED if most_points is None else most_points)
    chosen = torch.linspace(0, len(points) - 1, count).long()
    with torch.no_grad():
        error = field.network(points[chosen].to(next(field.parameters()).device)).double().square().mean()
    return Quality(decibels(float(error), peak=2.0), count)


def _to_tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
