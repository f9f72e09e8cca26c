"""A surface ready for a fit. Oracles: the closed-form distance of a box, triangles one by one, shares of area."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trimesh
from scipy import stats

from ligeia.core import InputError
from ligeia.shapes import _shape, prepared, surface_samples
from ligeia.signals import Surface, surface_of

SIDES = np.array([2.0, 1.0, 0.5])
SPACING = math.sqrt(4 * math.pi / 4000)  # of as many points on a sphere
FAR = [(0.0, 1.0), (1e6, 1.0), (1e6, 1e-3)]  # offset and scale, as of coordinates of a map


def box(*, offset: float = 0.0, scale: float = 1.0) -> Surface:
    made: Any = trimesh.creation.box(SIDES)
    return surface_of(np.array(made.vertices) * scale + offset, np.array(made.faces))


def box_distance(points: np.ndarray) -> np.ndarray:
    """Return the signed distance of the box at the origin in its own scale."""
    beyond = np.abs(points) - SIDES / 2
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)


def triangle_distance(points: np.ndarray, surface: Surface) -> np.ndarray:
    """Return the distance to the nearest triangle, by trying them all."""
    found = np.full(len(points), np.inf)
    for corners in surface.vertices[surface.faces]:
        nearest = trimesh.triangles.closest_point(np.broadcast_to(corners, (len(points), 3, 3)), points)
        found = np.minimum(found, np.linalg.norm(points - nearest, axis=1))
    return found


def is_in(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return which points lie in a triangle."""
    a, b, c = corners
    normal = np.cross(b - a, c - a)
    found = np.abs((points - a) @ normal) < 1e-9
    for one, other in ((a, b), (b, c), (c, a)):
        found &= (points - one) @ np.cross(normal, other - one) >= 0
    return found


def ball(*, count: int = 600, seed: int = 0, center: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Surface:
    normals = np.random.default_rng(seed).normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return surface_of(normals + center, normals=normals)


def normals_are_radii(surface: Surface) -> bool:
    return surface.normals is not None and np.allclose(surface.vertices, surface.normals, rtol=0, atol=1e-15)


def rows(points: np.ndarray) -> set[tuple[float, ...]]:
    return set(map(tuple, points.tolist()))


@pytest.mark.parametrize(("offset", "scale"), FAR)
@pytest.mark.parametrize("padding", [0.1, 0.5])
def test_the_domain_is_a_cube_as_much_wider_as_the_padding_says(offset: float, scale: float, padding: float) -> None:
    shape = prepared(box(offset=offset, scale=scale), padding=padding)
    assert [axis.name for axis in shape.grid.axes] == ["x", "y", "z"]
    half_side = scale * (1 + padding)  # the longest side is 2
    rounding = 4 * np.spacing(offset + scale)  # of the coordinates in the file
    for axis in shape.grid.axes:
        assert axis.extent == pytest.approx((offset - half_side, offset + half_side), rel=0, abs=rounding)
    assert shape.half_side == pytest.approx(half_side, rel=0, abs=rounding)
    assert (shape.channel.low, shape.channel.high) == (-shape.half_side, shape.half_side)
    assert shape.diagonal == pytest.approx(scale * np.linalg.norm(SIDES), rel=0, abs=rounding)
    corners = shape.grid.from_physical(shape.surface.vertices)
    assert np.allclose(np.abs(corners), SIDES / 2 / (1 + padding), rtol=0, atol=rounding / half_side)
    points = np.random.default_rng(0).uniform(-1, 1, (1000, 3))
    there_and_back = shape.grid.from_physical(shape.grid.to_physical(points))
    assert np.allclose(there_and_back, points, rtol=0, atol=rounding / half_side)


def test_vertices_without_a_triangle_do_not_widen_the_domain() -> None:
    alone = box()
    with_idle = surface_of(np.concatenate([alone.vertices, [[99.0, 0, 0]]]), alone.faces)
    assert prepared(with_idle).grid == prepared(alone).grid


@pytest.mark.parametrize(("offset", "scale"), FAR)
def test_the_signed_distance_of_a_box_is_its_closed_form(offset: float, scale: float) -> None:
    shape = prepared(box(offset=offset, scale=scale))
    places = shape.grid.to_physical(np.random.default_rng(0).uniform(-1, 1, (5000, 3)))
    wanted = box_distance((places - offset) / scale)
    rounding = 1e-9 + 8 * np.spacing(offset) / scale
    assert np.array_equal(shape.holds(places), wanted < 0)
    assert np.abs(shape.signed_distance(places) / scale - wanted).max() < rounding


def test_the_signed_distance_of_a_ball_is_that_of_its_triangles() -> None:
    made: Any = trimesh.creation.icosphere(2)
    shape = prepared(surface_of(np.array(made.vertices), np.array(made.faces)))
    places = np.random.default_rng(0).uniform(-1.1, 1.1, (500, 3))
    radius = np.linalg.norm(places, axis=1)
    found = shape.signed_distance(places)
    assert np.abs(found - (radius - 1)).max() < 1 - np.linalg.norm(made.triangles_center, axis=1).min()
    clear = np.abs(radius - 1) > 0.03
    assert np.array_equal(found[clear] < 0, radius[clear] < 1)
    assert np.abs(np.abs(found) - triangle_distance(places, shape.surface)).max() < 1e-9


def test_the_distance_of_an_open_mesh_is_that_to_its_triangles() -> None:
    closed = box()
    lid = np.all(closed.vertices[closed.faces][:, :, 2] > 0, axis=1)
    shape = prepared(surface_of(closed.vertices, closed.faces[~lid]))
    assert not shape.is_closed
    assert lid.sum() == 2
    places = np.random.default_rng(0).uniform(-1.1, 1.1, (500, 3))
    found = shape.signed_distance(places)
    assert np.abs(np.abs(found) - triangle_distance(places, shape.surface)).max() < 1e-9
    assert np.array_equal(found < 0, shape.holds(places))


def test_the_distance_within_two_shells_is_that_to_the_nearer_one() -> None:
    outer = box()
    both = surface_of(
        np.concatenate([outer.vertices, outer.vertices / 2]), np.concatenate([outer.faces, outer.faces + 8])
    )
    found = prepared(both).signed_distance(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.2]]))
    assert found == pytest.approx([-0.125, -0.05], abs=1e-9)


