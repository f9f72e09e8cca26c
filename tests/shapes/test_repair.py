"""Mended meshes. Oracles: volumes in closed form, edges counted one by one, what trimesh says of the same triangles."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
import trimesh

from ligeia.core import InputError
from ligeia.shapes import RepairedMesh, repaired

MADE: Any = trimesh.creation.box((1.0, 1.0, 1.0))
VERTICES, FACES = np.array(MADE.vertices), np.array(MADE.faces)
FAR = [(0.0, 1.0), (1e6, 0.05)]  # offset and scale, as of coordinates of a map
OPEN = "edges have one triangle; inside is where the generalized winding number is above 1/2"


def sphere() -> tuple[np.ndarray, np.ndarray]:
    made: Any = trimesh.creation.icosphere(2)
    return np.array(made.vertices), np.array(made.faces)


def together(*parts: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return several meshes as one."""
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    faces = [faces + start for (_, faces), start in zip(parts, starts, strict=False)]
    return np.concatenate([vertices for vertices, _ in parts]), np.concatenate(faces)


def oracle(vertices: np.ndarray, faces: np.ndarray) -> Any:
    return trimesh.Trimesh(vertices, faces, process=False)


def volume(mesh: RepairedMesh) -> float:
    # about the middle of the mesh: far from the origin trimesh's integrals lose their digits
    return float(oracle(mesh.vertices - mesh.vertices.mean(axis=0), mesh.faces).volume)


def edges(faces: np.ndarray) -> Counter[tuple[int, int]]:
    """Return how many triangles each edge has."""
    ends = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return Counter(map(tuple, ends.tolist()))


def test_a_good_mesh_keeps_its_triangles_and_nothing_is_said() -> None:
    for vertices, faces in ((VERTICES, FACES), sphere()):
        found = repaired(vertices, faces)
        assert np.array_equal(found.vertices[found.faces], vertices[faces])
        assert (found.is_closed, found.remarks) == (True, ())


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e6, 1e-3)])
def test_triangles_that_share_no_vertex_are_joined(offset: float, scale: float) -> None:
    soup = VERTICES[FACES].reshape(-1, 3) * scale + offset  # as an STL has them
    found = repaired(soup, np.arange(36).reshape(12, 3))
    assert (len(found.vertices), len(found.faces), found.is_closed) == (8, 12, True)
    assert np.array_equal(found.vertices[found.faces].reshape(-1, 3), soup)
    assert found.remarks == ("28 vertices at the place of another merged with it",)
    assert oracle(found.vertices, found.faces).is_watertight


def test_vertices_without_a_triangle_are_left_out() -> None:
    order = np.random.default_rng(0).permutation(11)
    vertices = np.concatenate([VERTICES, [[5.0, 5, 5], [6.0, 6, 6], VERTICES[0]]])[order]
    found = repaired(vertices, np.argsort(order)[FACES])
    assert np.array_equal(found.vertices[found.faces], VERTICES[FACES])
    assert len(found.vertices) == 8
    assert found.remarks == ("3 vertices without a triangle left out",)


def test_triangles_without_area_are_left_out() -> None:
    on_edge = (VERTICES[FACES[0, 0]] + VERTICES[FACES[0, 1]]) / 2
    a, b, c = FACES[0]
    found = repaired(
        np.concatenate([VERTICES, [on_edge]]), np.concatenate([FACES, [[a, a, b], [c, c, c], [a, b, 8], [b, 8, a]]])
    )
    assert np.array_equal(found.vertices[found.faces], VERTICES[FACES])
    assert found.is_closed
    assert found.remarks == ("4 triangles without area, or doubled, left out",)


def test_a_doubled_triangle_is_left_out_wherever_it_begins() -> None:
    found = repaired(VERTICES, np.concatenate([FACES, FACES[2:3], np.roll(FACES[3:5], 1, axis=1)]))
    assert np.array_equal(found.vertices[found.faces], VERTICES[FACES])
    assert found.remarks == ("3 triangles without area, or doubled, left out",)


