"""Waves against closed forms, and against the leapfrog scheme where there is none."""

import numpy as np
import pytest
import torch

from ligeia import fitting
from ligeia.core import InputError
from ligeia.equations import solve_wave
from ligeia.field import Field
from ligeia.files import values_at
from ligeia.physics import Circle, GaussianPulse, Wave, plane_wave_solution
from oracles.waves import leapfrog
from support.sines import siren_of

PULSE = GaussianPulse(center=(0.1, -0.2), width=0.2)
MOVING = GaussianPulse(center=(-0.1, 0.1), width=0.25, height=3.0)
PLACES = np.random.default_rng(0).uniform(-1, 1, (2000, 2))


def none(places: np.ndarray) -> np.ndarray:
    return np.zeros(len(places))


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def at(time: float, places: np.ndarray = PLACES) -> np.ndarray:
    return np.concatenate([np.full((len(places), 1), time), places], axis=1)


def test_the_oracle_converges_at_second_order_to_a_standing_wave() -> None:
    def mode(places: np.ndarray) -> np.ndarray:
        return np.sin(np.pi * (places[:, 0] + 1)) * np.sin(np.pi / 2 * (places[:, 1] + 1))

    wanted = np.cos(np.pi * np.sqrt(1.25) * 0.7) * mode(PLACES)
    coarse, fine = (
        relative(leapfrog(size, mode, none, lambda x: np.ones(len(x)), half=1.0, duration=0.7)(PLACES), wanted)
        for size in (40, 80)
    )
    assert fine < 1e-3
    assert 3.5 < coarse / fine < 4.5


def test_the_closed_form_is_what_the_oracle_converges_to() -> None:
    problem = Wave(pulse=PULSE, velocity=MOVING, duration=0.6)
    wanted = problem.free_wave(at(0.6))
    errors = []
    for size in (150, 300):
        found = leapfrog(size, PULSE, MOVING, lambda x: np.ones(len(x)), half=2.5, duration=0.6)(PLACES)
        errors.append(relative(found, wanted))
    assert errors[1] < 2e-3
    assert 3.5 < errors[0] / errors[1] < 4.5


def test_every_wave_on_the_light_cone_solves_the_equation() -> None:
    problem = Wave(pulse=PULSE, duration=0.8)
    field = plane_wave_solution(problem, size=8, num_times=4, num_waves=32, generator=np.random.default_rng(0)).double()
    equation = problem.constraints(200, generator=np.random.default_rng(1))[0]
    points, *known = (torch.from_numpy(each) for each in (equation.points, *equation.known))
    with torch.no_grad():
        residual = equation.residual(field.physical, points, *known)
        curvature = field.physical.derivatives(points, "tt")[0]
    assert float(residual.abs().max()) < 1e-5 * float(curvature.abs().max())  # weights were float32


@pytest.mark.parametrize("velocity", [None, MOVING])
def test_a_pulse_in_an_endless_plane_is_that_of_the_closed_form(velocity: GaussianPulse | None) -> None:
    problem = Wave(pulse=PULSE, velocity=velocity, duration=0.6)
    solved = solve_wave(problem, size=16, num_times=5)
    assert solved.relative_l2 is not None
    assert solved.relative_l2 < 0.01
    assert solved.relative_residual < 0.02
    for time in (0.0, 0.3, 0.6):
        assert relative(values_at(solved.field, at(time))[:, 0], problem.free_wave(at(time))) < 0.01


def test_constraints_vanish_on_the_solution_and_are_one_for_nothing() -> None:
    problem = Wave(pulse=PULSE, velocity=MOVING, duration=0.4)
    field = plane_wave_solution(problem, size=8, num_times=4, generator=np.random.default_rng(0)).double()

    def total(field: Field) -> float:
        result = 0.0
        for each in problem.constraints(2000, generator=np.random.default_rng(1)):
            points, *known = (torch.from_numpy(part) for part in (each.points, *each.known))
            with torch.no_grad():
                result += each.weight * float(each.residual(field.physical, points, *known).square().mean())
        return result

    assert total(field) < 1e-3
    with torch.no_grad():
        for parameter in siren_of(field).linears()[-1].parameters():
            parameter.zero_()
    assert 0.7 < total(field) < 2.5  # more points lie near the pulses


@pytest.mark.no_cover
def test_a_pulse_in_another_medium_is_that_of_the_leapfrog_scheme() -> None:
    medium = Circle(center=(0.1, 0.1), radius=0.5, speed=1.6, edge=0.2)
    problem = Wave(pulse=GaussianPulse(center=(0.0, 0.0), width=0.3), speed=medium, duration=0.4)
    solved = solve_wave(problem, hidden_features=48, stop=fitting.passes(8), size=8)
    assert solved.relative_l2 is None
    wanted = leapfrog(240, problem.pulse, none, medium, half=2.0, duration=0.4)(PLACES)
    assert relative(wanted, problem.free_wave(at(0.4))) > 0.2  # the medium matters
    assert relative(values_at(solved.field, at(0.4))[:, 0], wanted) < 0.06


def test_what_makes_no_wave_is_refused() -> None:
    with pytest.raises(InputError, match="a duration above 0"):
        Wave(pulse=PULSE, duration=0.0)
    with pytest.raises(InputError, match="a pulse in the square"):
        Wave(pulse=GaussianPulse(center=(0.0, 1.5), width=0.1))
    with pytest.raises(InputError, match="a pulse of some height"):
        Wave(pulse=GaussianPulse(center=(0.0, 0.0), width=0.1, height=0.0))
    with pytest.raises(InputError, match="a place, a width above 0"):
        GaussianPulse(center=(0.0, np.nan), width=0.1)
    other = Wave(pulse=PULSE, speed=Circle(center=(0.0, 0.0), radius=0.2, speed=2.0))
    with pytest.raises(InputError, match="expected a speed of 1 everywhere for plane waves"):
        plane_wave_solution(other, size=8, num_times=2, generator=np.random.default_rng(0))
