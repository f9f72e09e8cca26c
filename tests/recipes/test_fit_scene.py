"""Photographs to a radiance field. Oracle: views of a ball that were not fitted."""

import numpy as np
import pytest
import torch

import ligeia as lg
from ligeia.recipes import fit_scene
from ligeia.scenes import Photographs, quality_of_views
from ligeia.signals import Views
from support.balls import ball_views

WHITE = (1.0, 1.0, 1.0)


def on_white(views: Views) -> Views:
    """Return the pictures without alpha, as they look before white."""
    pictures = [views.rgba(number) for number in range(len(views.cameras))]
    flat = tuple(each[..., :3] + 1 - each[..., 3:] for each in pictures)
    return Views(cameras=views.cameras, names=views.names, pictures=tuple(np.clip(each, 0, 1) for each in flat))


@pytest.mark.fits
@pytest.mark.parametrize("has_alpha", [True, False])
def test_new_views_of_a_ball_are_seen(has_alpha: bool) -> None:
    views, other = ball_views(24), ball_views(4, seed=9)
    field = fit_scene(views if has_alpha else on_white(views), stop=lg.passes(30), background=WHITE, held_out=other)
    assert field.report is not None
    assert field.report.stopped_by == "passes"
    assert field.report.psnr_db > 24
    assert field.report.psnr_db == pytest.approx(np.mean(quality_of_views(field, other, WHITE)))
    assert field.report.psnr_db > Photographs(views, field).constant_db + 10


@pytest.mark.fits
def test_a_quality_ends_the_last_stage() -> None:
    field = fit_scene(ball_views(8, size=16), stop=lg.passes(60) | lg.psnr(18))
    assert field.report is not None
    assert field.report.stopped_by == "psnr"
    assert field.report.psnr_db >= 18
    assert field.report.passes < 24  # of the 60 that all stages have


@pytest.mark.fits
def test_the_same_seed_and_passes_give_the_same_field() -> None:
    found = [fit_scene(ball_views(8, size=16), stop=lg.passes(8), seed=seed) for seed in (1, 1, 2)]
    weights = [torch.cat([each.detach().ravel() for each in field.network.tensors()]) for field in found]
    assert torch.equal(weights[0], weights[1])
    assert len(weights[0]) != len(weights[2]) or not torch.equal(weights[0], weights[2])