@pytest.mark.parametrize(("offset", "scale"), FAR)
def test_the_signed_distance_of_a_cloud_is_near_that_of_its_sphere(offset: float, scale: float) -> None:
    cloud = ball(count=4000)
    shape = prepared(surface_of(cloud.vertices * scale + offset, normals=cloud.normals), hold_out=0.0)
    assert shape.spacing() * shape.half_side == pytest.approx(scale * SPACING, rel=0.1)
    places = np.random.default_rng(1).uniform(-1.1, 1.1, (3000, 3))
    wanted = np.linalg.norm(places, axis=1) - 1
    found = shape.signed_distance(places * scale + offset) / scale
    assert np.isfinite(found).all()  # of a closed surface no side is in doubt
    assert np.abs(found - wanted).max() < SPACING  # where the points leave a gap
    assert np.abs(found - wanted).mean() < SPACING / 20
    clear = np.abs(wanted) > SPACING / 2
    assert np.array_equal((found < 0)[clear], (wanted < 0)[clear])


def test_samples_of_the_distance_of_a_cloud_are_near_that_of_its_sphere() -> None:
    signal = prepared(ball(count=4000), hold_out=0.0).distance_samples(3000, seed=3)
    assert signal.points is not None
    assert len(signal.points) == len(signal.values) == 3000
    assert np.abs(signal.points).max() <= 1
    wanted = np.linalg.norm(signal.points, axis=1) * signal.channels[0].high - 1
    assert np.abs(signal.values[:, 0] - wanted).max() < SPACING
    assert np.abs(signal.values[:, 0] - wanted).mean() < SPACING / 20


def test_samples_of_which_a_cloud_tells_no_distance_are_left_out() -> None:
    cloud = ball(count=4000)
    assert cloud.normals is not None
    kept = cloud.vertices[:, 2] < 0.6  # a hole of 0.8 in radius
    shape = prepared(surface_of(cloud.vertices[kept], normals=cloud.normals[kept]), hold_out=0.0)
    signal = shape.distance_samples(3000)
    assert signal.points is not None
    assert 2000 < len(signal.points) == len(signal.values) < 3000
    assert np.isfinite(np.asarray(signal.values)).all()
    # below the middle of the hole, the winding number is 0.56, 0.68 and 0.83
    told = shape.signed_distance(np.array([[0.0, 0.0, 0.5], [0.0, 0.0, 0.3], [0.0, 0.0, -0.1]]))
    assert np.isnan(told[:2]).all()
    assert told[2] == pytest.approx(-0.9, abs=SPACING)


