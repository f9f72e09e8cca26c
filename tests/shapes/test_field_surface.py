"""The surface of a field. Oracles: sums of sines in closed form, finite differences in float64, the whole grid."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial import KDTree

from ligeia.core import ShapeError
from ligeia.field import Field
from ligeia.fitting import passes
from ligeia.networks import Siren
from ligeia.recipes import fit_surface
from ligeia.shapes import FieldSurface, is_watertight, level_set, signed_volume_and_area
from ligeia.signals import ArraySource, Axis, Channel, Grid, SurfaceSource, surface_of

pytest_plugins = ["support.fixtures"]
pytestmark = pytest.mark.usefixtures("single_precision")

# far from the origin, one axis falls, and no two have one scale
EXTENTS = ((1e6, 1e6 + 4.0), (5.0, -3.0), (-10.0, -9.0))
OMEGA, CHANNEL = 2.0, Channel(name="distance", low=-5.0, high=7.0)
RADIUS, CENTER = 2.0, np.array([100.0, -50.0, 7.0])


@dataclass(frozen=True)
class Waves:
    """``middle + half * (sum of a sin(omega (W x + b)) + c)``: a sine network of one layer, written out in float64."""

    turns: np.ndarray
    phases: np.ndarray
    heights: np.ndarray
    base: float

    def field(self, source: Any, extents: Any = EXTENTS, channel: Channel = CHANNEL) -> Field:
        count = len(self.phases)
        network = Siren(3, count, 0, 1, first_omega_0=OMEGA, generator=torch.Generator().manual_seed(0))
        first, last = network.linears()
        with torch.no_grad():
            first.weight.copy_(torch.from_numpy(self.turns))
            first.bias.copy_(torch.from_numpy(self.phases))
            last.weight.copy_(torch.from_numpy(self.heights[None]))
            last.bias.fill_(self.base)
        axes = [Axis(name=name, size=16, extent=extent) for name, extent in zip("xyz", extents, strict=True)]
        return Field(network, Grid(tuple(axes)), [channel], source)

    def derivatives(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return value, gradient and Hessian at physical points of `EXTENTS`."""
        low, high = np.array(EXTENTS).T
        scale = (high - low) / 2
        angle = OMEGA * (((points - low) / scale - 1) @ self.turns.T + self.phases)
        rates = OMEGA * self.turns / scale
        half = (CHANNEL.high - CHANNEL.low) / 2
        value = (CHANNEL.high + CHANNEL.low) / 2 + half * (np.sin(angle) @ self.heights + self.base)
        gradient = half * (np.cos(angle) * self.heights) @ rates
        hessian = -half * np.einsum("nk,ki,kj->nij", np.sin(angle) * self.heights, rates, rates)
        return value, gradient, hessian


def waves(seed: int = 0) -> Waves:
    random = np.random.default_rng(seed)
    # exact in float32, so that the network has these weights
    made = [random.uniform(-1, 1, shape).astype(np.float32).astype(np.float64) for shape in ((5, 3), 5, 5)]
    return Waves(*made, base=0.125)


def cosines() -> Waves:
    """Return ``cos 2x + cos 2y + cos 2z``, which is largest in the middle of the domain."""
    return Waves(np.eye(3), np.full(3, np.pi / 2 / OMEGA), np.ones(3), 0.0)


def places(count: int = 300, seed: int = 1) -> np.ndarray:
    low, high = np.array(EXTENTS).T
    return low + np.random.default_rng(seed).uniform(0.01, 0.99, (count, 3)) * (high - low)


def array_source() -> ArraySource:
    return ArraySource(dtype="<f4", has_channel_axis=False)


def surface_source() -> SurfaceSource:
    return SurfaceSource(format="OBJ")


@pytest.fixture(scope="module")
def ball() -> Field:
    """Return the distance of a sphere, fitted to points of it for a moment."""
    made: Any = trimesh.creation.icosphere(3)
    normals = np.array(made.vertices)
    surface = surface_of(CENTER + RADIUS * normals, normals=normals)
    return fit_surface(surface, stop=passes(40), hidden_features=24, hidden_layers=1, first_omegas=[3.0]).field


@pytest.mark.parametrize(("source", "sign"), [(surface_source(), 1), (array_source(), -1)])
def test_values_and_slopes_are_physical_and_negative_inside(source: Any, sign: int) -> None:
    made, points = waves(), places()
    surface = FieldSurface(made.field(source), level=1.5)
    value, gradient, _ = made.derivatives(points)
    assert np.allclose(surface.values(points), sign * (value - 1.5), rtol=0, atol=1e-5)
    values, slopes = surface.slopes(points)
    assert np.allclose(values, sign * (value - 1.5), rtol=0, atol=1e-5)
    assert np.allclose(slopes, sign * gradient, rtol=1e-5, atol=1e-4)
    assert surface.box == [(1e6, 1e6 + 4.0), (-3.0, 5.0), (-10.0, -9.0)]


