"""Oracles: the closed-form normals of spheres, tori, boxes and plates, under a random rotation."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ligeia.core import InputError, ShapeError
from ligeia.shapes._normals import estimated_normals


def sphere(count: int, *, radius: float = 1.0, center: tuple[float, float, float] = (0, 0, 0), seed: int = 0):
    normals = np.random.default_rng(seed).normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return np.array(center) + radius * normals, normals


def torus(count: int, *, ring: float = 1.0, tube: float = 0.3, seed: int = 0):
    turn, around = 2 * np.pi * np.random.default_rng(seed).random((2, count))
    out = np.stack([np.cos(turn), np.sin(turn), np.zeros(count)], axis=1)
    normals = np.cos(around)[:, None] * out + np.sin(around)[:, None] * [0.0, 0.0, 1.0]
    return ring * out + tube * normals, normals


def box(count: int, sides: tuple[float, float, float], *, seed: int = 0):
    generator = np.random.default_rng(seed)
    size = np.array(sides)
    faces = np.prod(size) / size
    axis = generator.choice(3, count, p=faces / faces.sum())
    normals = np.eye(3)[axis] * generator.choice([-1.0, 1.0], count)[:, None]
    points = (generator.random((count, 3)) - 0.5) * size
    return np.where(normals != 0, normals * size / 2, points), normals


def agreement(points: np.ndarray, normals: np.ndarray) -> float:
    """Return the share of points whose estimated normal is on the side of the true one."""
    rotation = Rotation.from_rotvec([0.4, -0.7, 1.1])
    found = estimated_normals(rotation.apply(points) * 37 + [500.0, -20.0, 3.0])
    np.testing.assert_allclose(np.linalg.norm(found.normals, axis=1), 1, rtol=1e-12)
    return float(((found.normals * rotation.apply(normals)).sum(axis=1) > 0).mean())


def test_normals_of_a_sphere_are_its_radii() -> None:
    points, normals = sphere(4000)
    found = estimated_normals(points)
    assert (found.normals * normals).sum(axis=1).min() > 0.98
    assert (found.num_components, found.num_uncertain) == (1, 0)


def test_normals_of_a_torus_point_out_of_its_tube() -> None:
    assert agreement(*torus(6000)) == 1.0


def test_normals_of_a_box_point_out_across_its_edges() -> None:
    assert agreement(*box(6000, (1.0, 2.0, 0.7))) > 0.998


def test_both_sides_of_a_thin_plate_point_away_from_each_other() -> None:
    # points are 0.009 apart on average, the plate is 0.03 thick
    assert agreement(*box(24_000, (1.0, 1.0, 0.03))) > 0.995


def test_two_far_spheres_are_each_turned_outwards() -> None:
    parts = [sphere(1500, seed=1), sphere(1500, radius=0.4, center=(50, 0, 0), seed=2)]
    points, normals = (np.concatenate(each) for each in zip(*parts, strict=True))
    assert agreement(points, normals) == 1.0
    assert estimated_normals(points).num_components == 2


def test_the_inner_shell_of_a_hollow_ball_points_into_the_hollow() -> None:
    outer, shell, core = (sphere(2000, radius=radius, seed=seed) for seed, radius in enumerate((1.0, 0.7, 0.4)))
    points = np.concatenate([outer[0], shell[0], core[0]])
    assert agreement(points, np.concatenate([outer[1], -shell[1], core[1]])) == 1.0


def test_repeated_points_change_nothing() -> None:
    points, _ = torus(3000)
    once, many = estimated_normals(points), estimated_normals(np.repeat(points, 20, axis=0))
    np.testing.assert_array_equal(many.normals, np.repeat(once.normals, 20, axis=0))


def test_an_open_sheet_has_one_side_and_is_all_uncertain() -> None:
    places = np.random.default_rng(0).random((2000, 3)) * [1.0, 1.0, 0.0]
    found = estimated_normals(places)
    assert abs(found.normals[:, 2].sum()) == pytest.approx(2000)
    assert found.num_uncertain == 2000


def test_a_cloud_without_surface_is_uncertain() -> None:
    found = estimated_normals(np.random.default_rng(0).random((3000, 3)))
    assert found.num_uncertain > 300


def test_clouds_that_cannot_have_normals_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    points, _ = sphere(20)
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without the checks of a test run
    with pytest.raises(ShapeError, match=r"points must be \(n, 3\)"):
        estimated_normals(points[:, 0])
    with pytest.raises(InputError, match="expected finite points"):
        estimated_normals(np.where(points > 0.5, np.nan, points))
    with pytest.raises(InputError, match="more than 12 different points"):
        estimated_normals(np.repeat(points[:12], 2, axis=0))
    with pytest.raises(InputError, match="at least 3 neighbors"):
        estimated_normals(points, neighbors=2)
