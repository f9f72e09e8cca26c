"""Meshes of level sets: closed, oriented, where dense marching cubes put them, from few values."""

from collections.abc import Callable

import numpy as np
import pytest
import trimesh
from jaxtyping import Float
from scipy.spatial import KDTree
from skimage.measure import marching_cubes

from ligeia.core import InputError, ShapeError
from ligeia.shapes.level_set._extract import LevelSet, level_set, signed_volume_and_area

Points = Float[np.ndarray, "n 3"]
Values = Float[np.ndarray, " n"]
Function = Callable[[np.ndarray], np.ndarray]
BOX = ((-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0))
SLAB_BOX = ((-1.0, 0.9), (-1.2, 1.3), (-0.8, 0.8))


def sphere(points: Points) -> Values:
    return np.linalg.norm(points - (0.03, -0.02, 0.05), axis=1) - 0.7


def sphere_slopes(points: Points) -> tuple[Values, Points]:
    away = points - (0.03, -0.02, 0.05)
    length = np.linalg.norm(away, axis=1)
    return length - 0.7, away / np.maximum(length, 1e-12)[:, None]


def torus(points: Points) -> Values:
    return np.hypot(np.hypot(points[:, 0], points[:, 1]) - 0.5, points[:, 2]) - 0.21


def two_spheres(points: Points) -> Values:
    return np.minimum(*(np.linalg.norm(points - (0, y, 0), axis=1) - 0.33 for y in (-0.45, 0.47)))


def plate(points: Points) -> Values:
    away = np.abs(points - (0.011, 0.007, 0.003)) - (0.6, 0.5, 0.035)
    return np.linalg.norm(np.maximum(away, 0), axis=1) + np.minimum(away.max(axis=1), 0)


def gyroid(points: Points) -> Values:
    x, y, z = 5 * points.T
    tubes = (np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)) / 8.7
    return np.maximum(tubes, np.linalg.norm(points, axis=1) - 0.78)


SHAPES = [(sphere, 2), (torus, 0), (two_spheres, 4), (plate, 2)]


def as_trimesh(found: LevelSet) -> trimesh.Trimesh:
    return trimesh.Trimesh(found.vertices, found.faces, process=False)


def assert_closed(found: LevelSet) -> trimesh.Trimesh:
    mesh = as_trimesh(found)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    assert not found.cuts_box
    assert len(np.unique(found.faces)) == len(found.vertices)
    return mesh


def dense_vertices(function: Function, box: tuple[tuple[float, float], ...], resolution: int) -> np.ndarray:
    """Return the vertices of marching cubes on all of the grid, in units of cells."""
    low, high = np.array(box).T
    cell = (high - low).max() / resolution
    counts = np.ceil((high - low) / cell - 1e-9).astype(int) + 1
    places = np.stack(np.meshgrid(*[np.arange(each) for each in counts], indexing="ij"), axis=-1)
    values = function(low + cell * places.reshape(-1, 3)).reshape(counts)
    return marching_cubes((values / cell).astype(np.float32), 0.0)[0]


@pytest.mark.parametrize(("function", "euler_number"), SHAPES)
@pytest.mark.parametrize("resolution", [37, 64, 100])
@pytest.mark.parametrize("box", [BOX, SLAB_BOX])
def test_a_mesh_is_closed_and_oriented_outward(
    function: Function, euler_number: int, resolution: int, box: tuple[tuple[float, float], ...]
) -> None:
    found = level_set(function, box, resolution)
    assert assert_closed(found).euler_number == euler_number
    assert found.faces.dtype == np.int32


@pytest.mark.parametrize("function", [sphere, torus, two_spheres, plate, gyroid])
@pytest.mark.parametrize(("resolution", "box"), [(37, SLAB_BOX), (70, BOX)])
def test_vertices_are_those_of_marching_cubes_on_the_whole_grid(
    function: Function, resolution: int, box: tuple[tuple[float, float], ...]
) -> None:
    lengths = np.diff(np.array(box))
    found = level_set(function, box, resolution)
    ours = (found.vertices - np.array(box)[:, 0]) / (lengths.max() / resolution)
    theirs = dense_vertices(function, box, resolution)
    assert len(ours) == len(theirs)
    for one, other in ((ours, theirs), (theirs, ours)):
        assert KDTree(one).query(other)[0].max() < 2e-3


