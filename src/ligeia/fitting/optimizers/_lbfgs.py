"""L-BFGS on a noiseless loss (Liu & Nocedal 1989, strong-Wolfe line search): torch's, within a budget."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.core import DivergenceError, InputError

_WALL = 10.0  # times the lowest loss, above it: replaces a loss that is not finite in the line search


@final
@dataclass(frozen=True, slots=True)
class Evaluation:
    """The argument of callbacks, after each evaluation of the loss."""

    taken: int
    position: float
    """Used share of the budget."""
    loss: float


@final
@dataclass(frozen=True, slots=True)
class Minimized:
    """The result of `lbfgs`."""

    loss: float
    """The lowest loss, which is that of the final parameters."""
    evaluations: int
    stopped_by: str
    """evaluations, callback, or converged: no step along the gradient lowers the loss."""


def lbfgs(
    parameters: Sequence[Tensor],
    loss: Callable[[], Float[Tensor, ""]],
    *,
    evaluations: int,
    history: int = 50,
    callbacks: Sequence[Callable[[Evaluation], bool | None]] = (),
) -> Minimized:
    """Minimize a loss over parameters, in place, with at most ``evaluations`` of it and its gradient.

    The loss must be the same function at every call: fixed points, no dropout. A callback that returns True ends the
    run. The parameters end where the loss was lowest; the line search backs off where it is not finite. Raises
    `DivergenceError` if it is not finite at the start.

    >>> x = torch.tensor([4.0, -3.0], requires_grad=True)
    >>> lbfgs([x], lambda: (x - 1).square().sum(), evaluations=9).stopped_by
    'converged'
    """
    if evaluations < 1:
        raise InputError(f"expected a number of evaluations above 0, got {evaluations}.")
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
            raise DivergenceError(f"expected a loss that is finite at the start, got {value}.")
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
