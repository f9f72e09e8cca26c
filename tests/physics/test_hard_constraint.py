"""Hard boundary conditions: values and derivatives against automatic ones of the same function, and in a fit."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

import ligeia as lg
from ligeia.core import random_stream
from ligeia.field import PhysicalField
from ligeia.physics import Constraint, HardConstraint, points_in, solve_output
from ligeia.signals import Axis, Channel, Grid

GRID = Grid((Axis(name="t", size=8, extent=(0.0, 3.0)), Axis(name="x", size=8, extent=(1.0, -1.0))))


def new_field(channels: int = 1) -> lg.Field:
    network = lg.Siren(2, 16, 1, channels, first_omega_0=4.0, hidden_omega_0=4.0, generator=random_stream(0, "test"))
    ranges = [Channel(name=f"u{each}", low=-1.0, high=2.0 + each) for each in range(channels)]
    return lg.Field(network, GRID, ranges).double()


def known(points: Tensor) -> Tensor:
    return torch.sin(points[:, 1:]) * points[:, :1] ** 2


def factor(points: Tensor) -> Tensor:
    return points[:, :1] * (1 - points[:, 1:] ** 2)


@pytest.mark.parametrize("channels", [1, 2])
def test_derivatives_are_those_of_the_whole_function(channels: int) -> None:
    u = HardConstraint(new_field(channels).physical, known, factor)
    points = torch.from_numpy(points_in(GRID, 40, generator=np.random.default_rng(0)))
    found = lg.derivatives(u, points, "", "t", "x", "tx", "tt+xx")
    wanted = lg.derivatives(u.__call__, points, "", "0", "1", "01", "00+11")
    for one, other in zip(found, wanted, strict=True):
        assert_close(one, other)
    assert_close(lg.derivatives(u, points, "xx"), lg.derivatives(u.__call__, points, "11"))


def test_the_slopes_of_a_loss_reach_the_weights() -> None:
    field = new_field()
    u = HardConstraint(field.physical, known, factor)
    points = torch.from_numpy(points_in(GRID, 40, generator=np.random.default_rng(0)))
    losses = [
        (lg.derivatives(u, points, "xx")[0] - 1).square().mean(),
        (lg.derivatives(u.__call__, points, "11")[0] - 1).square().mean(),
    ]
    for one, other in zip(*(torch.autograd.grad(each, list(field.parameters())) for each in losses), strict=True):
        assert_close(one, other)


def test_least_squares_solve_for_a_field_that_is_held() -> None:
    grid = Grid((Axis(name="x", size=8, extent=(0.0, 1.0)),))
    network = lg.Siren(1, 24, 0, 1, first_omega_0=8.0, generator=random_stream(0, "test"))
    field = lg.Field(network, grid).double()

    def held(u: PhysicalField) -> HardConstraint:
        return HardConstraint(u, lambda x: 2 * x, lambda x: x * (1 - x))

    def residual(u: PhysicalField, points: Tensor) -> Tensor:
        return lg.derivatives(held(u), points, "xx")[0] + math.pi**2 * torch.sin(math.pi * points)

    solve_output(field, [Constraint(residual, points_in(grid, 200, generator=np.random.default_rng(0)))])
    points = torch.linspace(0, 1, 33, dtype=torch.float64)[:, None]
    assert_close(held(field.physical)(points).detach(), 2 * points + torch.sin(math.pi * points), atol=1e-6, rtol=0.0)
