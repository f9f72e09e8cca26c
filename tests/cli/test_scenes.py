"""Scenes on the command line: fitted, looked at, compared, meshed, and refused. Oracle: a ball in closed form."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ligeia.cli import run
from ligeia.codec import encode, read_record
from ligeia.field import load
from ligeia.formats import read_surface, read_video
from ligeia.scenes import fitted_cameras
from support.balls import MIDDLE, RADIUS, ball_picture, ball_views, save_views

pytest_plugins = ["support.fixtures"]
pytestmark = pytest.mark.fits
Json = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photographs and the field that was fitted to them."""
    folder = tmp_path_factory.mktemp("scene")
    save_views(folder, ball_views(20), "train")
    save_views(folder, ball_views(4, seed=9), "test")
    assert run(["fit", str(folder), "-o", str(folder / "ball.lig"), "--passes", "25", "--quiet"]) == 0
    return folder


@pytest.fixture
def ball(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield made / "ball.lig"
    assert list(tmp_path.glob("*.partial*")) == []


def test_a_folder_is_fitted_and_other_views_are_measured(made: Path, tmp_path: Path, json_of: Json) -> None:
    output, report = tmp_path / "ball.lig", tmp_path / "report.png"
    found = json_of("fit", made, "-o", output, "--passes", 12, "--report", report)
    assert (found["kind"], found["network"]) == ("scene", "voxels")
    assert (found["views"], found["views_held_out"], found["background"]) == (20, 4, [1.0, 1.0, 1.0])
    assert found["psnr_db"] > 20
    assert found["worst_view"]["psnr_db"] <= found["psnr_db"]
    assert [each["file"] for each in found["qualities"]] == [f"test/{number}.png" for number in range(4)]
    with Image.open(report) as drawn:
        assert drawn.size[0] > 1000
    again = json_of("compare", made / "transforms_test.json", output)
    assert again["psnr_db"] == pytest.approx(found["psnr_db"], abs=1e-3)


def test_every_nth_photograph_is_held_out(made: Path, tmp_path: Path, json_of: Json) -> None:
    for asked, expected in ((5, 4), (0.25, 5), (0, 0)):
        found = json_of("fit", made, "-o", tmp_path / "x.lig", "--passes", 1, "--hold-out", asked)
        assert (found["views"], found["views_held_out"]) == (20 - expected, expected)


def test_a_box_becomes_the_cube_around_it(made: Path, tmp_path: Path, json_of: Json) -> None:
    found = json_of("fit", made, "-o", tmp_path / "x.lig", "--passes", 1, "--box", "-0.4:1,-0.9:0.5,-0.5:0.7")
    assert found["box"] == [pytest.approx(each) for each in ([-0.4, 1.0], [-0.9, 0.5], [-0.6, 0.8])]


def test_a_file_comes_back_as_it_was(ball: Path) -> None:
    record = read_record(ball)
    assert encode(record) == ball.read_bytes()
    views = ball_views(20)
    for camera, other in zip(fitted_cameras(load(ball)), views.cameras, strict=True):
        assert np.array_equal(camera.pose, other.pose)


def test_a_view_that_was_fitted_is_seen(ball: Path) -> None:
    assert run(["render", str(ball), "-o", "v.png", "--camera", "view:3"]) == 0
    seen = np.asarray(Image.open("v.png"), np.float64) / 255
    rgba = ball_picture(ball_views(20).cameras[3])
    expected = rgba[..., :3] * rgba[..., 3:] + 1 - rgba[..., 3:]
    assert np.sqrt(np.square(seen - expected).mean()) < 0.06


@pytest.mark.parametrize("camera", ["30,20", "view:train/2.png", "view:0"])
@pytest.mark.parametrize("quantity", ["value", "depth", "normal", "alpha"])
def test_views_have_the_asked_shape(ball: Path, camera: str, quantity: str, json_of: Json) -> None:
    found = json_of("render", ball, "-o", "v.npy", "--camera", camera, "--quantity", quantity, "--shape", "20x30")
    assert found["shape"] == [20, 30]
    expected = {"value": (20, 30, 3), "depth": (20, 30), "normal": (20, 30, 3), "alpha": (20, 30)}[quantity]
    assert np.load("v.npy").shape == expected
    assert run(["render", str(ball), "-o", "v.png", "--camera", camera, "--quantity", quantity]) == 0


def test_depth_and_normal_are_those_of_the_ball(ball: Path) -> None:
    camera = fitted_cameras(load(ball))[0]
    for quantity in ("depth", "normal"):
        arguments = ["-o", f"{quantity}.npy", "--camera", "view:0", "--quantity", quantity, "--rays", "16"]
        assert run(["render", str(ball), *arguments]) == 0
    eye, ahead = camera.pixel_rays()
    along = -(ahead @ (eye - MIDDLE))
    under = along**2 - np.sum((eye - MIDDLE) ** 2) + RADIUS**2
    inner = under > 0.3 * RADIUS**2
    distance = along[inner] - np.sqrt(under[inner])
    assert np.abs(np.load("depth.npy").ravel()[inner] - distance).mean() < 0.1
    expected = (eye + distance[:, None] * ahead[inner] - MIDDLE) / RADIUS
    normals = np.load("normal.npy").reshape(-1, 3)[inner]
    assert np.nanmedian(np.sum(normals * expected, axis=1)) > 0.85


def test_a_transparent_picture_has_the_opacity_as_alpha(ball: Path) -> None:
    assert run(["render", str(ball), "-o", "v.png", "--camera", "view:0", "--background", "none"]) == 0
    picture = np.asarray(Image.open("v.png"))
    assert picture.shape[2] == 4
    assert picture[0, 0, 3] == 0
    assert picture[..., 3].max() > 200


def test_an_orbit_is_a_video(ball: Path) -> None:
    pytest.importorskip("av")
    assert run(["render", str(ball), "-o", "o.mp4", "--camera", "orbit", "--frames", "5", "--rays", "1"]) == 0
    assert read_video(Path("o.mp4")).values.shape == (5, 24, 24, 3)


def test_a_path_of_cameras_is_followed(ball: Path, made: Path) -> None:
    pytest.importorskip("av")
    cameras = ball_views(3).cameras
    flat = [{"camera_to_world": np.vstack([c.pose, [0, 0, 0, 1]]).ravel().tolist(), "fov": 30.0} for c in cameras]
    path = {"camera_path": flat, "render_height": 16, "render_width": 20, "fps": 12}
    Path("path.json").write_text(json.dumps(path))
    assert run(["render", str(ball), "-o", "o.mp4", "--camera", "path.json"]) == 0
    assert read_video(Path("o.mp4")).values.shape == (3, 16, 20, 3)
    arguments = ["--camera", str(made / "transforms_test.json"), "--shape", "16x20"]
    assert run(["render", str(ball), "-o", "p.mp4", *arguments]) == 0
    assert read_video(Path("p.mp4")).values.shape == (4, 16, 20, 3)


def test_a_level_of_the_density_is_meshed_in_the_users_coordinates(ball: Path, json_of: Json) -> None:
    json_of("mesh", ball, "-o", "ball.ply", "--resolution", 32)
    vertices = read_surface(Path("ball.ply")).vertices
    assert (vertices.max(axis=0) + vertices.min(axis=0)) / 2 == pytest.approx(MIDDLE, abs=0.1)
    assert (vertices.max(axis=0) - vertices.min(axis=0)) / 2 == pytest.approx(3 * [RADIUS], rel=0.2)


def test_info_counts_cells_and_cameras(ball: Path, json_of: Json) -> None:
    found = json_of("info", ball)
    assert found["source"]["views"] == 20
    assert 0 < found["network"]["occupied"] < np.prod(found["network"]["cells"])


def test_the_background_of_opaque_photographs_is_found_and_a_wrong_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], json_of: Json
) -> None:
    save_views(tmp_path, ball_views(6), "train", background=0.0)
    arguments = ("fit", tmp_path, "-o", tmp_path / "x.lig", "--passes", 1)
    assert json_of(*arguments)["background"] == [0.0, 0.0, 0.0]
    (tmp_path / "x.lig").unlink()
    assert run([*map(str, arguments), "--background", "white"]) == 2
    assert "nearly all of their edges are 0,0,0; say --background 0,0,0" in capsys.readouterr().err
    assert not (tmp_path / "x.lig").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("fit {0} -o x.lig --hidden-features 32", "hidden_features cannot be said of a scene"),
        ("fit {0} -o x.lig --box 0:1,0:1", "expected a box of three ranges as -1:1,-1:1,0:2 for a scene"),
        ("fit {0} -o x.lig --omega 20", "omega_0 (--omega) cannot be said of a scene"),
        ("fit {0} -o x.lig --hidden-layers 2", "hidden_layers cannot be said of a scene"),
        ("fit {0} -o x.lig --exposures --network hash", "exposures are found with voxels"),
        ("fit {0}/train/0.png -o x.lig --exposures", "exposures are those of photographs with known cameras"),
        ("fit {0} -o x.lig --missing 3", "missing cannot be said of a scene"),
        ("fit {0} -o x.lig --snr 20", "snr cannot be said of a scene"),
        ("fit {0} -o x.lig --background 1,2", "expected 3 numbers as in --background"),
        ("fit {0} -o x.lig --background 1,2,3", "expected a background of white, black, none or R,G,B from 0 to 1"),
        ("fit {0} -o x.lig --background none", "photographs with alpha are compared on a background"),
        ("fit {0} -o x.lig --hold-out 1", "expected a share of the photographs up to 0.5"),
        ("fit {0} -o x.lig --hold-out 0.5 --mask {0}/train/0.png", "mask and hold_out both say"),
        ("fit {0}/train/0.png -o x.lig --background white", "a background is that of photographs with known cameras"),
        ("fit {0}/train -o x.lig", "COLMAP finds them: colmap automatic_reconstructor"),
        ("render {1} -o v.png --camera orbit", "expected a video such as .mp4"),
        ("render {1} -o v.mp4 --camera 30,20", "expected a picture such as .png"),
        ("render {1} -o v.png --camera view:99", "expected a view from 0 to 19"),
        ("render {1} -o v.png --camera 30", "expected 2 numbers as in --camera 30,20, or view:12, orbit, path.json"),
        ("render {1} -o v.png --camera 30,20 --rays 5", "--rays must be one of 1, 4, 9, 16"),
        ("render {1} -o v.png --camera 30,20 --quantity gradient", "--quantity must be one of value, depth"),
        ("render {1} -o v.png --camera 30,20 --frames 5", "--frames is the number of views of --camera orbit"),
        ("render {1} -o v.png --quantity depth", "--quantity must be one of value, gradient, laplacian without"),
        ("render {1} -o v.jpg --camera 30,20 --background none", "a JPEG has no transparency"),
        ("render {1} -o v.png --camera missing.json", "missing.json"),
        ("decode {1} -o v.png", "this field is a scene, whose photographs are not in its file"),
        ("explain {1} -o v.png", "expected a network of layers"),
        ("compare {0}/transforms_test.json {0}/train/0.png", "0.png"),
    ],
)
def test_bad_input_gets_one_line(
    ball: Path, made: Path, arguments: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments.format(made, ball).split()) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1
    assert list(Path().iterdir()) == []
