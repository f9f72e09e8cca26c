"""Derivatives by name: closed forms, and the nested operators."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia import calculus
from ligeia.calculus import JetPlan, derivatives, parse_derivative, plan_jet
from ligeia.core import InputError, random_stream
from ligeia.field import Field
from ligeia.networks import Siren
from ligeia.signals import Axis, Channel, Grid


def heat_kernel(points: Tensor) -> Tensor:
    """Of (t, x, y): it solves u_t = u_xx + u_yy."""
    t, x, y = points.unbind(1)
    return (torch.exp(-(x**2 + y**2) / (4 * t)) / t)[:, None]


def field_of(*, is_periodic: bool = False) -> Field:
    axes = (
        Axis(name="t", size=8, extent=(1.0, 4.0)),
        Axis(name="x", size=8, extent=(0.0, 10.0), is_periodic=is_periodic),
        Axis(name="y", size=8, extent=(-5.0, 5.0)),
    )
    grid = Grid(axes)
    network = Siren(
        grid.num_inputs, 24, 1, 2, first_omega_0=2.0, hidden_omega_0=3.0, generator=random_stream(0, "test")
    )
    return Field(network, grid, [Channel(name="u", low=0.0, high=8.0), Channel(name="v", low=-3.0, high=1.0)]).double()


def test_a_heat_kernel_solves_the_heat_equation() -> None:
    points = torch.rand(20, 3, dtype=torch.float64, generator=random_stream(0, "test")) + 0.5
    u_t, bend, value = derivatives(heat_kernel, points, "0", "11+22", "")
    assert_close(u_t, bend)
    assert_close(value, heat_kernel(points))


@pytest.mark.parametrize("is_periodic", [False, True])
@pytest.mark.parametrize("is_physical", [False, True])
def test_derivatives_of_a_field_are_those_of_nested_differentiation(is_periodic: bool, is_physical: bool) -> None:
    field = field_of(is_periodic=is_periodic)
    function = field.physical if is_physical else field
    low, high = torch.tensor([1.0, 0.0, -5.0]), torch.tensor([4.0, 10.0, 5.0])
    points = torch.rand(30, 3, dtype=torch.float64, generator=random_stream(0, "test"))
    points = low + points * (high - low) if is_physical else 2 * points - 1
    points = points.double()
    wanted = ["", "t", "y", "xx", "ty", "tt+xx", "x+y+yy", "02"]
    found = derivatives(function, points, *wanted)
    slopes, bends = calculus.jacobian(function, points), calculus.hessian(function, points)
    right = [
        function(points),
        slopes[..., 0],
        slopes[..., 2],
        bends[..., 1, 1],
        bends[..., 0, 2],
        bends[..., 0, 0] + bends[..., 1, 1],
        slopes[..., 1] + slopes[..., 2] + bends[..., 2, 2],
        bends[..., 0, 2],
    ]
    for name, mine, theirs in zip(wanted, found, right, strict=True):
        assert_close(mine, theirs, rtol=1e-10, atol=1e-10, msg=lambda text, name=name: f"{name}: {text}")


def test_gradients_of_a_residual_reach_the_weights_as_through_nested_differentiation() -> None:
    field = field_of()
    points = torch.rand(30, 3, dtype=torch.float64, generator=random_stream(0, "test"))

    def loss(by_name: bool) -> Tensor:
        if by_name:
            u, u_t, bend = derivatives(field, points, "", "t", "xx+yy")
        else:
            u, u_t = field(points), calculus.jacobian(field, points)[..., 0]
            bend = calculus.hessian(field, points).diagonal(dim1=2, dim2=3)[..., 1:].sum(-1)
        return (u * u_t - 0.1 * bend).square().mean()

    parameters = list(field.parameters())
    found = torch.autograd.grad(loss(True), parameters, materialize_grads=True)
    right = torch.autograd.grad(loss(False), parameters, materialize_grads=True)
    assert_close(found, right, rtol=1e-10, atol=1e-10)


def test_a_sum_of_second_derivatives_is_carried_as_one_and_no_more_slopes_than_needed() -> None:
    names = ["t", "x", "y"]
    plan = plan_jet([parse_derivative(each, names) for each in ("tt", "xx+yy", "xx+yy", "t")])
    assert isinstance(plan, JetPlan)
    assert (plan.shape.num_first_derivatives, plan.shape.num_second_derivatives) == (3, 2)
    assert plan.places == ((4,), (5,), (5,), (1,))
    assert plan_jet([parse_derivative("xx", names)]).directions == (1,)
    assert plan_jet([parse_derivative("", names)]).shape.num_streams == 1


def test_points_may_carry_a_graph_of_their_own() -> None:
    field = field_of()
    scale = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    base = torch.rand(5, 3, dtype=torch.float64, generator=random_stream(0, "test"))
    (slope,) = derivatives(field, base * scale, "x")
    (found,) = torch.autograd.grad(slope.sum(), scale)
    step = 1e-6
    upper, lower = (derivatives(field, base * (0.5 + side), "x")[0].sum() for side in (step, -step))
    assert math.isclose(float(found), float((upper - lower).detach()) / (2 * step), rel_tol=1e-6)


@pytest.mark.parametrize(("wanted", "match"), [("z", "along axes t, x, y"), ("xxx", "second order"), ("9", "got '9'")])
def test_derivatives_that_are_not_there_are_refused(wanted: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        derivatives(field_of(), torch.zeros(2, 3, dtype=torch.float64), wanted)
