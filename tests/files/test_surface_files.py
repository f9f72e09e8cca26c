"""Surfaces through whole files: to a field, to a mesh, to a picture. Oracles: a sphere, trimesh, frozen bits."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

import ligeia as lg
from ligeia import files, recipes, reports
from ligeia.core import InputError
from ligeia.field import Field, load, save
from ligeia.fitting import Checkpointer, Step
from ligeia.formats import read_surface, write_surface
from ligeia.physics import Smoothness
from ligeia.recipes import FitRequest, FittedSurface, SurfaceObjective, fit_surface
from ligeia.signals import Axis, Camera, Channel, Grid, SurfaceSource, surface_of

pytest_plugins = ["support.fixtures"]

RADIUS, CENTER = 2.0, np.array([100.0, -50.0, 7.0])
SMALL: dict[str, Any] = {"hidden_features": 24, "hidden_layers": 1}
TURNS = 3.0  # of the first layer: few, for a sphere


@pytest.fixture(autouse=True, scope="module")
def fewer_samples() -> Iterator[None]:
    """Take fewer samples than a fit and a measurement do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ligeia.recipes._fit_surface._SAMPLES", 20_000)
        patch.setattr("ligeia.recipes._fit_surface._POINTS", 2000)
        patch.setattr("ligeia.shapes._quality._SAMPLES", 5000)
        yield


def mesh_file(folder: Path, *, radius: float = RADIUS, name: str = "ball.obj") -> Path:
    made: Any = trimesh.creation.icosphere(3, radius=radius)
    made.apply_translation(CENTER)
    made.export(folder / name)
    return folder / name


def cloud_file(folder: Path, *, normals: bool = True) -> Path:
    drawn = np.random.default_rng(0).normal(size=(600, 3))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    columns = [RADIUS * drawn + CENTER, *([drawn] if normals else [])]
    np.savetxt(folder / "ball.xyz", np.concatenate(columns, axis=1))
    return folder / "ball.xyz"


def distance_at(field: Field, *offsets: tuple[float, float, float]) -> list[float]:
    """Return values at places around the center, in the units of the file."""
    places = torch.tensor(offsets) + torch.tensor(CENTER, dtype=torch.float32)
    with torch.no_grad():
        return field.physical(places)[:, 0].tolist()


def exact(*, middle: np.ndarray = CENTER, radius: float = RADIUS) -> Field:
    """Return a field that is the distance of a sphere exactly, whatever its weights are."""
    half = 1.1 * radius
    axes = [Axis(name=name, size=256, extent=(at - half, at + half)) for name, at in zip("xyz", middle, strict=True)]
    channel = Channel(name="distance", low=-half, high=half)
    field = Field(lg.Siren(3, 4, 0, 1), Grid(tuple(axes)), [channel], SurfaceSource(format="OBJ"))

    def value(x: torch.Tensor) -> torch.Tensor:
        return x.norm(dim=-1, keepdim=True) - radius / half

    def with_slopes(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return value(x), (x / x.norm(dim=-1, keepdim=True))[:, None]

    field.network.forward = value  # type: ignore[method-assign]
    field.network.value_and_jacobian = with_slopes  # type: ignore[method-assign]
    return field


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, fewer_samples: None) -> FittedSurface:
    path = mesh_file(tmp_path_factory.mktemp("ball"))
    return fit_surface(path, stop=lg.passes(15), first_omegas=[TURNS], **SMALL)


@pytest.mark.parametrize("kind", ["mesh", "cloud", "cloud without normals"])
def test_a_file_becomes_its_signed_distance_in_the_units_of_the_file(kind: str, tmp_path: Path) -> None:
    path = mesh_file(tmp_path) if kind == "mesh" else cloud_file(tmp_path, normals=kind == "cloud")
    field = lg.fit(path, stop=lg.passes(20), first_omegas=[TURNS], **SMALL)
    center, near, beyond = distance_at(field, (0, 0, 0), (1.8, 0, 0), (0, -2.15, 0))
    assert center < -1
    assert near == pytest.approx(-0.2, abs=0.15)
    assert beyond == pytest.approx(0.15, abs=0.15)
    assert field.source == SurfaceSource(format="OBJ" if kind == "mesh" else "XYZ", is_cloud=kind != "mesh")
    assert [axis.name for axis in field.grid.axes] == ["x", "y", "z"]
    assert field.report is not None
    assert field.report.recipe == ("fast" if kind == "mesh" else "eikonal")


