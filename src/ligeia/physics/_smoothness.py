"""Samples with a prior: a field that fits the samples and varies or bends little between them.

Sources: total variation, Rudin, Osher & Fatemi 1992; the norm of the Hessian, Lefkimmiatis et al. 2013; both for sine
networks in the inpainting experiment of Sitzmann et al. 2020. Differs from the paper: derivatives are per step from
sample to sample and not per unit coordinate, so that a weight suits signals of any size.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.fitting import Batches, Quality, Values
from ligeia.signals import Blocks

_ROUNDED = 1e-3  # norms are smooth below this change per sample, in network units
_POINTS_PER_SAMPLE = 0.5  # as in the paper


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Smoothness:
    """A smoothness prior: weights of the mean norms of a field's gradient and of its Hessian.

    Both norms are Frobenius norms over axes and channels, of the change from sample to sample in network units, where
    the signal's range is [-1, 1].
    """

    total_variation: float = 0.0
    hessian: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.total_variation, self.hessian)
        if not all(0 <= each < np.inf for each in weights) or not any(weights):
            raise InputError(f"expected weights of 0 or more for a prior, one of them above 0, got {weights}.")

    @property
    def order(self) -> int:
        """Highest order of its derivatives."""
        return 2 if self.hessian else 1

    def __call__(self, field: Field, points: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
        """Return the penalty at coordinates in [-1, 1], differentiable in the field's parameters."""
        num_axes = field.grid.num_axes
        first = [(axis,) for axis in range(num_axes)] if self.total_variation else []
        second = [(i, j) for i in range(num_axes) for j in range(i, num_axes)] if self.hessian else []
        found = field.derivatives(points, *("".join(map(str, axes)) for axes in (*first, *second)))
        half_ranges = torch.tensor([each.half_range for each in field.channels]).to(points)
        steps = [2 / size for size in field.grid.shape]  # from sample to sample

        def norm(parts: list[tuple[tuple[int, ...], Tensor]]) -> Tensor:
            squares = points.new_zeros(len(points))
            for axes, part in parts:
                times = 2 if len(set(axes)) > 1 else 1  # ij and ji
                change = part / half_ranges * float(np.prod([steps[axis] for axis in axes]))
                squares = squares + times * change.square().sum(dim=1)
            return ((squares + _ROUNDED**2).sqrt() - _ROUNDED).mean()

        pairs = list(zip((*first, *second), found, strict=True))
        total = points.new_zeros(())
        if first:
            total = total + self.total_variation * norm(pairs[: len(first)])
        if second:
            total = total + self.hessian * norm(pairs[len(first) :])
        return total


@final
class SmoothValues:
    """Fit a field to samples and to a prior, the latter at half as many fresh random points as samples."""

    def __init__(self, values: Values, smoothness: Smoothness, *, seed: int = 0) -> None:
        if isinstance(values.signal.values, Blocks):
            raise InputError("expected a signal in memory for a prior, got one on disk; allow a larger working set.")
        self._values, self._smoothness, self._seed = values, smoothness, seed

    @property
    def num_points(self) -> int:
        """Number of samples that have a value."""
        return self._values.num_points

    @property
    def finest_db(self) -> float:
        """PSNR at which the root mean squared error is half a step of an integer signal."""
        return self._values.finest_db

    @property
    def constant_db(self) -> float:
        """PSNR of the mean of each channel."""
        return self._values.constant_db

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit to the samples."""
        return self._values.batches(batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Return the network's inputs at samples, the samples, and points of the prior, fixed for each batch."""
        generator = np.random.default_rng([self._seed, int(indices[0]), int(indices.sum())])
        count = -(-len(indices) // round(1 / _POINTS_PER_SAMPLE))
        points = generator.uniform(-1, 1, (count, self._values.signal.grid.num_axes)).astype(np.float32)
        return (*self._values.batch(indices, device), torch.from_numpy(points).to(device))

    def loss(self, field: Field, batch: tuple[Tensor, Tensor, Tensor]) -> Float[Tensor, ""]:
        """Return the mean squared error of a batch, in network units, and the penalty of the prior."""
        *known, points = batch
        return self._values.loss(field, (known[0], known[1])) + self._smoothness(field, points)

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of the field at the samples."""
        return self._values.quality(field, most_points=most_points)
