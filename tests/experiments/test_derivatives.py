"""The paper's experiments on derivatives and equations, at toy size: what they measure, and that they draw it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ligeia import experiments
from ligeia.experiments import PaperResult
from ligeia.fitting import Step
from ligeia.signals import Alignment, Signal

Ends = Callable[[Step], bool]


def after(steps: int) -> Ends:
    """Return a callback that ends a fit after so many steps."""
    return lambda step: step.state.progress.steps >= steps


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    original = experiments.camera

    def camera(*, size: int, align: Alignment) -> Signal:
        return original(size=size // 8, align=align)

    for name in ("_poisson", "_inpainting"):
        monkeypatch.setattr(f"ligeia.experiments.{name}.camera", camera)


def drawn(path: Path, result: PaperResult) -> PaperResult:
    assert path.stat().st_size > 10_000
    return result


@pytest.mark.parametrize("full", [False, True])
def test_a_photograph_from_its_derivatives(tmp_path: Path, small: None, full: bool) -> None:
    path = tmp_path / "figure.png"
    found = drawn(
        path, experiments.paper_poisson(path, "laplacian", experiments.Asked(full=full, callbacks=[after(10)]))
    )
    assert found.published == 14.95
    assert found.holds is (found.measured >= 13.95)
    assert "affine" in found.quantity


def test_a_photograph_from_a_tenth_of_its_pixels(tmp_path: Path, small: None) -> None:
    path = tmp_path / "figure.png"
    found = drawn(path, experiments.paper_inpainting(path, experiments.Asked(callbacks=[after(10)])))
    assert found.holds is None
    assert "biharmonic inpainting of the same pixels has" in found.source


@pytest.mark.fits
def test_waves_beside_their_closed_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "figure.png"
    found = drawn(path, experiments.paper_wave(path))
    assert found.measured < 0.5  # percent
    monkeypatch.setattr("ligeia.experiments._waves._POINTS", 1 << 10)
    for paper in (experiments.paper_wave, experiments.paper_helmholtz):
        found = drawn(path, paper(path, experiments.Asked(full=True, callbacks=[after(1)])))
        assert found.measured > 10
        assert found.published is None
