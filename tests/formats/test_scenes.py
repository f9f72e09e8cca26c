"""Photographs with cameras: a known point at a known pixel in each convention, and one line for each bad input."""

import json
import math
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ligeia.core import FormatError, InputError
from ligeia.formats import holds_scene, read_views, write_surface
from ligeia.signals import Views
from support.scenes import (
    COLUMNS,
    FOCAL,
    POINT,
    ROWS,
    check_point,
    eye,
    frames,
    pose,
    save_picture,
    save_transforms,
)

LENS = {"fl_x": FOCAL, "fl_y": FOCAL, "cx": 30.0, "cy": 20.0, "w": COLUMNS, "h": ROWS}
ANGLE = 2 * math.atan(COLUMNS / 2 / FOCAL)
DATA = Path(os.environ.get("LIGEIA_DATA", Path(__file__).parents[3] / "shared" / "data")) / "scenes"


def documents() -> dict[str, dict[str, Any]]:
    """Return the same cameras as tools write them."""
    return {
        "blender": {"camera_angle_x": ANGLE, "frames": frames(folder="./images", ending="")},
        "angle_y": {"camera_angle_y": 2 * math.atan(ROWS / 2 / FOCAL), "frames": frames()},
        "instant_ngp": {**LENS, "camera_angle_x": 9.0, "aabb_scale": 4, "scale": 0.33, "k1": 0.0, "frames": frames()},
        "one_focal_length": {"fl_x": FOCAL, "frames": frames()},
        "per_frame": {"fl_x": 1.0, "camera_model": "OPENCV", "frames": [{**frame, **LENS} for frame in frames()]},
        "windows": {**LENS, "frames": [{**each, "file_path": f"images\\{k}.png"} for k, each in enumerate(frames())]},
    }


@pytest.mark.parametrize("tool", documents())
def test_the_point_is_where_it_is_by_hand(tool: str, tmp_path: Path) -> None:
    path = save_transforms(tmp_path, documents()[tool])
    for views in (read_views(path), read_views(tmp_path)):
        check_point(views)
        assert views.names == ("images/0.png", "images/1.png", "images/2.png")
        assert [int(picture[0, 0, 0]) for picture in views.pictures] == [0, 1, 2]
        assert views.masks == (None, None, None)
        assert views.points is None
    assert holds_scene(path)
    assert holds_scene(tmp_path)


def test_distortion_is_read_by_name(tmp_path: Path) -> None:
    lens = {"k1": 0.1, "k2": 0.02, "k3": 0.003, "p1": 0.0004, "p2": 0.00005}
    path = save_transforms(tmp_path, {**LENS, **lens, "frames": frames()})
    assert read_views(path).cameras[0].distortion == (0.1, 0.02, 0.003, 0.0004, 0.00005)


def test_what_nerfstudio_has_applied_is_undone_for_poses_and_points(tmp_path: Path) -> None:
    applied = np.array([[1.0, 0, 0, 0.5], [0, 0, 1, 0], [0, -1, 0, -2], [0, 0, 0, 1]])

    def moved(number: int) -> list[list[float]]:
        result = applied @ np.array(pose(number))
        result[:3, 3] *= 2.0
        return result.tolist()

    turned = [{**frame, "transform_matrix": moved(k)} for k, frame in enumerate(frames())]
    cloud = 2.0 * (np.repeat(POINT, 3, axis=0) @ applied[:3, :3].T + applied[:3, 3])
    write_surface(tmp_path / "points.ply", cloud, np.zeros((0, 3), np.int64))
    document = {**LENS, "applied_transform": applied[:3].tolist(), "applied_scale": 2.0, "ply_file_path": "points.ply"}
    views = read_views(save_transforms(tmp_path, {**document, "frames": turned}))
    check_point(views)
    assert views.points is not None
    assert np.allclose(views.points, np.repeat(POINT, 3, axis=0), atol=1e-6)


def test_points_that_cannot_be_read_are_left_out_with_a_warning(tmp_path: Path) -> None:
    path = save_transforms(tmp_path, {**LENS, "ply_file_path": "no.ply", "frames": frames()})
    with pytest.warns(UserWarning, match=r"transforms.json: the points of ply_file_path are left out: .*no such file"):
        assert read_views(path).points is None