@pytest.mark.parametrize("function", [sphere, gyroid])
def test_without_a_bound_the_same_mesh_comes_from_the_whole_grid(function: Function) -> None:
    sparse, dense = level_set(function, SLAB_BOX, 41), level_set(function, SLAB_BOX, 41, lipschitz=None)
    assert dense.num_evaluations >= dense.num_dense
    assert sparse.num_evaluations < sparse.num_dense
    assert len(sparse.faces) == len(dense.faces)
    apart = KDTree(sparse.vertices).query(dense.vertices)[0]
    assert np.quantile(apart, 0.99) < 1e-6
    assert apart.max() < 0.2 * 2.5 / 41  # of the few vertices within cells, where bounds of the values matter


def test_few_of_the_points_are_evaluated_and_each_of_them_counts() -> None:
    seen: list[np.ndarray] = []

    def watched(points: Points) -> Values:
        seen.append(points)
        return sphere(points)

    found = level_set(watched, BOX, 128)
    places = np.concatenate(seen)
    assert found.num_evaluations == len(places)
    assert found.num_dense == 129**3
    assert found.num_evaluations < 0.08 * found.num_dense
    assert len(np.unique((places * 1e6).round(), axis=0)) > 0.95 * len(places)  # centers of large blocks come again


def test_a_larger_bound_finds_the_same_with_more_values() -> None:
    tight, loose = (level_set(torus, BOX, 64, lipschitz=each) for each in (1.0, 3.0))
    assert loose.num_evaluations > tight.num_evaluations
    assert len(loose.vertices) == len(tight.vertices)
    assert KDTree(loose.vertices).query(tight.vertices)[0].max() < 1e-7


def test_zeros_on_points_of_the_grid_pinch_nothing() -> None:
    def diamond(points: Points) -> Values:
        return (np.abs(points).sum(axis=1) - 0.5) / 3**0.5

    def cube(points: Points) -> Values:
        return np.abs(points).max(axis=1) - 0.5

    for function in (diamond, cube):
        mesh = assert_closed(level_set(function, BOX, 32))
        assert mesh.euler_number == 2
        assert mesh.area_faces.min() > 0


@pytest.mark.parametrize("seed", range(6))
def test_noise_with_ambiguous_cells_everywhere_is_closed(seed: int) -> None:
    values = np.ones((35, 35, 35))
    values[1:-1, 1:-1, 1:-1] = np.random.default_rng(seed).choice([-1.0, -0.4, 0.3, 1.0], (33, 33, 33))

    def noise(points: Points) -> Values:
        return values[tuple(((points + 1) * 17).round().astype(int).T)]

    found = level_set(noise, BOX, 34, lipschitz=None)
    mesh = as_trimesh(found)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0


def test_a_surface_that_leaves_the_box_is_open_there_only() -> None:
    found = level_set(lambda x: np.linalg.norm(x, axis=1) - 1.2, BOX, 40, slopes=lambda x: outward(x, 1.2))
    mesh = as_trimesh(found)
    assert found.cuts_box
    assert mesh.is_winding_consistent
    edges = np.sort(mesh.edges, axis=1)
    single, counts = np.unique(edges, axis=0, return_counts=True)
    rim = found.vertices[single[counts == 1]]
    assert len(rim) > 0
    assert np.allclose(np.abs(rim).max(axis=2), 1.0)
    assert np.abs(found.vertices).max() <= 1.0


def outward(points: Points, radius: float) -> tuple[Values, Points]:
    length = np.linalg.norm(points, axis=1)
    return length - radius, points / np.maximum(length, 1e-12)[:, None]


def test_newton_puts_vertices_onto_the_surface_and_normals_are_gradients() -> None:
    before = level_set(sphere, BOX, 40)
    found = level_set(sphere, BOX, 40, slopes=sphere_slopes)
    assert before.normals is None
    assert np.abs(sphere(before.vertices)).max() > 1e-4
    assert np.abs(sphere(found.vertices)).max() < 1e-9
    assert found.normals is not None
    assert np.abs(found.normals - sphere_slopes(found.vertices)[1]).max() < 1e-3
    assert np.linalg.norm(found.vertices - before.vertices, axis=1).max() < 2 / 40
    assert before.num_evaluations < found.num_evaluations < before.num_evaluations + 2.5 * len(found.vertices)
    assert_closed(found)


