"""Helmholtz's equation against the Hankel field, and against finite differences where there is no closed form."""

import numpy as np
import pytest
import torch

from ligeia.core import InputError
from ligeia.equations import solve_helmholtz
from ligeia.physics import AbsorbingLayer, Circle, GaussianSource, Helmholtz, finite_differences, uniform_speed

SOURCE = GaussianSource(center=(0.1, -0.05), width=0.08)
LAYER = AbsorbingLayer(thickness=0.4)
CIRCLE = Circle(center=(-0.2, 0.1), radius=0.2, speed=2.0, edge=0.05)


def places(problem: Helmholtz, count: int = 4000) -> np.ndarray:
    points = np.random.default_rng(0).uniform(-1, 1, (count, 2))
    return points[problem.is_physical(points)]


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def by_differences(problem: Helmholtz, size: int, points: np.ndarray) -> np.ndarray:
    (found,) = finite_differences(problem.wavenumber, problem.speed, [problem.source], points, layer=LAYER, size=size)
    return found


def test_finite_differences_converge_to_the_closed_form_at_their_order() -> None:
    problem = Helmholtz(wavenumber=10.0, source=SOURCE)
    points = places(problem)
    wanted = SOURCE.free_field(points, 10.0)
    coarse, fine = (relative(by_differences(problem, size, points), wanted) for size in (40, 80))
    assert fine < 1e-3
    assert coarse / fine > 10  # 16 at fourth order


def test_the_closed_form_solves_the_equation_outside_of_its_source() -> None:
    points, step = places(Helmholtz(wavenumber=6.0, source=SOURCE), 50), 1e-3

    def field(row: float, column: float) -> np.ndarray:
        return SOURCE.free_field(points + np.array([row, column]), 6.0)

    sides = field(step, 0) + field(-step, 0) + field(0, step) + field(0, -step)
    assert relative((4 * field(0, 0) - sides) / step**2, 36 * field(0, 0)) < 1e-4


def test_a_layer_stretches_by_its_formula_and_differentiates_it() -> None:
    at, step = np.linspace(-2.9, 4.9, 60), 1e-6
    layer = AbsorbingLayer(thickness=1.5, strength=3.0)

    def inverse(x: np.ndarray) -> np.ndarray:
        return 1 / layer.stretch(x, -3.0, 5.0)

    found = layer.stretching(at, -3.0, 5.0)
    assert np.allclose(found.second, inverse(at) ** 2)
    assert np.allclose(found.first, inverse(at) * (inverse(at + step) - inverse(at - step)) / (2 * step), atol=1e-7)
    assert np.all(layer.stretch(np.linspace(-1.5, 3.5, 9), -3.0, 5.0) == 1)


def test_waves_in_a_uniform_medium_are_those_of_the_closed_form() -> None:
    solved = solve_helmholtz(Helmholtz(wavenumber=8.0, source=SOURCE), size=32)
    assert solved.relative_l2 is not None
    assert solved.relative_l2 < 0.01
    assert solved.relative_residual < 0.1
    reach = max(channel.high for channel in solved.field.channels)
    assert float(solved.field.sample().abs().max()) == pytest.approx(reach, rel=1e-3)


def test_waves_through_a_circle_of_another_speed_are_those_of_finite_differences() -> None:
    problem = Helmholtz(wavenumber=8.0, source=SOURCE, speed=CIRCLE)
    solved = solve_helmholtz(problem, size=32)
    assert solved.relative_l2 is None
    points = places(problem)
    with torch.no_grad():
        found = solved.field.physical(torch.from_numpy(points).float()).double().numpy()
    wanted = by_differences(problem, 100, points)
    assert relative(wanted, SOURCE.free_field(points, 8.0)) > 0.3  # the circle matters
    assert relative(found[:, 0] + 1j * found[:, 1], wanted) < 0.02


def test_the_speed_within_a_circle_is_reached_at_its_center_and_left_outside() -> None:
    speeds = CIRCLE(np.array([[-0.2, 0.1], [0.9, 0.9], [0.0, 0.1]]))
    assert np.allclose(speeds, [2.0, 1.0, (0.5 * (1 + 0.25)) ** -0.5], atol=1e-3)
    assert np.all(uniform_speed(np.zeros((3, 2))) == 1)


def test_what_makes_no_problem_is_refused() -> None:
    with pytest.raises(InputError, match="a wavenumber above 0"):
        Helmholtz(wavenumber=0.0, source=SOURCE)
    with pytest.raises(InputError, match="a source inside the layers"):
        Helmholtz(wavenumber=5.0, source=GaussianSource(center=(0.0, 0.5), width=0.1))
    with pytest.raises(InputError, match="a thickness and a strength above 0"):
        AbsorbingLayer(thickness=0.0)
