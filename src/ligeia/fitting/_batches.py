"""The points of each step: all of them, or shuffled mini-batches without replacement."""

from typing import Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int

from ligeia.core import random_stream


@runtime_checkable  # the tests check types as they run
class Batches(Protocol):
    """The batches of a fit, by step. Any step can be requested, so that a resumed fit continues where it stopped."""

    def __getitem__(self, step: int) -> Int[np.ndarray, " n"]:
        """Return the flat indices of the points that step ``step`` (from 0) sees."""
        ...


@final
class ShuffledBatches:
    """Mini-batches of points that are all in memory.

    Every pass is a fresh permutation, cut into batches whose sizes differ by at most one, so no step gets a small
    remainder. ``batch_size=None`` is the full batch, in order.
    """

    def __init__(self, num_points: int, batch_size: int | None, seed: int) -> None:
        self.num_points = num_points
        size = num_points if batch_size is None else min(batch_size, num_points)
        self.num_per_pass = -(-num_points // size)
        self._seed = seed
        self._pass = -1
        self._order = np.arange(num_points)

    def __getitem__(self, step: int) -> Int[np.ndarray, " n"]:
        """Return the flat indices of the points that step ``step`` (from 0) sees."""
        number, position = divmod(step, self.num_per_pass)
        if self.num_per_pass > 1 and number != self._pass:
            stream = random_stream(self._seed, "batches", number)
            self._order = torch.randperm(self.num_points, generator=stream).numpy()
            self._pass = number
        start = position * self.num_points // self.num_per_pass
        stop = (position + 1) * self.num_points // self.num_per_pass
        return self._order[start:stop]