@pytest.mark.parametrize(("offset", "scale"), FAR)
def test_samples_of_the_distance_are_exact_and_in_the_domain(offset: float, scale: float) -> None:
    shape = prepared(box(offset=offset, scale=scale))
    signal = shape.distance_samples(4000, seed=3)
    assert signal.points is not None
    assert signal.points.shape == (4000, 3)
    assert np.abs(signal.points).max() <= 1
    # in the network's coordinates, which are exact, the box lies around the origin
    wanted = scale * box_distance(signal.points.astype(np.float64) * shape.half_side / scale)
    rounding = scale * 1e-6 + 8 * np.spacing(offset)
    assert np.abs(signal.values[:, 0] - wanted).max() < rounding
    assert (signal.grid, signal.channels, signal.source) == (shape.grid, (shape.channel,), shape.surface.source)


def test_four_fifths_of_the_samples_lie_around_the_surface_by_lognormal_widths() -> None:
    shape = prepared(box())
    signal = shape.distance_samples(20_000)
    drawn = np.random.default_rng(1).normal(size=(2, 20_000))
    away = np.abs(shape.half_side * _shape._WIDTH * np.exp(drawn[0]) * drawn[1])  # from a plane
    spread = np.abs(box_distance(np.random.default_rng(2).uniform(-1, 1, (20_000, 3)) * shape.half_side))
    found = np.abs(signal.values[:, 0])
    for near in (0.002, 0.01, 0.05, 0.2):
        share = 0.8 * (away < near).mean() + 0.2 * (spread < near).mean()
        assert (found < near).mean() == pytest.approx(share, abs=0.03)


def test_the_seed_says_where_the_samples_are() -> None:
    shape = prepared(box())
    first, second, third = (shape.distance_samples(100, seed=seed) for seed in (5, 5, 6))
    assert first.points is not None
    assert third.points is not None
    assert np.array_equal(first.points, np.asarray(second.points))
    assert np.array_equal(np.asarray(first.values), np.asarray(second.values))
    assert not np.isin(first.points, third.points).any()


def test_samples_of_a_surface_lie_on_it_evenly_by_area_with_its_normals() -> None:
    points, normals = surface_samples(box(), 6000)
    assert np.abs(box_distance(points)).max() < 1e-12
    face = np.abs(np.abs(points) / (SIDES / 2) - 1).argmin(axis=1)
    assert np.allclose(normals, np.eye(3)[face] * np.sign(points))
    # within a triangle too: counted in the 16 parts of each
    made: Any = trimesh.creation.box(SIDES).subdivide().subdivide()
    assert len(made.faces) == 192
    counts = [is_in(points, corners).sum() for corners in made.triangles]
    assert sum(counts) == len(points)
    assert stats.chisquare(counts, made.area_faces / made.area * len(points)).pvalue > 1e-3


def test_samples_of_a_cloud_are_points_of_it_with_their_normals() -> None:
    cloud = ball(count=50)
    points, normals = surface_samples(cloud, 20)
    assert len(rows(points)) == 20
    assert rows(points) <= rows(cloud.vertices)
    assert np.allclose(points, normals, rtol=0, atol=1e-15)  # of a sphere of radius 1
    assert len(surface_samples(cloud, 999)[0]) == 50
    assert np.array_equal(points, surface_samples(cloud, 20, seed=0)[0])
    assert not np.array_equal(points, surface_samples(cloud, 20, seed=1)[0])


@pytest.mark.parametrize(("hold_out", "held"), [(0.25, 150), (0.1, 60), (0.0, 0), (0.9999, 598)])
def test_a_share_of_a_cloud_is_held_out_and_the_rest_is_kept(hold_out: float, held: int) -> None:
    cloud = ball()
    shape = prepared(cloud, hold_out=hold_out)
    parts = [shape.surface, *([] if shape.held_out is None else [shape.held_out])]
    assert [len(each.vertices) for each in parts] == ([600 - held, held] if held else [600])
    assert rows(np.concatenate([each.vertices for each in parts])) == rows(cloud.vertices)
    assert all(map(normals_are_radii, parts))
    assert shape.grid == prepared(cloud, hold_out=0.0).grid  # around all of them
    assert shape.diagonal == pytest.approx(np.linalg.norm(np.ptp(cloud.vertices, axis=0)))
    assert (shape.is_closed, shape.remarks) == (False, ())


def test_the_seed_says_which_points_are_held_out() -> None:
    first, second, third = (prepared(ball(), seed=seed).held_out for seed in (3, 3, 4))
    assert first is not None
    assert second is not None
    assert third is not None
    assert np.array_equal(first.vertices, second.vertices)
    assert not np.array_equal(first.vertices, third.vertices)


