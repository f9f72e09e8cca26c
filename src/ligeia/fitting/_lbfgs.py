"""L-BFGS on a loss without noise (Liu & Nocedal 1989, line search of strong Wolfe): torch's, within a budget."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.core import DivergenceError, InputError

_WALL = 10.0  # times the lowest loss, above it: what a line search sees in place of a loss that is not finite


@final
@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a callback sees after each evaluation of a loss."""

    taken: int
    position: float
    """How much of the budget is used up."""
    loss: float


@final
@dataclass(frozen=True, slots=True)
class Minimized:
    """How far `lbfgs` came."""

    loss: float
    """The lowest one, that of the parameters as they were left."""
    evaluations: int
    stopped_by: str
    """evaluations, callback, or converged: no step along the gradient leads lower."""


def lbfgs(
    parameters: Sequence[Tensor],
    loss: Callable[[], Float[Tensor, ""]],
    *,
    evaluations: int,
    history: int = 50,
    callbacks: Sequence[Callable[[Evaluation], bool | None]] = (),
) -> Minimized:
    """Lower a loss of parameters in place, by so many evaluations of it and its gradient at most.

    The loss must be the same function at every call: fixed points, no dropout. A callback that returns True ends it.
    The parameters are left where the loss was lowest; from where it is not finite the line search turns back. Raises
    `DivergenceError` if it is not finite at the start.

    >>> x = torch.tensor([4.0, -3.0], requires_grad=True)
    >>> lbfgs([x], lambda: (x - 1).square().sum(), evaluations=9).stopped_by
    'converged'
    """
    if evaluations < 1:
        raise InputError(f"a number of evaluations above 0 was wanted, got {evaluations}.")
    run = _Run(parameters, loss, evaluations, callbacks)
    optimizer = torch.optim.LBFGS(
        run.parameters,
        max_iter=evaluations,
        max_eval=2 * evaluations,  # the run ends itself, in the midst of a line search too
        history_size=history,
        line_search_fn="strong_wolfe",
        tolerance_grad=0,
        tolerance_change=0,
    )
    try:
        optimizer.step(run)
        stopped_by = "converged"
    except _Ended as ended:
        stopped_by = str(ended)
    run.restore()
    return Minimized(run.lowest, run.taken, stopped_by)


class _Ended(Exception):
    """The way out of torch's loop, which says why."""


@final
class _Run:
    """The closure that torch calls: counts, remembers the best, and leaves by `_Ended`."""

    def __init__(
        self,
        parameters: Sequence[Tensor],
        loss: Callable[[], Float[Tensor, ""]],
        evaluations: int,
        callbacks: Sequence[Callable[[Evaluation], bool | None]],
    ) -> None:
        self.parameters = list(parameters)
        self.taken, self.lowest = 0, math.inf
        self._loss, self._evaluations, self._callbacks = loss, evaluations, callbacks
        self.best = [each.detach().clone() for each in parameters]

    @torch.enable_grad()
    def __call__(self) -> float:
        if self.taken >= self._evaluations:
            raise _Ended("evaluations")
        found = self._loss()
        gradients = torch.autograd.grad(found, self.parameters, materialize_grads=True)
        self.taken += 1
        value = float(found.detach())
        is_finite = math.isfinite(value)
        if self.taken == 1 and not is_finite:
            raise DivergenceError(f"a loss that is finite at the start was wanted, got {value}.")
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient if is_finite else torch.zeros_like(gradient)
        if value < self.lowest:
            self.lowest = value
            for kept, parameter in zip(self.best, self.parameters, strict=True):
                kept.copy_(parameter.detach())
        votes = [each(Evaluation(self.taken, self.taken / self._evaluations, value)) for each in self._callbacks]
        if any(votes):
            raise _Ended("callback")
        return value if is_finite else self.lowest + _WALL * abs(self.lowest)

    @torch.no_grad()
    def restore(self) -> None:
        for kept, parameter in zip(self.best, self.parameters, strict=True):
            parameter.copy_(kept)
            parameter.grad = None