def test_two_triangles_back_to_back_are_both_kept() -> None:
    found = repaired(VERTICES, np.concatenate([FACES[:1], FACES[:1, ::-1]]))
    assert len(found.faces) == 2
    assert found.is_closed


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_flipped_triangles_are_turned_to_agree_with_their_neighbors(share: float) -> None:
    vertices, faces = sphere()
    is_flipped = np.random.default_rng(0).uniform(size=len(faces)) < share
    assert is_flipped.any()
    mixed = np.where(is_flipped[:, None], faces[:, ::-1], faces)
    found = repaired(vertices, mixed)
    mended = oracle(found.vertices, found.faces)
    assert mended.is_watertight
    assert mended.is_winding_consistent
    assert volume(found) == pytest.approx(oracle(vertices, faces).volume, rel=1e-12)
    assert found.is_closed
    count = sum(
        is_flipped[one] != is_flipped[other] for one, other in np.asarray(oracle(vertices, faces).face_adjacency)
    )
    assert found.remarks == (f"{count} edges between triangles wound against each other: patches wound alike",)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_surface_that_is_inside_out_is_turned(offset: float) -> None:
    vertices, faces = sphere()
    found = repaired(vertices + offset, faces[:, ::-1])
    assert np.array_equal(found.vertices[found.faces], (vertices + offset)[faces[:, ::-1]][:, ::-1])
    assert (found.is_closed, found.remarks) == (True, ("normals pointed inward: turned outward",))
    assert np.array_equal(repaired(vertices + offset, faces).faces.shape, faces.shape)
    assert repaired(vertices + offset, faces).remarks == ()


@pytest.mark.parametrize(("offset", "scale"), FAR)
def test_a_cavity_stays_one(offset: float, scale: float) -> None:
    vertices, faces = together((VERTICES, FACES), (VERTICES / 2, FACES[:, ::-1]))
    found = repaired(vertices * scale + offset, faces)
    assert volume(found) == pytest.approx((1 - 1 / 8) * scale**3)
    assert found.remarks == ()
    turned = repaired(vertices * scale + offset, faces[:, ::-1])
    assert volume(turned) == pytest.approx((1 - 1 / 8) * scale**3)
    assert turned.remarks == ("normals pointed inward: turned outward",)


@pytest.mark.parametrize(("offset", "scale"), FAR)
def test_a_cavity_stays_one_where_a_triangle_is_flipped(offset: float, scale: float) -> None:
    vertices, faces = together((VERTICES, FACES), (VERTICES / 2, FACES[:, ::-1]))
    for number in (0, 15):  # one outside, one of the cavity
        mixed = faces.copy()
        mixed[number] = mixed[number, ::-1]
        assert volume(repaired(vertices * scale + offset, mixed)) == pytest.approx((1 - 1 / 8) * scale**3)


@pytest.mark.parametrize(("offset", "scale"), FAR)
def test_of_two_solids_beside_each_other_the_one_that_is_inside_out_is_turned(offset: float, scale: float) -> None:
    for first, second in ((1, -1), (-1, 1)):
        vertices, faces = together((VERTICES, FACES[:, ::first]), (VERTICES / 2 + 3, FACES[:, ::second]))
        found = repaired(vertices * scale + offset, faces)
        assert volume(found) == pytest.approx((1 + 1 / 8) * scale**3)


def test_a_solid_within_another_is_kept() -> None:
    found = repaired(*together((VERTICES, FACES), (VERTICES / 2, FACES)))
    assert (len(found.faces), found.is_closed, found.remarks) == (24, True, ())
    assert volume(found) == pytest.approx(1 + 1 / 8)  # counted twice, as its winding number is 2


def test_the_open_edges_of_a_mesh_are_counted() -> None:
    vertices, faces = sphere()
    kept = faces[vertices[faces].mean(axis=1)[:, 2] < 0.4]
    found = repaired(vertices, kept)
    count = sum(number == 1 for number in edges(kept).values())
    assert count > 10
    assert not found.is_closed
    assert found.remarks[-1] == f"open: {count} {OPEN}"
    assert len(found.remarks) == 2  # and the vertices that were cut off


def test_edges_of_more_than_two_triangles_are_counted() -> None:
    # two cubes that touch along one edge, which has four triangles
    found = repaired(*together((VERTICES, FACES), (VERTICES + np.array([1.0, 1.0, 0.0]), FACES)))
    assert sorted(Counter(edges(found.faces).values()).items()) == [(2, 34), (4, 1)]
    assert found.is_closed
    assert found.remarks == (
        "2 vertices at the place of another merged with it",
        "1 edges have more than two triangles",
    )
    assert volume(found) == pytest.approx(2)


def test_an_edge_of_three_triangles_is_none_of_one() -> None:
    a, b = FACES[0, :2]
    fin = np.array([[a, b, 8]])
    found = repaired(np.concatenate([VERTICES, [[0.0, 0.0, 3.0]]]), np.concatenate([FACES, fin]))
    assert Counter(edges(found.faces).values()) == {2: 17, 3: 1, 1: 2}
    assert not found.is_closed
    assert found.remarks == (f"open: 2 {OPEN}", "1 edges have more than two triangles")


def test_a_mesh_without_area_is_refused() -> None:
    for faces in ([[0, 0, 1]], [[0, 1, 2], [2, 0, 1]]):
        with pytest.raises(InputError, match="expected triangles with an area, none of these has one"):
            repaired(np.arange(3.0)[:, None] * [1.0, 2.0, -1.0], np.array(faces))