def test_of_too_many_points_some_are_drawn_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ligeia.shapes._shape.MOST_POINTS", 500)
    cloud = ball(count=1800)
    shape = prepared(cloud, hold_out=0.2)
    assert shape.held_out is not None
    assert shape.remarks == ("500 of 1,800 points drawn at random",)
    assert (len(shape.surface.vertices), len(shape.held_out.vertices)) == (400, 100)
    drawn = rows(np.concatenate([shape.surface.vertices, shape.held_out.vertices]))
    assert len(drawn) == 500
    assert drawn <= rows(cloud.vertices)
    assert normals_are_radii(shape.surface)


@pytest.mark.parametrize(("num_balls", "components"), [(1, "1 component"), (2, "2 components")])
def test_normals_that_a_cloud_lacks_are_estimated_and_it_is_said(num_balls: int, components: str) -> None:
    balls = [ball(seed=each, center=(9.0 * each, 0, 0)) for each in range(num_balls)]
    points = np.concatenate([each.vertices for each in balls])
    shape = prepared(surface_of(points), hold_out=0.0)
    assert shape.surface.normals is not None
    wanted = {tuple(point): normal for each in balls for point, normal in zip(each.vertices, each.normals, strict=True)}  # type: ignore[arg-type]
    cosines = [
        normal @ wanted[tuple(point)]
        for point, normal in zip(shape.surface.vertices, shape.surface.normals, strict=True)
    ]
    assert min(cosines) > 0.9
    doubt = f"0 of {len(points):,} uncertain, {components}"
    assert shape.remarks == (f"no normals: estimated from the neighbors of each point and turned outward, {doubt}",)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize(
    ("flattened", "wanted"),
    [
        (lambda x: x * [1.0, 1.0, 0.0], "all points lie in a plane; that has no inside"),
        (lambda x: x @ np.array([[0.6, 0.8, 0], [0, 0, 1], [0, 0, 0]]), "all points lie in a plane"),
        (lambda x: x[:, :1] * [1.0, -2.0, 0.5], "all points lie on a line"),
        (lambda x: 0 * x, "all points lie at one place"),
        (lambda x: 0 * x + [0.1, 0.7, -1.3], "all points lie at one place"),
        (lambda x: x[:3], "got 3 points; 4 are the fewest"),
    ],
    ids=["plane", "tilted plane", "line", "place", "uneven place", "three"],
)
def test_clouds_without_a_volume_are_refused(
    flattened: Callable[[np.ndarray], np.ndarray], wanted: str, offset: float
) -> None:
    points = flattened(ball().vertices) + offset
    for cloud in (surface_of(points), surface_of(points, normals=np.ones_like(points))):
        with pytest.raises(InputError, match=f"expected a surface around a volume, {wanted}"):
            prepared(cloud)


def test_meshes_without_a_volume_are_refused() -> None:
    flat = replace(box(), vertices=box().vertices * [1.0, 1.0, 0.0])
    with pytest.raises(InputError, match="all points lie in a plane; that has no inside"):
        prepared(flat)
    # a vertex that no triangle has makes no volume
    with pytest.raises(InputError, match="all points lie in a plane"):
        prepared(surface_of(np.concatenate([flat.vertices, [[0.0, 0, 5]]]), flat.faces))
    with pytest.raises(InputError, match="got 3 points; 4 are the fewest"):
        prepared(surface_of(np.eye(3), np.array([[0, 1, 2]])))


def test_a_padding_or_a_share_that_is_none_is_refused() -> None:
    for padding in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match=r"expected a padding of 0.01 or more, got"):
            prepared(box(), padding=padding)
    for share in (-0.1, 1.0, np.nan):
        with pytest.raises(InputError, match="expected a share from 0 to less than 1 to hold out, got"):
            prepared(ball(), hold_out=share)


def test_the_digest_tells_shapes_from_each_other() -> None:
    def swapped(surface: Surface) -> Surface:
        return replace(surface, faces=surface.faces[::-1])

    made = [
        prepared(box()),
        prepared(box(scale=1 + 1e-12)),
        prepared(swapped(box())),
        prepared(ball()),
        prepared(replace(ball(), normals=ball(seed=1).normals)),
        prepared(ball(), seed=1),
        prepared(ball(), hold_out=0.0),
    ]
    assert len({each.digest() for each in made}) == len(made)
    assert prepared(box()).digest() == made[0].digest()
    assert prepared(ball()).digest() == made[3].digest()
