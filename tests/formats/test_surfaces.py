"""The oracle for what is written is trimesh, and for what is read files spelled out here or written by trimesh."""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from ligeia.core import FormatError, InputError, MissingExtraError, OutputError, SampleError, ShapeError
from ligeia.formats import check_surface_output, is_surface, read_signal, read_surface, write_surface
from ligeia.signals import Surface, SurfaceSource, surface_of

VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3], [9, 9, 9]], np.float64)  # no face has the last one
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
NORMALS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, -1], [0.6, 0.8, 0], [0, -0.6, 0.8]])
COLORS = np.arange(15, dtype=np.uint8).reshape(5, 3)
VOLUME = 1.0
QUAD_OBJ = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n"


def saved(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def opened(path: Path) -> Any:
    return trimesh.load(path, process=False)


def volume_of(surface: Surface) -> float:
    corners = surface.vertices[surface.faces]
    return float(np.linalg.det(corners).sum() / 6)


def ply(kind: str, vertices: np.ndarray, faces: list[list[int]], *, number: str = "float") -> bytes:
    """Return a PLY of vertices with normals where there are 6 columns, spelled out row by row."""
    names = ("x", "y", "z", "nx", "ny", "nz")[: vertices.shape[1]]
    lines = ["ply", f"format {kind} 1.0", "comment by hand", f"element vertex {len(vertices)}"]
    lines += [f"property {number} {name}" for name in names] + ["property uchar quality"]
    lines += [f"element face {len(faces)}", "property uchar group", "property list uchar uint vertex_index", ""]
    head = "\n".join([*lines[:-1], "end_header", ""]).encode()
    if kind == "ascii":
        rows = [" ".join([*map(repr, map(float, row)), "7"]) for row in vertices]
        rows += [" ".join(map(str, [2, len(face), *face])) for face in faces]
        return head + "\n".join([*rows, ""]).encode()
    order, size = ("<" if "little" in kind else ">"), {"float": "f4", "double": "f8"}[number]
    data = b"".join(row.astype(order + size).tobytes() + b"\7" for row in vertices)
    return head + data + b"".join(bytes([2, len(face)]) + np.array(face, order + "u4").tobytes() for face in faces)


@pytest.mark.parametrize("suffix", ["ply", "obj", "off", "glb", "npz"])
def test_a_mesh_is_read_as_it_was_written(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    write_surface(path, VERTICES, FACES)
    surface = read_surface(path)
    assert np.array_equal(surface.vertices, VERTICES)
    assert np.array_equal(surface.faces, FACES)
    assert (surface.vertices.dtype, surface.faces.dtype) == (np.float64, np.int64)
    assert (surface.is_cloud, surface.normals, surface.colors) == (False, None, None)
    assert surface.source == SurfaceSource(format=suffix.upper())


def test_the_triangles_of_an_stl_share_no_vertex(tmp_path: Path) -> None:
    write_surface(tmp_path / "a.stl", VERTICES, FACES)
    surface = read_surface(tmp_path / "a.stl")
    assert surface.vertices.shape == (12, 3)
    assert np.array_equal(surface.vertices[surface.faces], VERTICES[FACES])
    text = saved(tmp_path / "b.stl", opened(tmp_path / "a.stl").export(file_type="stl_ascii"))
    assert np.array_equal(read_surface(text).vertices[read_surface(text).faces], VERTICES[FACES])


@pytest.mark.parametrize("suffix", ["ply", "obj", "off", "stl", "glb"])
def test_what_trimesh_writes_is_read_and_what_is_written_trimesh_reads(suffix: str, tmp_path: Path) -> None:
    ours, theirs = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    trimesh.Trimesh(VERTICES, FACES, process=False).export(theirs)
    assert volume_of(read_surface(theirs)) == pytest.approx(VOLUME)
    write_surface(ours, VERTICES, FACES, NORMALS, COLORS)
    loaded = opened(ours)
    mesh = loaded.to_mesh() if isinstance(loaded, trimesh.Scene) else loaded
    assert mesh.volume == pytest.approx(VOLUME)
    if suffix == "ply":
        assert np.array_equal(mesh.visual.vertex_colors[:, :3], COLORS)
        assert np.allclose(mesh.vertex_normals, NORMALS)


@pytest.mark.parametrize("number", ["float", "double"])
@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_a_ply_is_read_in_every_encoding(kind: str, number: str, tmp_path: Path) -> None:
    triangles = read_surface(saved(tmp_path / "a.ply", ply(kind, VERTICES, FACES.tolist(), number=number)))
    assert np.array_equal(triangles.vertices, VERTICES)
    assert np.array_equal(triangles.faces, FACES)
    polygons = [[0, 1, 2], [0, 1, 2, 3], [0, 1], [4, 3, 2, 1, 0]]
    mixed = read_surface(saved(tmp_path / "b.ply", ply(kind, VERTICES, polygons, number=number)))
    assert mixed.faces.tolist() == [[0, 1, 2], [0, 1, 2], [0, 2, 3], [4, 3, 2], [4, 2, 1], [4, 1, 0]]
    rows = np.concatenate([VERTICES, 2 * NORMALS], axis=1)
    cloud = read_surface(saved(tmp_path / "c.ply", ply(kind, rows, [], number=number)))
    assert np.array_equal(cloud.vertices, VERTICES)
    assert cloud.is_cloud
    assert cloud.source == SurfaceSource(format="PLY", is_cloud=True)
    assert cloud.normals is not None
    assert np.allclose(cloud.normals, NORMALS, atol=1e-7)
    assert np.allclose(np.linalg.norm(cloud.normals, axis=1), 1, rtol=1e-15)


def test_elements_before_and_after_those_of_a_ply_are_skipped(tmp_path: Path) -> None:
    head = b"ply\nformat binary_little_endian 1.0\nelement camera 2\nproperty list uchar short view\n"
    head += b"element vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    head += b"element edge 1\nproperty int a\nend_header\n"
    data = head + b"\1\5\0\2\5\0\6\0" + VERTICES[:3].astype("<f4").tobytes() + b"\0\0\0\0"
    assert np.array_equal(read_surface(saved(tmp_path / "a.ply", data)).vertices, VERTICES[:3])
    text = data[: len(head)].replace(b"binary_little_endian", b"ascii") + b"1 5\n2 5 6\n\n0 0 0\n1 0 0\n0 2 0\n0\n"
    assert np.array_equal(read_surface(saved(tmp_path / "b.ply", text)).vertices, VERTICES[:3])


@pytest.mark.parametrize("suffix", ["ply", "npz"])
def test_a_cloud_is_read_as_it_was_written(suffix: str, tmp_path: Path) -> None:
    path, none = tmp_path / f"a.{suffix}", np.zeros((0, 3), np.int64)
    write_surface(path, VERTICES, none, NORMALS)
    cloud = read_surface(path)
    assert cloud.is_cloud
    assert np.array_equal(cloud.vertices, VERTICES)
    assert cloud.normals is not None
    assert np.allclose(cloud.normals, NORMALS, atol=1e-7)
    write_surface(path, VERTICES, none)
    assert read_surface(path).normals is None
    assert is_surface(path)


def test_a_ply_is_in_double_precision_where_single_would_move_vertices(tmp_path: Path) -> None:
    path, far = tmp_path / "a.ply", VERTICES / 3 + 1e6
    write_surface(path, far, FACES)
    assert b"property double x" in path.read_bytes()
    assert np.array_equal(read_surface(path).vertices, far)
    write_surface(path, VERTICES / 3, FACES)
    assert b"property float x" in path.read_bytes()
    with pytest.warns(UserWarning, match=r"a.stl: .stl keeps single precision only"):
        write_surface(tmp_path / "a.stl", far, FACES)


@pytest.mark.parametrize("suffix", ["obj", "off"])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_text_formats_keep_small_and_large_coordinates(suffix: str, scale: float, tmp_path: Path) -> None:
    write_surface(tmp_path / f"a.{suffix}", VERTICES / 3 * scale, FACES)
    assert np.allclose(read_surface(tmp_path / f"a.{suffix}").vertices, VERTICES / 3 * scale, atol=1e-7 * scale)


def test_an_obj_keeps_its_vertices_whatever_its_faces_say_of_textures_and_normals(tmp_path: Path) -> None:
    text = "\ufeff# \xe9\nmtllib none.mtl\no a\n  v 0 0 0 1 0 0\nv\t1 0 0\nv 1 1 0 1\n"
    text += "vt 0 0\nvn 0 0 1\nvn 0 1 0\nf 1/1/1 2/1/2 3//2\n"
    text += "o b\nv 5 5 5\nv 0 1 \\\n0\nf -5 -3 -1\nf 1 2 3 5\nl 1 2\n"
    surface = read_surface(saved(tmp_path / "a.OBJ", text))
    assert surface.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [5, 5, 5], [0, 1, 0]]
    assert surface.faces.tolist() == [[0, 1, 2], [0, 2, 4], [0, 1, 2], [0, 2, 4]]


def test_an_obj_without_faces_is_a_cloud_and_has_normals_if_there_is_one_per_vertex(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 1 0 0\nvn 0 0 2\n"
    assert read_surface(saved(tmp_path / "a.obj", text)).normals is None
    cloud = read_surface(saved(tmp_path / "a.obj", text + "vn 0 3 4\n"))
    assert cloud.is_cloud
    assert cloud.normals is not None
    assert cloud.normals.tolist() == [[0, 0, 1], [0, 0.6, 0.8]]


@pytest.mark.parametrize("head", ["OFF\n4 1 0\n", "OFF 4 1 4 # counts\n", "COFF\n\n# no\n4 1\n", "OFF4 1 0\n"])
def test_quads_of_an_off_are_two_triangles(head: str, tmp_path: Path) -> None:
    body = "0 0 0\n1 0 0 255 0 0\n1 1 0\n\n0 1 0\n4 0 1 2 3 0.5 0.5 0.5\n"
    surface = read_surface(saved(tmp_path / "a.off", head + body))
    assert surface.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert surface.vertices[3].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "has_normals"),
    [
        ("0 0 0\n1 2 3\n", False),
        ("2\n0 0 0\n1 2 3\n", False),
        ("# x y z\n// more\n\n0,0,0\n 1, 2 ,3\n", False),
        ("0 0 0 1 0 0\n# within\n1\t2\t3  0 0 1\n", True),
        ("0,0,0,1,0,0\n1,2,3,0,0,0.99\n", True),
    ],
)
def test_an_xyz_has_points_and_perhaps_normals(text: str, has_normals: bool, tmp_path: Path) -> None:
    cloud = read_surface(saved(tmp_path / "a.xyz", text))
    assert cloud.vertices.tolist() == [[0, 0, 0], [1, 2, 3]]
    assert cloud.is_cloud
    assert (cloud.normals is not None) == has_normals
    if cloud.normals is not None:
        assert cloud.normals.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_numbers_of_an_xyz_that_are_no_unit_normals_are_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xyz", "0 0 0 255 0 12\n1 0 0 0 0 255\n0 1 0 9 9 9\n")
    with pytest.warns(UserWarning, match=r"a\.xyz: the numbers after x y z are no normals"):
        assert read_surface(path).normals is None
    rounded = read_surface(saved(tmp_path / "b.xyz", "0 0 0 0.58 0.58 0.57\n1 0 0 0 0 -1\n"))
    assert rounded.normals is not None