def test_values_and_slopes_are_those_of_the_physical_field(ball: Field) -> None:
    low, high = np.array(FieldSurface(ball).box).T
    points = np.random.default_rng(0).uniform(low, high, (200, 3))
    exact = copy.deepcopy(ball).double().physical

    def at(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return exact(torch.from_numpy(x))[:, 0].numpy()

    step = 1e-5
    differences = [(at(points + step * way) - at(points - step * way)) / (2 * step) for way in np.eye(3)]
    surface = FieldSurface(ball)
    assert np.allclose(surface.values(points), at(points), rtol=0, atol=1e-5)
    values, slopes = surface.slopes(points)
    assert np.allclose(values, at(points), rtol=0, atol=1e-5)
    assert np.allclose(slopes, np.stack(differences, axis=1), rtol=0, atol=1e-4)


def test_a_field_with_a_periodic_axis_has_slopes() -> None:
    axes = [Axis(name=name, size=16, extent=(-1.0, 1.0), is_periodic=name == "x") for name in "xyz"]
    network = Siren(4, 8, 1, 1, first_omega_0=2.0, hidden_omega_0=2.0, generator=torch.Generator().manual_seed(0))
    surface = FieldSurface(Field(network, Grid(tuple(axes)), [CHANNEL], array_source()))
    exact = FieldSurface(copy.deepcopy(surface.field).double())
    points, step = np.random.default_rng(0).uniform(-0.9, 0.9, (50, 3)), 1e-3
    differences = [
        (exact.field.values_at(points + step * way) - exact.field.values_at(points - step * way))[:, 0] / (-2 * step)
        for way in np.eye(3)
    ]
    values, slopes = surface.slopes(points)
    assert np.allclose(values, surface.values(points), rtol=0, atol=1e-5)
    assert np.allclose(slopes, np.stack(differences, axis=1), rtol=0, atol=1e-3)


def test_the_steepest_slope_bounds_the_distance_at_fresh_places(ball: Field) -> None:
    surface = FieldSurface(ball)
    bound = surface.steepest()
    assert bound is not None
    assert 1 < bound < 4
    dense = level_set(surface.values, surface.box, 96, lipschitz=None, slopes=surface.slopes).vertices
    low, high = np.array(surface.box).T
    random = np.random.default_rng(9)
    away = dense[random.integers(0, len(dense), 4000)] + 0.3 * random.normal(size=(4000, 3))
    points = np.concatenate([random.uniform(low, high, (8000, 3)), away.clip(low, high)])
    distances = KDTree(dense).query(points)[0]
    clear = distances > 0.1  # two cells: a vertex is no farther there than its surface, to a percent
    assert clear.sum() > 9000
    assert (np.abs(surface.values(points)) <= bound * distances)[clear].all()


def test_a_mesh_by_the_bound_is_that_of_the_whole_grid(ball: Field) -> None:
    surface = FieldSurface(ball)
    found = surface.mesh(48)
    dense = level_set(surface.values, surface.box, 48, lipschitz=None, slopes=surface.slopes)
    assert found.num_evaluations < dense.num_evaluations / 1.5
    assert len(found.vertices) == len(dense.vertices)
    assert len(found.faces) == len(dense.faces)
    tree: Any = KDTree(dense.vertices)
    distances, nearest = tree.query(found.vertices)
    assert distances.max() < 1e-5
    assert len(np.unique(nearest)) == len(nearest)
    assert np.abs(np.linalg.norm(found.vertices - CENTER, axis=1) - RADIUS).max() < 0.1


@pytest.mark.parametrize("level", [-0.4, 0.12])
def test_a_level_moves_the_surface_by_that_distance(ball: Field, level: float) -> None:
    surface, moved = FieldSurface(ball), FieldSurface(ball, level)
    points = CENTER + np.random.default_rng(0).uniform(-2, 2, (100, 3))
    assert np.allclose(moved.values(points), surface.values(points) - level, rtol=0, atol=1e-12)
    found = moved.mesh(32)
    assert np.abs(surface.values(found.vertices) - level).max() < 1e-3
    assert np.linalg.norm(found.vertices - CENTER, axis=1).mean() == pytest.approx(RADIUS + level, abs=0.1)
    volumes = [signed_volume_and_area(each.vertices, each.faces)[0] for each in (found, surface.mesh(32))]
    assert (volumes[0] > volumes[1] > 0) == (level > 0)


def test_what_is_above_the_level_is_inside_of_a_field_that_is_no_distance() -> None:
    made, level = cosines(), 18.0
    channel = Channel(name="density", low=-6.0, high=10.0)  # hence 2 + 8 f
    surface = FieldSurface(made.field(array_source(), channel=channel, extents=((2.0, 6.0),) * 3), level)
    assert surface.values(np.array([[4.0, 4.0, 4.0], [2.0, 2.0, 2.0]])) == pytest.approx(
        [level - 26, level - 2 - 24 * np.cos(2)], abs=1e-4
    )
    assert (surface.is_distance, surface.steepest()) == (False, None)
    found = surface.mesh(40)
    assert found.num_evaluations >= found.num_dense == 41**3
    assert is_watertight(found.faces)
    unit = (np.arange(200) + 0.5) / 100 - 1
    one = np.cos(2 * unit)
    inside = 2 + 8 * (one[:, None, None] + one[:, None] + one) > level
    assert signed_volume_and_area(found.vertices, found.faces)[0] == pytest.approx(64 * inside.mean(), rel=0.01)
    out = np.sin(found.vertices - 4)  # down the slope
    assert found.normals is not None
    assert np.allclose(found.normals, out / np.linalg.norm(out, axis=1, keepdims=True), atol=1e-3)


@pytest.mark.parametrize(("source", "sign"), [(surface_source(), 1), (array_source(), -1)])
def test_curvatures_keep_their_digits_far_from_the_origin(source: Any, sign: int) -> None:
    made, points = waves(), places()
    _, gradient, hessian = made.derivatives(points)
    length = np.linalg.norm(gradient, axis=1)
    along = np.einsum("ni,nij,nj->n", gradient, hessian, gradient)
    mean = (length**2 * np.trace(hessian, axis1=1, axis2=2) - along) / (2 * length**3)
    bordered = np.zeros((len(points), 4, 4))  # Goldman 2005, s. 4
    bordered[:, :3, :3], bordered[:, :3, 3], bordered[:, 3, :3] = hessian, gradient, gradient
    gaussian = -np.linalg.det(bordered) / length**4
    found = FieldSurface(made.field(source)).curvatures(points)
    steep = length > np.quantile(length, 0.1)  # elsewhere both are a small number over a small one
    assert np.allclose(found[0][steep], sign * mean[steep], rtol=1e-3, atol=1e-3)
    assert np.allclose(found[1][steep], gaussian[steep], rtol=1e-3, atol=1e-3)


def test_curvatures_of_a_fitted_sphere_are_positive_and_about_those_of_its_radius(ball: Field) -> None:
    surface = FieldSurface(ball)
    mean, gaussian = surface.curvatures(surface.mesh(24).vertices)
    assert float(np.median(mean)) == pytest.approx(1 / RADIUS, rel=0.1)
    assert float(np.median(gaussian)) == pytest.approx(1 / RADIUS**2, rel=0.2)


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (30.0, 20.0), (-100.0, -80.0)])
def test_a_camera_has_the_whole_surface_in_the_picture(ball: Field, azimuth: float, elevation: float) -> None:
    surface = FieldSurface(ball)
    camera = surface.camera(azimuth, elevation, (60, 80))
    seen = (surface.mesh(24).vertices - camera.eye) @ camera.axes().T
    slope = np.abs(seen[:, :2]) / -seen[:, 2:]
    half = np.tan(np.radians(20))
    assert (seen[:, 2] < 0).all()
    assert 0.5 * half < slope.max() < half
    toward = CENTER - camera.eye
    assert np.allclose(toward / np.linalg.norm(toward), -camera.axes()[2], atol=0.1)


