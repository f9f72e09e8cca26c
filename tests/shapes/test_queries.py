"""Oracles: closed forms of spheres, cylinders and tori in float64; finite differences of a field."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia import Field, Siren
from ligeia.core import InputError, ShapeError
from ligeia.shapes._queries import closest_points, curvatures
from ligeia.signals import Axis, Grid


def places(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sphere(x: Tensor) -> Tensor:
    return x.norm(dim=1, keepdim=True) - 1.5


def torus(x: Tensor) -> Tensor:
    ring = x[:, :2].norm(dim=1) - 2.0
    return (torch.stack([ring, x[:, 2]], dim=1).norm(dim=1) - 0.5)[:, None]


def on_torus(count: int) -> tuple[Tensor, Tensor]:
    turn, around = 2 * torch.pi * torch.rand(2, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wide = 2.0 + 0.5 * around.cos()
    return torch.stack([wide * turn.cos(), wide * turn.sin(), 0.5 * around.sin()], dim=1), around


def field() -> Field:
    axes = [
        Axis(name=name, size=16, extent=(low, high))
        for name, low, high in (("x", -1.0, 3.0), ("y", 0.0, 2.0), ("z", 5.0, 11.0))
    ]
    network = Siren(3, 32, 1, 1, first_omega_0=4.0, hidden_omega_0=4.0, generator=torch.Generator().manual_seed(0))
    return Field(network, Grid(tuple(axes))).double()


def test_a_sphere_bends_by_its_radius_at_every_level() -> None:
    points = places(100)
    mean, gaussian = curvatures(sphere, points)
    radius = points.norm(dim=1)
    assert_close(mean, 1 / radius)
    assert_close(gaussian, 1 / radius**2)


def test_a_cylinder_has_half_the_curvature_of_its_circle_and_no_gaussian_one() -> None:
    points = places(100)
    mean, gaussian = curvatures(lambda x: x[:, 1:].norm(dim=1, keepdim=True), points)
    assert_close(mean, 0.5 / points[:, 1:].norm(dim=1))
    assert_close(gaussian, torch.zeros_like(gaussian), atol=1e-10, rtol=0)


def test_curvatures_of_a_torus_are_its_closed_forms() -> None:
    points, around = on_torus(200)
    mean, gaussian = curvatures(torus, points)
    wide = 2.0 + 0.5 * around.cos()
    assert_close(mean, (2.0 + 2 * 0.5 * around.cos()) / (2 * 0.5 * wide))
    assert_close(gaussian, around.cos() / (0.5 * wide))


def test_curvatures_do_not_depend_on_the_values_but_for_the_sign_of_the_mean() -> None:
    points, _ = on_torus(50)
    mean, gaussian = curvatures(torus, points)
    turned_mean, turned_gaussian = curvatures(lambda x: -torch.expm1(3 * torus(x)), points)
    assert_close(turned_mean, -mean)
    assert_close(turned_gaussian, gaussian)


def test_curvatures_of_a_field_are_those_of_finite_differences_per_physical_unit() -> None:
    function = field().physical
    points = torch.rand(40, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    points = torch.tensor([-0.5, 0.2, 5.5]) + points * torch.tensor([3.0, 1.5, 5.0])
    step = 1e-3
    ways = step * torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        slope = torch.stack([(function(points + w) - function(points - w))[:, 0] / (2 * step) for w in ways], dim=1)
        rows = [
            [
                function(points + v + w)
                - function(points + v - w)
                - function(points - v + w)
                + function(points - v - w)
                for w in ways
            ]
            for v in ways
        ]
        hessian = torch.stack([torch.cat(row, dim=1) for row in rows], dim=1) / (4 * step**2)
        mean, gaussian = curvatures(function, points)
    # the second fundamental form on two tangents of the level set
    normal = slope / slope.norm(dim=1, keepdim=True)
    basis = torch.linalg.svd(normal[:, None, :]).Vh[:, 1:]
    form = basis @ hessian @ basis.transpose(1, 2) / slope.norm(dim=1)[:, None, None]
    assert_close(mean, form.diagonal(dim1=1, dim2=2).sum(dim=1) / 2, rtol=1e-3, atol=1e-4)
    assert_close(gaussian, torch.linalg.det(form), rtol=1e-3, atol=1e-4)


def test_curvatures_carry_their_graph_to_the_weights() -> None:
    radius = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    mean, _ = curvatures(lambda x: (x / radius).square().sum(dim=1, keepdim=True) - x[:, :1], places(5))
    (slope,) = torch.autograd.grad(mean.sum(), radius)
    assert slope.abs() > 0


def test_closest_points_of_exact_distances_take_one_step() -> None:
    points = places(200)
    closest, distance = closest_points(torus, points, most_steps=1, tolerance=1e-9)
    assert_close(distance, torus(points)[:, 0])
    assert_close(torus(closest), torch.zeros(200, 1, dtype=torch.float64), atol=1e-9, rtol=0)
    ring = torch.nn.functional.pad(points[:, :2], (0, 1))
    ring = 2 * ring / ring.norm(dim=1, keepdim=True)  # the circle in the middle of the tube
    assert_close(closest, ring + 0.5 * (points - ring) / (points - ring).norm(dim=1, keepdim=True))


def test_closest_points_reach_the_surface_of_a_function_that_is_no_distance() -> None:
    points = places(200)
    closest, distance = closest_points(lambda x: x.square().sum(dim=1, keepdim=True) - 4, points, tolerance=1e-8)
    assert_close(closest, 2 * points / points.norm(dim=1, keepdim=True))
    assert_close(distance, points.norm(dim=1) - 2)


def test_closest_points_say_where_they_did_not_converge() -> None:
    points = torch.tensor([[0.0, 0.0, 3.0], [5.0, 0.0, 0.0]])
    closest, distance = closest_points(lambda x: x[:, 2:] + x[:, :1].square(), points, most_steps=1)
    assert distance.isnan().tolist() == [False, True]
    assert closest.isfinite().all()
    without_slope = closest_points(lambda x: 0 * x[:, :1] + 1, points)
    assert_close(without_slope[0], points)
    assert without_slope[1].isnan().all()


def test_a_point_on_the_surface_stays_there() -> None:
    points = torch.tensor([[1.5, 0.0, 0.0]])
    closest, distance = closest_points(sphere, points)
    assert (closest.tolist(), distance.tolist()) == (points.tolist(), [0.0])


def test_what_cannot_be_asked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without the checks of a test run
    with pytest.raises(ShapeError, match=r"points must be \(n, 3\)"):
        curvatures(sphere, places(3)[:, 0])
    with pytest.raises(ShapeError, match="1 channel"):
        closest_points(lambda x: x, places(3))
    with pytest.raises(InputError, match="at least 1 step"):
        closest_points(sphere, places(3), most_steps=0)
