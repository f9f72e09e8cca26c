"""Photographs to a radiance field. Oracle: views of a ball that were not fitted."""

from pathlib import Path

import numpy as np
import pytest
import torch

import ligeia as lg
from ligeia.core import InputError
from ligeia.field import voxels_of
from ligeia.fitting import Checkpointer, Step
from ligeia.recipes import fit_scene
from ligeia.scenes import Photographs, quality_of_views
from ligeia.signals import Views
from support.balls import MIDDLE, ball_views

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


def in_front_of_far_away(views: Views) -> Views:
    """Return the pictures without alpha, before what is infinitely far: a color for each direction."""
    pictures = []
    for number, camera in enumerate(views.cameras):
        rgba = views.rgba(number)
        heading = camera.pixel_rays()[1].reshape(*camera.shape, 3)
        sky = 0.5 + 0.4 * np.sin(3 * heading + [0.0, 1.0, 2.0])
        pictures.append((rgba[..., :3] + (1 - rgba[..., 3:]) * sky).astype(np.float32))
    return Views(cameras=views.cameras, names=views.names, pictures=tuple(pictures))


@pytest.mark.fits
def test_what_is_far_behind_a_ball_is_seen_in_new_views() -> None:
    views = in_front_of_far_away(ball_views(250))
    numbers = [each for each, camera in enumerate(views.cameras) if camera.eye[0] > MIDDLE[0] + 2.4]  # from one side
    views, other = views.subset(numbers[4:]), views.subset(numbers[:4])
    field = fit_scene(views, stop=lg.passes(40), held_out=other)
    assert voxels_of(field).grid.is_contracted
    assert field.report is not None
    assert field.report.psnr_db > 21
    assert field.report.psnr_db > Photographs(views, field).constant_db + 8


@pytest.mark.fits
def test_a_box_that_is_given_is_not_contracted() -> None:
    views = in_front_of_far_away(ball_views(8, size=16))
    field = fit_scene(views, stop=lg.passes(2), box=((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)))
    assert not voxels_of(field).grid.is_contracted
    assert [axis.extent for axis in field.grid.axes] == [(-1.0, 1.0)] * 3


@pytest.mark.fits
def test_a_quality_ends_the_last_stage() -> None:
    field = fit_scene(ball_views(8, size=16), stop=lg.passes(60) | lg.psnr(18))
    assert field.report is not None
    assert field.report.stopped_by == "psnr"
    assert field.report.psnr_db >= 18
    assert field.report.passes < 50  # of 60; the stages before the last have 36


@pytest.mark.fits
def test_the_same_seed_and_passes_give_the_same_field() -> None:
    found = [fit_scene(ball_views(8, size=16), stop=lg.passes(8), seed=seed) for seed in (1, 1, 2)]
    weights = [torch.cat([each.detach().ravel() for each in field.network.tensors()]) for field in found]
    assert torch.equal(weights[0], weights[1])
    assert len(weights[0]) != len(weights[2]) or not torch.equal(weights[0], weights[2])


@pytest.mark.fits
def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    views, stop = ball_views(8, size=16), lg.passes(8)
    whole = fit_scene(views, stop=stop)
    assert whole.report is not None
    for last in (3, 60 * whole.report.steps // 100):  # in the first stage, and in a later one
        path = tmp_path / f"{last}.checkpoint"
        checkpoint = Checkpointer(path, every_s=1e9)

        def stopping(step: Step, last: int = last, checkpoint: Checkpointer = checkpoint) -> bool:
            if step.state.progress.steps == last:
                checkpoint.write(step.state)
            return step.state.progress.steps == last

        fit_scene(views, stop=stop, callbacks=[stopping], checkpoint=checkpoint)
        again = fit_scene(views, stop=stop, checkpoint=Checkpointer(path, resume=True))
        assert again.report is not None
        assert (again.report.steps, again.report.psnr_db) == (whole.report.steps, whole.report.psnr_db)
        for one, other in zip(again.network.tensors(), whole.network.tensors(), strict=True):
            assert torch.equal(one, other)
    with pytest.raises(InputError, match="belongs to a fit of other data"):
        fit_scene(ball_views(9, size=16), stop=stop, checkpoint=Checkpointer(path, resume=True))
