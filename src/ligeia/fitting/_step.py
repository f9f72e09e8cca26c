"""One step: gradients of a batch, and the move. Plain and compiled steps give the same weights but for rounding."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ligeia.core import thread_pool
from ligeia.field import Field
from ligeia.kernels import MOST_PER_SAMPLE, OutOfDomain, Shape, borrowed, fused_shape

from ._objectives import Averages, Objective, Values
from ._state import State

_PIECE = 1 << 16  # points whose activations are held at a time
_LEAST_SHARE = 128  # points that are worth a thread of their own
_LEAST_RATE = 0.1  # of the highest: below it a model is being cooled, and what bfloat16 cost is made good in float32
_FINE_LOSS = 4 * 10**-3.6  # 36 dB while hot, some 45 dB when cooled

TakeStep = Callable[[State, Objective, np.ndarray], float]
"""Moves the weights by one batch and returns its loss."""


@contextmanager
def stepping(field: Field, objective: Objective) -> Iterator[TakeStep]:
    """Open the fastest step there is for a field and an objective, on as many threads as torch has."""
    if next(field.parameters()).device.type != "cpu":
        yield autograd_step
        return
    num_threads = torch.get_num_threads()
    with thread_pool() as pool:
        plain = partial(autograd_step, pool=pool, num_threads=num_threads)
        shape = fused_shape(list(field.network.parameters()), field.network.omegas(), num_threads)
        if shape is None or not _is_fused(objective):
            yield plain
        else:
            yield partial(fused_step, shape=shape, otherwise=plain)


def _is_fused(objective: Objective) -> bool:
    if not isinstance(objective, Values | Averages):
        return False
    return objective.is_plain and len(objective.weights) <= MOST_PER_SAMPLE


def autograd_step(
    state: State,
    objective: Objective,
    indices: np.ndarray,
    *,
    pool: ThreadPoolExecutor | None = None,
    num_threads: int = 1,
) -> float:
    """Take one step with autograd's gradients, and return the loss of the batch.

    The batch is cut into pieces that depend on its size and on ``num_threads`` alone; their gradients add up in a
    fixed order to that of the batch, so that a step gives the same bits each time.
    """
    parameters = state.moments.parameters
    device = parameters[0].device

    def gradients(piece: np.ndarray) -> tuple[float, tuple[Tensor, ...]]:
        loss = objective.loss(state.field, objective.batch(piece, device)) * (len(piece) / len(indices))
        return float(loss.detach()), torch.autograd.grad(loss, parameters, materialize_grads=True)

    num_pieces = max(-(-len(indices) // _PIECE), min(num_threads, len(indices) // _LEAST_SHARE), 1)
    pieces = np.array_split(indices, num_pieces)
    total = 0.0
    whole: list[Tensor] = []
    for loss, parts in map(gradients, pieces) if pool is None else pool.map(gradients, pieces):
        total += loss
        whole = [each.add_(part) for each, part in zip(whole, parts, strict=True)] if whole else list(parts)
    state.moments.step(whole, state.learning_rate)
    return total


def fused_step(state: State, objective: Objective, indices: np.ndarray, *, shape: Shape, otherwise: TakeStep) -> float:
    """Take one step of Adam on the mean squared error in compiled code, and return the loss of the batch.

    It goes on with the moments of `autograd_step`, so that both kinds of step can follow each other; ``otherwise``
    steps in where a phase could leave the domain of the kernels.
    """
    moments = state.moments
    hot = state.learning_rate > _LEAST_RATE * moments.settings.learning_rate * state.progress.rate_factor
    shape = shape._replace(bfloat16=shape.bfloat16 and hot and not state.progress.loss < _FINE_LOSS)
    assert isinstance(objective, Values | Averages)
    points, values = objective.batch(indices, moments.parameters[0].device)
    try:
        with borrowed(shape) as network:
            loss = network.adam_step(
                moments.parameters,
                [moments.first, moments.second],
                points,
                values,
                moments.next_step(state.learning_rate),
                objective.weights,
            )
    except OutOfDomain:
        return otherwise(state, objective, indices)
    moments.num_steps += 1
    return loss
