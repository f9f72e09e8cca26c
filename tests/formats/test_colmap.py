"""Reconstructions by COLMAP, written here byte by byte: a known point at a known pixel, and text equal to binary."""

import struct
from pathlib import Path

import numpy as np
import pytest

from ligeia.core import FormatError, InputError
from ligeia.formats import holds_scene, read_views
from ligeia.signals import Views
from support.scenes import COLUMNS, FOCAL, POINT, ROWS, check_point, eye, save_picture

HALF = 0.5**0.5  # cos and sin of 45 degrees: a quarter turn around x
AXES = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # to the right, downward and ahead, as rows
MODELS: dict[str, tuple[int, list[float], tuple[float, ...]]] = {  # number, what is written, k1 k2 k3 p1 p2
    "SIMPLE_PINHOLE": (0, [FOCAL, 30, 20], (0, 0, 0, 0, 0)),
    "PINHOLE": (1, [FOCAL, FOCAL, 30, 20], (0, 0, 0, 0, 0)),
    "SIMPLE_RADIAL": (2, [FOCAL, 30, 20, 0.1], (0.1, 0, 0, 0, 0)),
    "RADIAL": (3, [FOCAL, 30, 20, 0.1, 0.02], (0.1, 0.02, 0, 0, 0)),
    "OPENCV": (4, [FOCAL, FOCAL, 30, 20, 0.1, 0.02, 0.003, 0.0004], (0.1, 0.02, 0, 0.003, 0.0004)),
}
Pose = tuple[float, ...]


def poses(count: int = 3) -> list[Pose]:
    """Return quaternions w x y z and translations, world to camera."""
    return [(HALF, HALF, 0.0, 0.0, *(-AXES @ eye(k)).tolist()) for k in range(count)]


def names(count: int = 3) -> list[str]:
    return [f"a picture {k}.png" for k in range(count)]


def binary(model: tuple[int, list[float]], found: list[Pose], camera: int = 7) -> dict[str, bytes]:
    number, values = model
    cameras = struct.pack("<QiiQQ", 1, 7, number, COLUMNS, ROWS) + struct.pack(f"<{len(values)}d", *values)
    images = struct.pack("<Q", len(found))
    for k, pose in enumerate(found):
        images += struct.pack("<I7di", k + 1, *pose, camera) + names(len(found))[k].encode() + b"\0"
        images += struct.pack("<Q", k) + k * struct.pack("<ddq", 1.0, 2.0, -1)
    points = struct.pack("<Q", 2)
    for k in range(2):
        points += struct.pack("<Q3d3Bd", k, *(POINT[0] + k), 1, 2, 3, 0.5)
        points += struct.pack("<Q", k) + k * struct.pack("<ii", 1, 0)
    return {"cameras.bin": cameras, "images.bin": images, "points3D.bin": points}


def text(model: tuple[str, list[float]], found: list[Pose], camera: int = 7) -> dict[str, bytes]:
    name, values = model
    images = "# Image list\n#   POINTS2D[] as (X, Y, POINT3D_ID)\n"
    for k, pose in enumerate(found):
        images += f"{k + 1} {' '.join(map(repr, pose))} {camera} {names(len(found))[k]}\n"
        images += " ".join(["1.0 2.0 -1"] * k) + "\n"  # empty for the first
    points = "# points\n" + "".join(f"{k} {' '.join(map(repr, (POINT[0] + k).tolist()))} 1 2 3 0.5\n" for k in range(2))
    cameras = f"# Camera list\n7 {name} {COLUMNS} {ROWS} {' '.join(map(str, values))}\n"
    return {"cameras.txt": cameras.encode(), "images.txt": images.encode(), "points3D.txt": points.encode()}


def saved(
    folder: Path, content: dict[str, bytes], *, model: str = "sparse/0", pictures: str = "images", count: int = 3
) -> Path:
    (folder / model).mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / model / name).write_bytes(data)
    for k, name in enumerate(names(count)):
        save_picture(folder / pictures / name, shade=k)
    return folder


def pinhole(found: list[Pose] | None = None, camera: int = 7) -> dict[str, bytes]:
    return binary(MODELS["PINHOLE"][:2], poses() if found is None else found, camera)


