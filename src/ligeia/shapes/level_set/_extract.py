"""The zero level set of a function of points as a mesh, evaluated only where the surface can be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from ligeia.core import InputError

from ._blocks import Lattice
from ._evaluations import PIECE, Distance, Evaluations, Slopes
from ._repair import with_simple_edges
from ._slabs import Stitcher, slabs

_FINEST = 2048
_HALF, _WHOLE = 0.5, 1.0  # cells by which one step, and all steps together, may move a vertex
_SETTLED = 1e-3  # cells: after a shorter step the error is its square, and the gradient need not be updated
_FLAT = 1e-6  # of the steepest slope: a flatter function does not locate the surface


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class LevelSet:
    """A surface as triangles, counter-clockwise seen from outside, in the coordinates of its function."""

    vertices: Float[np.ndarray, "n 3"]
    """float64."""
    faces: Int[np.ndarray, "m 3"]
    """int32."""
    normals: Float[np.ndarray, "n 3"] | None
    """Unit vectors out of the shape at the vertices, float32; None where no slopes were given."""
    num_evaluations: int
    """Points at which the function was evaluated; a value together with its gradient counts as one."""
    num_dense: int
    """Points of the whole grid."""
    cuts_box: bool
    """Whether the surface reaches the faces of the box, where the mesh is open."""


def level_set(
    function: Distance,
    box: Sequence[tuple[float, float]],
    resolution: int,
    *,
    lipschitz: float | None = 1.0,
    slopes: Slopes | None = None,
    newton_steps: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> LevelSet:
    """Return the surface that separates where a function is negative, the inside, from where it is not.

    ``resolution`` is the number of cells along the longest side of the box; cells are cubes, and as many as cover
    the other sides. ``lipschitz`` is an upper bound of the function's slope: 1 for a distance. Parts thinner than a
    cell may be lost, and so may parts that too low a bound excludes; None evaluates the whole grid. The mesh is closed,
    and two triangles meet at each edge, except at the faces of the box.

    With ``slopes``, vertices move onto the surface by up to ``newton_steps`` Newton steps, at most a cell in total, and
    normals are gradients; vertices on the faces of the box stay. ``progress`` is called with the layers of cells done
    and their total.

    Raises `InputError` where the function is not finite, and if no surface is found.

    >>> ball = level_set(lambda x: np.linalg.norm(x, axis=1) - 1, [(-1.5, 1.5)] * 3, 32)
    >>> ball.cuts_box, ball.num_evaluations < ball.num_dense / 2
    (False, True)
    """
    if not 2 <= resolution <= _FINEST:
        raise InputError(f"expected a resolution from 2 to {_FINEST} cells, got {resolution}; choose one of those.")
    if lipschitz is not None and not 0 < lipschitz < np.inf:
        raise InputError(f"expected a bound of the slope above 0, got {lipschitz}; None says that none is known.")
    if newton_steps < 0:
        raise InputError(f"expected 0 or more steps of Newton's, got {newton_steps}; 2 are enough.")
    lattice = Lattice.covering(box, resolution)
    evaluations = Evaluations(function, slopes)
    stitcher = Stitcher(lattice)
    for done, slab in slabs(lattice, lipschitz, evaluations):
        if slab is not None:
            stitcher.add(slab)
        if progress is not None:
            progress(done, lattice.num_cells[0])
    mesh = stitcher.mesh()
    if not len(mesh.faces):
        raise InputError(_nothing_found(evaluations))
    mesh = with_simple_edges(mesh)
    vertices, normals = mesh.vertices, None
    vertices *= lattice.cell
    vertices += lattice.low
    if slopes is not None:
        normals = _settle(vertices, mesh.on_border, lattice, evaluations, newton_steps)
        _fill_normals(normals, vertices, mesh.faces)
    return LevelSet(
        vertices=vertices,
        faces=mesh.faces,
        normals=normals,
        num_evaluations=evaluations.num_points,
        num_dense=lattice.num_points,
        cuts_box=bool(mesh.on_border.any()),
    )


def signed_volume_and_area(vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]) -> tuple[float, float]:
    """Return the volume within a closed mesh, positive if its triangles are oriented outward, and its area.

    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> volume, area = signed_volume_and_area(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
    >>> round(6 * volume, 6), round(2 * area - 3**0.5, 6)
    (1.0, 3.0)
    """
    volume = area = 0.0
    middle = vertices.mean(axis=0, dtype=np.float64)  # far from the origin, the volume is a difference of large numbers
    for start in range(0, len(faces), PIECE):
        a, b, c = (vertices[faces[start : start + PIECE, each]].astype(np.float64) - middle for each in range(3))
        turned = np.cross(b - a, c - a)
        volume += float(np.einsum("ij,ij->", a, turned)) / 6  # the divergence theorem for x / 3
        area += float(np.linalg.norm(turned, axis=1).sum()) / 2
    return volume, area


def _nothing_found(evaluations: Evaluations) -> str:
    low, high = evaluations.low, evaluations.high
    if low < 0 <= high:
        return (
            f"expected a surface in the box, but no cell has both signs, with values from {low:g} to {high:g}; "
            "give a larger bound of the slope, or None, which evaluates every cell."
        )
    sign = "positive" if low >= 0 else "negative"
    return (
        f"no surface in the box: the function is {sign} everywhere it was evaluated, from {low:g} to {high:g}; "
        "choose a box that holds the shape, or a finer resolution for a thin one."
    )


def _settle(
    vertices: Float[np.ndarray, "n 3"],
    held: Bool[np.ndarray, " n"],
    lattice: Lattice,
    evaluations: Evaluations,
    num_steps: int,
) -> Float[np.ndarray, "n 3"]:
    """Move vertices onto the surface, in place, and return the normals, 0 where the function is flat."""
    normals = np.zeros(vertices.shape, np.float32)
    for start in range(0, len(vertices), PIECE):
        piece = slice(start, start + PIECE)
        vertices[piece], gradients = _settled(vertices[piece], held[piece], lattice, evaluations, num_steps)
        lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
        normals[piece] = np.divide(gradients, lengths, out=np.zeros_like(gradients), where=lengths > 0)
    return normals


def _settled(
    vertices: Float[np.ndarray, "n 3"],
    held: Bool[np.ndarray, " n"],
    lattice: Lattice,
    evaluations: Evaluations,
    num_steps: int,
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    low, high = lattice.low, lattice.low + lattice.cell * np.array(lattice.num_cells)
    places, gradients = vertices.copy(), np.zeros_like(vertices)
    steepest = 0.0
    moving = np.arange(len(vertices))  # since their gradient was taken
    for _ in range(num_steps):
        if not len(moving):
            break
        values, slopes = evaluations.values_and_slopes(places[moving])
        gradients[moving] = slopes
        squares = np.einsum("ij,ij->i", slopes, slopes)
        steepest = max(steepest, float(squares.max()))
        steep = (squares > _FLAT**2 * steepest) & ~held[moving]
        factors = np.divide(values, squares, out=np.zeros_like(values), where=steep)
        steps = _within(-factors[:, None] * slopes, _HALF * lattice.cell)
        begun = places[moving]
        moved = vertices[moving] + _within(begun + steps - vertices[moving], _WHOLE * lattice.cell)
        places[moving] = np.where(held[moving][:, None], begun, np.clip(moved, low, high))
        moving = moving[np.linalg.norm(places[moving] - begun, axis=1) > _SETTLED * lattice.cell]
    if len(moving):
        gradients[moving] = evaluations.values_and_slopes(places[moving])[1]
    return places, gradients


def _within(steps: Float[np.ndarray, "n 3"], longest: float) -> Float[np.ndarray, "n 3"]:
    lengths = np.linalg.norm(steps, axis=1, keepdims=True)
    return steps * np.minimum(1.0, longest / np.maximum(lengths, longest))


def _fill_normals(
    normals: Float[np.ndarray, "n 3"], vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"]
) -> None:
    """Give vertices without a normal that of the triangles around them, in place."""
    without = np.all(normals == 0, axis=1)
    if not without.any():
        return
    around = faces[np.any(without[faces], axis=1)]
    a, b, c = (vertices[around[:, each]] for each in range(3))
    turned = np.cross(b - a, c - a)
    sums = np.zeros(normals.shape)
    for each in range(3):
        np.add.at(sums, around[:, each], turned)
    lengths = np.linalg.norm(sums[without], axis=1, keepdims=True)
    normals[without] = sums[without] / np.where(lengths > 0, lengths, 1)
