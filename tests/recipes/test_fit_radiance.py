"""Photographs to a network of one's own. Oracle: views of a ball that were not fitted."""

import numpy as np
import pytest
import torch

import ligeia as lg
from ligeia.codec import decode, encode
from ligeia.core import InputError
from ligeia.field import from_record, to_record
from ligeia.fitting import Checkpointer, Step
from ligeia.networks import Architecture, HashGrid, LatentGrid, SirenArchitecture
from ligeia.recipes import fit_radiance
from ligeia.scenes import Photographs, quality_of_views
from ligeia.shapes import FieldSurface
from support.balls import ball_views

WHITE = (1.0, 1.0, 1.0)


@pytest.mark.fits
@pytest.mark.parametrize(
    "network",
    [SirenArchitecture(hidden_features=16, hidden_layers=1), HashGrid(hidden_features=16, num_levels=4), LatentGrid()],
)
def test_new_views_of_a_ball_are_seen(network: Architecture) -> None:
    views, other = ball_views(8, size=16), ball_views(1, size=16, seed=9)
    field = fit_radiance(views, network, stop=lg.passes(12), held_out=other)
    assert field.report is not None
    assert field.report.psnr_db > Photographs(views, field).constant_db + 3
    assert field.report.psnr_db == pytest.approx(np.mean(quality_of_views(field, other, WHITE)), abs=1e-3)
    again = from_record(decode(encode(to_record(field))))
    camera = other.cameras[0]
    assert np.array_equal(again.render(camera).color, field.render(camera).color)
    assert np.isnan(field.render(camera).depth[0, 0])


@pytest.mark.fits
def test_a_surface_has_nothing_where_no_photograph_shows_anything() -> None:
    field = fit_radiance(ball_views(6, size=16), HashGrid(hidden_features=16), stop=lg.passes(2))
    density = FieldSurface(field, level=1e-3)
    assert field.missing is not None
    empty = field.missing.mask()
    places = field.grid.to_physical(field.grid.points(np.arange(field.grid.num_samples)))
    assert (density.values(places[empty]) == 1e-3).all()
    assert (density.values(places[~empty]) < 1e-3).any()


@pytest.mark.fits
def test_a_fit_that_was_stopped_goes_on_to_the_same_bits(tmp_path: object) -> None:
    network, stop = SirenArchitecture(hidden_features=16, hidden_layers=1), lg.passes(3)
    views = ball_views(6, size=16)
    path = tmp_path / "c.checkpoint"  # type: ignore[operator]
    checkpoint = Checkpointer(path, every_s=1e9)

    def stopping(step: Step) -> bool:
        if step.state.progress.steps == 2:
            checkpoint.write(step.state)
        return step.state.progress.steps == 2

    whole = fit_radiance(views, network, stop=stop)
    fit_radiance(views, network, stop=stop, callbacks=[stopping], checkpoint=checkpoint)
    again = fit_radiance(views, network, stop=stop, checkpoint=Checkpointer(path, resume=True))
    for one, other in zip(again.network.tensors(), whole.network.tensors(), strict=True):
        assert torch.equal(one, other)


def test_a_capture_without_bounds_needs_a_box() -> None:
    views = ball_views(6, size=16)
    noise = np.random.default_rng(0)
    pictures = tuple(noise.random((16, 16, 3)).astype(np.float32) for _ in views.cameras)
    opaque = type(views)(cameras=views.cameras, names=views.names, pictures=pictures)
    with pytest.raises(InputError, match=r"give the box \(--box\), or leave the network out"):
        fit_radiance(opaque, HashGrid())
