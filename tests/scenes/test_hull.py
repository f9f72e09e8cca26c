"""The box and the hull of a scene. Oracle: a ball whose place and size are known."""

import numpy as np
import pytest

from ligeia.core import InputError
from ligeia.scenes import scene_box, visual_hull
from ligeia.signals import Camera, Views
from support.balls import MIDDLE, RADIUS, ball_views


def test_the_box_is_around_what_all_cameras_look_at() -> None:
    low, high = scene_box(ball_views(9))
    np.testing.assert_allclose((low + high) / 2, MIDDLE, atol=1e-9)
    np.testing.assert_allclose(high - low, 2 * 3 * np.tan(np.radians(15)), rtol=1e-9)


def test_the_hull_has_all_of_the_ball_and_little_else() -> None:
    views = ball_views(25, size=48)
    low, high = scene_box(views)
    found = visual_hull(views, low, high, 32)
    side = (high - low) / 32
    middles = np.moveaxis(np.indices(found.shape), 0, -1) * side + low + side / 2
    distance = np.linalg.norm(middles - MIDDLE, axis=-1)
    assert found[distance < RADIUS].all()
    assert not found[distance > RADIUS + 5 * side[0]].any()
    assert found.sum() < 2.5 * (distance < RADIUS).sum()


def test_ignored_pixels_show_nothing_to_be_empty() -> None:
    views = ball_views(5)
    low, high = scene_box(views)
    masked = Views(
        cameras=views.cameras,
        names=views.names,
        pictures=views.pictures,
        masks=tuple(np.ones(camera.shape, bool) for camera in views.cameras),
    )
    assert visual_hull(masked, low, high, 16).all()
    assert not visual_hull(views, low, high, 16).all()


def test_cameras_that_look_outward_need_a_box() -> None:
    cameras = [
        Camera.looking((x, y, 0.0), (2 * x, 2 * y, 0.0), shape=(4, 4), up=(0, 0, 1))
        for x, y in [(1, 0), (-1, 0), (0, 1)]
    ]
    pictures = (np.ones((4, 4, 3), np.float32),) * 3
    outward = Views(cameras=tuple(cameras), names=("a", "b", "c"), pictures=pictures)
    with pytest.raises(InputError, match="expected cameras that look at one place, these look outward; give the scene"):
        scene_box(outward)


def test_pictures_of_nothing_have_no_hull() -> None:
    views = ball_views(3)
    empty = Views(cameras=views.cameras, names=views.names, pictures=tuple(0 * picture for picture in views.pictures))
    with pytest.raises(InputError, match="expected something opaque in the pictures, all are empty"):
        visual_hull(empty, *scene_box(empty), 16)
