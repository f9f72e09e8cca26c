"""Marching cubes slab by slab, stitched into one indexed mesh.

The triangles are scikit-image's (Lewiner et al. 2003). It gets values compressed into a range in which each of its
vertices identifies the grid edge that it lies on; places on the edges are then computed from the original values.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float, Int
from skimage.measure import marching_cubes

from ._blocks import LARGEST, SMALLEST, Blocks, Lattice, blocks_in_layer
from ._evaluations import Evaluations

LAYERS: Final = 8
_DENSE_LAYERS = 2  # where everything is evaluated, a slab is the whole cross-section
_TINY = np.float32(1e-30)
_LEAST, _MOST = np.float32(1e-3), np.float32(2.0)  # of one cell's change: the corners of a crossed cell are within 1.8
_MARGIN = 1e-3  # of an edge, by which vertices stay off its ends: what touches there would be one vertex in a file
_COARSE = 17


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Mesh:
    """Triangles, with vertices in units of cells, and which vertices lie on the faces of the grid."""

    vertices: Float[np.ndarray, "n 3"]
    on_border: Bool[np.ndarray, " n"]
    faces: Int[np.ndarray, "m 3"]


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Slab:
    """Values at points ``start + index``; only cells that are ``crossed`` are processed."""

    start: tuple[int, int, int]
    values: Float[np.ndarray, "a b c"]
    crossed: Bool[np.ndarray, "a b c"] | None  # at the cell's last corner, as scikit-image has it


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Plane:
    """The last points of a slab, which are the first of the next, as float32 that are NaN where unknown."""

    start: tuple[int, int]
    values: Float[np.ndarray, "b c"]

    def put(self, start: tuple[int, int], target: Float[np.ndarray, "b c"]) -> None:
        """Copy what is known into a plane that starts elsewhere."""
        low = [max(a, b) for a, b in zip(self.start, start, strict=True)]
        high = [
            min(a + m, b + n) for a, b, m, n in zip(self.start, start, self.values.shape, target.shape, strict=True)
        ]
        if low[0] < high[0] and low[1] < high[1]:
            theirs, ours = (
                tuple(slice(a - each, b - each) for a, b, each in zip(low, high, origin, strict=True))
                for origin in (self.start, start)
            )
            target[ours] = self.values[theirs]


@final
class Stitcher:
    """Collects the triangles of all slabs; vertices on the plane between two slabs are shared."""

    def __init__(self, lattice: Lattice) -> None:
        self._num_cells = np.array(lattice.num_cells)
        self._vertices: list[np.ndarray] = []
        self._borders: list[np.ndarray] = []
        self._faces: list[np.ndarray] = []
        self._count = 0
        self._end = -1  # the plane that the edges below lie on
        self._edges, self._numbers = np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, slab: _Slab) -> None:
        """Add the triangles of a slab that begins where the last one ended, or later."""
        found = _triangles(slab)
        if found is None:
            return
        vertices, faces = found
        base = np.floor(vertices).astype(np.int64)
        along = vertices > base
        on_edge, axis = along.sum(axis=1) == 1, np.argmax(along, axis=1)
        assert along.any(axis=1).all()
        exact = vertices.astype(np.float64)  # what lies within a cell, as few do, stays where it is
        exact[on_edge] = _places_on_edges(slab.values, base[on_edge], axis[on_edge])
        exact += slab.start
        base += slab.start
        across = on_edge[:, None] & ~along  # the vertex lies on planes of the grid across these axes
        border = (across & ((base == 0) | (base == self._num_cells))).any(axis=1)

        edge = 2 * (base[:, 1] * (self._num_cells[2] + 1) + base[:, 2]) + axis - 1  # of those within a plane
        number = np.full(len(vertices), -1)
        if self._end == slab.start[0] and len(self._edges):
            shared = np.flatnonzero(across[:, 0] & (base[:, 0] == self._end))
            place = np.minimum(np.searchsorted(self._edges, edge[shared]), len(self._edges) - 1)
            known = self._edges[place] == edge[shared]
            number[shared[known]] = self._numbers[place[known]]
        fresh = number < 0
        number[fresh] = self._count + np.arange(np.count_nonzero(fresh))
        self._count += np.count_nonzero(fresh)
        self._vertices.append(exact[fresh])
        self._borders.append(border[fresh])
        self._faces.append(number.astype(np.int32)[faces])

        self._end = slab.start[0] + slab.values.shape[0] - 1
        last = np.flatnonzero(across[:, 0] & (base[:, 0] == self._end))
        last = last[np.argsort(edge[last])]
        self._edges, self._numbers = edge[last], number[last]

    def mesh(self) -> Mesh:
        """Return all triangles so far; None may be added any more."""
        vertices = np.concatenate([np.empty((0, 3)), *self._vertices])
        self._vertices.clear()
        on_border = np.concatenate([np.empty(0, bool), *self._borders])
        faces = np.concatenate([np.empty((0, 3), np.int32), *self._faces])
        self._faces.clear()
        return Mesh(vertices=vertices, on_border=on_border, faces=faces)


def slabs(lattice: Lattice, lipschitz: float | None, evaluations: Evaluations) -> Iterator[tuple[int, _Slab | None]]:
    """Yield the number of layers done after each slab along the first axis, and the slab unless no surface is there."""
    scale = _coarse_scale(lattice, evaluations) if lipschitz is None else lipschitz * lattice.cell
    plane = blocks = None
    depth = _DENSE_LAYERS if lipschitz is None else LAYERS
    for first in range(0, lattice.num_cells[0], depth):
        last = min(first + depth, lattice.num_cells[0])
        if lipschitz is not None and first % LARGEST == 0:
            blocks = blocks_in_layer(lattice, first, lipschitz, evaluations)
        here = None if blocks is None else blocks.between(first, last)
        if here is not None and not len(here.corners):
            plane = None
            yield last, None
            continue
        slab = _filled(lattice, (first, last), here, plane, scale, evaluations)
        plane = _Plane(start=slab.start[1:], values=slab.values[-1].copy())
        yield last, slab


def _coarse_scale(lattice: Lattice, evaluations: Evaluations) -> float:
    """Return half of the largest value on a coarse grid: only decisions in ambiguous cells depend on it."""
    axes = [np.unique(np.linspace(0, each, min(_COARSE, each + 1)).round()).astype(int) for each in lattice.num_cells]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return float(np.abs(lattice.values(2 * points, evaluations)).max()) / 2 or 1.0


def _filled(
    lattice: Lattice,
    layers: tuple[int, int],
    blocks: Blocks | None,
    plane: _Plane | None,
    scale: float,
    evaluations: Evaluations,
) -> _Slab:
    """Return a slab with values, in units of ``scale``, at the corners of blocks or, without those, everywhere."""
    first, last = layers
    _, ny, nz = lattice.num_cells
    if blocks is None:
        start, stop = (first, 0, 0), (last, ny, nz)
    else:
        (_, y, z), (_, far_y, far_z) = blocks.corners.min(axis=0).tolist(), blocks.corners.max(axis=0).tolist()
        start, stop = (first, y, z), (last, min(far_y + SMALLEST, ny), min(far_z + SMALLEST, nz))
    shape = tuple(b - a + 1 for a, b in zip(start, stop, strict=True))
    values = np.full(shape, np.nan, np.float32)
    if plane is not None:
        plane.put(start[1:], values[0])
    wanted = crossed = None
    if blocks is not None:
        corners = blocks.corners - np.array(start, np.int32)
        ends = np.array(shape, np.int32) - 1
        whole = (corners + SMALLEST <= ends).all(axis=1)  # of others, the center may not be a point of the grid
        values[tuple((corners[whole] + SMALLEST // 2).T)] = _scaled(blocks.centers[whole], scale)
        wanted = _marked(shape, corners, ends, range(SMALLEST + 1))
        crossed = _marked(shape, corners, ends, range(1, SMALLEST + 1))
    unknown = np.isnan(values)
    flat = np.flatnonzero(unknown if wanted is None else unknown & wanted)
    places = np.stack(np.unravel_index(flat, shape), axis=1).astype(np.int32) + np.array(start, np.int32)
    values.ravel()[flat] = _scaled(lattice.values(2 * places, evaluations), scale)
    return _Slab(start=start, values=values, crossed=crossed)


def _scaled(values: Float[np.ndarray, " n"], scale: float) -> Float[np.ndarray, " n"]:
    scaled = (values / scale).astype(np.float32)
    scaled[scaled == 0] = _TINY  # outside: a vertex on a point of the grid would belong to several edges
    return scaled


def _marked(
    shape: tuple[int, ...], corners: Int[np.ndarray, "n 3"], ends: Int[np.ndarray, " 3"], offsets: range
) -> Bool[np.ndarray, "a b c"]:
    marked = np.zeros(shape, bool)
    for offset in product(offsets, repeat=3):
        marked[tuple(np.minimum(corners + np.array(offset, np.int32), ends).T)] = True
    return marked


def _triangles(slab: _Slab) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "m 3"]] | None:
    known = ~np.isnan(slab.values)
    inside = slab.values < 0  # NaN is not
    if not inside.any() or not (known & ~inside).any():
        return None
    squeezed = np.clip(np.abs(slab.values), _LEAST, _MOST)
    np.negative(squeezed, out=squeezed, where=inside)
    squeezed[~known] = _MOST
    try:
        vertices, faces, _, _ = marching_cubes(squeezed, 0.0, mask=slab.crossed)
    except RuntimeError:  # raised if no cell is crossed, which nothing else detects as fast
        return None
    return vertices, faces


def _places_on_edges(
    values: Float[np.ndarray, "a b c"], base: Int[np.ndarray, "n 3"], axis: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    step = np.eye(3, dtype=np.int64)[axis]
    begin, end = (values[tuple(each.T)].astype(np.float64) for each in (base, base + step))
    share = np.clip(begin / (begin - end), _MARGIN, 1 - _MARGIN)
    return base + share[:, None] * step
