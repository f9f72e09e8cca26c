"""Linear equations against closed forms."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import ligeia as lg
from ligeia.core import InputError
from ligeia.equations import solve_linear
from ligeia.field import PhysicalField
from ligeia.physics import Constraint
from ligeia.signals import Axis, Grid
from support.sines import siren_of

Known = Callable[[np.ndarray], np.ndarray]
_POISSON = Grid((Axis(name="x", size=32), Axis(name="y", size=32)))
_WAVE = Grid((Axis(name="x", size=32, extent=(0.0, 1.0)), Axis(name="t", size=32, extent=(0.0, 1.0))))
_SPEED = 6.0


def places(grid: Grid, count: int, *, axis: int | None = None, end: int = 0, seed: int = 0) -> np.ndarray:
    """Return points of a domain, or of the end of one axis."""
    low, high = np.array([each.extent for each in grid.axes]).T
    points = low + (high - low) * np.random.default_rng(seed).random((count, grid.num_axes))
    if axis is not None:
        points[:, axis] = grid.axes[axis].extent[end]
    return points


def value(u: PhysicalField, points: Tensor, known: Tensor) -> Tensor:
    return u(points) - known


def at_ends(grid: Grid, axis: int, known: Known) -> list[Constraint]:
    ends = [places(grid, 100, axis=axis, end=end, seed=1 + end) for end in (0, 1)]
    return [Constraint(value, each, (known(each),)) for each in ends]


def relative_error(field: lg.Field, known: Known) -> float:
    points = places(field.grid, 2000, seed=9)
    wanted = known(points)
    with torch.no_grad():
        found = field.physical(torch.from_numpy(points).float()).numpy()
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def poisson(*, unlike: float = 1.0) -> tuple[list[Constraint], Known]:
    """Return -laplacian u = f on a square with u = 0 on its border; the equation is multiplied by ``unlike``."""

    def known(points: np.ndarray) -> np.ndarray:
        x, y = points[:, :1], points[:, 1:]
        return np.sin(math.pi * x) * np.sin(math.pi * y) + 0.5 * np.sin(2 * math.pi * x) * np.sin(3 * math.pi * y)

    def source(points: np.ndarray) -> np.ndarray:
        x, y = points[:, :1], points[:, 1:]
        slow = 2 * np.sin(math.pi * x) * np.sin(math.pi * y)
        return math.pi**2 * (slow + 6.5 * np.sin(2 * math.pi * x) * np.sin(3 * math.pi * y))

    def equation(u: PhysicalField, points: Tensor, source: Tensor) -> Tensor:
        return unlike * (lg.derivatives(u, points, "xx+yy")[0] + source)

    inside = places(_POISSON, 1200)
    border = [each for axis in (0, 1) for each in at_ends(_POISSON, axis, known)]
    return [Constraint(equation, inside, (source(inside),)), *border], known


@pytest.mark.parametrize("unlike", [1.0, 1e-4])
def test_poissons_equation_is_solved_whatever_its_unit(unlike: float) -> None:
    constraints, known = poisson(unlike=unlike)
    solved = solve_linear(constraints, _POISSON, hidden_features=320)
    assert relative_error(solved.field, known) < 1e-4
    assert solved.relative_residual < 1e-3
    reach = solved.field.channels[0].high
    assert float(solved.field.sample().abs().max()) == pytest.approx(reach, rel=1e-3)


def test_frequencies_are_found_that_differ_between_space_and_time() -> None:
    def known(points: np.ndarray) -> np.ndarray:
        x, t = points[:, :1], points[:, 1:]
        slow = np.sin(math.pi * x) * np.cos(_SPEED * math.pi * t)
        return slow + np.sin(2 * math.pi * x) * np.cos(2 * _SPEED * math.pi * t)

    def equation(u: PhysicalField, points: Tensor) -> Tensor:
        in_time, in_space = lg.derivatives(u, points, "tt", "xx")
        return in_time - _SPEED**2 * in_space

    def start(u: PhysicalField, points: Tensor, known: Tensor) -> Tensor:
        now, speed = lg.derivatives(u, points, "", "t")
        return torch.cat([now - known, speed / _SPEED], dim=1)

    first = places(_WAVE, 200, axis=1)
    constraints = [
        Constraint(equation, places(_WAVE, 1500)),
        Constraint(start, first, (known(first),)),
        *at_ends(_WAVE, 0, known),
    ]
    solved = solve_linear(constraints, _WAVE, hidden_features=320)
    assert relative_error(solved.field, known) < 0.01
    assert solved.relative_residual < 0.01
    along_x, along_t = siren_of(solved.field).linears()[0].weight.detach().abs().amax(dim=0).tolist()
    assert along_t > 2 * along_x


def test_two_channels_are_solved_for_together() -> None:
    grid = Grid((Axis(name="t", size=32, extent=(0.0, 3.0)),))

    def turning(u: PhysicalField, points: Tensor) -> Tensor:
        now, speed = lg.derivatives(u, points, "", "t")
        return speed - 4 * torch.stack([-now[:, 1], now[:, 0]], dim=1)

    def known(points: np.ndarray) -> np.ndarray:
        return np.concatenate([np.cos(4 * points), np.sin(4 * points)], axis=1)

    constraints = [
        Constraint(turning, places(grid, 300)),
        Constraint(value, np.zeros((1, 1)), (np.array([[1.0, 0.0]]),)),
    ]
    solved = solve_linear(constraints, grid, channels=("cosine", "sine"), hidden_features=48)
    assert relative_error(solved.field, known) < 1e-3
    assert [each.name for each in solved.field.channels] == ["cosine", "sine"]


def test_frequencies_that_are_given_are_taken() -> None:
    constraints, known = poisson()
    solved = solve_linear(constraints, _POISSON, hidden_features=256, first_omegas=(20.0, 24.0))
    assert relative_error(solved.field, known) < 1e-3
    weight = siren_of(solved.field).linears()[0].weight.detach().abs() * 30.0
    assert weight[:, 0].max() == pytest.approx(10.0, rel=0.05)  # omega over the number of axes
    assert weight[:, 1].max() == pytest.approx(12.0, rel=0.05)


def test_what_cannot_be_solved_for_is_refused() -> None:
    def squared(u: PhysicalField, points: Tensor) -> Tensor:
        return u(points).square() - 1

    def unrelated(u: PhysicalField, points: Tensor) -> Tensor:
        return points[:, :1]

    def absent(u: PhysicalField, points: Tensor) -> Tensor:
        return 0 * u(points)

    def zero(u: PhysicalField, points: Tensor) -> Tensor:
        return u(points)

    inside = places(_POISSON, 50)
    for residual, points, message in (
        (squared, inside, "number 0 is not; `fitting.fit`"),
        (unrelated, inside, "a residual that depends on the field"),
        (absent, inside, "number 0 does not"),
        (zero, inside, "a field of zeros does not meet"),
    ):
        with pytest.raises(InputError, match=message):
            solve_linear([Constraint(residual, points)], _POISSON, hidden_features=16)
    around = Grid((Axis(name="a", size=8, is_periodic=True),))
    with pytest.raises(InputError, match="expected axes that are not periodic"):
        solve_linear([Constraint(zero, inside[:, :1])], around)
    with pytest.raises(InputError, match="expected 2 first omegas"):
        solve_linear(poisson()[0], _POISSON, first_omegas=(20.0,), hidden_features=16)
