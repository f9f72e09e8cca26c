"""The objective on samples that are weighted means of a field over footprints."""

from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.field import Field, network_inputs
from ligeia.metrics import decibels

from ._batches import Batches, ShuffledBatches
from ._objective import Quality, squared_error


@final
class FootprintSamples:
    """Fit a field to samples that are weighted means of its values, each over its own points.

    ``points`` are the coordinates in [-1, 1] of each sample's mean, ``weights`` those of its terms, ``values`` the
    samples in network units, in [-1, 1]. Shifted exposures and stacks of slices are such samples.
    """

    def __init__(
        self,
        points: Float[np.ndarray, "n k d"],
        values: Float[np.ndarray, "n c"],
        weights: Float[np.ndarray, " k"],
    ) -> None:
        self._points, self._values = (
            torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in (points, values)
        )
        self.weights = torch.from_numpy(np.asarray(weights, np.float32))

    @property
    def num_points(self) -> int:
        """Number of samples."""
        return len(self._values)

    @property
    def finest_db(self) -> float:
        """No limit: how the samples were rounded is unknown."""
        return np.inf

    @property
    def constant_db(self) -> float:
        """No limit: part of a signal may be constant."""
        return -np.inf

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit, shuffled."""
        return ShuffledBatches(self.num_points, batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the coordinates of the places of the samples ``indices``, ``(n * k, d)``, and the samples."""
        chosen = torch.from_numpy(indices)
        points = self._points.index_select(0, chosen)
        return points.view(-1, points.shape[-1]).to(device), self._values.index_select(0, chosen).to(device)

    def loss(self, field: Field, batch: tuple[Tensor, Tensor]) -> Float[Tensor, ""]:
        """Return the mean squared error of a batch, in network units."""
        return squared_error(self, field, batch)

    def inputs_and_targets(
        self, field: Field, batch: tuple[Tensor, Tensor]
    ) -> tuple[Float[Tensor, "points inputs"], Float[Tensor, "n c"]]:
        """Return the network's inputs at the points of these samples, and the samples."""
        points, values = batch
        return network_inputs(field.grid, points), values

    @torch.no_grad()
    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of the field's means, on all samples or on evenly spaced ones."""
        count = self.num_points if most_points is None else min(most_points, self.num_points)
        indices = np.linspace(0, self.num_points - 1, count).astype(np.int64)
        error = float(self.loss(field, self.batch(indices, next(field.parameters()).device)))
        return Quality(decibels(error, peak=2.0), count)
