"""Exposures of photographs. Oracles: gains and offsets that were put in."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import ligeia as lg
from ligeia.fitting import Checkpointer, Step
from ligeia.recipes import fit_scene
from ligeia.scenes import exposures_of, quality_of_views
from ligeia.signals import Views
from support.balls import ball_views

WHITE = (1.0, 1.0, 1.0)


def uneven(views: Views, gains: np.ndarray) -> Views:
    """Return the pictures brighter by gains."""
    pictures = tuple(
        np.concatenate([gain * each[..., :3], each[..., 3:]], axis=2).astype(np.float32)
        for gain, each in zip(gains, views.pictures, strict=True)
    )
    return Views(cameras=views.cameras, names=views.names, pictures=pictures)


def test_gains_and_offsets_are_found_but_for_those_of_all() -> None:
    random = np.random.default_rng(0)
    seen, alpha = random.random((900, 3)), random.random(900)
    seen *= alpha[:, None]
    photograph = np.repeat(np.arange(3), 300)
    gains, offsets = random.uniform(0.5, 1.5, (3, 3)), random.uniform(-0.2, 0.2, (3, 3))
    target = gains[photograph] * seen + offsets[photograph] * alpha[:, None]
    found = exposures_of(seen, alpha, target, photograph, 3)
    assert_allclose(found[:, 0].mean(axis=0), 1)
    assert_allclose(found[:, 0], gains / gains.mean(axis=0), rtol=0.05)
    one = (target - found[:, 1][photograph] * alpha[:, None]) / found[:, 0][photograph]
    other = one - seen  # the same straight line for all photographs
    slopes = [
        np.polyfit((seen / alpha[:, None])[photograph == k, 0], (one / alpha[:, None])[photograph == k, 0], 1)
        for k in range(3)
    ]
    assert_allclose(slopes, [slopes[0]] * 3, atol=0.05)
    assert np.isfinite(other).all()


def test_a_photograph_without_pixels_has_none() -> None:
    found = exposures_of(np.full((4, 3), 0.5), np.ones(4), np.full((4, 3), 0.5), np.zeros(4, int), 2)
    assert_allclose(found, [[[1] * 3, [0] * 3]] * 2, atol=1e-6)


@pytest.mark.fits
def test_unevenly_exposed_photographs_are_fitted_as_if_they_were_even() -> None:
    gains = np.random.default_rng(1).uniform(0.3, 1.0, 16)
    views, other = uneven(ball_views(16, size=16), gains / gains.max()), ball_views(3, size=16, seed=9)
    other = uneven(other, np.full(3, (gains / gains.max()).mean()))
    found = [
        np.mean(quality_of_views(fit_scene(views, stop=lg.passes(25), exposures=each), other, WHITE))
        for each in (False, True)
    ]
    assert found[1] > found[0] + 1


@pytest.mark.fits
def test_a_fit_that_was_stopped_goes_on_with_its_exposures(tmp_path: object) -> None:
    views, stop = ball_views(6, size=16), lg.passes(6)
    path = tmp_path / "c.checkpoint"  # type: ignore[operator]
    checkpoint = Checkpointer(path, every_s=1e9)
    whole = fit_scene(views, stop=stop, exposures=True)
    assert whole.report is not None
    last = 60 * whole.report.steps // 100

    def stopping(step: Step) -> bool:
        if step.state.progress.steps == last:
            checkpoint.write(step.state)
        return step.state.progress.steps == last

    fit_scene(views, stop=stop, exposures=True, callbacks=[stopping], checkpoint=checkpoint)
    again = fit_scene(views, stop=stop, exposures=True, checkpoint=Checkpointer(path, resume=True))
    for one, other in zip(again.network.tensors(), whole.network.tensors(), strict=True):
        assert one.equal(other)
