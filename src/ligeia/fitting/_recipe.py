"""Recipe: a frozen description of optimizer, batches and learning rate."""

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from ligeia.core import InputError

from ._progress import Progress
from ._stop import Stop


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Adam:
    """Adam (Kingma & Ba 2015) without weight decay."""

    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"a learning rate above 0 was wanted, got {self.learning_rate}.")

    def build(self, network: nn.Module) -> torch.optim.Adam:
        """Return the optimizer of all parameters of ``network``."""
        return torch.optim.Adam(network.parameters(), lr=self.learning_rate, betas=self.betas, eps=self.eps, fused=True)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Cooling:
    """How the learning rate falls.

    Over a known budget it follows half a cosine to 0. Towards an end that cannot be foreseen (a quality, a
    plateau) it does so in stages, each twice as long as the last, so that the model is cooled down whenever it is
    judged. Beside that it falls slowly with the work done: long fits need a lower rate than short ones.
    """

    warmup_steps: int = 20
    first_stage: int = 128
    """Steps of the first stage."""
    slow_after: float = 1000.0
    """Steps after which the slow fall takes hold, as ``(1 + steps / slow_after) ** -slow_power``."""
    slow_power: float = 0.5


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How weights are found. ``cooling=None`` is a constant learning rate, ``batch_size=None`` the full batch."""

    name: str
    optimizer: Adam
    batch_size: int | None
    cooling: Cooling | None
    spike: float | None = 3.0
    """A smoothed loss this many times above its lowest in the stage counts as divergence; None: only NaN does."""

    def position(self, progress: Progress, stop: Stop) -> float:
        """Return how much of the running stage, or of the whole known budget, is done, in [0, 1]."""
        spent = stop.spent(progress) or 0.0
        if not stop.is_open_ended:
            return spent
        done = (progress.steps - progress.stage_started) / self.stage_length(progress.stage)
        return max(spent, min(1.0, done))

    def stage_length(self, stage: int) -> int:
        """Return the number of steps of a stage (from 0); at a constant rate, stages only say when to measure."""
        cooling = Cooling() if self.cooling is None else self.cooling
        return cooling.first_stage << stage

    def rate(self, progress: Progress, stop: Stop) -> float:
        """Return the learning rate of the next step."""
        rate = self.optimizer.learning_rate * progress.rate_factor
        if self.cooling is None:
            return rate
        warm = min(1.0, (progress.steps + 1) / self.cooling.warmup_steps)
        slow = (1 + progress.steps / self.cooling.slow_after) ** -self.cooling.slow_power
        return rate * warm * slow * 0.5 * (1 + math.cos(math.pi * self.position(progress, stop)))
