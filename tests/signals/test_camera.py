"""Oracles: projections by hand, and places that come back along their rays."""

from dataclasses import replace

import numpy as np
import pytest

from ligeia.core import InputError
from ligeia.signals import Camera

UPRIGHT = np.eye(4)[:3]
LENSES = {
    "no distortion": (0.0, 0.0, 0.0, 0.0, 0.0),
    "barrel": (-0.25, 0.06, -0.004, 0.0, 0.0),
    "pincushion": (0.2, 0.05, 0.01, 0.0, 0.0),
    "decentered": (0.0578, -0.0805, 0.0, -0.00098, 0.00016),  # of a telephone
    "strongly decentered": (-0.1, 0.02, 0.001, 0.01, -0.02),
}


def made(lens: tuple[float, ...] = LENSES["no distortion"], pose: np.ndarray = UPRIGHT) -> Camera:
    return Camera(
        pose=pose,
        focal_lengths=(300.0, 310.0),
        principal_point=(130.5, 240.25),
        shape=(480, 270),
        **dict(zip(("k1", "k2", "k3", "p1", "p2"), lens, strict=True)),
    )


def turned() -> np.ndarray:
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    return np.column_stack([turn, [1.0, -2.0, 0.5]])


def test_a_point_to_the_right_and_above_is_right_and_up_in_the_picture() -> None:
    places, depths = made().project(np.array([[1.0, 0.5, -2.0], [0.0, 0.0, -7.0]]))
    # column 300 * 1 / 2 + 130.5, row 240.25 - 310 * 0.5 / 2
    assert np.allclose(places, [[162.75, 280.5], [240.25, 130.5]])
    assert np.allclose(depths, [2, 7])


def test_the_first_pixel_has_its_middle_at_one_half() -> None:
    camera = Camera(pose=UPRIGHT, focal_lengths=(2.0, 2.0), principal_point=(2.0, 1.0), shape=(2, 4))
    origin, directions = camera.pixel_rays()
    assert np.array_equal(origin, [0, 0, 0])
    slopes = directions / -directions[:, 2:]
    assert np.allclose(slopes.reshape(2, 4, 3)[0, 0], [-0.75, 0.25, -1])
    assert np.allclose(slopes.reshape(2, 4, 3)[1, 3], [0.75, -0.25, -1])
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)


def test_distortion_is_that_of_opencv() -> None:
    x, y, (k1, k2, k3, p1, p2) = 0.3, 0.4, LENSES["strongly decentered"]  # r^2 = 1 / 4
    radial = 1 + k1 / 4 + k2 / 16 + k3 / 64
    across = 0.3 * radial + 2 * p1 * 0.12 + p2 * (0.25 + 0.18)
    along = 0.4 * radial + p1 * (0.25 + 0.32) + 2 * p2 * 0.12
    places, _ = made(LENSES["strongly decentered"]).project(np.array([[x, -y, -1.0]]))  # y is upward here
    assert np.allclose(places, [[310 * along + 240.25, 300 * across + 130.5]], rtol=1e-14)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_places_come_back_along_their_rays(lens: tuple[float, ...]) -> None:
    camera = made(lens, turned())
    places = np.random.default_rng(0).uniform((-20, -20), (500, 290), (2000, 2))
    origin, directions = camera.rays(places)
    lengths = np.random.default_rng(1).uniform(0.1, 50, (2000, 1))
    again, depths = camera.project(origin + lengths * directions)
    assert np.abs(again - places).max() < 1e-9
    assert np.allclose(depths, lengths[:, 0] * (directions @ -camera.axes()[2]))
    assert np.allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-14)
    assert (directions.dtype, again.dtype) == (np.float64, np.float64)


def test_points_behind_the_camera_and_beyond_a_fold_have_no_place() -> None:
    places, depths = made().project(np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 0.0]]))
    assert np.isnan(places).all()
    assert np.array_equal(depths, [-3, 0])
    fisheye = made((-0.3, 0.0, 0.0, 0.0, 0.0))  # x - 0.3 x^3 is largest at x = 1.054
    places, _ = fisheye.project(np.array([[1.0, 0.0, -1.0], [1.1, 0.0, -1.0]]))
    assert np.isfinite(places[0]).all()
    assert np.isnan(places[1]).all()


