"""Oracles: the inside of a sphere and of a hollow ball, its area, and the plain sum over dipoles."""

import sys

import numpy as np
import pytest

from ligeia.core import InputError, MissingExtraError, ShapeError
from ligeia.shapes._winding import CloudWinding, dipole_winding, point_areas


def directions(count: int, seed: int = 0) -> np.ndarray:
    normals = np.random.default_rng(seed).normal(size=(count, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_the_winding_number_is_one_inside_of_a_sphere_and_zero_outside() -> None:
    normals, places = directions(20_000), directions(500, seed=1)
    winding = CloudWinding(3 * normals, 5 * normals)
    np.testing.assert_allclose(winding.at(2.5 * places), 1, atol=0.1)
    np.testing.assert_allclose(winding.at(3.5 * places), 0, atol=0.1)
    assert winding.areas.sum() == pytest.approx(4 * np.pi * 9, rel=0.02)


def test_the_winding_number_of_the_hollow_in_a_ball_is_zero() -> None:
    outer, inner = directions(10_000), directions(10_000, seed=1)
    winding = CloudWinding(np.concatenate([outer, inner / 2]), np.concatenate([outer, -inner]))
    found = winding.at(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.75], [0.0, 0.0, 1.5]]))
    np.testing.assert_allclose(found, [0, 1, 0], atol=0.06)


def test_the_fast_sum_is_the_plain_sum() -> None:
    normals, places = directions(3000), np.random.default_rng(2).normal(size=(400, 3))
    places = places[np.abs(np.linalg.norm(places, axis=1) - 1) > 0.1]
    winding = CloudWinding(normals, normals)
    expected = dipole_winding(normals, normals * winding.areas[:, None], places)
    np.testing.assert_allclose(winding.at(places), expected, atol=0.01)


def test_the_plain_sum_is_its_definition_and_leaves_out_the_point_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ligeia.shapes._winding._PIECE", 7 * 50)
    generator = np.random.default_rng(0)
    points, dipoles = generator.normal(size=(2, 50, 3))
    places = np.concatenate([points[:5], generator.normal(size=(20, 3))])
    ways = points[None] - places[:, None]
    lengths = np.linalg.norm(ways, axis=2)
    lengths[lengths == 0] = np.inf
    expected = ((ways * dipoles).sum(axis=2) / (4 * np.pi * lengths**3)).sum(axis=1)
    np.testing.assert_allclose(dipole_winding(points, dipoles, places), expected, rtol=1e-9, atol=1e-12)


def test_points_of_a_thin_plate_have_the_area_of_their_own_side() -> None:
    generator = np.random.default_rng(0)
    normals = np.array([[0.0, 0.0, 1.0]]) * generator.choice([-1.0, 1.0], 10_000)[:, None]
    points = generator.random((10_000, 3)) * [1.0, 1.0, 0.0] + 0.001 * normals
    assert point_areas(points, normals).sum() == pytest.approx(2, rel=0.15)


def test_repeated_points_count_once() -> None:
    normals = directions(5000)
    winding = CloudWinding(np.repeat(normals, 2, axis=0), np.repeat(normals, 2, axis=0))
    np.testing.assert_allclose(winding.at(np.zeros((1, 3))), 1, atol=0.1)


def test_no_places_have_no_winding_numbers() -> None:
    normals = directions(100)
    assert CloudWinding(normals, normals).at(np.empty((0, 3))).shape == (0,)


def test_clouds_without_a_side_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    normals = directions(100)
    with pytest.raises(InputError, match="normals longer than 0"):
        CloudWinding(normals, 0 * normals)
    with pytest.raises(ShapeError, match="n at least 2"):
        CloudWinding(normals[:1], normals[:1])
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without the checks of a test run
    with pytest.raises(ShapeError, match=r"places must be \(m, 3\)"):
        CloudWinding(normals, normals).at(np.zeros(3))


def test_without_libigl_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    normals = directions(100)
    monkeypatch.setitem(sys.modules, "igl", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ligeia\[mesh\]'"):
        CloudWinding(normals, normals)
