"""Constraints on a field's values and derivatives at points (Sitzmann et al. 2020, eq. 1).

``C_m(a_m(x), Phi(x), grad Phi(x), ...) = 0`` for x in Omega_m: ``points`` are places of Omega_m, ``known`` is a_m
there, ``residual`` is C_m. A new application is a new residual, not a new trainer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.core import InputError, ShapeError
from ligeia.field import Field
from ligeia.fitting import Batches, Quality, ShuffledBatches
from ligeia.metrics import decibels
from ligeia.signals import Grid

Residual: TypeAlias = Callable[..., Tensor]
"""Maps a field of physical coordinates, points ``(n, d)`` and known quantities there, each ``(n, k)``, to residuals
``(n, r)`` that should be 0, row by row."""

_PIECE = 1 << 13  # points that are measured at a time


@final
@dataclass(frozen=True, eq=False)
class Constraint:
    """A residual to be minimized at points: ``residual(field, points, *known)``, in the mean square, times ``weight``.

    ``points`` are physical coordinates, each axis in the unit of its extent. The residual gets a field that accepts
    these, and whose `ligeia.derivatives` are per these units.
    """

    residual: Residual
    points: Float[np.ndarray, "n d"]
    known: tuple[Float[np.ndarray, "_ _"], ...] = ()
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.known, tuple):
            raise InputError(f"expected a tuple of arrays as known quantities, got {type(self.known).__name__}.")
        if any(each.ndim != 2 for each in (self.points, *self.known)):
            shapes = ", ".join(str(each.shape) for each in (self.points, *self.known))
            raise InputError(f"expected points (n, d) and known quantities (n, k), got {shapes}; use `known[:, None]`.")
        if not all(np.isfinite(each).all() for each in (self.points, *self.known)):
            raise InputError("expected finite points and known quantities, got NaN or infinity.")
        if len(self.points) == 0 or any(len(each) != len(self.points) for each in self.known):
            sizes = ", ".join(str(len(each)) for each in (self.points, *self.known))
            raise InputError(f"expected as many points, above 0, as rows of known quantities, got {sizes}.")
        if not (0 < self.weight < np.inf):
            raise InputError(f"expected a weight above 0 for a constraint, got {self.weight}.")


@final
class Constraints:
    """Fit a field to constraints: the loss is the sum of their weighted mean squared residuals.

    A batch has points of all constraints, in proportion to their numbers of points. ``scale`` divides the loss, so that
    an untrained field has about 1. ``measure`` returns the quality in decibels if there is a reference; by default the
    quality is the loss.
    """

    finest_db = np.inf
    constant_db = -np.inf

    def __init__(
        self,
        constraints: Sequence[Constraint],
        *,
        scale: float = 1.0,
        measure: Callable[[Field], float] | None = None,
    ) -> None:
        self.constraints = tuple(constraints)
        self._scale, self._measure = scale, measure
        self._starts = np.cumsum([0, *(len(each.points) for each in constraints)])
        self._kept: list[list[Tensor]] = []
        self._device: torch.device | None = None
        self._checked_on: Grid | None = None

    @property
    def num_points(self) -> int:
        """Number of points of all constraints."""
        return int(self._starts[-1])

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit, shuffled."""
        return ShuffledBatches(self.num_points, batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> list[tuple[int, list[Tensor]]]:
        """Return, for each constraint with some of the points ``indices``, these and the known quantities there."""

        def to_tensor(part: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(part)).to(device, torch.float32)

        if self._device != device:
            self._kept = [[to_tensor(part) for part in (each.points, *each.known)] for each in self.constraints]
            self._device = device
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        batches = []
        for number in range(len(self.constraints)):
            own = torch.from_numpy(indices[owners == number] - self._starts[number]).to(device)
            if len(own):
                batches.append((number, [part.index_select(0, own) for part in self._kept[number]]))
        return batches

    def loss(self, field: Field, batch: list[tuple[int, list[Tensor]]]) -> Float[Tensor, ""]:
        """Return the part of the loss that the points of a batch stand for, times all points over those."""
        if self._checked_on is not field.grid:
            check_places(self.constraints, field.grid)
            self._checked_on = field.grid
        num_points = sum(len(parts[0]) for _, parts in batch)
        total = torch.zeros((), device=batch[0][1][0].device)
        for number, (points, *known) in batch:
            constraint = self.constraints[number]
            found = checked(constraint.residual(field.physical, points, *known), points)
            factor = constraint.weight * self.num_points / len(constraint.points) / num_points
            total = total + factor * found.square().mean(dim=1).sum()
        return total / self._scale

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Measure the field, with ``measure`` on all points if it is given."""
        if self._measure is not None:
            return Quality(self._measure(field), self.num_points)
        count = self.num_points if most_points is None else min(most_points, self.num_points)
        indices = np.linspace(0, self.num_points - 1, count).astype(np.int64)
        device = next(field.parameters()).device
        total = 0.0
        for piece in np.array_split(indices, -(-count // _PIECE)):
            with torch.no_grad():
                total += float(self.loss(field, self.batch(piece, device))) * len(piece) / count
        return Quality(decibels(total, peak=1.0), count)


def residuals(field: Field, constraint: Constraint) -> Float[Tensor, "n r"]:
    """Return the residual at all points of a constraint, without a graph, in the field's dtype."""
    check_places([constraint], field.grid)
    like, parts = next(field.parameters()), (constraint.points, *constraint.known)
    found = []
    for piece in np.array_split(np.arange(len(constraint.points)), -(-len(constraint.points) // _PIECE)):
        points, *known = (torch.from_numpy(np.ascontiguousarray(part[piece])).to(like) for part in parts)
        with torch.no_grad():
            found.append(checked(constraint.residual(field.physical, points, *known), points))
    return torch.cat(found)


def check_places(constraints: Sequence[Constraint], grid: Grid) -> None:
    """Raise `InputError` if a constraint has points outside of a domain."""
    for number, each in enumerate(constraints):
        grid.from_physical_within(each.points, f"constraint {number}")


def checked(residual: Tensor, points: Tensor) -> Float[Tensor, "n r"]:
    """Return a residual; `ShapeError` unless it has one row per point."""
    if not isinstance(residual, Tensor) or residual.ndim != 2 or len(residual) != len(points):
        came = tuple(residual.shape) if isinstance(residual, Tensor) else type(residual).__name__
        raise ShapeError(f"a residual must be ({len(points)}, equations) for these points, got {came}.")
    return residual