def test_without_steps_normals_cost_one_value_each_and_nothing_moves() -> None:
    before, found = level_set(sphere, BOX, 30), level_set(sphere, BOX, 30, slopes=sphere_slopes, newton_steps=0)
    assert np.array_equal(before.vertices, found.vertices)
    assert found.num_evaluations == before.num_evaluations + len(found.vertices)
    assert found.normals is not None
    assert np.abs(found.normals - sphere_slopes(found.vertices)[1]).max() < 1e-6


def test_vertices_where_the_function_is_flat_stay_and_get_normals_of_their_triangles() -> None:
    def half_flat(points: Points) -> tuple[Values, Points]:
        values, slopes = sphere_slopes(points)
        return values, slopes * (points[:, :1] > 0)

    found = level_set(sphere, BOX, 40, slopes=half_flat)
    assert found.normals is not None
    assert np.allclose(np.linalg.norm(found.normals, axis=1), 1, atol=1e-5)
    assert np.abs(found.normals - sphere_slopes(found.vertices)[1]).max() < 0.1
    assert np.abs(sphere(found.vertices[found.vertices[:, 0] > 0.05])).max() < 1e-9


def test_volume_and_area_of_a_sphere_and_of_one_turned_inside_out() -> None:
    found = level_set(sphere, BOX, 64, slopes=sphere_slopes)
    volume, area = signed_volume_and_area(found.vertices, found.faces)
    assert volume == pytest.approx(4 / 3 * np.pi * 0.7**3, rel=2e-3)
    assert area == pytest.approx(4 * np.pi * 0.7**2, rel=2e-3)
    assert volume == pytest.approx(as_trimesh(found).volume, rel=1e-9)
    assert signed_volume_and_area(found.vertices, found.faces[:, ::-1])[0] == pytest.approx(-volume)
    assert signed_volume_and_area(found.vertices + 1e4, found.faces)[0] == pytest.approx(volume, rel=1e-6)


def test_progress_counts_layers_up_to_all_of_them() -> None:
    calls: list[tuple[int, int]] = []
    level_set(sphere, SLAB_BOX, 37, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(8, 29), (16, 29), (24, 29), (29, 29)]


def test_a_box_without_a_surface_is_refused_with_what_was_seen() -> None:
    with pytest.raises(InputError, match=r"no surface in the box: the function is positive everywhere .* from 4.* to"):
        level_set(lambda x: np.linalg.norm(x, axis=1) + 4, BOX, 16)
    with pytest.raises(InputError, match="the function is negative everywhere it was evaluated, from -9 to -9"):
        level_set(lambda x: np.full(len(x), -9.0), BOX, 16, lipschitz=None)
    with pytest.raises(InputError, match=r"no cell has both signs.* give a larger bound"):
        level_set(lambda x: 50 * x[:, 0], BOX, 128, lipschitz=0.1)


def test_values_that_are_not_finite_or_too_few_are_refused() -> None:
    with pytest.raises(InputError, match=r"got 1 that are not among 1, the first of them at \(0, 0, 0\)"):
        level_set(lambda x: np.where(np.abs(x).sum(axis=1) > 0, 1.0, np.nan), BOX, 16)
    with pytest.raises(ShapeError, match=r"expected results of shape \(1,\) for 1 points, got \(1, 1\)"):
        level_set(lambda x: x[:, :1], BOX, 16)


def test_sizes_boxes_and_bounds_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="expected a resolution from 2 to 2048 cells, got 1"):
        level_set(sphere, BOX, 1)
    with pytest.raises(InputError, match="a box of three sides, each from a number to a larger one"):
        level_set(sphere, ((0.0, 1.0), (1.0, 1.0), (0.0, 1.0)), 8)
    with pytest.raises(InputError, match="a box of three sides"):
        level_set(sphere, ((0.0, 1.0), (0.0, np.inf), (0.0, 1.0)), 8)
    with pytest.raises(InputError, match="expected a bound of the slope above 0, got 0"):
        level_set(sphere, BOX, 8, lipschitz=0.0)
    with pytest.raises(InputError, match="expected 0 or more steps of Newton's, got -1"):
        level_set(sphere, BOX, 8, newton_steps=-1)


def test_the_coarsest_grid_gives_a_mesh() -> None:
    assert_closed(level_set(lambda x: np.linalg.norm(x - 0.01, axis=1) - 0.5, BOX, 2))
