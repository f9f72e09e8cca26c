"""One step: gradients of a batch, and the update. Plain and compiled steps give the same weights up to rounding."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ligeia.core import num_threads, thread_pool
from ligeia.field import Field
from ligeia.kernels import MOST_PER_SAMPLE, OutOfDomain, Shape, workspace

from ._objective import LeastSquares, Objective
from ._recipe import GradientSteps, Optimizer
from ._state import State
from .optimizers._adam import Adam, AdamState

_PIECE = 1 << 16  # points whose activations are held at a time
_LEAST_SHARE = 128  # points that are worth a separate thread
_LEAST_RATE = 0.1  # of the highest: below it the fit uses float32, to recover the losses of bfloat16
_FINE_LOSS = 4 * 10**-3.6  # 36 dB at a high rate, some 45 dB once it has decayed

TakeStep = Callable[[State, Objective, np.ndarray], float]
"""Updates the weights from one batch and returns its loss."""

Gradients = Callable[[np.ndarray], tuple[float, list[Tensor]]]
"""The loss of a batch and its gradients for the network's parameters."""


@contextmanager
def stepping(field: Field, objective: Objective, optimizer: Optimizer) -> Iterator[TakeStep]:
    """Open the fastest step available for a field and an objective, on as many threads as torch has."""
    with gradients_of(field, objective) as gradients:
        plain = partial(plain_step, gradients=gradients)
        shape = fused_shape(field, objective)
        if shape is None or not isinstance(objective, LeastSquares) or not isinstance(optimizer, Adam):
            yield plain
            return

        def fused(state: State, _: Objective, indices: np.ndarray) -> float:
            return fused_step(state, objective, indices, shape=shape, otherwise=plain)

        yield fused


@contextmanager
def gradients_of(field: Field, objective: Objective) -> Iterator[Gradients]:
    """Open autograd's gradients for a field and an objective, on as many threads as torch has."""
    if next(field.parameters()).device.type != "cpu":
        yield partial(autograd_gradients, field, objective)
        return
    with thread_pool() as pool:
        yield partial(autograd_gradients, field, objective, pool=pool, num_threads=num_threads())


def fused_shape(field: Field, objective: Objective) -> Shape | None:
    """Return the shape of the compiled network that can take the steps of a fit, None if none can."""
    if not isinstance(objective, LeastSquares) or len(objective.weights) > MOST_PER_SAMPLE:
        return None
    return field.network.fused_shape()


def plain_step(state: State, objective: Objective, indices: np.ndarray, *, gradients: Gradients) -> float:
    """Take one step of the optimizer, and return the loss of the batch."""
    loss, found = gradients(indices)
    assert isinstance(state.optimizer_state, GradientSteps)
    state.optimizer_state.step(found, state.learning_rate)
    return loss


def autograd_step(state: State, objective: Objective, indices: np.ndarray) -> float:
    """Take one step of the optimizer with autograd's gradients on one thread, and return the loss of the batch."""
    return plain_step(state, objective, indices, gradients=partial(autograd_gradients, state.field, objective))


def autograd_gradients(
    field: Field,
    objective: Objective,
    indices: np.ndarray,
    *,
    pool: ThreadPoolExecutor | None = None,
    num_threads: int = 1,
) -> tuple[float, list[Tensor]]:
    """Return the loss of a batch and its gradients by autograd.

    The batch is cut into pieces that depend on its size and on ``num_threads`` alone; their gradients add up in a
    fixed order to that of the batch, so that a step gives the same bits each time.
    """
    parameters = list(field.network.parameters())
    device = parameters[0].device

    def gradients(piece: np.ndarray) -> tuple[float, tuple[Tensor, ...]]:
        loss = objective.loss(field, objective.batch(piece, device)) * (len(piece) / len(indices))
        return float(loss.detach()), torch.autograd.grad(loss, parameters, materialize_grads=True)

    num_pieces = max(-(-len(indices) // _PIECE), min(num_threads, len(indices) // _LEAST_SHARE), 1)
    pieces = np.array_split(indices, num_pieces)
    total = 0.0
    whole: list[Tensor] = []
    for loss, parts in map(gradients, pieces) if pool is None else pool.map(gradients, pieces):
        total += loss
        whole = [each.add_(part) for each, part in zip(whole, parts, strict=True)] if whole else list(parts)
    return total, whole


def fused_step(
    state: State, objective: LeastSquares, indices: np.ndarray, *, shape: Shape, otherwise: TakeStep
) -> float:
    """Take one step of Adam on the mean squared error in compiled code, and return the loss of the batch.

    It shares its moments with `autograd_step`, so the two can be mixed; ``otherwise`` takes the step if a phase could
    leave the domain of the kernels.
    """
    moments = state.optimizer_state
    assert isinstance(moments, AdamState)
    hot = state.learning_rate > _LEAST_RATE * moments.settings.learning_rate * state.progress.rate_factor
    shape = shape._replace(bfloat16=shape.bfloat16 and hot and not state.progress.loss < _FINE_LOSS)
    batch = objective.batch(indices, moments.parameters[0].device)
    inputs, targets = objective.inputs_and_targets(state.field, batch)
    try:
        with workspace(shape) as network:
            loss = network.adam_step(
                moments.parameters,
                [moments.first, moments.second],
                inputs,
                targets,
                moments.next_step(state.learning_rate),
                objective.weights,
            )
    except OutOfDomain:
        return otherwise(state, objective, indices)
    moments.num_steps += 1
    return loss
