"""Adam: settings and moments. ``torch.optim.Adam`` is not used because importing it takes a second."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor
from torch.optim.adam import adam

from ligeia.core import InputError
from ligeia.kernels import AdamSettings


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1) without weight decay."""

    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"expected a learning rate above 0, got {self.learning_rate}.")

    def init_state(self, parameters: Sequence[Tensor]) -> "AdamState":
        """Return the initial state for these parameters: moments of 0."""
        return AdamState(self, parameters)


@final
class AdamState:
    """The moving averages of gradients and of their squares, and the number of steps taken."""

    def __init__(self, settings: Adam, parameters: Sequence[Tensor]) -> None:
        self.settings = settings
        self.parameters = list(parameters)
        self.first = [torch.zeros_like(each) for each in self.parameters]
        self.second = [torch.zeros_like(each) for each in self.parameters]
        self.num_steps = 0

    def next_step(self, learning_rate: float) -> AdamSettings:
        """Return the inputs of the next step other than the moments."""
        return AdamSettings(learning_rate, self.settings.betas, self.settings.eps, number=self.num_steps + 1)

    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Move the parameters, in place, against their gradients."""
        beta1, beta2 = self.settings.betas
        done = torch.full((len(self.parameters),), float(self.num_steps), device=self.parameters[0].device)
        with torch.no_grad():
            adam(
                self.parameters,
                list(gradients),
                self.first,
                self.second,
                [],
                list(done.unbind()),
                fused=True,
                amsgrad=False,
                beta1=beta1,
                beta2=beta2,
                lr=learning_rate,
                weight_decay=0.0,
                eps=self.settings.eps,
                maximize=False,
            )
        self.num_steps += 1

    def to_plain(self) -> dict[str, Any]:
        """Return the moments as lists of tensors, and the number of steps."""
        return {"first": self.first, "second": self.second, "num_steps": self.num_steps}

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the moments that `to_plain` gave."""
        for mine, theirs in zip([*self.first, *self.second], [*plain["first"], *plain["second"]], strict=True):
            mine.copy_(theirs)
        self.num_steps = int(plain["num_steps"])