def same(first: Views, second: Views) -> bool:
    pairs = list(zip(first.cameras, second.cameras, strict=True))
    assert first.points is not None
    assert second.points is not None
    return (
        first.names == second.names
        and np.array_equal(first.points, second.points)
        and all(np.array_equal(a.pose, b.pose) and a.distortion == b.distortion for a, b in pairs)
        and all(
            (a.focal_lengths, a.principal_point, a.shape) == (b.focal_lengths, b.principal_point, b.shape)
            for a, b in pairs
        )
    )


@pytest.mark.parametrize("model", MODELS)
def test_the_point_is_where_it_is_by_hand_in_binary_and_text(model: str, tmp_path: Path) -> None:
    number, values, distortion = MODELS[model]
    found = read_views(saved(tmp_path / "binary", binary((number, values), poses())))
    again = read_views(saved(tmp_path / "text", text((model, values), poses())))
    assert same(found, again)
    assert found.names == tuple(names())
    assert [int(picture[0, 0, 0]) for picture in found.pictures] == [0, 1, 2]
    assert found.points is not None
    assert np.allclose(found.points, [POINT[0], POINT[0] + 1])
    assert found.cameras[0].distortion == pytest.approx(distortion)
    if not any(distortion):
        check_point(found)
    else:  # x = 0.25, y = -0.125 downward
        k1, k2, _, p1, p2 = distortion
        square = 0.25**2 + 0.125**2
        radial = 1 + k1 * square + k2 * square**2
        row = 20 + FOCAL * (-0.125 * radial + p1 * (square + 2 * 0.125**2) + 2 * p2 * 0.25 * -0.125)
        column = 30 + FOCAL * (0.25 * radial + 2 * p1 * 0.25 * -0.125 + p2 * (square + 2 * 0.25**2))
        assert np.allclose(found.cameras[0].project(POINT)[0], [[row, column]], atol=1e-12)


