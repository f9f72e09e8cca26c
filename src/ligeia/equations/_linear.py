"""Solves any linear equation by one layer of sine waves: output by least squares, frequencies by a search.

The residuals at held-out points show which frequencies are right: if they are too low, the waves cannot follow the
solution; if they are too high, the equation holds only at the points used.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from ligeia.core import InputError, checked_device, random_stream
from ligeia.field import Field
from ligeia.networks import SirenArchitecture
from ligeia.physics import Constraint, balance_weights, residuals, solve_output
from ligeia.signals import Channel, Grid

from ._solution import Solved, with_range

_FIRST = 16.0  # radians per unit coordinate: where the search begins, and what constraints are balanced for
_SEARCH_WIDTH, _SEARCH_POINTS = 2, 4  # waves for each one of the search; points per wave of it
_OMEGA = 30.0  # of the first layer when built; spreads the phases of the waves over full periods
_CHECKED, _ROUNDING = 64, 1e-9  # points at which linearity is checked; tolerance, relative to the residual
_KEPT_BACK, _MOST_KEPT_BACK = 5, 4096  # one point in 5 is held out, at most 4096 per constraint


def solve_linear(
    constraints: Sequence[Constraint],
    grid: Grid,
    *,
    channels: Sequence[str] = ("u",),
    hidden_features: int = 512,
    first_omegas: Sequence[float] | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Solved:
    """Return the field on a grid that best meets constraints, each linear in the field.

    ``grid`` is the domain, ``channels`` names the field's values. ``first_omegas`` are the first layer's frequencies
    along each axis, in radians per unit coordinate; without them they are found on a narrower layer, by doubling and
    halving them. A fifth of each constraint's points is held out, for this search and for the returned residual. The
    constraints are balanced for waves of 16 radians per unit coordinate (`physics.balance_weights`), so a weight of 1
    suits most.

    >>> import ligeia as lg
    >>> grid = lg.Grid.of((64,))
    >>> def oscillator(u, points):
    ...     value, bend = lg.derivatives(u, points, "", "00")
    ...     return bend + 25 * value
    >>> def start(u, points):
    ...     value, slope = lg.derivatives(u, points, "", "0")
    ...     return torch.cat([value - 1, slope], dim=1)
    >>> inside = Constraint(oscillator, np.linspace(-1, 1, 200)[:, None])
    >>> ends = Constraint(start, np.zeros((1, 1)))
    >>> solved = solve_linear([inside, ends], grid, hidden_features=32)
    >>> bool(abs(solved.field(torch.tensor([0.6])) - np.cos(3)) < 1e-3)
    True
    """
    began = time.perf_counter()
    if grid.num_inputs > grid.num_axes:
        raise InputError("expected axes that are not periodic, got a periodic one; leave `is_periodic` out.")
    place = checked_device(device)

    def waves(width: int, omegas: Sequence[float]) -> Field:
        return _waves(grid, channels, width, omegas, seed).to(place)

    reference = waves(hidden_features, [_FIRST] * grid.num_axes)
    _check_linear(reference, constraints)
    used, kept_back = _split(balance_weights(constraints, reference, seed=seed), np.random.default_rng(seed))
    nothing = _loss(_scaled(reference, 0.0), kept_back)
    if nothing == 0:
        raise InputError("expected constraints that a field of zeros does not meet.")

    def narrow_loss(omegas: tuple[float, ...]) -> float:
        width = max(1, hidden_features // _SEARCH_WIDTH)
        field = _scaled(waves(width, omegas), 0.0)
        solve_output(field, used, most_points=_SEARCH_POINTS * width, seed=seed)
        return _loss(field, kept_back)

    if first_omegas is None:
        first_omegas = _search(narrow_loss, (_FIRST,) * grid.num_axes)
    field = _scaled(waves(hidden_features, first_omegas), 0.0)
    solve_output(field, used, seed=seed)
    field = with_range(field.float())
    return Solved(field, time.perf_counter() - began, (_loss(field, kept_back) / nothing) ** 0.5, None)


def _waves(grid: Grid, channels: Sequence[str], width: int, omegas: Sequence[float], seed: int) -> Field:
    if len(omegas) != grid.num_axes:
        raise InputError(f"expected {grid.num_axes} first omegas, one per axis, got {len(omegas)}.")
    siren = SirenArchitecture(hidden_features=width, hidden_layers=0, omegas=_OMEGA)
    generator = random_stream(seed, "initial weights")
    network = siren.build(grid.num_axes, len(channels), frequencies=omegas, generator=generator)
    return Field(network, grid, [Channel(name=name, low=-1.0, high=1.0) for name in channels]).double()


def _scaled(field: Field, factor: float) -> Field:
    """Multiply the output weights of a field, in place."""
    with torch.no_grad():
        for each in field.network.tensors()[-2:]:
            each.mul_(factor)
    return field


def _search(loss: Callable[[tuple[float, ...]], float], start: tuple[float, ...]) -> tuple[float, ...]:
    """Return where a loss is less than twice or half as far along any axis, or along all of them."""
    known, best = {}, start
    while True:
        for factor in (0.5, 1.0, 2.0):
            along = [tuple(w * factor if k == axis else w for k, w in enumerate(best)) for axis in range(len(best))]
            for omegas in (*along, tuple(w * factor for w in best)):
                if omegas not in known:
                    known[omegas] = loss(omegas)
        lowest = min(known, key=lambda omegas: known[omegas])
        if lowest == best:
            return best
        best = lowest


def _check_linear(field: Field, constraints: Sequence[Constraint]) -> None:
    """Raise unless residuals are linear in the field; it is scaled in place."""
    few = [_part(each, np.arange(min(len(each.points), _CHECKED))) for each in constraints]
    found = []
    for factor in (1.0, 2.0, 0.0):
        field = _scaled(field, factor)
        found.append([residuals(field, each) for each in few])
    for number, (once, twice, never) in enumerate(zip(*found, strict=True)):
        if float((twice - 2 * once + never).abs().max()) > _ROUNDING * float(torch.cat([twice, never]).abs().max()):
            raise InputError(
                f"expected residuals that are linear in the field, and number {number} is not; `fitting.fit` holds "
                "a field to any, as `physics.Constraints`."
            )


def _loss(field: Field, constraints: Sequence[Constraint]) -> float:
    return sum(each.weight * float(residuals(field, each).square().mean()) for each in constraints)


def _part(constraint: Constraint, rows: np.ndarray) -> Constraint:
    return replace(constraint, points=constraint.points[rows], known=tuple(each[rows] for each in constraint.known))


def _split(
    constraints: Sequence[Constraint], generator: np.random.Generator
) -> tuple[list[Constraint], list[Constraint]]:
    """Return constraints at the points to use and at the held-out ones; if there are few, all serve as both."""
    used, kept_back = [], []
    for each in constraints:
        order = generator.permutation(len(each.points))
        count = min(len(order) // _KEPT_BACK, _MOST_KEPT_BACK)
        used.append(_part(each, order[count:]))
        kept_back.append(_part(each, order[:count]) if count else each)
    return used, kept_back