def test_arrays_are_fitted_as_files_are(tmp_path: Path) -> None:
    path = mesh_file(tmp_path)
    read = read_surface(path)
    fields = [
        lg.fit(each, stop=lg.passes(0.2), first_omegas=[TURNS], **SMALL)
        for each in (path, str(path), surface_of(read.vertices, read.faces))
    ]
    weights = [[each.detach() for each in field.network.parameters()] for field in fields]
    assert all(torch.equal(*pair) for other in weights[1:] for pair in zip(weights[0], other, strict=True))


def test_a_saved_field_is_still_the_distance_of_a_surface(fitted: FittedSurface, tmp_path: Path) -> None:
    path = tmp_path / "ball.lig"
    save(fitted.field, path)
    loaded = load(path)
    assert loaded.source == fitted.field.source == SurfaceSource(format="OBJ")
    assert loaded.grid == fitted.field.grid
    assert loaded.channels == fitted.field.channels
    places = [(0.0, 0.0, 0.0), (1.0, 1.0, -1.0), (0.0, 0.0, 2.1)]
    assert distance_at(loaded, *places) == distance_at(fitted.field, *places)


@pytest.mark.parametrize("ending", ["ply", "obj", "stl", "npz"])
def test_a_mesh_of_a_field_is_watertight_and_where_the_original_was(
    fitted: FittedSurface, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"ball.{ending}"
    found = files.mesh(fitted.field, path, resolution=40)
    read = read_surface(path)
    oracle: Any = trimesh.Trimesh(read.vertices, read.faces, process=True)  # an STL's vertices are joined by it
    assert oracle.is_watertight
    assert oracle.is_winding_consistent
    assert (found.faces, found.watertight, found.cuts_domain) == (len(read.faces), True, False)
    assert found.vertices == len(oracle.vertices)
    assert found.volume == pytest.approx(oracle.volume, rel=1e-4)
    assert found.area == pytest.approx(oracle.area, rel=1e-4)
    assert found.volume == pytest.approx(4 / 3 * math.pi * RADIUS**3, rel=0.05)
    assert found.components == pytest.approx([1.0])
    assert found.evaluations < found.dense_evaluations == 41**3
    assert np.abs(np.linalg.norm(read.vertices - CENTER, axis=1) - RADIUS).max() < 0.1


def test_a_mesh_of_an_exact_distance_lies_on_the_sphere_with_its_normals(tmp_path: Path) -> None:
    path = tmp_path / "ball.ply"
    heard: list[tuple[int, int]] = []
    files.mesh(exact(), path, resolution=32, level=0.1, progress=lambda *each: heard.append(each))
    made: Any = trimesh.load(path, process=False)
    away = np.asarray(made.vertices) - CENTER
    radii = np.linalg.norm(away, axis=1, keepdims=True)
    assert np.allclose(radii, RADIUS + 0.1, rtol=0, atol=2e-5)  # single precision, of some hundred
    assert np.allclose(made.vertex_normals, away / radii, atol=1e-4)
    assert heard[-1] == (32, 32)


@pytest.mark.parametrize("color", ["mean", "gaussian"])
def test_a_mesh_is_colored_by_curvature(fitted: FittedSurface, color: Any, tmp_path: Path) -> None:
    files.mesh(fitted.field, tmp_path / "ball.ply", resolution=24, color=color)
    made: Any = trimesh.load(tmp_path / "ball.ply", process=False)
    red, green, blue = np.asarray(made.visual.vertex_colors)[:, :3].T.astype(int)
    assert len(red) == len(made.vertices)
    assert (red > blue).mean() > 0.9  # bent outwards nearly everywhere
    assert ((green <= red) & (green <= 221)).mean() > 0.9


def test_what_is_no_mesh_or_color_is_refused_before_any_work(
    fitted: FittedSurface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users run without the checks of a test run
    with pytest.raises(InputError, match=r"ball.xyz: a surface is written as .ply, .*, got .xyz; rename the output"):
        files.mesh(fitted.field, tmp_path / "ball.xyz")
    with pytest.raises(InputError, match="expected a curvature of mean or gaussian as color, got 'red'"):
        files.mesh(fitted.field, tmp_path / "ball.ply", color="red")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected a resolution from 2 to 2048 cells, got 1"):
        files.mesh(fitted.field, tmp_path / "ball.ply", resolution=1)
    assert list(tmp_path.iterdir()) == []


def seen(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return the depth of the sphere and its normals as a camera sees them, NaN beside it."""
    origin, directions = camera.pixel_rays()
    toward = -directions @ (origin - CENTER)
    nearest = np.linalg.norm(origin - CENTER + toward[:, None] * directions, axis=1)
    with np.errstate(invalid="ignore"):
        depth = toward - np.sqrt(RADIUS**2 - nearest**2)
    normals = (origin + depth[:, None] * directions - CENTER) / RADIUS
    return depth.reshape(camera.shape), normals.reshape(*camera.shape, 3)


def test_depth_and_normals_of_a_rendering_are_those_of_the_sphere(tmp_path: Path) -> None:
    camera = Camera.around([(at - RADIUS, at + RADIUS) for at in CENTER], 30.0, 20.0, shape=(30, 40))
    assert files.render_surface(exact(), tmp_path / "a.npy", camera) == (30, 40)
    found = np.load(tmp_path / "a.npy")
    depth, normals = seen(camera)
    assert (found.dtype, found.shape) == (np.float32, (30, 40, 4))
    assert np.array_equal(np.isnan(found[..., 0]), np.isnan(depth))
    assert np.array_equal(np.isnan(found[..., 1:]), np.isnan(normals))
    assert np.nanmax(np.abs(found[..., 0] - depth)) < 1e-3
    assert np.nanmax(np.abs(found[..., 1:] - normals)) < 1e-3


def test_a_rendering_by_angles_has_the_whole_sphere_in_its_middle(tmp_path: Path) -> None:
    files.render_surface(exact(), tmp_path / "a.npy", (0.0, 0.0), (60, 60))
    hit = np.isfinite(np.load(tmp_path / "a.npy")[..., 0])
    assert not hit[[0, -1]].any()
    assert not hit[:, [0, -1]].any()
    # the box around it just fits: its middle is sqrt(3) R / sin 20 away, the sphere is seen under asin(R / that)
    half = 30 * math.tan(math.asin(math.sin(math.radians(20)) / math.sqrt(3))) / math.tan(math.radians(20))
    assert hit.sum() == pytest.approx(math.pi * half**2, rel=0.02)
    rows, columns = np.nonzero(hit)
    assert (rows.mean(), columns.mean()) == pytest.approx((29.5, 29.5), abs=0.2)


@pytest.mark.parametrize("look", ["shaded", "depth", "normal"])
def test_a_picture_is_written_of_each_look(fitted: FittedSurface, look: Any, tmp_path: Path) -> None:
    assert files.render_surface(fitted.field, tmp_path / "a.png", (10.0, 20.0), (24, 32), look=look) == (24, 32)
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (24, 32, 3)
    assert (pixels[0, 0] == (0 if look == "depth" else 255)).all()  # the background
    assert (pixels[12, 16] != pixels[0, 0]).any()


def test_a_rendering_that_is_no_picture_is_refused(fitted: FittedSurface, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.xyz: expected a picture such as .png, or .npy,"):
        files.render_surface(fitted.field, tmp_path / "a.xyz", (0.0, 0.0), (4, 4))
    assert list(tmp_path.iterdir()) == []


def test_files_and_fields_of_surfaces_are_compared_both_ways(fitted: FittedSurface, tmp_path: Path) -> None:
    save(fitted.field, tmp_path / "ball.lig")
    mesh, smaller = mesh_file(tmp_path), mesh_file(tmp_path, radius=0.8 * RADIUS, name="smaller.ply")
    forth = files.compare_surfaces(mesh, tmp_path / "ball.lig", resolution=40)
    back = files.compare_surfaces(tmp_path / "ball.lig", mesh, resolution=40)
    for found in (forth, back):
        assert found.iou is not None
        assert found.floor is not None
        assert found.iou > 0.95
        assert found.distance.chamfer < 1.2 * found.floor
        assert found.watertight
    percent = 100 / (RADIUS * math.sqrt(12))
    found = files.compare_surfaces(mesh, smaller)
    assert found.distance.accuracy == pytest.approx(0.2 * RADIUS * percent, rel=0.05)
    assert found.iou == pytest.approx(0.8**3, abs=0.05)
    found = files.compare_surfaces(cloud_file(tmp_path), smaller)
    assert found.num_samples == 600  # none is held out
    assert found.distance.completeness == pytest.approx(0.2 * RADIUS * percent, rel=0.05)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    mesh, cloud = mesh_file(tmp_path), cloud_file(tmp_path)
    with pytest.raises(InputError, match=r"ball.xyz: expected a mesh or a field as candidate, this is a cloud; swap"):
        files.compare_surfaces(mesh, cloud)
    flat = read_surface(mesh)
    write_surface(tmp_path / "flat.ply", flat.vertices * [1.0, 1.0, 0.0], flat.faces)
    with pytest.raises(InputError, match=r"flat.ply: expected a surface around a volume, all points lie in a plane"):
        files.compare_surfaces(tmp_path / "flat.ply", mesh)
    (tmp_path / "notes.txt").write_text("no surface")
    with pytest.raises(InputError, match=r"notes.txt: expected a surface \(.ply, .*\)") as caught:
        files.compare_surfaces(tmp_path / "notes.txt", mesh)
    assert str(caught.value).count("notes.txt") == 1


@pytest.mark.fits
def test_a_report_is_drawn(fitted: FittedSurface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ligeia.reports._surface._PIXELS", (60, 60))
    reports.draw_surface_report(fitted, tmp_path / "report.png")
    with Image.open(tmp_path / "report.png") as image:
        pixels = np.asarray(image.convert("RGB"))
        assert image.width > 4 * image.height
    share = np.array_split((pixels < 250).any(axis=2), 5, axis=1)
    assert all(each.mean() > 0.05 for each in share)  # two sides, normals, a slice, the curve


class _InterruptedError(Exception):
    pass


@pytest.mark.fits
@pytest.mark.parametrize("objective", ["eikonal", "distance", "paper"])
def test_a_resumed_fit_has_the_bits_of_an_uninterrupted_one(objective: SurfaceObjective, tmp_path: Path) -> None:
    path = mesh_file(tmp_path)

    def run(name: str, *, resume: bool = False, stop_at: int | None = None) -> Field:
        checkpoint = Checkpointer(tmp_path / name, resume=resume)

        def interrupts(step: Step) -> None:
            if step.state.progress.steps == stop_at:
                checkpoint.write(step.state)
                raise _InterruptedError("between two steps")

        fitted = fit_surface(
            path,
            objective=objective,
            stop=lg.passes(3),
            callbacks=[interrupts],
            checkpoint=checkpoint,
            first_omegas=[TURNS],
            **SMALL,
        )
        return fitted.field

    whole = run("other")
    assert whole.report is not None
    assert whole.report.steps > 5
    with pytest.raises(_InterruptedError, match="between two steps"):
        run("checkpoint", stop_at=whole.report.steps // 2)
    resumed = run("checkpoint", resume=True)
    assert resumed.report is not None
    assert (resumed.report.steps, resumed.report.psnr_db) == (whole.report.steps, whole.report.psnr_db)
    assert all(map(torch.equal, resumed.network.parameters(), whole.network.parameters()))


@pytest.mark.fits
def test_a_checkpoint_of_another_surface_or_objective_is_refused(tmp_path: Path) -> None:
    ball, other = mesh_file(tmp_path), mesh_file(tmp_path, radius=2.1, name="other.obj")

    def run(path: Path, objective: SurfaceObjective, seed: int = 0) -> None:
        checkpoint = Checkpointer(tmp_path / "checkpoint", every_s=0.0, resume=True)
        fit_surface(path, objective=objective, stop=lg.passes(0.1), seed=seed, checkpoint=checkpoint, **SMALL)

    run(ball, "eikonal")
    different: list[tuple[Path, SurfaceObjective, int]] = [
        (other, "eikonal", 0),
        (ball, "paper", 0),
        (ball, "eikonal", 1),
    ]
    for path, objective, seed in different:
        with pytest.raises(InputError, match="belongs to a fit of other data or with other options"):
            run(path, objective, seed)


@pytest.mark.fits
def test_the_objective_and_the_seed_make_the_fit(tmp_path: Path) -> None:
    shape = recipes.read_shape(mesh_file(tmp_path))
    assert recipes.usual_objective(shape) == "distance"
    assert recipes.usual_objective(recipes.read_shape(cloud_file(tmp_path))) == "eikonal"

    def weight(**options: Any) -> float:
        field = fit_surface(shape, stop=lg.passes(0.05), first_omegas=[TURNS], **SMALL | options).field
        return float(next(field.network.parameters()).detach()[0, 0])

    assert weight() == weight(objective="distance") == weight(seed=0)
    assert len({weight(), weight(seed=1), weight(objective="eikonal"), weight(objective="paper")}) == 4


def test_what_a_fit_of_a_surface_does_not_take_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    path = mesh_file(tmp_path)
    wrong: list[tuple[FitRequest, str]] = [
        (FitRequest(configuration=recipes.fast()), "configuration"),
        (FitRequest(most_bytes=1000, frames=(0, 5)), r"most_bytes \(--bytes\), frames"),
        (FitRequest(stop=lg.snr(20) | lg.passes(1), footprint="box"), "snr, footprint"),
        (FitRequest(mask=path, channels=True, periodic=("x",)), "channels, periodic, mask"),
        (FitRequest(prior=Smoothness(hessian=0.1)), "prior"),
    ]
    for request, named in wrong:
        with pytest.raises(InputError, match=rf": {named} cannot be said of a surface; leave it out"):
            lg.fit(path, request)
        with pytest.raises(InputError, match="cannot be said of a surface"):
            fit_surface(recipes.read_shape(path), request)
    with pytest.raises(InputError, match=r"points are held out of a cloud, this is a mesh; leave hold_out out"):
        lg.fit(path, hold_out=0.2)
    with pytest.raises(InputError, match=r"points are held out of a cloud, a shape has its points held out"):
        fit_surface(recipes.read_shape(cloud_file(tmp_path)), hold_out=0.2)
    with pytest.raises(InputError, match="the objective must be distance, eikonal or paper, got 'value'"):
        fit_surface(path, objective="value")  # type: ignore[arg-type]
    for omega in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="expected a frequency above 0 for the first layer, got"):
            fit_surface(path, first_omegas=[omega])
    with pytest.raises(InputError, match=r"expected a padding of 0.01 or more, got 0") as caught:
        recipes.read_shape(path, padding=0.0)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("omegas", [[], [1.0, 2.0, 3.0]])
def test_a_surface_has_one_first_frequency(omegas: list[float], tmp_path: Path) -> None:
    # three would be dropped but for the first, in silence
    with pytest.raises(InputError, match="first"):
        lg.fit(mesh_file(tmp_path), stop=lg.passes(0.01), first_omegas=omegas, **SMALL)


def test_a_quality_that_is_out_of_reach_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recipes._fit_surface._POINT_STEPS, "distance", 5000)  # type: ignore[attr-defined]
    path = mesh_file(tmp_path)
    for stop, steps, reason in ((None, 10, "passes"), (lg.psnr(200), 79, "passes"), (lg.psnr(1), None, "psnr")):
        report = fit_surface(path, stop=stop, first_omegas=[TURNS], **SMALL).field.report
        assert report is not None
        assert report.stopped_by == reason
        assert steps is None or report.steps == pytest.approx(steps, abs=1)
