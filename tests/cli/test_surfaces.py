"""Surfaces on the command line: what is printed, said, and refused. Oracles: a sphere, files, trimesh."""

import io
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from ligeia import files, recipes
from ligeia.cli import run
from ligeia.field import load
from ligeia.fitting import Checkpointer
from ligeia.formats import read_surface, write_surface
from ligeia.signals import SurfaceSource

pytest_plugins = ["support.fixtures"]
pytestmark = pytest.mark.fits
Json = Callable[..., dict[str, Any]]

RADIUS, CENTER = 2.0, np.array([100.0, -50.0, 7.0])
QUICK = ("--passes", 10, "--hidden-features", 24, "--hidden-layers", 1, "--first-omega", 3)
FIT_KEYS = {
    "psnr_db", "seconds", "steps", "passes", "point_steps", "parameters", "bytes", "output", "stopped_by", "objective",
    "chamfer_percent", "normal_consistency", "iou", "watertight", "components",
}  # fmt: skip
MESH_KEYS = {"vertices", "faces", "watertight", "seconds", "volume", "area", "components"}
ESTIMATED = "no normals: estimated from the neighbors of each point and turned outward, 0 of 600 uncertain, 1 component"


@pytest.fixture(autouse=True, scope="module")
def fewer_samples() -> Iterator[None]:
    """Take fewer samples than a fit and a measurement do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ligeia.recipes._fit_surface._SAMPLES", 20_000)
        patch.setattr("ligeia.recipes._fit_surface._POINTS", 2000)
        patch.setattr("ligeia.shapes._quality._SAMPLES", 5000)
        patch.setattr("ligeia.reports._surface._PIXELS", (60, 60))
        patch.setattr("ligeia.recipes.quality_of_surface", partial(recipes.quality_of_surface, resolution=40))
        patch.setattr("ligeia.files.compare_surfaces", partial(files.compare_surfaces, resolution=40))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, fewer_samples: None) -> Path:
    """Return a folder with surfaces, and with fields of one and of a picture."""
    folder = tmp_path_factory.mktemp("made")
    ball: Any = trimesh.creation.icosphere(3, radius=RADIUS)
    ball.apply_translation(CENTER)
    ball.export(folder / "ball.obj")
    vertices, faces = np.array(ball.vertices), np.array(ball.faces)
    write_surface(folder / "open.ply", vertices, faces[ball.triangles_center[:, 2] < CENTER[2] + 1])
    write_surface(folder / "flat.ply", vertices * [1.0, 1.0, 0.0], faces)
    normals = np.random.default_rng(0).normal(size=(600, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    points = RADIUS * normals + CENTER
    np.savetxt(folder / "cloud.xyz", points)
    np.savetxt(folder / "oriented.xyz", np.concatenate([points, normals], axis=1))
    np.savetxt(folder / "flat.xyz", points * [1.0, 1.0, 0.0])
    np.savetxt(folder / "line.xyz", points[:, :1] * [1.0, 2.0, -1.0])
    np.savetxt(folder / "place.xyz", points[:1].repeat(20, axis=0))
    np.savetxt(folder / "three.xyz", points[:3])
    corners = "".join(f"v {x} {y} {z}\n" for x, y, z in vertices[:3])
    (folder / "nan.obj").write_text(f"{corners}v nan 0 0\nf 1 2 3\nf 1 2 4\n")
    (folder / "none.obj").write_text("# a comment\n")
    (folder / "empty.ply").touch()
    Image.effect_noise((16, 12), 80).save(folder / "photo.png")
    with redirect_stdout(io.StringIO()) as said, redirect_stderr(io.StringIO()) as complained:
        assert run(["fit", str(folder / "ball.obj"), "-o", str(folder / "ball.lig"), *map(str, QUICK)]) == 0
    assert complained.getvalue() == ""
    (folder / "said.txt").write_text(said.getvalue())
    words = ["fit", str(folder / "photo.png"), "-o", str(folder / "photo.lig"), "--passes", "1", "--quiet"]
    assert run([*words, "--hidden-features", "8"]) == 0
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder of a test, with copies of those files."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_fit_says_how_it_went_and_how_near_the_mesh_comes(here: Path, json_of: Json) -> None:
    result = json_of("fit", "ball.obj", "-o", "new.lig", *QUICK, "--report", "report.png")
    assert result.keys() >= FIT_KEYS
    assert (result["passes"], result["stopped_by"]) == (10.0, "passes")
    assert result["steps"] == 10 * math.ceil(20_000 / 512)
    assert result["point_steps"] == 10 * 20_000
    assert result["parameters"] == (3 * 24 + 24) + (24 * 24 + 24) + (24 + 1)
    assert (result["output"], result["bytes"]) == ("new.lig", (here / "new.lig").stat().st_size)
    assert (result["objective"], result["recipe"], result["remarks"]) == ("distance", "fast", [])
    assert result["psnr_db"] > 40
    # two samplings of the sphere: half the mean distance between samples
    floor = 100 * 0.5 * math.sqrt(4 * math.pi / 5000) / math.sqrt(12)
    assert result["chamfer_floor_percent"] == pytest.approx(floor, rel=0.05)
    assert result["chamfer_percent"] < 1.3 * floor
    assert result["normal_consistency"] > 0.99
    assert result["iou"] > 0.95
    assert (result["watertight"], result["components"], result["specks"]) == (True, 1, 0)
    with Image.open("report.png") as image:
        assert image.width > 4 * image.height
    field = load(here / "new.lig")
    with torch.no_grad():
        center = torch.tensor(CENTER[None], dtype=torch.float32)
        middle, outside = (float(field.physical(each)) for each in (center, center + torch.tensor([0.0, 0.0, 2.1])))
    assert middle < -1
    assert outside == pytest.approx(0.1, abs=0.1)
    assert not (here / "new.lig.checkpoint").exists()


@pytest.mark.parametrize(
    ("source", "options", "objective", "points"),
    [
        ("ball.obj", ["--objective", "eikonal"], "eikonal", 2000 + 4096),
        ("ball.obj", ["--recipe", "paper"], "paper", 2000),
        ("oriented.xyz", [], "eikonal", 540 + 4096),
        ("oriented.xyz", ["--objective", "distance"], "distance", 20_000),
        ("oriented.xyz", ["--recipe", "paper", "--objective", "eikonal"], "paper", 540),
        ("oriented.xyz", ["--hold-out", "0.5"], "eikonal", 300 + 4096),
    ],
)
def test_fit_takes_the_objective_asked_for(
    here: Path, json_of: Json, source: str, options: list[str], objective: str, points: int
) -> None:
    result = json_of("fit", source, "-o", "new.lig", *QUICK, *options)
    assert (result["objective"], result["num_samples"]) == (objective, points)
    if objective != "paper":  # whose field has no surface yet
        assert result.keys() >= FIT_KEYS
        assert (result["iou"] is None) == (source == "oriented.xyz")
    assert result["remarks"] == []


def test_people_read_of_the_mesh_that_was_measured(made: Path) -> None:
    lines = (made / "said.txt").read_text().splitlines()
    assert re.fullmatch(r".*ball.lig: \d\d\.\d\d dB in \d+\.\d s, stopped by passes", lines[0])
    assert re.search(r"Chamfer 0\.\d+ % of the diagonal \(two samplings of the original: 0\.\d+ %\)", lines[2])
    assert re.search(r"normals 0\.99\d\d, IoU 0\.9\d\d\d", lines[2])
    assert lines[3] == "surface: watertight, 1 component"


def test_a_cloud_without_normals_is_fitted_and_it_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "cloud.xyz", "-o", "new.lig", *map(str, QUICK), "--objective", "eikonal"]) == 0
    assert capsys.readouterr().err == f"ligeia: cloud.xyz: {ESTIMATED}\n"
    assert load(here / "new.lig").source == SurfaceSource(format="XYZ", is_cloud=True)


def test_remarks_are_in_the_json_and_quiet_says_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fit", "cloud.xyz", "-o", "new.lig", *map(str, QUICK), "--json", "--quiet"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["remarks"] == [ESTIMATED]
    assert captured.err == ""


def test_an_open_mesh_is_fitted_by_its_winding_number_and_it_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "open.ply", "-o", "new.lig", *map(str, QUICK), "--objective", "distance"]) == 0
    said = capsys.readouterr().err
    surface = read_surface(Path("open.ply"))
    ends = np.sort(surface.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    count = int((np.unique(ends, axis=0, return_counts=True)[1] == 1).sum())
    assert f"open.ply: open: {count} edges have one triangle; inside is where the generalized winding number" in said


def test_a_field_without_a_surface_is_written_and_it_is_said(
    here: Path, json_of: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", "ball.obj", "-o", "new.lig", "--passes", "0.05", "--hidden-features", "1", "--hidden-layers", "0"]
    words += ["--first-omega", "0.001"]
    assert run(words) == 0
    assert "the field was written, but has no surface to measure: no surface in the box" in capsys.readouterr().err
    assert "chamfer_percent" not in json_of(*words)
    assert load(here / "new.lig").source == SurfaceSource(format="OBJ")


def test_a_stopped_fit_goes_on_from_its_checkpoint(here: Path, json_of: Json) -> None:
    stopped: list[int] = []

    def interrupts(self: Checkpointer, step: Any) -> None:
        if step.state.progress.steps == 100:
            self.write(step.state)
            stopped.append(1)
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpointer, "__call__", interrupts)
        assert run(["fit", "ball.obj", "-o", "new.lig", *map(str, QUICK)]) == 1
    assert stopped == [1]
    assert (here / "new.lig.checkpoint").exists()
    assert not (here / "new.lig").exists()
    resumed = json_of("fit", "ball.obj", "-o", "new.lig", *QUICK, "--resume")
    assert resumed["steps"] == 10 * math.ceil(20_000 / 512)
    assert (here / "new.lig").read_bytes() == (here / "ball.lig").read_bytes()  # which was fitted without a stop


@pytest.mark.parametrize("ending", ["ply", "obj", "stl", "off", "glb", "npz"])
def test_mesh_says_what_it_wrote(here: Path, json_of: Json, ending: str) -> None:
    result = json_of("mesh", "ball.lig", "-o", f"new.{ending}", "--resolution", 24)
    assert result.keys() >= MESH_KEYS
    read = read_surface(here / f"new.{ending}")
    oracle: Any = trimesh.Trimesh(read.vertices, read.faces, process=True)
    assert result["faces"] == len(read.faces)
    assert result["vertices"] == len(oracle.vertices)
    assert result["watertight"] is oracle.is_watertight is True
    assert result["volume"] == pytest.approx(oracle.volume, rel=1e-3)
    assert result["area"] == pytest.approx(oracle.area, rel=1e-3)
    assert result["volume"] == pytest.approx(4 / 3 * math.pi * RADIUS**3, rel=0.1)
    assert (result["components"], result["component_areas"]) == (1, [pytest.approx(1.0)])
    assert (result["resolution"], result["output"]) == (24, f"new.{ending}")
    assert result["bytes"] == (here / f"new.{ending}").stat().st_size
    assert np.abs(np.linalg.norm(read.vertices - CENTER, axis=1) - RADIUS).max() < 0.15


def test_people_read_of_the_mesh_that_was_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mesh", "ball.lig", "-o", "new.ply", "--resolution", "32"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert re.fullmatch(
        r"new.ply: [\d,]+ vertices, [\d,]+ triangles, watertight, 1 component, in \d+\.\d s\n"
        r"area \d+\.\d+, volume \d+\.\d+; [\d,]+ evaluations, \d+\.\d times fewer than the whole grid\n",
        captured.out,
    )


def test_a_level_moves_the_mesh_and_one_at_the_end_of_the_domain_is_said_to_be_open(
    here: Path, json_of: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    volumes = [
        json_of("mesh", "ball.lig", "-o", "new.npz", "--resolution", 24, "--level", level)["volume"]
        for level in (-0.5, 0, 0.1)
    ]
    wanted = [4 / 3 * math.pi * (RADIUS + level) ** 3 for level in (-0.5, 0, 0.1)]
    assert volumes == pytest.approx(wanted, rel=0.15)
    assert run(["mesh", "ball.lig", "-o", "new.npz", "--resolution", "24", "--level", "0.3"]) == 0
    captured = capsys.readouterr()
    assert "ball.lig: the surface reaches the edge of the domain and is open there." in captured.err
    assert "not watertight" in captured.out


def test_a_mesh_is_painted_by_curvature(here: Path, json_of: Json) -> None:
    json_of("mesh", "ball.lig", "-o", "new.ply", "--resolution", 24, "--color", "gaussian")
    loaded: Any = trimesh.load("new.ply", process=False)
    colors = np.asarray(loaded.visual.vertex_colors)
    assert (colors[:, 0] > colors[:, 2]).mean() > 0.8


@pytest.mark.parametrize("quantity", ["value", "depth", "normal"])
def test_render_writes_what_a_camera_sees(here: Path, json_of: Json, quantity: str) -> None:
    words = ("render", "ball.lig", "--camera", "30,20", "--shape", "24x32", "--quantity", quantity)
    result = json_of(*words, "-o", "new.png")
    assert (result["shape"], result["output"]) == ([24, 32], "new.png")
    with Image.open("new.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (24, 32, 3)
    assert (pixels[12, 16] != pixels[0, 0]).any()
    json_of(*words, "-o", "new.npy")
    found = np.load("new.npy")
    assert found.shape == (24, 32, 4)
    # from 30 degrees to the right and 20 above, the surface in the middle has the normal of that direction
    azimuth, elevation = np.radians([30, 20])
    toward = [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)]
    assert found[12, 16, 1:] @ toward > 0.98


def test_render_without_a_camera_samples_the_distance(here: Path, json_of: Json) -> None:
    assert json_of("render", "ball.lig", "-o", "new.npy", "--shape", "5x5x5")["shape"] == [5, 5, 5]
    places = (np.arange(5) - 2) * 0.88  # the middles of five parts of a side of 4.4
    wanted = np.sqrt((places[:, None, None] ** 2) + places[:, None] ** 2 + places**2) - RADIUS
    found = np.load("new.npy").reshape(5, 5, 5)
    assert np.abs(found - wanted).mean() < 0.1
    clear = np.abs(wanted) > 0.2
    assert np.array_equal((found < 0)[clear], (wanted < 0)[clear])


def test_compare_measures_surfaces_both_ways(here: Path, json_of: Json, capsys: pytest.CaptureFixture[str]) -> None:
    json_of("mesh", "ball.lig", "-o", "ball.ply", "--resolution", 40)
    for words in (("ball.obj", "ball.ply"), ("ball.ply", "ball.obj")):
        result = json_of("compare", *words)
        assert result.keys() >= {"chamfer_percent", "normal_consistency", "iou", "watertight", "components"}
        assert result["iou"] > 0.95
        assert result["chamfer_percent"] < 1.3 * result["chamfer_floor_percent"]
    for words in (["ball.obj", "ball.lig"], ["ball.lig", "ball.obj"], ["cloud.xyz", "ball.lig"]):
        assert run(["compare", *words]) == 0
        out = capsys.readouterr().out
        assert re.match(r"Chamfer \d\.\d+ % of the diagonal", out)
        assert "surface: watertight, 1 component" in out
    result = json_of("compare", "oriented.xyz", "ball.lig")
    assert (result["iou"], result["chamfer_floor_percent"]) == (None, None)


def test_info_says_that_a_field_is_that_of_a_surface(
    here: Path, json_of: Json, capsys: pytest.CaptureFixture[str]
) -> None:
    result = json_of("info", "ball.lig")
    assert result["source"] == {"kind": "SurfaceSource", "format": "OBJ", "dtype": "<f4", "is_cloud": False}
    assert [axis["name"] for axis in result["axes"]] == ["x", "y", "z"]
    extents = np.array([axis["extent"] for axis in result["axes"]])
    assert np.allclose(extents, np.stack([CENTER - 2.2, CENTER + 2.2], axis=1), atol=1e-5)
    (channel,) = result["channels"]
    assert (channel["name"], channel["high"]) == ("distance", pytest.approx(2.2, abs=1e-5))
    assert run(["info", "ball.lig"]) == 0
    assert "SurfaceSource, format OBJ" in capsys.readouterr().out


FIT = "fit ball.obj -o new.lig --passes 0.1 --hidden-features 8 --hidden-layers 1"
VOLUME = "expected a surface around a volume"
REFUSED = [
    ("fit missing.obj -o new.lig", "missing.obj: no such file"),
    ("fit none.obj -o new.lig", "none.obj: expected vertices, the file has none, and no faces either"),
    ("fit empty.ply -o new.lig", "empty.ply: the file is empty"),
    ("fit nan.obj -o new.lig", "nan.obj: expected finite coordinates, 1 of 4 vertices .* the first at index 3"),
    ("fit flat.xyz -o new.lig", f"flat.xyz: {VOLUME}, all points lie in a plane; that has no inside"),
    ("fit line.xyz -o new.lig", f"line.xyz: {VOLUME}, all points lie on a line"),
    ("fit place.xyz -o new.lig", f"place.xyz: {VOLUME}, all points lie at one place"),
    ("fit three.xyz -o new.lig", f"three.xyz: {VOLUME}, got 3 points; 4 are the fewest"),
    ("fit flat.ply -o new.lig", f"flat.ply: {VOLUME}, all points lie in a plane"),
    ("fit ball.obj -o new.ply", "new.ply: a field is written as .lig"),
    ("fit ball.obj -o none/new.lig", "the folder none does not exist"),
    ("fit ball.obj -o ball.lig --resume", "ball.lig exists and has no checkpoint: that fit has finished"),
    (
        "fit photo.png -o new.lig --objective distance",
        r"photo.png: the objective distance is for surfaces \(.ply, .*leave it out",
    ),
    (f"{FIT} --objective paper", "--objective must be one of distance, eikonal, got 'paper'"),
    (f"{FIT} --recipe slow", "--recipe must be fast or paper, got 'slow'"),
    (
        f"{FIT} --recipe paper --objective distance",
        "the recipe paper is the paper's eikonal losses; leave the objective",
    ),
    (f"{FIT} --frames 0:5", "ball.obj: frames cannot be said of a surface; leave it out"),
    (f"{FIT} --snr 20 --bytes 900", r"ball.obj: snr, most_bytes \(--bytes\) cannot be said of a surface"),
    (f"{FIT} --mask photo.png --prior tv", "ball.obj: mask, prior cannot be said of a surface"),
    (f"{FIT} --channels --periodic x", "ball.obj: channels, periodic cannot be said of a surface"),
    (f"{FIT} --box 0:1 --footprint box", "ball.obj: box, footprint cannot be said of a surface"),
    (f"{FIT} --variable v", "ball.obj: this kind of file holds one signal, so 'v' cannot be chosen"),
    (f"{FIT} --coordinates x,y,z --values w", "ball.obj: scattered samples come from a .csv, .npz or .mat file"),
    (f"{FIT} --hold-out 1", "ball.obj: expected a share from 0 to less than 1 to hold out, got 1"),
    (f"{FIT} --first-omega 0", "expected a frequency above 0 for the first layer, got 0"),
    (f"{FIT} --first-omega fast", "expected numbers such as 30 or 30,60.5, got 'fast'"),
    (f"{FIT} --first-omega 3,4,5", "first"),
    (f"{FIT} --psnr -3", "a PSNR in decibels above 0"),
    (f"{FIT} --report report.xyz", "report.xyz: a figure ends in .png"),
    (f"{FIT} --device tpu", "the device must be auto, cpu or cuda, got 'tpu'"),
    ("mesh missing.lig -o new.ply", "missing.lig: no such file"),
    ("mesh ball.lig -o new.xyz", "new.xyz: a surface is written as .ply, .*, got .xyz; rename the output"),
    ("mesh ball.lig -o new", "new: a surface is written as .ply, .*, got no ending"),
    ("mesh ball.lig -o none/new.ply", "the folder none does not exist"),
    ("mesh ball.lig -o new.ply --resolution 1", "expected a resolution from 2 to 2048 cells, got 1"),
    ("mesh ball.lig -o new.ply --resolution 4096", "expected a resolution from 2 to 2048 cells, got 4096"),
    ("mesh ball.lig -o new.ply --level 100", "no surface in the box: the function is negative everywhere"),
    ("mesh ball.lig -o new.ply --level nan", "expected a finite level, got nan"),
    ("mesh ball.lig -o new.ply --device tpu", "the device must be auto, cpu or cuda"),
    ("mesh photo.lig -o new.ply", "expected a field of three axes and one channel for a surface, got 2 and 1"),
    ("mesh photo.png -o new.ply", "photo.png: "),
    ("mesh ball.obj -o new.ply", "ball.obj: "),
    ("decode ball.lig -o new.npy", "new.npy: this field is the signed distance of a surface, .* `ligeia mesh` makes"),
    ("decode ball.lig -o new.ply", "new.ply: this field is the signed distance of a surface"),
    ("render ball.lig -o new.png --camera nonsense", "expected 2 numbers as in --camera 30,20, got 'nonsense'"),
    ("render ball.lig -o new.png --camera 30", "expected 2 numbers as in --camera 30,20, got '30'"),
    ("render ball.lig -o new.png --camera 1,2,3", "expected 2 numbers as in --camera 30,20, got '1,2,3'"),
    ("render ball.lig -o new.png --camera nan,1", "expected finite angles, got nan and 1.0 degrees"),
    ("render ball.lig -o new.png --camera 0,inf", "expected finite angles, got 0.0 and inf degrees"),
    ("render ball.lig -o new.png --camera 1,2 --scale 2", "--camera goes with --shape and --quantity only"),
    ("render ball.lig -o new.png --camera 1,2 --region 0:1", "--camera goes with --shape and --quantity only|a region"),
    ("render ball.lig -o new.png --camera 1,2 --quantity gradient", "--quantity must be one of value, depth, normal"),
    ("render ball.lig -o new.png --quantity depth", "--quantity must be one of value, gradient, laplacian"),
    ("render ball.lig -o new.png --camera 1,2 --shape 3x4x5", "--shape must be rows x columns with --camera"),
    ("render ball.lig -o new.xyz --camera 1,2 --shape 4x4", "new.xyz: expected a picture such as .png, or .npy,"),
    ("render photo.lig -o new.png --camera 1,2", "expected a field of three axes and one channel for a surface"),
    ("compare ball.obj cloud.xyz", "cloud.xyz: expected a mesh or a field as candidate, this is a cloud; swap"),
    ("compare flat.ply ball.obj", f"flat.ply: {VOLUME}, all points lie in a plane"),
    ("compare ball.obj photo.png", r"^ligeia: photo.png: expected a surface \(.ply, .*\)"),
    ("compare photo.png ball.obj", r"^ligeia: photo.png: expected a surface \(.ply, .*\)"),
    ("compare ball.obj photo.lig", "expected a field of three axes and one channel for a surface"),
    ("compare ball.obj nan.obj", "nan.obj: expected finite coordinates"),
]


@pytest.mark.parametrize(("command", "wanted"), REFUSED, ids=[command.replace(" ", "_") for command, _ in REFUSED])
def test_it_is_refused_in_one_line_and_nothing_is_written(
    command: str, wanted: str, here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in sorted(here.rglob("*"))}
    status = run(command.split())
    captured = capfd.readouterr()
    assert status == 2, captured.err
    assert captured.out == ""
    assert captured.err.startswith("ligeia: ")
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    assert re.search(wanted, captured.err), captured.err
    assert captured.err.count("photo.png: ") <= 1  # the file is named once
    assert {path: path.read_bytes() for path in sorted(here.rglob("*"))} == before
