"""Constraints by a finite-difference oracle and closed forms, and the output layer by least squares."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

import ligeia as lg
from ligeia.core import InputError, ShapeError, random_stream
from ligeia.field import PhysicalField
from ligeia.physics import Constraint, Constraints, solve_output
from ligeia.signals import Axis, Channel, Grid
from support.sines import siren_of


def new_field(*, seed: int = 0, channels: int = 1, dtype: torch.dtype = torch.float32) -> lg.Field:
    axes = (Axis(name="x", size=8, extent=(0.0, 3.0)), Axis(name="y", size=8, extent=(-1.0, 1.0)))
    network = lg.Siren(2, 20, 1, channels, first_omega_0=3.0, hidden_omega_0=5.0, generator=random_stream(seed, "test"))
    ranges = [Channel(name=f"u{each}", low=-2.0, high=3.0 + each) for each in range(channels)]
    return lg.Field(network, Grid(axes), ranges).to(dtype)


def places(count: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).uniform(size=(count, 2))
    return drawn * [3.0, 2.0] - [0.0, 1.0]


def helmholtz(u: PhysicalField, points: Tensor, known: Tensor) -> Tensor:
    value, bend = lg.derivatives(u, points, "", "xx+yy")
    return bend + 4.0 * value - known


def border(u: PhysicalField, points: Tensor, known: Tensor) -> Tensor:
    return u(points) - known


def test_the_loss_is_the_weighted_sum_of_mean_squares_over_all_batches() -> None:
    field = new_field()
    inside, edge = places(60), places(12, seed=1)
    constraints = [
        Constraint(helmholtz, inside, (np.ones((60, 1)),), weight=2.0),
        Constraint(border, edge, (np.zeros((12, 1)),), weight=5.0),
    ]
    objective = Constraints(constraints, scale=4.0)
    assert objective.num_points == 72

    def step(axis: int, side: float) -> Tensor:
        moved = torch.from_numpy(inside.copy())
        moved[:, axis] += side
        return field.double().physical(moved)

    h = 1e-4
    value = step(0, 0.0)
    bends = [(step(axis, h) + step(axis, -h) - 2 * value) / h**2 for axis in (0, 1)]
    bend = bends[0] + bends[1]
    wanted = 2.0 * (bend + 4 * value - 1).square().mean()
    wanted += 5.0 * field.physical(torch.from_numpy(edge)).square().mean()
    field.float()
    order = np.random.default_rng(0).permutation(72)
    parts = [
        objective.loss(field, objective.batch(part, torch.device("cpu"))) * len(part) / 72
        for part in np.array_split(order, 3)
    ]
    assert_close(torch.stack(parts).sum().double(), wanted / 4.0, rtol=1e-4, atol=0.0)
    assert objective.quality(field).psnr_db == pytest.approx(-10 * np.log10(float(wanted.detach()) / 4), abs=1e-3)


@pytest.mark.parametrize("channels", [1, 2])
def test_least_squares_find_the_output_layer_of_a_field_from_its_equation(channels: int) -> None:
    truth = new_field(channels=channels, dtype=torch.float64)
    inside, edge = places(300), places(100, seed=1)

    def coupled(u: PhysicalField, points: Tensor, known: Tensor) -> Tensor:
        return helmholtz(u, points, known) + (u(points).flip(1) if channels == 2 else 0.0)

    def known(residual: object, at: np.ndarray) -> np.ndarray:
        points = torch.from_numpy(at)
        return residual(truth.physical, points, torch.zeros(len(at), channels)).detach().numpy()  # type: ignore[operator]

    constraints = [
        Constraint(coupled, inside, (known(coupled, inside),)),
        Constraint(border, edge, (known(border, edge),), weight=10.0),
    ]
    field = new_field(channels=channels, dtype=torch.float64)
    with torch.no_grad():
        siren_of(field).linears()[-1].weight.normal_(generator=random_stream(3, "test"))
    solve_output(field, constraints, ridge=1e-14)
    points = torch.from_numpy(places(50, seed=2))
    assert_close(field.physical(points), truth.physical(points), rtol=1e-5, atol=1e-5)


def test_a_residual_of_the_wrong_shape_is_refused() -> None:
    def one_axis(u: PhysicalField, points: Tensor) -> Tensor:
        return u(points)[:, 0]

    def one_number(u: PhysicalField, points: Tensor) -> Tensor:
        return u(points).mean()

    for wrong in (one_axis, one_number):
        objective = Constraints([Constraint(wrong, places(9))])
        with pytest.raises(ShapeError, match=r"a residual must be \(9, equations\)"):
            objective.loss(new_field(), objective.batch(np.arange(9), torch.device("cpu")))


def test_constraints_without_points_or_of_unequal_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="expected as many points, above 0, as rows of known quantities"):
        Constraint(border, places(0))
    with pytest.raises(InputError, match="got 4, 3"):
        Constraint(border, places(4), (np.zeros((3, 1)),))
    with pytest.raises(InputError, match="expected finite points and known quantities"):
        Constraint(border, places(4), (np.full((4, 1), np.nan),))
    with pytest.raises(InputError, match="a weight above 0"):
        Constraint(border, places(4), weight=0.0)


def test_points_outside_of_the_domain_are_refused_before_the_first_step() -> None:
    constraint = Constraint(border, np.array([[1.0, 0.0], [1.0, 1.5]]), (np.zeros((2, 1)),))
    wanted = "constraint 0: expected places within x 0 to 3, y -1 to 1, 1 of 2 lie outside, the first at index 1"
    with pytest.raises(InputError, match=wanted):
        solve_output(new_field(), [constraint])
    objective = Constraints([constraint])
    with pytest.raises(InputError, match=wanted):
        objective.loss(new_field(), objective.batch(np.arange(2), torch.device("cpu")))
