"""Traced rays: depth and normals of closed forms, and a camera that is the right way round."""

import numpy as np
import pytest
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.shapes._tracing import Traced, shaded, trace
from ligeia.signals import Camera

Points = Float[np.ndarray, "n 3"]
Values = Float[np.ndarray, " n"]
BOX = ((-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0))
DIAGONAL = 12**0.5
CENTER, RADIUS = np.array([0.1, -0.2, 0.15]), 0.6


def sphere(points: Points) -> Values:
    return np.linalg.norm(points - CENTER, axis=1) - RADIUS


def sphere_slopes(points: Points) -> tuple[Values, Points]:
    away = points - CENTER
    length = np.linalg.norm(away, axis=1)
    return length - RADIUS, away / length[:, None]


def plane_slopes(points: Points) -> tuple[Values, Points]:
    return points[:, 2] - 0.25, np.tile([0.0, 0.0, 1.0], (len(points), 1))


def traced_sphere(camera: Camera) -> Traced:
    return trace(sphere, sphere_slopes, BOX, camera)


def sphere_along(origin: Float[np.ndarray, " 3"], directions: Points) -> Values:
    """Return the distance to the sphere, NaN for rays that pass it."""
    toward = -directions @ (origin - CENTER)
    nearest = np.linalg.norm(origin - CENTER + toward[:, None] * directions, axis=1)
    with np.errstate(invalid="ignore"):
        return toward - np.sqrt(RADIUS**2 - nearest**2)


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (35.0, 20.0), (-120.0, -50.0), (10.0, 90.0)])
def test_depth_and_normals_of_a_sphere_are_exact_and_misses_are_nan(azimuth: float, elevation: float) -> None:
    camera = Camera.around(BOX, azimuth, elevation, shape=(60, 80))
    traced = traced_sphere(camera)
    origin, directions = camera.pixel_rays()
    wanted = sphere_along(origin, directions)
    depth, normals = traced.depth.ravel(), traced.normals.reshape(-1, 3)
    hit = np.isfinite(wanted)
    assert 0.02 < hit.mean() < 0.5
    assert np.array_equal(np.isfinite(depth), hit)
    assert np.array_equal(np.isfinite(normals).all(axis=1), hit)
    assert np.abs(depth - wanted)[hit].max() < 1e-4 * DIAGONAL
    places = (origin + wanted[:, None] * directions)[hit]
    assert np.abs(normals[hit] - (places - CENTER) / RADIUS).max() < 1e-3
    assert traced.depth.dtype == traced.normals.dtype == np.float32


def test_a_function_that_is_no_distance_is_traced_with_its_bound() -> None:
    def stretched(points: Points) -> Values:
        return np.linalg.norm(points - CENTER, axis=1) ** 2 - RADIUS**2

    def slopes(points: Points) -> tuple[Values, Points]:
        return stretched(points), 2 * (points - CENTER)

    camera = Camera.around(BOX, 20.0, 10.0, shape=(40, 40))
    wanted = sphere_along(*camera.pixel_rays()).reshape(40, 40)
    good = trace(stretched, slopes, BOX, camera, lipschitz=5.0)
    rash = trace(stretched, slopes, BOX, camera, lipschitz=1.3)  # steps too far, and comes back
    assert np.nanmax(np.abs(good.depth - wanted)) < 1e-4 * DIAGONAL
    assert np.array_equal(np.isnan(good.depth), np.isnan(wanted))
    assert np.nanmax(np.abs(rash.depth - wanted)) < 1e-4 * DIAGONAL


def test_a_plane_is_seen_within_the_box_only() -> None:
    camera = Camera.looking((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), field_of_view_degrees=60.0, shape=(64, 64))
    traced = trace(lambda x: plane_slopes(x)[0], plane_slopes, BOX, camera)
    _, directions = camera.pixel_rays()
    wanted = -3.75 / directions[:, 2]
    places = wanted[:, None] * directions
    inside = (np.abs(places[:, :2]) <= 1).all(axis=1)
    depth = traced.depth.ravel()
    assert np.abs(depth - wanted)[inside].max() < 1e-4 * DIAGONAL
    assert np.isnan(depth[~inside]).all()
    assert np.allclose(traced.normals.reshape(-1, 3)[inside], [0, 0, 1])


def test_a_ray_that_enters_the_box_inside_of_the_shape_hits_at_the_face() -> None:
    camera = Camera.looking((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), field_of_view_degrees=20.0, shape=(9, 9))
    traced = trace(lambda x: x[:, 2] - 5.0, plane_slopes, BOX, camera)
    _, directions = camera.pixel_rays()
    assert np.allclose(traced.depth.ravel(), -3 / directions[:, 2], atol=1e-5)
    assert np.allclose(traced.normals, [0, 0, 1])


def test_an_eye_inside_of_the_shape_sees_it_at_once() -> None:
    camera = Camera.looking((0.1, -0.2, 0.15), (0.0, 0.0, -1.0), shape=(5, 5))
    traced = traced_sphere(camera)
    assert np.all(traced.depth == 0)
    assert np.allclose(traced.normals.reshape(-1, 3), -camera.pixel_rays()[1])


