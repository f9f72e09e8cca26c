"""A mesh beside the surface that it should be. Oracles: concentric spheres, whose distances and volumes are known."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trimesh

from ligeia.shapes import Shape, SurfaceQuality, prepared, surface_quality
from ligeia.signals import Surface, surface_of

PERCENT = 100 / math.sqrt(12)  # of the diagonal of the box around a sphere of radius 1
CENTER = np.array([40.0, 0.0, -3.0])


def sphere(radius: float = 1.0, *, at: tuple[float, float, float] = (0.0, 0.0, 0.0), finer: int = 3) -> Surface:
    made: Any = trimesh.creation.icosphere(finer)
    return surface_of(radius * np.array(made.vertices) + at + CENTER, np.array(made.faces))


def both(first: Surface, second: Surface) -> Surface:
    return surface_of(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.faces, second.faces + len(first.vertices)]),
    )


def cloud(count: int, radius: float = 1.0, *, seed: int = 0) -> Surface:
    normals = np.random.default_rng(seed).normal(size=(count, 3))
    normals[:6] = np.concatenate([np.eye(3), -np.eye(3)])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return surface_of(radius * normals + CENTER, normals=normals)


def quality(shape: Shape, found: Surface, **options: Any) -> SurfaceQuality:
    return surface_quality(shape, found.vertices, found.faces, **options)


@pytest.fixture
def fewer(monkeypatch: pytest.MonkeyPatch) -> int:
    """Take fewer samples than a measurement does."""
    monkeypatch.setattr("ligeia.shapes._quality._SAMPLES", 20_000)
    return 20_000


def test_a_mesh_beside_itself_is_as_near_as_two_samplings_of_it() -> None:
    found = quality(prepared(sphere()), sphere())
    assert found.floor == pytest.approx(PERCENT * 0.5 * math.sqrt(4 * math.pi / 1e5), rel=0.02)
    assert found.distance.chamfer == pytest.approx(found.floor, rel=0.01)
    assert found.distance.accuracy == pytest.approx(found.distance.completeness, rel=0.02)
    assert found.distance.normal_consistency == pytest.approx(1.0, abs=1e-3)
    assert found.iou == 1.0
    assert found.exact < 1e-6
    assert (found.num_samples, found.watertight, found.components, found.specks) == (100_000, True, 1, 0)


@pytest.mark.parametrize("radius", [0.9, 1.1])
def test_distance_and_overlap_of_concentric_spheres_are_their_closed_forms(radius: float, fewer: int) -> None:
    found = quality(prepared(sphere()), sphere(radius))
    wanted = PERCENT * 0.1
    assert found.exact == pytest.approx(wanted, rel=0.005)
    assert found.distance.accuracy == pytest.approx(wanted, rel=0.05)
    assert found.distance.completeness == pytest.approx(wanted, rel=0.05)
    assert found.distance.hausdorff_95 == pytest.approx(wanted, rel=0.2)
    assert found.distance.normal_consistency == pytest.approx(1.0, abs=1e-3)
    assert found.iou == pytest.approx(min(radius, 1 / radius) ** 3, abs=0.015)  # three deviations of 10,000 insides


def test_what_lies_outside_of_the_box_around_the_surface_counts_as_well(fewer: int) -> None:
    # a second solid as large as the one that is wanted
    found = quality(prepared(sphere()), both(sphere(), sphere(at=(10.0, 0.0, 0.0))))
    assert found.iou == pytest.approx(0.5, abs=0.05)
    assert found.distance.accuracy == pytest.approx(PERCENT * 9.07 / 2, rel=0.05)  # the mean distance of the other half
    assert found.distance.completeness < PERCENT * 0.1


def test_the_side_that_normals_point_to_does_not_matter_but_their_line_does(fewer: int) -> None:
    shape, inward = prepared(sphere()), sphere()
    found = quality(shape, surface_of(inward.vertices, inward.faces[:, ::-1]))
    assert found.distance.normal_consistency == pytest.approx(1.0, abs=0.01)
    made: Any = trimesh.creation.box((2 / math.sqrt(3),) * 3)  # with its corners on the sphere
    cube = quality(shape, surface_of(np.array(made.vertices) + CENTER, np.array(made.faces)))
    assert cube.distance.normal_consistency is not None
    assert cube.distance.normal_consistency < 0.9


def test_an_open_mesh_has_no_overlap(fewer: int) -> None:
    whole = sphere()
    kept = whole.vertices[whole.faces].mean(axis=1)[:, 2] < CENTER[2] + 0.5
    shape = prepared(surface_of(whole.vertices, whole.faces[kept]))
    found = quality(shape, whole)
    assert found.iou is None
    assert found.floor is not None
    assert found.watertight
    assert not quality(prepared(whole), shape.surface).watertight


def test_parts_of_less_than_a_hundredth_of_the_area_are_specks(fewer: int) -> None:
    shape = prepared(sphere())
    for radius, counts in ((0.05, (1, 1)), (0.2, (2, 0))):
        found = quality(shape, both(sphere(), sphere(radius, at=(0.0, 3.0, 0.0), finer=1)))
        assert (found.components, found.specks) == counts


def test_completeness_of_a_cloud_is_that_at_the_points_that_were_held_out(fewer: int) -> None:
    shape = prepared(cloud(5000), hold_out=0.2)
    usual = quality(shape, sphere(1.1, finer=4))
    assert usual.num_samples == 1000
    assert (usual.iou, usual.floor) == (None, None)
    wanted = PERCENT * 0.1
    assert usual.distance.completeness == pytest.approx(wanted, rel=0.05)
    assert usual.distance.accuracy == pytest.approx(wanted, rel=0.1)
    assert usual.distance.chamfer == pytest.approx((usual.distance.accuracy + usual.distance.completeness) / 2)
    assert usual.distance.normal_consistency == pytest.approx(1.0, abs=0.01)
    assert usual.exact == pytest.approx(wanted, rel=0.02)
    # as if other points had been held out: farther from the mesh, which they surround
    moved = quality(replace(shape, held_out=cloud(1000, 1.4, seed=1)), sphere(1.1, finer=4))
    assert moved.distance.completeness == pytest.approx(3 * wanted, rel=0.05)
    assert moved.distance.accuracy == pytest.approx(wanted, rel=0.1)
    assert moved.exact == pytest.approx(3 * wanted, rel=0.02)


def test_completeness_of_a_cloud_of_which_nothing_was_held_out_is_that_at_all_points(fewer: int) -> None:
    found = quality(prepared(cloud(3000), hold_out=0.0), sphere(0.8))
    assert found.num_samples == 3000
    assert found.distance.completeness == pytest.approx(PERCENT * 0.2, rel=0.05)


def test_the_seed_says_which_samples_are_taken(fewer: int) -> None:
    shape = prepared(sphere())
    first, second, third = (quality(shape, sphere(0.9), seed=seed) for seed in (5, 5, 6))
    assert first == second
    assert first != third


def test_the_figures_have_names_and_are_json(fewer: int) -> None:
    found = quality(prepared(sphere()), sphere(0.9))
    plain = json.loads(json.dumps(found.to_plain()))
    assert plain == {
        "chamfer_percent": found.distance.chamfer,
        "accuracy_percent": found.distance.accuracy,
        "completeness_percent": found.distance.completeness,
        "hausdorff_95_percent": found.distance.hausdorff_95,
        "normal_consistency": found.distance.normal_consistency,
        "chamfer_exact_percent": found.exact,
        "iou": found.iou,
        "chamfer_floor_percent": found.floor,
        "watertight": True,
        "components": 1,
        "specks": 0,
    }
