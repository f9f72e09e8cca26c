"""Half the gradients of two photographs: the mean picture, whichever way it is written."""

from pathlib import Path

import numpy as np
import pytest

from ligeia import experiments, fitting
from ligeia.physics import DerivativesOf
from ligeia.signals import Signal, from_array


def test_half_of_two_gradients_is_the_gradient_of_the_mean() -> None:
    parts = [experiments.camera(size=24, align="centers"), experiments.coins(size=24)]
    mean = from_array(np.mean([np.asarray(each.values, np.float64) for each in parts], axis=0), channels=True)
    (_, one), (_, two), (_, both) = (_targets(each) for each in (*parts, mean))
    assert np.allclose((one + two) / 2, both, rtol=1e-4, atol=1e-2)


def _targets(signal: Signal) -> tuple[np.ndarray, np.ndarray]:
    import torch

    objective = DerivativesOf(signal, "gradient")
    points, targets = objective.batch(np.arange(objective.num_points), torch.device("cpu"))
    return points.numpy(), targets.numpy()


def test_the_composite_draws_its_figure_and_reports_the_error_against_the_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ligeia.experiments._composite._SIZE", 16)
    seen: list[int] = []

    def callback(step: fitting.Step) -> bool:
        seen.append(step.state.progress.steps)
        return len(seen) > 30

    found = experiments.paper_composite(tmp_path / "composite.png", experiments.Asked(callbacks=[callback]))
    assert (tmp_path / "composite.png").stat().st_size > 10_000
    assert 10 < found.measured < 80
    assert "mean picture" in found.quantity
    assert not found.is_certain