def test_a_camera_that_looks_away_sees_nothing() -> None:
    traced = traced_sphere(Camera.looking((0.0, 0.0, 4.0), (0.0, 0.0, 9.0), shape=(8, 8)))
    assert np.isnan(traced.depth).all()
    assert np.all(shaded(traced, "shaded") == 255)
    assert np.all(shaded(traced, "normal") == 255)
    assert np.all(shaded(traced, "depth") == 0)


def test_x_is_to_the_right_and_y_upward_for_a_camera_that_looks_along_minus_z() -> None:
    origin, directions = Camera.looking((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), shape=(5, 7)).pixel_rays()
    picture = directions.reshape(5, 7, 3)
    assert np.allclose(picture[2, 3], [0, 0, -1])
    assert np.allclose(origin, [0, 0, 4])
    assert picture[2, 6, 0] > 0 > picture[2, 0, 0]
    assert picture[0, 3, 1] > 0 > picture[4, 3, 1]
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)


def test_the_field_of_view_is_from_top_to_bottom_and_pixels_are_square() -> None:
    camera = Camera.looking((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), field_of_view_degrees=90.0, shape=(200, 300))
    _, directions = camera.pixel_rays()
    places = (directions / -directions[:, 2:]).reshape(200, 300, 3)
    assert places[0, 0, 1] == pytest.approx(1 - 1 / 200)
    assert places[0, 0, 0] == pytest.approx(-1.5 + 1 / 200)
    assert np.allclose(np.diff(places[0, :, 0]), 0.01)
    assert np.allclose(np.diff(places[:, 0, 1]), -0.01)


@pytest.mark.parametrize("up", [(0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.3, 0.8, -0.4)])
@pytest.mark.parametrize("elevation", [-90.0, -30.0, 0.0, 40.0, 90.0])
def test_a_camera_around_a_box_looks_at_its_middle_the_right_way_up(
    up: tuple[float, float, float], elevation: float
) -> None:
    box = ((1.0, 3.0), (-2.0, 2.0), (0.0, 1.0))
    camera = Camera.around(box, 50.0, elevation, 2.0, up=up, shape=(60, 80))
    axes = camera.axes()
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)
    assert np.allclose(camera.eye - 2 * 21**0.5 * axes[2], [2, 0, 0.5])
    upward = np.array(up) / np.linalg.norm(up)
    assert axes[1] @ upward == pytest.approx(np.cos(np.radians(elevation)), abs=1e-9)
    assert axes[2] @ upward == pytest.approx(np.sin(np.radians(elevation)), abs=1e-9)
    assert axes[0] @ upward == pytest.approx(0, abs=1e-9)


def test_a_positive_azimuth_moves_the_camera_to_its_right_and_z_upward_looks_along_y() -> None:
    beside = Camera.around(BOX, 90.0, 0.0, 1.0, shape=(60, 80))
    assert np.allclose(beside.eye, (DIAGONAL, 0, 0))
    upright = Camera.around(BOX, 0.0, 0.0, 1.0, up=(0.0, 0.0, 1.0), shape=(60, 80))
    assert np.allclose(upright.eye, (0, -DIAGONAL, 0))


def test_all_of_the_box_is_in_the_picture_without_a_distance() -> None:
    camera = Camera.around(BOX, 33.0, 21.0, shape=(60, 80))
    corners = np.stack(np.meshgrid(*BOX, indexing="ij"), axis=-1).reshape(-1, 3) - camera.eye
    seen = corners @ camera.axes().T
    assert (np.abs(seen[:, :2]) / -seen[:, 2:]).max() <= np.tan(np.radians(20))


def test_pictures_are_lit_from_the_upper_left_darker_afar_and_colored_by_normals() -> None:
    traced = traced_sphere(Camera.around(BOX, 0.0, 0.0, shape=(81, 81)))
    hit = np.isfinite(traced.depth)
    rows, columns = np.nonzero(hit)
    top, left = (rows - rows.mean() < -5), (columns - columns.mean() < -5)
    light = shaded(traced, "shaded")[hit].mean(axis=1)
    assert light[top & left].mean() > light[~top & ~left].mean() + 20
    nearness = shaded(traced, "depth")[hit][:, 0]
    assert nearness[np.argmin(traced.depth[hit])] == nearness.max() == 255
    assert nearness[np.argmax(traced.depth[hit])] == nearness.min() > 0
    assert np.array_equal(shaded(traced, "normal")[hit], ((traced.normals[hit] + 1) * 127.5).round().astype(np.uint8))
    assert np.all(shaded(traced, "normal")[~hit] == 255)


def test_cameras_pictures_and_bounds_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="expected a field of view between 0 and 180 degrees, got 180"):
        Camera.looking((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), field_of_view_degrees=180.0, shape=(5, 5))
    with pytest.raises(InputError, match="choose another `up`"):
        Camera.looking((0.0, 1.0, 0.0), (0.0, 0.0, 0.0), shape=(5, 5))
    camera = Camera.around(BOX, 0.0, 0.0, shape=(5, 5))
    with pytest.raises(InputError, match="expected a picture of 1 or more rows and columns"):
        Camera.around(BOX, 0.0, 0.0, shape=(0, 5))
    with pytest.raises(InputError, match="expected a bound of the slope above 0, got -1"):
        trace(sphere, sphere_slopes, BOX, camera, lipschitz=-1.0)