def test_a_distortion_that_cannot_be_undone_is_refused() -> None:
    fisheye = made((-0.3, 0.0, 0.0, 0.0, 0.0))
    fisheye.rays(np.array([[240.25, 130.5 + 300 * 0.7]]))
    with pytest.raises(
        InputError, match=r"a distortion that can be undone at all places, .* row 240\.25, column 370\.5"
    ):
        fisheye.rays(np.array([[240.25, 130.5 + 300 * 0.8]]))  # no x has x - 0.3 x^3 = 0.8


def test_rays_through_no_places_are_none() -> None:
    assert made(LENSES["barrel"]).rays(np.zeros((0, 2)))[1].shape == (0, 3)


@pytest.mark.parametrize("lens", [LENSES["no distortion"], LENSES["decentered"]])
def test_a_camera_of_half_the_size_sees_the_same(lens: tuple[float, ...]) -> None:
    camera = made(lens, turned())
    half = camera.resized((240, 135))
    places = np.random.default_rng(0).uniform((0, 0), (480, 270), (50, 2))
    assert np.allclose(half.rays(places / 2)[1], camera.rays(places)[1], atol=1e-12)
    assert (half.shape, half.principal_point) == ((240, 135), (65.25, 120.125))
    with pytest.raises(InputError, match=r"expected a picture of 1 or more rows and columns, got \(0, 3\)"):
        camera.resized((0, 3))


def test_a_camera_keeps_a_pose_of_its_own() -> None:
    pose = np.eye(4)[:3].astype(np.float32)
    camera = made(pose=pose)
    pose[0, 3] = 9.0
    assert camera.pose.dtype == np.float64
    assert np.array_equal(camera.eye, [0, 0, 0])
    with pytest.raises(ValueError, match="read-only"):
        camera.pose[0, 0] = 2.0


def test_a_pose_written_with_four_digits_becomes_the_nearest_rotation() -> None:
    camera = made(pose=turned().round(4))
    assert np.allclose(camera.axes() @ camera.axes().T, np.eye(3), atol=1e-14)
    assert np.abs(camera.pose - turned()).max() < 2e-4


BAD = {
    "scaled": (2 * np.eye(4)[:3], "a rigid pose, .* got axes of lengths 2, 2, 2 and determinant 8; remove its scale"),
    "mirrored": (np.diag([1.0, 1.0, -1.0, 0.0])[:3], "a rigid pose, .* got axes of lengths 1, 1, 1 and determinant -1"),
    "sheared": (
        np.eye(4)[:3] + 0.1 * np.eye(4, k=1)[:3],
        "a rigid pose, .* got axes of lengths 1, 1.00499, 1.00499 and determinant 1",
    ),
    "not a number": (np.full((3, 4), np.nan), "a pose of finite numbers, got NaN or infinite ones"),
}


@pytest.mark.parametrize(("pose", "message"), BAD.values(), ids=BAD)
def test_poses_that_are_not_rigid_are_refused(pose: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=f"expected {message}"):
        made(pose=pose)


def test_lenses_and_pictures_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match=r"expected a picture of 1 or more rows and columns, got \(0, 4\)"):
        Camera(pose=UPRIGHT, focal_lengths=(1.0, 1.0), principal_point=(0.0, 0.0), shape=(0, 4))
    with pytest.raises(InputError, match=r"expected focal lengths above 0, got \(1\.0, -1\.0\) pixels"):
        Camera(pose=UPRIGHT, focal_lengths=(1.0, -1.0), principal_point=(0.0, 0.0), shape=(4, 4))
    with pytest.raises(InputError, match=r"expected a lens of finite numbers, got .*nan"):
        Camera(pose=UPRIGHT, focal_lengths=(1.0, 1.0), principal_point=(np.nan, 0.0), shape=(4, 4))


def test_cameras_of_equal_poses_and_lenses_are_equal() -> None:
    camera = Camera.looking((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), shape=(10, 20))
    again = replace(camera, pose=camera.pose.copy())
    assert camera == again
    assert hash(camera) == hash(again)
    further = Camera.looking((0.0, 0.0, 5.0), (0.0, 0.0, 0.0), shape=(10, 20))
    assert not {camera} & {replace(camera, k1=0.1), camera.resized((5, 10)), further}
    assert camera != "camera"
