"""The changing parts of a fit: counters, optimizer moments, and the last good state to fall back on."""

import copy
import math
from typing import Any, Protocol, final, runtime_checkable

import torch

from ligeia.core import DivergenceError
from ligeia.field import Field, Restart

from ._progress import Progress
from ._recipe import Recipe

_MOST_RESTARTS = 8
_MOST_REVIVALS = 3
_ROUNDING = 4e-11  # a loss of 110 dB: the loss of an exact fit fluctuates below it
_DIED = "the network gave a constant"
_SETTLING_STEPS = 50  # a new stage starts at a higher rate, so its loss rises at first


@runtime_checkable  # the tests check types as they run
class FitState(Protocol):
    """The state of a running fit, for callbacks and checkpoints: of the loop, or of a separate trainer."""

    @property
    def field(self) -> Field:
        """The field as it is now."""
        ...

    @property
    def progress(self) -> Progress:
        """The counters."""
        ...

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors, numbers, lists and dictionaries."""
        ...

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave."""
        ...


@final
class State:
    """Everything that a resumed fit needs, apart from its recipe and its data."""

    def __init__(self, field: Field, recipe: Recipe, num_points: int) -> None:
        self.progress = Progress(num_points, stage_lengths=[recipe.first_stage])
        self.field = field
        self.optimizer_state = recipe.optimizer.init_state(list(field.network.parameters()))
        self.learning_rate = recipe.optimizer.learning_rate
        self._divergence_threshold, self._backoff = recipe.divergence_threshold, recipe.backoff
        self._lowest = math.inf
        self._settled_at = _SETTLING_STEPS
        self._good: dict[str, Any] = {}
        self.keep()

    def keep(self) -> None:
        """Remember weights and moments as the last good state."""
        self._good = copy.deepcopy(self._weights_and_moments())

    def end_stage(self, next_length: int) -> None:
        """Start the next stage of the learning rate here, with ``next_length`` steps."""
        self.progress.stage_lengths.append(next_length)
        self.progress.stage_started = self.progress.steps
        self._settle()

    def recover(self) -> bool:
        """Return to the last good state at a lower rate if the fit has diverged; return whether it had."""
        progress = self.progress
        lost = not math.isfinite(progress.loss)
        if lost and len(progress.restarts) >= _MOST_RESTARTS:
            raise DivergenceError(
                f"the loss is not finite after {progress.steps} steps and {_MOST_RESTARTS} restarts at ever lower "
                "learning rates; look for outliers in the samples or choose a lower omega_0."
            )
        spiked = False
        if self._divergence_threshold is not None and progress.steps >= self._settled_at:
            spiked = (
                progress.loss > max(self._divergence_threshold * self._lowest, _ROUNDING)
                and len(progress.restarts) < _MOST_RESTARTS
            )
            self._lowest = min(self._lowest, progress.loss)
        if lost or spiked:
            self._go_back(
                "the loss was not finite"
                if lost
                else f"the loss rose {self._divergence_threshold:g} times above its lowest"
            )
        return lost or spiked

    def restart_if_collapsed(self) -> None:
        """Return to the last good state if the network has learned nothing in enough steps to settle.

        Too high a rate can lead to a constant output with almost no gradient: the loss neither spikes nor falls.
        """
        died = sum(restart.reason == _DIED for restart in self.progress.restarts)
        # noise is learned slowly without collapse, so this is tried only a few times
        if self._divergence_threshold is not None and self.progress.steps >= self._settled_at and died < _MOST_REVIVALS:
            self._go_back(_DIED)

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors, numbers, lists and dictionaries."""
        return {
            "progress": self.progress.to_plain(),
            "lowest": self._lowest,
            "settled_at": self._settled_at,
            "now": self._weights_and_moments(),
            "good": self._good,
        }

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave; later steps are equal to those of the uninterrupted fit."""
        self.progress = Progress.from_plain(plain["progress"])
        self._lowest, self._settled_at = plain["lowest"], plain["settled_at"]
        self._good = plain["good"]
        self._load(plain["now"])

    def _go_back(self, reason: str) -> None:
        progress = self.progress
        self._load(copy.deepcopy(self._good))
        progress.rate_factor *= self._backoff
        progress.loss, progress.measured_exactly = math.nan, False
        progress.restarts.append(Restart(progress.steps, reason, progress.rate_factor))
        self._settle()

    def _settle(self) -> None:
        self._lowest = math.inf
        self._settled_at = self.progress.steps + _SETTLING_STEPS

    def _weights_and_moments(self) -> dict[str, Any]:
        return {"weights": self.field.network.state_dict(), "moments": self.optimizer_state.to_plain()}

    def _load(self, kept: dict[str, Any]) -> None:
        with torch.no_grad():
            self.field.network.load_state_dict(kept["weights"])
        self.optimizer_state.load_plain(kept["moments"])
