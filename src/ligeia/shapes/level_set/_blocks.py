"""The cells of a grid that a surface may cross: blocks that a bound on the slope cannot exclude, halved recursively.

A function that changes by at most ``lipschitz`` per unit of length has no zero in a block around a center where it is
farther from 0 than that times half of the block's diagonal (Hart 1996, "Sphere tracing", s. 2, in blocks for spheres).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import InputError

from ._evaluations import PIECE, Evaluations

LARGEST: Final = 64
SMALLEST: Final = 2  # cells: blocks of 4 need twice as many values in total, single cells no fewer
_CORNERS = np.array(list(product((0, 1), repeat=3)), np.int32)
_SLACK = 1 + 1e-9  # of the bound, for the rounding of centers and values


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Lattice:
    """A grid of cubic cells: its points are ``low + cell * index`` for indices from 0 to ``num_cells``."""

    low: Float[np.ndarray, " 3"]
    cell: float
    num_cells: tuple[int, int, int]

    @classmethod
    def covering(cls, box: Sequence[tuple[float, float]], resolution: int) -> "Lattice":
        """Return the grid with ``resolution`` cells along the longest side and as many as cover the others."""
        sides = np.asarray(box, np.float64)
        if sides.shape != (3, 2) or not np.isfinite(sides).all() or not (sides[:, 0] < sides[:, 1]).all():
            raise InputError(f"expected a box of three sides, each from a number to a larger one, got {list(box)}.")
        lengths = sides[:, 1] - sides[:, 0]
        cell = float(lengths.max()) / resolution
        x, y, z = (max(1, int(np.ceil(length / cell - 1e-9))) for length in lengths)
        return cls(low=sides[:, 0], cell=cell, num_cells=(x, y, z))

    @property
    def num_points(self) -> int:
        """Number of grid points."""
        x, y, z = self.num_cells
        return (x + 1) * (y + 1) * (z + 1)

    def values(self, half_cells: Int[np.ndarray, "n 3"], evaluations: Evaluations) -> Float[np.ndarray, " n"]:
        """Return the function at places counted in halves of cells."""
        found = np.empty(len(half_cells))
        for start in range(0, len(half_cells), PIECE):  # so that coordinates in float64 exist for one piece only
            piece = half_cells[start : start + PIECE]
            found[start : start + PIECE] = evaluations.values(self.low + (0.5 * self.cell) * piece)
        return found


@final
@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Blocks:
    """Blocks of `SMALLEST` cells, less what lies beyond the grid, with the values at their centers."""

    corners: Int[np.ndarray, "n 3"]
    """Indices of their first points."""
    centers: Float[np.ndarray, " n"]

    def between(self, first: int, last: int) -> "Blocks":
        """Return the blocks that start in a range of layers along the first axis."""
        chosen = (self.corners[:, 0] >= first) & (self.corners[:, 0] < last)
        return Blocks(corners=self.corners[chosen], centers=self.centers[chosen])


def blocks_in_layer(lattice: Lattice, first: int, lipschitz: float, evaluations: Evaluations) -> Blocks:
    """Return the smallest blocks that the surface may cross, of those within the `LARGEST` layers from ``first``."""
    _, ny, nz = lattice.num_cells
    starts = np.meshgrid([first], np.arange(0, ny, LARGEST), np.arange(0, nz, LARGEST), indexing="ij")
    corners = np.stack([each.ravel() for each in starts], axis=1).astype(np.int32)
    size = LARGEST
    while True:
        ends = np.minimum(corners + size, np.array(lattice.num_cells, np.int32))
        values = lattice.values(corners + ends, evaluations)
        reach = 0.5 * lattice.cell * lipschitz * np.linalg.norm(ends - corners, axis=1)
        crossed = np.abs(values) <= _SLACK * reach
        corners, values = corners[crossed], values[crossed]
        if size == SMALLEST:
            return Blocks(corners=corners, centers=values)
        size //= 2
        corners = (corners[:, None] + size * _CORNERS).reshape(-1, 3)
        corners = corners[(corners < lattice.num_cells).all(axis=1)]
