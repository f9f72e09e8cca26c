"""Whether a mesh is closed, and its parts. The oracle is what trimesh says of the same triangles."""

from typing import Any

import numpy as np
import pytest
import trimesh

from ligeia.shapes import component_shares, is_watertight

Mesh = tuple[np.ndarray, np.ndarray]


def arrays(made: Any) -> Mesh:
    return np.array(made.vertices), np.array(made.faces)


def sphere() -> Mesh:
    return arrays(trimesh.creation.icosphere(2))


def torus() -> Mesh:
    return arrays(trimesh.creation.torus(1.0, 0.3, major_sections=20, minor_sections=9))


def open_sphere() -> Mesh:
    vertices, faces = sphere()
    return vertices, faces[vertices[faces].mean(axis=1)[:, 2] < 0.5]


def two_spheres(*, radius: float = 0.5) -> Mesh:
    vertices, faces = sphere()
    return np.concatenate([vertices, radius * vertices + 5]), np.concatenate([faces, faces + len(vertices)])


def doubled() -> Mesh:
    vertices, faces = sphere()
    return vertices, np.concatenate([faces, faces])


def partly_doubled() -> Mesh:
    vertices, faces = sphere()
    return vertices, np.concatenate([faces, faces[:1], faces[:1, ::-1]])


def flipped() -> Mesh:
    vertices, faces = sphere()
    faces[7] = faces[7, ::-1]
    return vertices, faces


def one_triangle() -> Mesh:
    return np.eye(3), np.array([[0, 1, 2]])


CLOSED, OTHERS = [sphere, torus, two_spheres], [open_sphere, doubled, partly_doubled, flipped, one_triangle]


@pytest.mark.parametrize("mesh", [*CLOSED, *OTHERS], ids=lambda mesh: mesh.__name__)
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("piece", [1 << 20, 7])
def test_a_mesh_is_watertight_where_trimesh_says_so(
    mesh: Any, dtype: type, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ligeia.shapes._mesh_checks._PIECE", piece)
    vertices, faces = mesh()
    oracle: Any = trimesh.Trimesh(vertices, faces, process=False)
    found = is_watertight(faces.astype(dtype))
    assert found == (oracle.is_watertight and oracle.is_winding_consistent)
    assert found == (mesh in CLOSED)


def test_many_vertices_do_not_overflow() -> None:
    _, faces = sphere()
    faces[faces == faces.max()] = 2**31 - 2  # the last vertex is a far one
    assert is_watertight(faces.astype(np.int32))
    assert not is_watertight(faces.astype(np.int32)[1:])


@pytest.mark.parametrize("mesh", [*CLOSED, *OTHERS], ids=lambda mesh: mesh.__name__)
@pytest.mark.parametrize("piece", [1 << 20, 7])
def test_the_parts_of_a_mesh_have_the_areas_that_trimesh_says(
    mesh: Any, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ligeia.shapes._mesh_checks._PIECE", piece)
    vertices, faces = mesh()
    oracle: Any = trimesh.Trimesh(vertices, faces, process=False)
    labels = trimesh.graph.connected_component_labels(faces[:, [[0, 1], [1, 2]]].reshape(-1, 2), len(vertices))
    areas = np.bincount(labels[faces[:, 0]], oracle.area_faces)
    wanted = np.sort(areas[areas > 0] / oracle.area)[::-1]
    assert component_shares(vertices, faces.astype(np.int32)) == pytest.approx(wanted.tolist())


def test_the_larger_of_two_parts_comes_first() -> None:
    for radius, wanted in ((0.5, [0.8, 0.2]), (2.0, [0.8, 0.2]), (3.0, [0.9, 0.1])):  # areas 1 : radius squared
        assert component_shares(*two_spheres(radius=radius)) == pytest.approx(wanted)


def test_vertices_without_a_triangle_are_no_part() -> None:
    vertices, faces = sphere()
    assert component_shares(np.concatenate([vertices, [[9.0, 9, 9]]]), faces) == pytest.approx([1.0])


def test_no_triangles_are_no_surface() -> None:
    empty = np.zeros((0, 3), np.int64)
    assert not is_watertight(empty)
    assert component_shares(np.zeros((0, 3)), empty) == []
    assert component_shares(np.eye(3), empty) == []
