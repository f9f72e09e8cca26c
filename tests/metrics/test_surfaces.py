"""Oracles: all pairs of samples in NumPy float64, and the closed form of the floor between samplings of a plane."""

import numpy as np
import pytest

from ligeia.core import InputError, ShapeError
from ligeia.metrics import intersection_over_union, surface_distance


def cloud(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3))


def test_distances_are_those_of_all_pairs_in_percent_of_the_diagonal() -> None:
    first, second = cloud(200, 0), cloud(150, 1) + 0.3
    pairs = np.linalg.norm(first[:, None] - second[None], axis=2)
    found = surface_distance(first, second, diagonal=8.0)
    accuracy, completeness = pairs.min(axis=0), pairs.min(axis=1)
    assert found.accuracy == pytest.approx(accuracy.mean() / 8 * 100)
    assert found.completeness == pytest.approx(completeness.mean() / 8 * 100)
    assert found.chamfer == pytest.approx((found.accuracy + found.completeness) / 2)
    worst = max(np.percentile(accuracy, 95), np.percentile(completeness, 95))
    assert found.hausdorff_95 == pytest.approx(worst / 8 * 100)
    assert found.normal_consistency is None


def test_normal_consistency_is_that_of_nearest_pairs_whatever_the_lengths_and_signs() -> None:
    first, second, first_normals, second_normals = cloud(80, 0), cloud(90, 1), cloud(80, 2), cloud(90, 3)
    pairs = np.linalg.norm(first[:, None] - second[None], axis=2)
    cosines = np.abs(first_normals @ second_normals.T)
    cosines /= np.linalg.norm(first_normals, axis=1)[:, None] * np.linalg.norm(second_normals, axis=1)
    there = cosines[pairs.argmin(axis=0), np.arange(90)].mean()
    back = cosines[np.arange(80), pairs.argmin(axis=1)].mean()
    normals = {"reference_normals": -first_normals, "candidate_normals": second_normals}
    found = surface_distance(first, second, **normals, diagonal=1.0)
    assert found.normal_consistency == pytest.approx((there + back) / 2)


def test_a_surface_is_at_no_distance_from_itself() -> None:
    points = cloud(50, 0).astype(np.float32)
    found = surface_distance(points, points, reference_normals=points, candidate_normals=points, diagonal=1.0)
    assert (found.chamfer, found.hausdorff_95) == (0.0, 0.0)
    assert found.normal_consistency == pytest.approx(1.0)


def test_two_samplings_of_one_plane_lie_at_the_floor_that_the_docstring_states() -> None:
    generator = np.random.default_rng(0)
    first, second = (generator.random((20_000, 3)) * [2.0, 1.0, 0.0] for _ in range(2))
    found = surface_distance(first, second, diagonal=1.0)
    assert found.chamfer == pytest.approx(100 * 0.5 * np.sqrt(2 / 20_000), rel=0.03)


def test_intersection_over_union_counts_places() -> None:
    first, second = np.array([1, 1, 1, 0, 0], bool), np.array([0, 1, 1, 1, 0], bool)
    assert intersection_over_union(first, second) == 0.5
    assert intersection_over_union(first, ~first) == 0.0


def test_two_empty_solids_agree() -> None:
    nothing = np.zeros(4, bool)
    assert intersection_over_union(nothing, nothing) == 1.0
    assert intersection_over_union(nothing, ~nothing) == 0.0


def test_what_cannot_be_compared_is_refused() -> None:
    points = cloud(5, 0)
    with pytest.raises(InputError, match="diagonal must be positive"):
        surface_distance(points, points, diagonal=0.0)
    with pytest.raises(InputError, match="normals of both surfaces"):
        surface_distance(points, points, reference_normals=points, diagonal=1.0)
    with pytest.raises(InputError, match="positive, finite length"):
        surface_distance(points, points, reference_normals=points, candidate_normals=0 * points, diagonal=1.0)
    with pytest.raises(InputError, match="expected finite points, the candidate"):
        surface_distance(points, points * np.nan, diagonal=1.0)
    with pytest.raises(ShapeError, match="with n at least 1"):
        surface_distance(points[:0], points, diagonal=1.0)
