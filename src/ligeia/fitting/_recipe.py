"""Recipe: a frozen description of optimizer, batches and learning rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final, runtime_checkable

from torch import Tensor

from ._progress import Progress
from ._stop import Stop

_FIRST_GAIN_DB, _LEAST_GAIN_DB, _MOST_GAIN_DB = 4.5, 2.0, 8.0  # per doubling of the steps
_MARGIN_DB = 0.2
_LEAST_GROWTH, _MOST_GROWTH = 1.1, 6.0
_REHEAT = 0.3  # of the full rate: start of a stage towards a quality that is as long as all stages before it, ...
_PLATEAU_REHEAT = 0.6  # ... and of one towards a plateau, which has more steps and runs them all


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LRSchedule:
    """Learning-rate schedule.

    With a known budget the rate decays linearly to 0. With an open end (a plateau or a target quality) it does so in
    stages, so that the model is always judged at a low rate. Towards a plateau each stage is twice as long as the last;
    towards a quality its length is estimated from the gains of the earlier stages. The longer a stage is relative to
    all before it, the higher its initial rate. In addition the rate decays slowly with the total number of steps,
    because long fits need a lower one.
    """

    warmup_steps: int = 10
    first_stage: int = 128
    """Steps of the first stage."""
    slow_after: float = 1000.0
    """Time scale of the slow decay, in steps: ``(1 + steps / slow_after) ** -slow_power``."""
    slow_power: float = 0.5


@runtime_checkable  # the tests check types as they run
class OptimizerState(Protocol):
    """The state that an optimizer keeps between the steps of a fit."""

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors, numbers, lists and dictionaries."""
        ...

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave."""
        ...


@runtime_checkable
class GradientSteps(OptimizerState, Protocol):
    """An optimizer's state that steps along given gradients."""

    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Move the parameters, in place, against their gradients."""
        ...


@runtime_checkable
class Optimizer(Protocol):
    """Settings of an optimizer, on plain or on quantized weights."""

    @property
    def learning_rate(self) -> float:
        """The highest learning rate."""
        ...

    def init_state(self, parameters: Sequence[Tensor]) -> OptimizerState:
        """Return the initial state for these parameters: weight and bias of each layer in turn."""
        ...


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How weights are trained. ``schedule=None`` is a constant learning rate, ``batch_size=None`` the full batch."""

    name: str
    optimizer: Optimizer
    batch_size: int | None
    schedule: LRSchedule | None
    divergence_threshold: float | None = 3.0
    """A smoothed loss this many times above its minimum in the stage counts as divergence; None: only NaN does."""
    backoff: float = 0.5
    """Factor of the rate after a divergence."""

    @property
    def first_stage(self) -> int:
        """Number of steps of the first stage; at a constant rate, stages only say when to measure."""
        return (LRSchedule() if self.schedule is None else self.schedule).first_stage

    def position(self, progress: Progress, stop: Stop) -> float:
        """Return the completed share of the current stage, or of the whole budget if it is known, in [0, 1]."""
        spent = stop.spent(progress) or 0.0
        if not stop.is_open_ended:
            return spent
        done = (progress.steps - progress.stage_started) / progress.stage_lengths[-1]
        return max(spent, min(1.0, done))

    def next_stage(self, progress: Progress, stop: Stop) -> int:
        """Return the number of steps of the stage that follows those of ``progress``.

        Towards a quality, the total number of steps is estimated from the decibels gained per doubling: 4.5 at first,
        then the gain of the last stage.
        """
        length, steps = progress.stage_lengths[-1], sum(progress.stage_lengths)
        if stop.target_db is None or not progress.stage_db:
            return 2 * length
        gain = _FIRST_GAIN_DB
        if len(progress.stage_db) > 1:
            gain = (progress.stage_db[-1] - progress.stage_db[-2]) / math.log2(steps / (steps - length))
        missing = stop.target_db + _MARGIN_DB - progress.stage_db[-1]
        growth = 2 ** (missing / min(max(gain, _LEAST_GAIN_DB), _MOST_GAIN_DB))
        return max(1, round((min(max(growth, _LEAST_GROWTH), _MOST_GROWTH) - 1) * steps))

    def rate(self, progress: Progress, stop: Stop) -> float:
        """Return the learning rate of the next step."""
        rate = self.optimizer.learning_rate * progress.rate_factor
        if self.schedule is None:
            return rate
        hot = 1.0
        if progress.stage_started:  # a stage must not undo more than it can recover
            share = progress.stage_lengths[-1] / progress.stage_started
            reheat = _PLATEAU_REHEAT if stop.target_db is None else _REHEAT
            hot = min(1.0, reheat * max(share, math.sqrt(share)))
        warm = min(1.0, (progress.steps - progress.stage_started + 1) / self.schedule.warmup_steps)
        slow = (1 + progress.steps / self.schedule.slow_after) ** -self.schedule.slow_power
        return rate * hot * warm * slow * (1 - self.position(progress, stop))
