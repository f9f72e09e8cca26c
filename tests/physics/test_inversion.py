"""Inversion: a circle is found again, and the gradient of the loss without its output layers is the whole one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ligeia.core import InputError, ShapeError
from ligeia.equations import solve_inversion
from ligeia.equations._inversion import read_recordings
from ligeia.experiments import Asked, made_recordings, paper_inversion, speed_error
from ligeia.field import Field
from ligeia.networks import Siren, SirenArchitecture
from ligeia.physics import (
    AbsorbingLayer,
    Circle,
    Eliminated,
    GaussianSource,
    Inversion,
    finite_differences,
    uniform_speed,
)
from ligeia.signals import Axis, Channel, Grid

CIRCLE = Circle(center=(0.1, -0.08), radius=0.25, speed=1.4)


@pytest.fixture(scope="module")
def problem() -> Inversion:
    return made_recordings(CIRCLE, wavenumber=10.0, cells=90)


def test_a_circle_is_found_where_it_is(problem: Inversion) -> None:
    found = solve_inversion(problem, evaluations=120, hidden_features=96, size=32)
    error = speed_error(found.speed, CIRCLE)
    assert error.center_off < 0.03
    assert error.radius == pytest.approx(CIRCLE.radius, abs=0.1)
    assert error.of_change < 0.45  # 1 for no circle
    assert error.relative_l2 < 0.05
    assert found.relative_misfit < 0.1
    again = solve_inversion(problem, evaluations=3, hidden_features=16, callbacks=[lambda step: step.taken == 2])
    assert (again.evaluations, again.stopped_by) == (2, "callback")


def test_the_waves_stored_are_those_that_explain_the_recordings(problem: Inversion) -> None:
    found = solve_inversion(problem, evaluations=20, hidden_features=64, size=32)
    heard = found.waves.values_at(problem.receivers.astype(np.float32))
    count = len(problem.sources)
    missed = (heard[:, :count] + 1j * heard[:, count:]).T - problem.scattered()
    assert np.linalg.norm(missed) / np.linalg.norm(problem.scattered()) == pytest.approx(
        found.relative_misfit, rel=0.01
    )


def eliminated(problem: Inversion) -> Eliminated:
    grid = Grid(tuple(Axis(name=name, size=8, extent=(-1.0, 1.0)) for name in "xy"))
    generator = torch.Generator().manual_seed(0)

    def network(outputs: int) -> Siren:
        siren = SirenArchitecture(hidden_features=12, hidden_layers=1, omegas=(8.0, 30.0))
        return siren.build(2, outputs, generator=generator)

    waves = Field(network(2 * len(problem.sources)), grid).double()
    speed = Field(network(1), grid, [Channel(name="speed", low=0.5, high=1.5)]).double()
    return Eliminated(problem, waves, speed, num_points=300, generator=np.random.default_rng(0))


def test_the_gradient_without_output_layers_is_that_of_finite_differences(problem: Inversion) -> None:
    misfit = eliminated(problem)
    assert isinstance(misfit.waves.network, Siren)
    parameters = [*misfit.waves.network.linears()[0].parameters(), *misfit.speed.network.parameters()]
    slopes = torch.autograd.grad(misfit().total, parameters)
    generator = torch.Generator().manual_seed(3)
    for parameter, slope in zip(parameters, slopes, strict=True):
        direction = torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
        values = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                parameter.add_(direction, alpha=step)
                values.append(float(misfit().total))
                parameter.sub_(direction, alpha=step)
        assert (values[0] - values[1]) / 2e-5 == pytest.approx(float((slope * direction).sum()), rel=1e-4, abs=1e-7)


def test_output_layers_are_those_of_the_least_misfit(problem: Inversion) -> None:
    misfit = eliminated(problem)
    find = misfit._weights
    with torch.no_grad():
        least = float(misfit().total)
        for number in range(4):
            generator = torch.Generator().manual_seed(number)
            misfit._weights = lambda *parts, generator=generator: (  # type: ignore[method-assign]
                (found := find(*parts)) * (1 + 1e-3 * torch.randn(found.shape, generator=generator, dtype=found.dtype))
            )
            assert float(misfit().total) > least


def test_the_free_field_is_that_of_finite_differences_within_the_source_too() -> None:
    source, layer = GaussianSource(center=(0.1, -0.05), width=0.08), AbsorbingLayer(thickness=0.4)
    points = np.concatenate([[[0.1, -0.05]], np.random.default_rng(0).uniform(-0.55, 0.55, (2000, 2))])
    (wanted,) = finite_differences(10.0, uniform_speed, [source], points, layer=layer, size=100)
    found = source.free_field(points, 10.0)
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(wanted).max()


def test_what_makes_no_inversion_is_refused(problem: Inversion) -> None:
    def spoiled(**changed: object) -> None:
        replace(problem, **changed)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="expected a wavenumber above 0, got nan"):
        spoiled(wavenumber=np.nan)
    with pytest.raises(ShapeError, match="expected one recording per source and receiver, 5 x 30"):
        spoiled(recordings=problem.recordings[:4])
    with pytest.raises(InputError, match="recordings that are finite"):
        spoiled(recordings=problem.recordings * np.nan)
    with pytest.raises(InputError, match=r"expected receivers inside the layers, coordinates from -0\.7 to 0\.7"):
        spoiled(receivers=problem.receivers * 1.2)
    with pytest.raises(InputError, match="receivers inside the layers"):
        spoiled(receivers=problem.receivers * np.nan)
    silent = replace(problem, recordings=problem.free_fields(problem.receivers))
    with pytest.raises(InputError, match="recordings of a medium that scatters"):
        eliminated(silent)
    everywhere = np.random.default_rng(0).uniform(-0.7, 0.7, (4000, 2))
    crowded = replace(problem, receivers=everywhere, recordings=np.ones((5, 4000), complex))
    with pytest.raises(InputError, match="no place is far enough"):
        eliminated(crowded)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"width": None}, "expected arrays wavenumber, .*; missing: width"),
        ({"wavenumber": [8.0, 9.0]}, "expected numbers: one as wavenumber"),
        ({"receivers": np.zeros((30, 3))}, r"expected sources \(n, 2\), .*, got .*receivers \(30, 3\)"),
        ({"recordings": np.zeros((5, 29))}, r"expected one recording per source and receiver"),
        ({"recordings": np.full((5, 30), "loud")}, "expected numbers"),
        ({"sources": np.full((5, 2), np.nan)}, "expected a place and a width above 0"),
        ({"sources": np.full((5, 2), 0.8)}, "expected sources inside the layers"),
        ({"width": 0.0}, "expected a place and a width above 0"),
    ],
)
def test_a_bad_file_is_refused_by_its_name(
    problem: Inversion, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    arrays = {
        "wavenumber": problem.wavenumber,
        "sources": problem.source_places,
        "width": 0.05,
        "receivers": problem.receivers,
        "recordings": problem.recordings,
    }
    path = tmp_path / "recordings.npz"
    np.savez(path, **{name: each for name, each in (arrays | changed).items() if each is not None})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=f"recordings.npz: {message}") as caught:
        read_recordings(path)
    assert "\n" not in str(caught.value)


def test_the_experiment_has_no_number_to_be_held_against(tmp_path: Path) -> None:
    found = paper_inversion(tmp_path / "inversion.png", Asked(callbacks=[lambda step: step.taken == 2]))
    assert (found.published, found.holds) == (None, None)
    assert found.to_plain()["paper"] is None
    assert "pictures only" in found.source
    assert (tmp_path / "inversion.png").stat().st_size > 10_000