def test_black_is_ignored_in_a_mask_of_nerfstudio_and_all_else_in_one_of_instant_ngp(tmp_path: Path) -> None:
    document = {**LENS, "frames": [{**frame, "mask_path": f"masks/{k}.png"} for k, frame in enumerate(frames())]}
    path = save_transforms(tmp_path, document)
    for k in range(3):
        save_picture(tmp_path / "masks" / f"{k}.png", channels=1, shade=255)
    black = np.full((ROWS, COLUMNS), 255, np.uint8)
    black[:3, :5] = 0
    Image.fromarray(black).save(tmp_path / "masks" / "1.png")
    dynamic = np.zeros((ROWS, COLUMNS, 4), np.uint8)
    dynamic[..., 3] = 255
    dynamic[-1, :, 0] = 9
    Image.fromarray(dynamic).save(tmp_path / "images" / "dynamic_mask_1.png")
    first, second, _ = read_views(path).masks
    assert first is not None
    assert not first.any()
    assert second is not None
    wanted = black == 0
    wanted[-1] = True
    assert np.array_equal(second, wanted)


def test_alpha_stays_straight_and_few_bits_fill_the_range(tmp_path: Path) -> None:
    path = save_transforms(tmp_path, {**LENS, "frames": frames()})
    pixels = np.full((ROWS, COLUMNS, 4), (200, 100, 0, 51), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images" / "0.png")
    Image.fromarray(pixels[..., [0, 3]], mode="LA").save(tmp_path / "images" / "1.png")
    Image.fromarray(pixels[..., 0] > 300).save(tmp_path / "images" / "2.png")
    views = read_views(path)
    assert np.array_equal(views.pictures[0], pixels)
    assert np.array_equal(views.pictures[1], pixels[..., [0, 0, 0, 3]])
    assert views.pictures[2].dtype == np.float32
    assert views.pictures[2].shape == (ROWS, COLUMNS, 1)
    assert views.has_alpha
    assert np.allclose(views.rgba(0)[0, 0], np.array([200, 100, 0, 255]) / 255 * 0.2 + [0, 0, 0, 0])


def test_pixels_are_those_stored_unless_the_stated_size_is_of_the_upright_picture(tmp_path: Path) -> None:
    stored = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    path = save_transforms(tmp_path, {**LENS, "frames": frames()})
    for k in range(3):
        Image.fromarray(stored).save(tmp_path / "images" / f"{k}.png", exif=exif)
    assert np.array_equal(read_views(path).pictures[0][..., 0], stored)
    path.write_text(json.dumps({**LENS, "w": ROWS, "h": COLUMNS, "frames": frames()}))
    assert np.array_equal(read_views(path).pictures[0][..., 0], np.rot90(stored, -1))


def test_missing_photographs_are_named_in_one_line_and_left_out(tmp_path: Path) -> None:
    path = save_transforms(tmp_path, {**LENS, "frames": frames(8)}, count=3)
    wanted = (
        r"transforms.json: 5 of 8 photographs are missing and left out: images/3.png, images/4.png, images/5.png, \."
    )
    with pytest.warns(UserWarning, match=wanted) as told:
        check_point(read_views(path))
    assert len(told) == 1


def test_a_missing_photograph_needs_no_mask(tmp_path: Path) -> None:
    path = save_transforms(tmp_path, {**LENS, "frames": [*frames(3), {**frames(4)[3], "mask_path": "no.png"}]})
    with pytest.warns(UserWarning, match="1 of 4 photographs are missing and left out: images/3.png"):
        check_point(read_views(path))


def test_splits_are_kept_apart(tmp_path: Path) -> None:
    save_transforms(tmp_path, {**LENS, "frames": frames(5)[3:]}, name="transforms_test.json", count=5)
    with pytest.raises(InputError, match=r"expected transforms_train.json, got that of test only"):
        read_views(tmp_path)
    save_transforms(tmp_path, {**LENS, "frames": frames(5)}, name="transforms.json")
    save_transforms(tmp_path, {**LENS, "frames": frames(3)}, name="transforms_train.json")
    check_point(read_views(tmp_path))
    test = read_views(tmp_path, split="test", at_least=1)
    assert test.names == ("images/3.png", "images/4.png")
    assert read_views(tmp_path / "transforms_test.json", at_least=2).names == test.names


def test_lists_of_names_are_splits_too(tmp_path: Path) -> None:
    lists = {"train_filenames": [f"./images/{k}.png" for k in range(3)], "test_filenames": ["images/3.png"]}
    path = save_transforms(tmp_path, {**LENS, **lists, "frames": frames(5)}, count=5)
    assert len(read_views(path).names) == 3
    assert read_views(tmp_path, split="test", at_least=1).names == ("images/3.png",)
    with pytest.raises(FormatError, match="expected a list of names as val_filenames, got nothing"):
        read_views(path, split="val")
    path.write_text(json.dumps({**LENS, "train_filenames": ["other.png"], "frames": frames()}))
    with pytest.raises(FormatError, match="expected frames with the names in train_filenames, there are none"):
        read_views(path)


def changed(**frame: Any) -> dict[str, Any]:
    first, *others = frames()
    return {**LENS, "frames": [{**first, **frame}, *others]}


def scaled(factor: float) -> list[list[float]]:
    return (np.array(pose(0)) * [factor, factor, factor, 1]).tolist()


BAD: dict[str, tuple[Any, str]] = {
    "a list": ([], "expected a JSON object with frames, got an empty list"),
    "no frames": ({"fl_x": 1.0}, "expected a list of frames, got nothing"),
    "empty frames": ({"frames": []}, "expected a list of frames, got an empty list"),
    "frame of no object": ({"frames": [3]}, "frame 0: expected an object with the name of a file as file_path"),
    "file_path of no text": (changed(file_path=3), "frame 0: expected an object with the name of a file as file_path"),
    "no pose": (changed(transform_matrix=None), r"frame 0 \(images/0.png\): expected its pose as transform_matrix"),
    "rows of a pose": (changed(transform_matrix=[[1.0]]), "frame 0 .* expected 3 or 4 rows of 4 numbers as transform_"),
    "texts in a pose": (
        changed(transform_matrix=[["1"] * 4] * 3),
        "frame 0 .* a number as transform_matrix, got a text",
    ),
    "last row": (changed(transform_matrix=[*pose(0)[:3], [0, 0, 0, 2]]), "a last row of 0 0 0 1 in .* got 0 0 0 2"),
    "NaN in a pose": (
        changed(transform_matrix=[[math.nan] * 4] * 3),
        "frame 0 .* expected a finite number as transform_",
    ),
    "scaled pose": (changed(transform_matrix=scaled(2.0)), "images/0.png: expected a rigid pose, .* and determinant 8"),
    "mirrored pose": (changed(transform_matrix=scaled(-1.0)), "images/0.png: expected a rigid pose, .* determinant -1"),
    "no lens": ({"frames": frames()}, "images/0.png: expected the focal length as fl_x, or .* got neither"),
    "angle": ({"camera_angle_x": 4.0, "frames": frames()}, "expected a camera_angle_x between 0 and pi, got 4"),
    "focal length": (
        {**LENS, "fl_x": 0.0, "frames": frames()},
        "expected focal lengths above 0, got .0.0, 100.0. pixels",
    ),
    "truth as a number": ({**LENS, "cx": True, "frames": frames()}, "expected a number as cx, got true or false"),
    "endless number": ({**LENS, "cx": 10**400, "frames": frames()}, "expected a finite number as cx, got inf"),
    "half a pixel": ({**LENS, "w": 60.5, "frames": frames()}, "a whole number of pixels, 1 or more, as w, got 60.5"),
    "other size": (
        {**LENS, "w": 120, "h": 80, "frames": frames()},
        "images/0.png: expected 120 x 80 pixels .* 60 x 40",
    ),
    "fisheye": (
        {**LENS, "camera_model": "OPENCV_FISHEYE", "frames": frames()},
        "expected a camera_model of .* got OPENCV_F",
    ),
    "fisheye of instant-ngp": ({**LENS, "is_fisheye": True, "frames": frames()}, "got OPENCV_FISHEYE; undistort"),
    "k4": ({**LENS, "k4": 0.1, "frames": frames()}, "expected distortion by k1, k2, k3, p1 and p2, got k4 as well"),
    "all alike": ({**LENS, "frames": [frames()[0]] * 3}, "from different places, all 3 poses are alike"),
    "two views": ({**LENS, "frames": frames(2)}, "expected 3 views or more, got 2; take more photographs"),
    "nothing there": (
        {**LENS, "frames": frames(3, folder="nowhere")},
        "expected its photographs, none of 3 is there, the first would be .*nowhere/0.png",
    ),
    "impossible name": (
        changed(file_path="a" * 5000) | {"frames": [{**frames()[0], "file_path": "a\0" * 3000}]},
        "none of 1",
    ),
    "no mask": (changed(mask_path="masks/0.png"), "frame 0 .* expected its mask at .*masks/0.png, no such file"),
    "mask of no text": (changed(mask_path=4), "expected the name of a file as mask_path, got a number"),
    "applied": (
        {**LENS, "applied_transform": scaled(2.0), "frames": frames()},
        "a rigid applied_transform, got .* of 8",
    ),
    "applied scale": ({**LENS, "applied_scale": 0.0, "frames": frames()}, "expected an applied_scale above 0, got 0"),
    "unknown lens": (
        {**LENS, "cx": None, "cy": 1e300, "fl_x": 1e-300, "frames": frames(1)},
        "expected 3 views or more",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_cameras_that_cannot_be_are_refused_in_one_line(what: str, tmp_path: Path) -> None:
    document, message = BAD[what]
    path = save_transforms(tmp_path, document)
    with pytest.raises(InputError, match=message) as raised:
        read_views(path)
    assert str(raised.value).startswith(f"{path}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", '{"frames": [', "\xff\xfe", "[" * 100_000], ids=range(5))
def test_what_is_no_json_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "transforms.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"transforms.json: (the file is empty|expected JSON, it cannot be read)"):
        read_views(path)


def test_pictures_and_masks_that_cannot_be_are_named(tmp_path: Path) -> None:
    document = changed(mask_path="mask.png")
    path = save_transforms(tmp_path, document)
    save_picture(tmp_path / "mask.png", shape=(4, 5))
    with pytest.raises(InputError, match=r"mask.png: expected a mask of 60 x 40 pixels as images/0.png has, got 5 x 4"):
        read_views(path)
    path.write_text(json.dumps({**LENS, "frames": frames()}))
    (tmp_path / "images" / "1.png").write_bytes(b"nonsense")
    with pytest.raises(FormatError, match=r"images/1.png: expected an image"):
        read_views(path)
    Image.new("CMYK", (COLUMNS, ROWS)).save(tmp_path / "images" / "1.jpg")
    shutil.move(tmp_path / "images" / "1.jpg", tmp_path / "images" / "1.png")
    with pytest.raises(InputError, match=r"images/1.png: expected gray or RGB, with or without alpha, this is CMYK"):
        read_views(path)


def test_names_from_files_make_no_lines_of_their_own(tmp_path: Path) -> None:
    path = save_transforms(tmp_path, changed(file_path="a\nb", transform_matrix=None))
    with pytest.raises(FormatError, match=r"frame 0 \(a\?b\): expected its pose"):
        read_views(path)


def test_reading_on_threads_leaves_the_filters_of_warnings_as_they_were(tmp_path: Path) -> None:
    before = list(warnings.filters)
    read_views(save_transforms(tmp_path, {**LENS, "frames": frames(12)}, count=12))
    assert warnings.filters == before


def llff(folder: Path, count: int = 3) -> np.ndarray:
    """Write pictures, and return rows of LLFF: axes down, right, backward as columns."""
    rows = []
    for k in range(count):
        save_picture(folder / "images" / f"{k}.png", shade=k)
        right, upward, back = np.array(AXES_AS_ROWS)
        sizes = [ROWS, COLUMNS, FOCAL]
        rows.append([*np.column_stack([-upward, right, back, eye(k), sizes]).ravel(), 1.0, 9.0])
    return np.array(rows)


AXES_AS_ROWS = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]


def test_llff_has_the_point_where_it_is_by_hand(tmp_path: Path) -> None:
    np.save(tmp_path / "poses_bounds.npy", llff(tmp_path))
    assert holds_scene(tmp_path)
    views = read_views(tmp_path)
    check_point(views)
    assert views.names == ("images/0.png", "images/1.png", "images/2.png")


def test_llff_that_cannot_be_is_refused(tmp_path: Path) -> None:
    rows, path = llff(tmp_path), tmp_path / "poses_bounds.npy"
    np.save(path, rows[:2])
    with pytest.raises(
        InputError, match=r"poses_bounds.npy: expected a pose for each .* got 2 poses and 3 photographs"
    ):
        read_views(tmp_path)
    np.save(path, rows[:, :16])
    with pytest.raises(FormatError, match=r"expected rows of 17 numbers, one a photograph, got float64 \(3, 16\)"):
        read_views(tmp_path)
    np.save(path, np.where(rows == ROWS, 0.5, rows))
    with pytest.raises(FormatError, match=r"expected whole numbers of rows and columns, got 0.5 and 60"):
        read_views(tmp_path)
    np.save(path, np.where(rows == 3.0, np.nan, rows))
    with pytest.raises(InputError, match=r"0.png: expected a pose of finite numbers"):
        read_views(tmp_path)
    np.save(path, np.array([{}], object), allow_pickle=True)
    with pytest.raises(FormatError, match=r"not a readable .npy file of numbers"):
        read_views(tmp_path)
    np.save(path, rows)
    with pytest.raises(InputError, match="expected test views kept apart, these are not; hold some out instead"):
        read_views(tmp_path, split="test")


def archive(path: Path, **other: Any) -> Path:
    poses = np.array([pose(k) for k in range(3)], np.float32)
    images = np.full((3, ROWS, COLUMNS, 4), 9, np.uint8)
    np.savez(path, **{"images": images, "poses": poses, "focal": np.array(FOCAL)} | other)
    return path


def test_an_archive_has_the_point_where_it_is_by_hand(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", index=np.array([4, 0, 7]))
    assert holds_scene(path)
    views = read_views(path)
    check_point(views)
    assert views.names == ("view 4", "view 0", "view 7")
    gray = read_views(archive(path, images=np.full((3, ROWS, COLUMNS), 0.5), focal=np.full(3, FOCAL)))
    check_point(gray)
    assert gray.names == ("view 0", "view 1", "view 2")
    assert np.array_equal(gray.rgba(0)[0, 0], [0.5, 0.5, 0.5, 1])


BAD_ARCHIVES = {
    "shape of images": (
        {"images": np.zeros((3, 4), np.uint8)},
        r"a.npz: expected images of rows, columns and channels",
    ),
    "dtype of images": ({"images": np.zeros((3, 4, 4, 3), bool)}, r"a.npz: expected images of .* got bool"),
    "two channels": ({"images": np.zeros((3, 4, 4, 2), np.uint8)}, r"view 0: expected gray, RGB or RGBA"),
    "number of poses": (
        {"poses": np.zeros((2, 4, 4))},
        r"a.npz: expected poses of shape \(3, 4, 4\), got float64 \(2, 4, 4\)",
    ),
    "poses": ({"poses": np.zeros((3, 4, 4))}, r"a.npz: view 0: expected a rigid pose, .* determinant 0"),
    "focal": ({"focal": np.ones(2)}, r"a.npz: expected one focal length, or 3, got float64 \(2,\)"),
    "index": ({"index": np.ones(2)}, r"a.npz: expected 3 whole numbers as index, got float64 \(2,\)"),
    "objects": ({"poses": np.array([{}, {}], object)}, r"a.npz: not a readable .npz file of numbers"),
}


@pytest.mark.parametrize("what", BAD_ARCHIVES)
def test_archives_that_cannot_be_are_refused(what: str, tmp_path: Path) -> None:
    arrays, message = BAD_ARCHIVES[what]
    with pytest.raises(InputError, match=message):
        read_views(archive(tmp_path / "a.npz", **arrays))


def test_archives_of_other_things_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=np.zeros(3), other=np.zeros(3))
    assert not holds_scene(path)
    with pytest.raises(
        FormatError, match=r"expected arrays images, poses, focal, the file holds: images, other; rename"
    ):
        read_views(path)
    data = archive(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert not holds_scene(path)
    with pytest.raises(FormatError, match=r"a.npz: not a readable .npz file of numbers"):
        read_views(path)


def test_photographs_without_cameras_are_told_which_tool_finds_them(tmp_path: Path) -> None:
    folder = tmp_path / "my photos"
    save_picture(folder / "a.jpg")
    assert not holds_scene(folder)
    told = (
        f"{folder}: expected photographs with known cameras, got 1 without; COLMAP finds them: colmap "
        f"automatic_reconstructor --workspace_path '{folder}' --image_path '{folder}', whose sparse/0 is then read"
    )
    with pytest.raises(InputError, match=re.escape(told)):
        read_views(folder)
    save_picture(folder / "images" / "b.jpg")
    with pytest.raises(InputError, match=re.escape(f"--image_path '{folder / 'images'}'")):
        read_views(folder)


def test_a_video_is_told_which_tool_makes_photographs_of_it(tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    video.write_bytes(b"\0\0\0\x18ftypisom")
    told = (
        f"got a video; nerfstudio makes them of it: ns-process-data video --data {video} --output-dir {tmp_path / 'v'}"
    )
    for path in (video, tmp_path):
        assert not holds_scene(path)
        with pytest.raises(InputError, match=re.escape(told)):
            read_views(path)


def test_other_files_and_folders_are_refused(tmp_path: Path) -> None:
    wanted = r"expected photographs with known cameras: a transforms.json, an .npz, or a folder .* this is none of them"
    with pytest.raises(InputError, match=wanted):
        read_views(tmp_path)
    with pytest.raises(InputError, match=wanted):
        read_views(save_picture(tmp_path / "a.png"))
    for name in ("no.json", "no.npz", "no"):
        assert not holds_scene(tmp_path / name)
        with pytest.raises(InputError, match=r"no such file; check the spelling"):
            read_views(tmp_path / name)


def toward_the_middle(views: Views) -> np.ndarray:
    """Return the point that is nearest to what all cameras look at."""
    looks = np.array([-camera.axes()[2] for camera in views.cameras])
    across = np.eye(3) - looks[:, :, None] * looks[:, None, :]
    eyes = np.array([camera.eye for camera in views.cameras])
    return np.linalg.solve(across.sum(axis=0), np.einsum("nij,nj->i", across, eyes))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs scenes in LIGEIA_DATA")
def test_research_data_are_read() -> None:
    lego = read_views(DATA / "lego_100_train.npz")
    assert (len(lego.cameras), lego.num_pixels, lego.has_alpha) == (86, 860_000, True)
    assert np.linalg.norm(toward_the_middle(lego)) < 0.2
    places = np.linspace(-1.2, 1.2, 25)
    points = np.stack(np.meshgrid(places, places, places), axis=-1).reshape(-1, 3)
    for number, camera in enumerate(lego.cameras):  # the hull of all masks, which other axes would leave nothing of
        rows, columns = np.floor(camera.project(points)[0]).astype(int).T
        inside = (rows >= 0) & (rows < 100) & (columns >= 0) & (columns < 100)
        points = points[inside][lego.pictures[number][rows[inside], columns[inside], 3] > 0]
    assert 500 < len(points) < 3000
    assert np.abs(points).max() < 1.15
    fox = read_views(DATA / "fox_270x480")
    assert (len(fox.cameras), fox.pictures[0].shape, fox.has_alpha) == (44, (480, 270, 3), False)
    for camera in fox.cameras[::11]:
        origin, directions = camera.pixel_rays()
        places, depths = camera.project(origin + 3.0 * directions)
        wanted = np.stack(np.meshgrid(np.arange(480) + 0.5, np.arange(270) + 0.5, indexing="ij"), axis=-1)
        assert np.abs(places - wanted.reshape(-1, 2)).max() < 1e-9
        assert (depths > 0).all()
