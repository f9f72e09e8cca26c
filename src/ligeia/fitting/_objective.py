"""The protocol of objectives: how a field is fitted to data. A new application is a new objective, not a trainer.

The loop and the steps depend on these protocols only, never on a class that implements them.
"""

from dataclasses import dataclass
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.field import Field, weighted_means

from ._batches import Batches


@final
@dataclass(frozen=True, slots=True)
class Quality:
    """How well a field meets an objective, measured without a gradient."""

    psnr_db: float
    num_measured: int
    """Number of samples that it was measured on."""


@runtime_checkable  # the tests check types as they run
class Objective(Protocol):
    """A task, as the loop needs it: batches of points, a loss, and a measure of quality.

    The meaning of a point is up to the objective: a sample, a ray, a place where an equation holds. ``batch`` and
    ``loss`` together are the mean over the requested points, so that a step may split a batch.
    """

    @property
    def num_points(self) -> int:
        """Number of points in one pass."""
        ...

    @property
    def finest_db(self) -> float:
        """Quality beyond which nothing can be gained; infinite if there is no such limit."""
        ...

    @property
    def constant_db(self) -> float:
        """Quality of the best constant; minus infinity if that says nothing about a network."""
        ...

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit; ``ShuffledBatches(self.num_points, ...)`` suits most objectives."""
        ...

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> Any:
        """Return the data of the points ``indices`` that ``loss`` needs."""
        ...

    def loss(self, field: Field, batch: Any) -> Float[Tensor, ""]:
        """Return the loss of a batch, differentiable in the field's parameters."""
        ...

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Measure the field on all points, or on a fixed random ``most_points`` of them."""
        ...


@runtime_checkable
class LeastSquares(Objective, Protocol):
    """An objective whose loss is exactly `squared_error`, so that compiled code can take its steps.

    Each target is a weighted sum of the network's values at ``k`` places, most often its value at one.
    """

    @property
    def weights(self) -> Float[Tensor, " k"]:
        """Weights of the places of a target, float32 on the CPU; the same for all targets."""
        ...

    def inputs_and_targets(
        self, field: Field, batch: Any
    ) -> tuple[Float[Tensor, "points inputs"], Float[Tensor, "n c"]]:
        """Return the network's inputs, ``k`` rows for each target in turn, and the targets in network units."""
        ...


def squared_error(objective: LeastSquares, field: Field, batch: Any) -> Float[Tensor, ""]:
    """Return the mean squared difference between the targets of a batch and the field's predictions."""
    inputs, targets = objective.inputs_and_targets(field, batch)
    found = weighted_means(field.network(inputs), objective.weights.to(inputs))
    return torch.nn.functional.mse_loss(found, targets)
