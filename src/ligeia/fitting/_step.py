"""One step: gradients of a batch, and the move. Fast paths are other functions of the same form."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch

from ligeia.core import thread_pool
from ligeia.field import Field

from ._objectives import Objective

_PIECE = 1 << 16  # points whose activations are held at a time
_LEAST_SHARE = 128  # points that are worth a thread of their own

TakeStep = Callable[[Field, Objective, np.ndarray, torch.optim.Optimizer], float]
"""Moves the weights by one batch and returns its loss."""


def autograd_step(
    field: Field,
    objective: Objective,
    indices: np.ndarray,
    optimizer: torch.optim.Optimizer,
    *,
    pool: ThreadPoolExecutor | None = None,
    num_threads: int = 1,
) -> float:
    """Take one step with autograd's gradients, and return the loss of the batch.

    The batch is cut into pieces that depend on its size and on ``num_threads`` alone; their gradients add up in a
    fixed order to that of the batch, so that a step gives the same bits each time.
    """
    parameters = list(field.network.parameters())
    device = parameters[0].device

    def gradients(piece: np.ndarray) -> tuple[float, tuple[torch.Tensor, ...]]:
        loss = objective.loss(field, objective.batch(piece, device)) * (len(piece) / len(indices))
        return float(loss.detach()), torch.autograd.grad(loss, parameters, materialize_grads=True)

    num_pieces = max(-(-len(indices) // _PIECE), min(num_threads, len(indices) // _LEAST_SHARE), 1)
    pieces = np.array_split(indices, num_pieces)
    total = 0.0
    for parameter in parameters:
        parameter.grad = None
    for loss, parts in map(gradients, pieces) if pool is None else pool.map(gradients, pieces):
        total += loss
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part if parameter.grad is None else parameter.grad.add_(part)
    optimizer.step()
    return total


@contextmanager
def stepping(device: torch.device) -> Iterator[TakeStep]:
    """Open an `autograd_step` on as many threads as torch has, each with a share of the batch."""
    num_threads = torch.get_num_threads()
    if device.type != "cpu":
        yield autograd_step
        return
    with thread_pool() as pool:
        yield partial(autograd_step, pool=pool, num_threads=num_threads)