def test_normals_of_zero_are_none(tmp_path: Path) -> None:
    write_surface(tmp_path / "a.ply", np.eye(3), np.zeros((0, 3), np.int64), normals=np.zeros((3, 3)))
    assert read_surface(tmp_path / "a.ply").normals is None


@pytest.mark.parametrize("extension", ["KHR_draco_mesh_compression", "EXT_meshopt_compression"])
def test_compressed_meshes_are_refused_by_name(extension: str, tmp_path: Path) -> None:
    text = json.dumps({"asset": {"version": "2.0"}, "extensionsRequired": [extension], "meshes": []}).encode()
    text += b" " * (-len(text) % 4)
    glb = b"glTF" + struct.pack("<III4s", 2, 20 + len(text), len(text), b"JSON") + text
    for name, data in (("a.glb", glb), ("a.gltf", text)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FormatError, match=rf"{name}: expected plain meshes, these are compressed \({extension}\)"):
            read_surface(tmp_path / name)


def test_the_meshes_of_a_scene_become_one_where_their_transforms_put_them(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    mesh = trimesh.Trimesh(VERTICES[:4], FACES, process=False)
    mirror = np.diag([-1.0, 1, 1, 1])
    mirror[:3, 3] = [10, 20, 30]
    scene.add_geometry(mesh, node_name="a", transform=trimesh.transformations.translation_matrix([0, 0, 5]))
    scene.add_geometry(mesh, node_name="b", transform=mirror)
    scene.export(tmp_path / "a.glb")
    surface = read_surface(tmp_path / "a.glb")
    assert surface.vertices.shape == (8, 3)
    placed = {tuple(place) for place in surface.vertices.tolist()}
    wanted = [*np.add(VERTICES[:4], [0, 0, 5]), *np.add(VERTICES[:4] * [-1, 1, 1], [10, 20, 30])]
    assert placed == {tuple(place) for place in np.array(wanted).tolist()}
    assert volume_of(surface) == pytest.approx(2 * VOLUME)  # the mirrored one is not inside out
    files: Any = scene.export(file_type="gltf")
    for name, data in files.items():
        saved(tmp_path / ("b.gltf" if name.endswith(".gltf") else name), data)
    assert volume_of(read_surface(tmp_path / "b.gltf")) == pytest.approx(2 * VOLUME)


def test_points_of_a_scene_without_meshes_are_a_cloud(tmp_path: Path) -> None:
    trimesh.Scene(trimesh.PointCloud(VERTICES)).export(tmp_path / "a.glb")
    cloud = read_surface(tmp_path / "a.glb")
    assert cloud.is_cloud
    assert np.array_equal(cloud.vertices, VERTICES)


def test_an_archive_is_a_surface_by_the_names_of_its_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    assert not is_surface(path)
    for arrays, expected in [
        ({"vertices": VERTICES, "faces": FACES}, True),
        ({"points": VERTICES, "normals": NORMALS}, True),
        ({"points": VERTICES}, True),
        ({"points": VERTICES[:, :2]}, False),
        ({"points": VERTICES, "values": NORMALS}, False),
        ({"vertices": VERTICES}, False),
        ({"a": VERTICES}, False),
    ]:
        np.savez(path, allow_pickle=False, **arrays)
        assert is_surface(path) == expected
    assert not is_surface(saved(path, b"no archive"))
    np.savez(path, points=VERTICES.astype(np.float32), normals=3 * NORMALS)
    cloud = read_surface(path)
    assert cloud.vertices.dtype == np.float64
    assert np.allclose(NORMALS, np.zeros(1) if cloud.normals is None else cloud.normals)
    np.savez(path, a=VERTICES)
    with pytest.raises(
        FormatError, match=r"a.npz: expected arrays vertices and faces, .* the file holds: a; rename them"
    ):
        read_surface(path)


@pytest.mark.parametrize(("name", "expected"), [("a.PLY", True), ("a.gltf", True), ("a.xyz", True), ("a.png", False)])
def test_a_surface_is_told_by_its_ending(name: str, expected: bool, tmp_path: Path) -> None:
    assert is_surface(tmp_path / name) == expected


def test_a_surface_is_no_signal(tmp_path: Path) -> None:
    for name in ("a.ply", "a.obj", "a.stl", "a.off", "a.glb"):
        write_surface(tmp_path / name, VERTICES, FACES)
        with pytest.raises(InputError, match=rf"{name}: this is a surface; `ligeia fit` makes a signed-distance field"):
            read_signal(tmp_path / name)


@pytest.mark.parametrize("share", [0.003, 0.1, 0.3, 0.7, 0.97])
@pytest.mark.parametrize("suffix", ["ply", "stl", "glb", "off", "npz"])
def test_a_file_that_was_cut_short_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    sphere = trimesh.creation.icosphere(subdivisions=2)
    write_surface(path, sphere.vertices, sphere.faces)
    data = path.read_bytes()
    saved(path, data[: int(len(data) * share)])
    with pytest.raises(FormatError, match=rf"a.{suffix}: ") as caught:
        read_surface(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian"])
@pytest.mark.parametrize("lost", [3, 20, 60, 90])
def test_a_ply_of_polygons_that_was_cut_short_is_refused(kind: str, lost: int, tmp_path: Path) -> None:
    data = ply(kind, np.tile(VERTICES, (2, 1)), [[0, 1, 2], [0, 1, 2, 3], [8, 9, 7]])
    with pytest.raises(FormatError, match=r"expected \d+ rows of the element (vertex|face)|not a readable .ply"):
        read_surface(saved(tmp_path / "a.ply", data[:-lost]))


@pytest.mark.parametrize("suffix", ["ply", "obj", "stl", "off", "glb", "gltf", "xyz", "npz"])
@pytest.mark.parametrize("content", [b"\x00\xff garbage \x80" * 99, b"to be, or not to be\n", b"{}", b"solid\n"])
def test_bytes_that_are_no_surface_are_refused_in_one_line(suffix: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=rf"a.{suffix}: ") as caught:
        read_surface(saved(tmp_path / f"a.{suffix}", content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.obj",
            QUAD_OBJ + "f 1 2 9\nf 0 1 2\n",
            "expected faces between vertices 0 to 3, 2 of 4 refer to vertices that do not exist",
        ),
        ("a.off", "OFF\n1 1 0\n0 0 0\n3 0 0 1\n", "1 of 1 refer to vertices that do not exist, from 0 to 1"),
        ("a.ply", ply("ascii", VERTICES, [[0, 1, 5]]), "1 of 1 refer to vertices that do not exist"),
        ("a.obj", "f 1 2 3\n", "expected refer to vertices|vertices"),
        (
            "a.obj",
            QUAD_OBJ + "v nan 0 0\nv 0 inf 0\n",
            "2 of 6 vertices are NaN or infinite, the first at index 4; leave",
        ),
        (
            "a.xyz",
            "0 0 0\n0 nan 0\n",
            "1 of 2 vertices are NaN or infinite, the first at index 1; leave those points out",
        ),
        (
            "a.xyz",
            "0 0 0 1 0 0\n0 0 0 0 0 0\n",
            "1 of 2 normals are NaN, infinite or zero, the first at index 1; leave",
        ),
        ("a.xyz", "0 0 0 1 0 nan\n0 0 0 0 0 1\n", "1 of 2 normals are NaN, infinite or zero, the first at index 0"),
        ("a.xyz", "0 0\n1 1\n", "expected 3 columns, x y z, or 6, with a normal, got 2"),
        ("a.xyz", "0 0 0 255\n", "expected 3 columns, x y z, or 6, with a normal, got 4"),
        ("a.xyz", "0 0 0\n1 1\n", "not a readable .xyz file .*number of columns changed from 3 to 2"),
        ("a.xyz", "2\nwater\nH 0 0 0\n", "expected 3 columns, x y z, or 6, with a normal, got 1"),
        ("a.xyz", "H 0 0\n", "not a readable .xyz file .*could not convert"),
        ("a.xyz", "3\n0 0 0\n1 1 1\n", "expected 3 points, as the first line says, got 2"),
        ("a.obj", "# nothing\n", "expected vertices, the file has none, and no faces either"),
        ("a.off", "OFF\n0 0 0\n", "expected vertices, the file has none"),
        ("a.stl", b"\0" * 84, "expected vertices, the file has none"),
        ("a.ply", ply("ascii", VERTICES[:0], []), "expected vertices, the file has none"),
        (
            "a.ply",
            b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n",
            "a property y of each",
        ),
        ("a.ply", b"ply\nformat ascii 1.0\nelement tristrips 1\nend_header\n", "has strips of triangles"),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex\nend_header\n", "expected a line of a PLY's header"),
        ("a.ply", b"ply\nend_header\n", "expected a line with the format of the PLY"),
        ("a.ply", b"ply\nformat ascii 1.0\nend_header\n", "expected vertices, this PLY has none"),
        ("a.png", b"?", "expected a surface .*; rename or convert it"),
    ],
)
def test_a_surface_that_cannot_be_used_is_refused(
    name: str, content: str | bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"{name}: .*({message})") as caught:
        read_surface(saved(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_a_ply_that_claims_more_than_it_holds_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    data = ply("binary_little_endian", VERTICES, []).replace(b"element vertex 5", b"element vertex 500000000000")
    with pytest.raises(FormatError, match=r"expected 500000000000 rows of the element vertex, .* after 5; get the"):
        read_surface(saved(tmp_path / "a.ply", data))


def test_missing_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.ply: no such file"):
        read_surface(tmp_path / "a.ply")
    with pytest.raises(InputError, match=r"a.ply: the file is empty"):
        read_surface(saved(tmp_path / "a.ply", b""))


def test_arrays_are_checked_as_files_are() -> None:
    mesh = surface_of(VERTICES.astype(np.float32), FACES.astype(np.uint16), NORMALS)
    assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.normals) == (np.float64, np.int64, None)
    assert mesh.source == SurfaceSource(format="ARRAY")
    cloud = surface_of(VERTICES, normals=5 * NORMALS)
    assert cloud.source == SurfaceSource(format="ARRAY", is_cloud=True)
    assert np.allclose(NORMALS, np.zeros(1) if cloud.normals is None else cloud.normals)
    with pytest.raises(ShapeError, match=r"vertices must be real numbers of shape \(n, 3\), got float64 \(5, 2\)"):
        surface_of(VERTICES[:, :2])
    with pytest.raises(ShapeError, match=r"faces must be whole numbers of shape \(n, 3\), got float64"):
        surface_of(VERTICES, FACES.astype(np.float64))
    with pytest.raises(ShapeError, match=r"expected 5 normals, one per point, got 4"):
        surface_of(VERTICES, normals=NORMALS[:4])
    with pytest.raises(InputError, match=r"1 of 4 refer to vertices that do not exist, from -1 to 3"):
        surface_of(VERTICES, np.where(np.arange(12).reshape(4, 3) == 0, -1, FACES))
    with pytest.raises(SampleError, match=r"1 of 5 vertices are NaN or infinite, the first at index 2"):
        surface_of(np.where(np.arange(15).reshape(5, 3) == 7, np.nan, VERTICES))
    with pytest.raises(InputError, match=r"expected vertices, there are none"):
        surface_of(VERTICES[:0])


@pytest.mark.parametrize("name", ["a.xyz", "a.gltf", "a.png", "a"])
def test_other_outputs_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{name}: a surface is written as .ply, .obj, .stl, .off, .glb, .npz, got"):
        check_surface_output(tmp_path / name)
    check_surface_output(tmp_path / "a.PLY")


def test_writing_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.stl: a cloud of points is written as .ply or .npz"):
        write_surface(tmp_path / "a.stl", VERTICES, FACES[:0])
    with pytest.raises(ShapeError, match=r"a.ply: expected colors \(5, 3\), one per vertex, got \(4, 3\)"):
        write_surface(tmp_path / "a.ply", VERTICES, FACES, colors=COLORS[:4])
    with pytest.raises(OutputError, match=r"does not exist; create it first"):
        write_surface(tmp_path / "none" / "a.ply", VERTICES, FACES)
    assert list(tmp_path.iterdir()) == []


def test_trimesh_is_asked_for_where_it_is_needed_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in ("ply", "obj", "stl", "off", "glb", "npz"):
        write_surface(tmp_path / f"a.{suffix}", VERTICES, FACES)
    monkeypatch.setitem(sys.modules, "trimesh", None)
    for suffix in ("ply", "obj", "off", "npz"):
        assert volume_of(read_surface(tmp_path / f"a.{suffix}")) == pytest.approx(VOLUME)
    write_surface(tmp_path / "b.ply", VERTICES, FACES, NORMALS, COLORS)
    for suffix in ("stl", "glb"):
        with pytest.raises(MissingExtraError, match=r"needs the package trimesh, .* pip install 'ligeia\[mesh\]'"):
            read_surface(tmp_path / f"a.{suffix}")
        with pytest.raises(MissingExtraError, match=r"pip install 'ligeia\[mesh\]'"):
            check_surface_output(tmp_path / f"b.{suffix}")