@pytest.mark.parametrize("model", ["sparse/0", "sparse", "."])
@pytest.mark.parametrize("pictures", ["images", "."])
def test_pictures_are_in_images_or_in_the_folder_itself(model: str, pictures: str, tmp_path: Path) -> None:
    folder = saved(tmp_path, pinhole(), model=model, pictures=pictures)
    save_picture(folder / "images_2" / names()[0], shape=(ROWS // 2, COLUMNS // 2))
    assert holds_scene(folder)
    check_point(read_views(folder))
    if model != ".":
        check_point(read_views(folder / model))


def test_any_length_of_a_quaternion_is_the_same_turn(tmp_path: Path) -> None:
    longer = [(3 * pose[0], 3 * pose[1], *pose[2:]) for pose in poses()]
    check_point(read_views(saved(tmp_path, pinhole(found=longer))))


def test_a_general_turn_agrees_with_turns_of_vectors_by_quaternions(tmp_path: Path) -> None:
    quaternion = np.array([0.5, -0.1, 0.7, 0.3])
    found = [(*quaternion.tolist(), float(k), 0.0, 0.0) for k in range(3)]
    camera = read_views(saved(tmp_path, pinhole(found=found))).cameras[0]
    w, *axis = quaternion / np.linalg.norm(quaternion)
    vector = np.array([0.3, -0.4, 0.5])
    turned = vector + 2 * w * np.cross(axis, vector) + 2 * np.cross(axis, np.cross(axis, vector))  # to the camera
    assert np.allclose(camera.axes() @ vector * [1, -1, -1], turned)


def test_photographs_without_a_pose_are_counted_and_missing_ones_named(tmp_path: Path) -> None:
    folder = saved(tmp_path, pinhole(found=poses(4)), count=4)
    save_picture(folder / "images" / "other.JPG")
    (folder / "images" / names()[2]).unlink()
    with pytest.warns(UserWarning, match="left out") as told:
        assert len(read_views(folder).cameras) == 3
    assert [str(each.message) for each in told] == [
        f"{folder}: COLMAP has found no pose for 1 of 5 photographs, which are left out.",
        f"{folder}: 1 of 4 photographs are missing and left out: a picture 2.png.",
    ]


def test_a_model_without_points_is_read(tmp_path: Path) -> None:
    folder = saved(tmp_path, pinhole())
    (folder / "sparse" / "0" / "points3D.bin").unlink()
    assert read_views(folder).points is None


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
def test_binary_files_that_were_cut_anywhere_are_refused(name: str, tmp_path: Path) -> None:
    content = pinhole()
    folder = saved(tmp_path, content)
    for length in range(1, len(content[name])):
        (folder / "sparse" / "0" / name).write_bytes(content[name][:length])
        with pytest.raises(FormatError, match=f"{name}: expected .*; get the whole file"):
            read_views(folder)


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
def test_counts_that_are_too_large_are_refused_at_once(name: str, tmp_path: Path) -> None:
    content = pinhole()
    folder = saved(tmp_path, content | {name: struct.pack("<Q", 2**63) + content[name][8:]})
    with pytest.raises(FormatError, match=rf"{name}: expected {2**63} rows, the \d+ bytes are too few"):
        read_views(folder)


BAD: dict[str, tuple[dict[str, bytes], str]] = {
    "fisheye": (
        pinhole() | binary((5, [1.0] * 8), poses()),
        "cameras of model SIMPLE_PINHOLE, .* got OPENCV_FISHEYE; undistort",
    ),
    "unknown model": (binary((77, [1.0] * 8), poses()), "cameras of model SIMPLE_PINHOLE, .* got number 77; undistort"),
    "full model": (text(("FULL_OPENCV", [1.0] * 12), poses()), "cameras.txt: .* got FULL_OPENCV; undistort"),
    "numbers": (
        text(("PINHOLE", [1.0] * 3), poses()),
        "cameras.txt: expected 4 numbers for a camera of model PINHOLE, got 3",
    ),
    "focal length": (
        text(("PINHOLE", [1.0, -1.0, 0.0, 0.0]), poses()),
        "a picture 0.png: expected focal lengths above 0",
    ),
    "no camera": (pinhole(camera=8), "expected a camera of number 8 for a picture 0.png, there is none"),
    "no turn": (pinhole(found=[(0.0,) * 7] * 3), "a picture 0.png: expected a pose of finite numbers"),
    "NaN": (pinhole(found=[(1.0, 0.0, 0.0, 0.0, np.nan, 0.0, 0.0)] * 3), "a picture 0.png: expected a pose of finite"),
    "all alike": (pinhole(found=poses()[:1] * 3), "expected views from different places, all 3 poses are alike"),
    "no images": (pinhole(found=[]), "images.bin: expected photographs with poses, COLMAP has found none"),
    "no text": (
        text(("PINHOLE", [1.0] * 4), poses()) | {"images.txt": b"1 2 3\n\n"},
        "images.txt: line 1: expected numbers",
    ),
    "words": (
        text(("PINHOLE", [1.0] * 4), poses()) | {"points3D.txt": b"# x\n1 a b c\n"},
        "points3D.txt: line 2: expected",
    ),
    "points": (
        text(("PINHOLE", [1.0] * 4), poses()) | {"points3D.txt": b"1 nan 2 3\n"},
        "expected points of finite coord",
    ),
    "size": (
        text(("PINHOLE", [1.0] * 4), poses()) | {"cameras.txt": b"7 PINHOLE 0 9 1 1 1 1\n"},
        "1 or more rows and col",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_models_that_cannot_be_are_refused_in_one_line(what: str, tmp_path: Path) -> None:
    content, message = BAD[what]
    with pytest.raises(InputError, match=message) as raised:
        read_views(saved(tmp_path, content))
    assert str(raised.value).startswith(f"{tmp_path}")
    assert "\n" not in str(raised.value)


def test_pictures_of_other_sizes_and_of_other_places_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path, pinhole(), pictures="images_2")
    with pytest.raises(
        InputError, match=r"expected the photographs of COLMAP in .*/images, a picture 0.png is not there"
    ):
        read_views(folder)
    saved(tmp_path, pinhole())
    save_picture(folder / "images" / names()[1], shape=(ROWS // 2, COLUMNS // 2))
    with pytest.raises(InputError, match=r"a picture 1.png: expected 60 x 40 pixels as its camera has, .* has 30 x 20"):
        read_views(folder)
