"""Photographs as an objective, and views of voxels. Oracles: the plain definition, finite differences, the camera."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import ligeia as lg
from ligeia.core import InputError
from ligeia.field import Field, camera_rays, rendered, voxels_of
from ligeia.kernels import PixelRays, VoxelGrid
from ligeia.scenes import (
    Photographs,
    TileBatches,
    field_of,
    quality_of_views,
    refined,
    scene_box,
    visual_hull,
)
from ligeia.signals import Camera, Views
from support.balls import MIDDLE, ball_views


def ball_field(views: Views, cells: int = 16) -> Field:
    """Return fog in the hull of a ball, thicker and colored by place."""
    low, high = scene_box(views)
    occupied = visual_hull(views, low, high, cells)
    field = field_of(VoxelGrid(low, high, occupied, scale=20.0))
    grid = voxels_of(field).grid
    density, features, _ = field.network.tensors()
    with torch.no_grad():
        density.fill_(0.1)
        at = np.stack(np.unravel_index(grid.places, grid.node_shape), axis=1) / cells - 0.5
        features[:, :3] = torch.from_numpy(0.5 * at).float()
    return field


def bump_field(views: Views, cells: int = 20) -> Field:
    """Return a smooth, colored cloud around the middle, in a box where every cell is occupied."""
    low, high = scene_box(views)
    field = field_of(VoxelGrid(low, high, np.ones((cells,) * 3, bool), scale=10.0))
    grid = voxels_of(field).grid
    density, features, _ = field.network.tensors()
    nodes = np.stack(np.unravel_index(grid.places, grid.node_shape), axis=1) - 1
    at = nodes / cells * (high - low) + low - MIDDLE
    with torch.no_grad():
        density.copy_(torch.from_numpy(0.3 - 1.2 * np.linalg.norm(at, axis=1)))
        features[:, :3] = torch.from_numpy(at)
    return field


def test_rays_go_where_the_camera_says_and_cross_the_pixel() -> None:
    camera = Camera.looking((1.0, 2.0, 3.0), (0.0, 0.0, 0.0), shape=(5, 7), field_of_view_degrees=20)
    rays = camera_rays([camera])
    eye, ahead = camera.pixel_rays()
    assert_allclose(rays.origin, np.broadcast_to(eye, (35, 3)), rtol=1e-6)
    assert_allclose(rays.direction, ahead, atol=1e-6)
    corner = camera.rays(np.array([[3.0, 4.0]]))[1][0]  # between four pixels
    for number, right, down in ((2 * 7 + 3, 0.5, 0.5), (3 * 7 + 4, -0.5, -0.5), (2 * 7 + 4, -0.5, 0.5)):
        found = rays.direction[number] + right * rays.right[number] + down * rays.down[number]
        assert_allclose(found / np.linalg.norm(found), corner, atol=2e-3)


def test_a_loss_is_that_of_compiled_code_in_network_units() -> None:
    views = ball_views(3, size=12)
    field = ball_field(views)
    objective = Photographs(views, field)
    batch = objective.batch(objective.live[:50], torch.device("cpu"))
    error = voxels_of(field).gradient(batch.rays, batch.target, background=None, key=batch.key)
    assert float(objective.loss(field, batch).detach()) == pytest.approx(4 * error, rel=1e-4)


def test_a_pose_is_found_again_by_gradients_through_rendering() -> None:
    views = ball_views(1, size=10)
    field = bump_field(views).double()
    rays = camera_rays(views.cameras)

    def seen(shift: torch.Tensor) -> torch.Tensor:
        moved = [torch.from_numpy(each).double() for each in rays]
        return rendered(field, PixelRays(moved[0] + shift, *moved[1:])).color

    wanted = seen(torch.zeros(3, dtype=torch.float64))
    shift = torch.tensor([0.03, -0.02, 0.04], dtype=torch.float64, requires_grad=True)
    before = float((seen(shift) - wanted).square().mean().detach())
    for rate in np.geomspace(0.01, 0.001, 60):  # of any size: the steps are as long as the rate says
        (slope,) = torch.autograd.grad((seen(shift) - wanted).square().mean(), shift)
        with torch.no_grad():
            shift -= float(rate) * slope / slope.norm()
    after = float((seen(shift) - wanted).square().mean().detach())
    assert after < before / 20
    assert float(shift.detach().norm()) < 0.01


def test_the_quality_is_the_mean_over_held_out_views() -> None:
    views, other = ball_views(3, size=12), ball_views(2, size=12, seed=5)
    field = ball_field(views)
    each = quality_of_views(field, other, (1.0, 1.0, 1.0))
    found = Photographs(views, field, held_out=other).quality(field)
    assert found.psnr_db == pytest.approx(np.mean(each))
    assert found.num_measured == 2 * 144
    target = other.rgba(0)
    error = np.clip(field.render(other.cameras[0], background=(1.0, 1.0, 1.0)).color, 0, 1) - (
        target[..., :3] + 1 - target[..., 3:]
    )
    assert each[0] == pytest.approx(-10 * np.log10(np.square(error).mean()))


def test_a_view_has_depth_where_there_is_something_and_the_background_elsewhere() -> None:
    views = ball_views(25, size=16)
    view = ball_field(views, cells=32).render(views.cameras[0], background=(0.2, 0.4, 0.6))
    assert_allclose(view.color[0, 0], (0.2, 0.4, 0.6), atol=1e-6)
    assert np.isnan(view.depth[0, 0])
    assert view.opacity[8, 8] > 0.9
    assert 2.2 < view.depth[8, 8] < 3


def test_finer_voxels_look_the_same() -> None:
    views = ball_views(6, size=16)
    field = bump_field(views)
    finer = refined(field, 30)
    assert voxels_of(finer).grid.cells == (30, 30, 30)
    assert voxels_of(finer).grid.occupied.mean() < 0.7
    for camera in views.cameras:
        before, after = field.render(camera), finer.render(camera)
        assert np.sqrt(np.square(before.color - after.color).mean()) < 0.03


def test_batches_are_whole_tiles_and_a_pass_sees_every_pixel_once() -> None:
    live = np.flatnonzero(np.random.default_rng(0).random(2 * 20 * 30) < 0.5)
    batches = TileBatches(live, [(20, 30), (20, 30)], 128, seed=3)
    seen = [
        np.concatenate([batches[step] for step in range(n, n + batches.num_per_pass)])
        for n in (0, batches.num_per_pass)
    ]
    for each in seen:
        assert_array_equal(np.sort(each), live)
    assert (seen[0] != seen[1]).any()
    assert_array_equal(TileBatches(live, [(20, 30), (20, 30)], 128, seed=3)[1], batches[1])
    view, rest = np.divmod(batches[0], 600)
    places = np.stack([view * 1000, *np.divmod(rest, 30)])
    assert np.abs(np.diff(places, axis=1)).max(axis=0).astype(bool).all()
    assert np.median(np.abs(np.diff(places, axis=1)).max(axis=0)) <= 3  # neighbors follow each other


def test_another_field_has_no_views() -> None:
    field = lg.fit(np.zeros((4, 4, 4), np.uint8), stop=lg.passes(1), hidden_features=8)
    with pytest.raises(InputError, match=r"expected a scene, .* got a field of a network siren"):
        voxels_of(field)
