"""The result of solving a differential equation, and helpers shared by all solvers."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Num

from ligeia.field import Field
from ligeia.signals import Channel


@final
@dataclass(frozen=True, slots=True)
class Solved:
    """A field that solves an equation."""

    field: Field
    seconds: float
    relative_residual: float
    """Root mean square of the residual at held-out points, relative to that of a field of zeros."""
    relative_l2: float | None
    """Distance from the closed form; None if there is no such form."""


def with_range(field: Field, low: float | None = None, high: float | None = None) -> Field:
    """Return the same field with channels from ``low`` to ``high``; by default as far as its values reach around 0."""
    if low is None or high is None:
        high = float(field.sample().abs().max())
        low = -high
    channels = [Channel(name=each.name, low=low, high=high) for each in field.channels]
    found = Field(field.network, field.grid, channels, field.source)
    output = field.network.output_layer()
    assert output is not None  # of a field that was solved for
    with torch.no_grad():
        ratio, shift = field.half_range / found.half_range, (field.middle - found.middle) / found.half_range
        output.weight.mul_(ratio[:, None].to(output.weight))
        output.bias.mul_(ratio.to(output.bias)).add_(shift.to(output.bias))
    return found.to(output.weight)


def relative_l2(found: Num[np.ndarray, " n"], wanted: Num[np.ndarray, " n"]) -> float:
    """Return the norm of the difference, relative to that of the reference."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