def test_fields_without_a_surface_are_refused(ball: Field) -> None:
    plane = Grid(tuple(Axis(name=name, size=8, extent=(-1.0, 1.0)) for name in "xy"))
    wanted = "expected a field of three axes and one channel for a surface, got"
    with pytest.raises(ShapeError, match=f"{wanted} 2 and 1; `ligeia fit bunny.obj -o bunny.lig` makes one"):
        FieldSurface(Field(Siren(2, 4, 0, 1), plane))
    with pytest.raises(ShapeError, match=f"{wanted} 3 and 2"):
        FieldSurface(Field(Siren(3, 4, 0, 2), ball.grid))
    for level in (np.nan, np.inf):
        with pytest.raises(ShapeError, match="expected a finite level, got"):
            replace(FieldSurface(ball), level=level)


def test_a_mesh_without_holes_is_found_where_the_bound_was_too_low(monkeypatch: pytest.MonkeyPatch) -> None:
    egg = Waves(np.eye(3), np.full(3, np.pi / 2 / OMEGA), -np.ones(3), 2.0)  # 2 - cos 2x - cos 2y - cos 2z
    unit = Channel(name="distance", low=-1.0, high=1.0)
    surface = FieldSurface(egg.field(SurfaceSource(format="OBJ"), ((-1.0, 1.0),) * 3, unit))
    whole = level_set(surface.values, surface.box, 48, lipschitz=None)
    low = 1.2
    assert not is_watertight(level_set(surface.values, surface.box, 48, lipschitz=low).faces)
    monkeypatch.setattr(FieldSurface, "steepest", lambda _: low)
    found = surface.mesh(48)
    assert is_watertight(found.faces)
    assert len(found.faces) == len(whole.faces)
