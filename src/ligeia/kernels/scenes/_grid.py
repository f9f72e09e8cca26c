"""A box of cells, those that are occupied, and the nodes at their corners. NumPy only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int32, UInt8

from ligeia.core import InputError

ROW: Final = 8  # features of a node, the first three a color
HEAD_HIDDEN: Final = 32  # of the head's sine layer
DIRECTION: Final = 9  # spherical harmonics up to degree 2
HEAD_INPUTS: Final = 1 + ROW + DIRECTION  # of the head: opacity, features, directions
HEAD: Final = HEAD_INPUTS * HEAD_HIDDEN + HEAD_HIDDEN + 3 * HEAD_HIDDEN + 3
GAINS: Final = (10.0, 1.0, 0.1)  # of density, features and head as rays see them: so are their learning rates
EMPTY: Final = -5.0  # raw density of a node without a row
LEAST: Final = 1e-3  # a sample of less weight has no features; a ray of less transmittance ends
MOST_SAMPLES: Final = 4096  # of a ray
MOST_SIDE: Final = 4  # rays along the side of a pixel, where there is a gradient
MOST_PIECES: Final = 7  # of a ray in contracted space: within the scene, and beyond each of its six sides
_PIECE_DIAGONALS: Final = (12**0.5, 3.0)  # of the scene, and of what lies beyond a side, in half sides of the scene
_FARTHEST: Final = 255  # cells over which a ray leaps at a time


class PixelRays(NamedTuple):
    """Rays through the middles of pixels: where they begin, and directions of any length.

    Each is ``(n, 3)``: arrays in float32, or, to be differentiated by the definition (`render_rays`), tensors.
    """

    origin: Any
    direction: Any
    right: Any
    """What a pixel to the right adds to the direction."""
    down: Any

    def take(self, numbers: np.ndarray) -> "PixelRays":
        """Return the rays of some of the pixels."""
        return PixelRays(*(np.ascontiguousarray(each[numbers]) for each in self))


@final
@dataclass(frozen=True, eq=False)
class VoxelGrid:
    """Cells along x, y and z of a box, of which some are occupied; all else is empty.

    A node at a corner of an occupied cell has a row of numbers. Arrays over nodes have a node more on each side of the
    box than it has corners, so that the 27 nodes around each corner exist.

    A box that is contracted holds all of space: its middle half the scene as it is, its outer parts what lies beyond
    each of the scene's six sides, with cells that grow with the distance. Straight lines stay straight in each of these
    seven (MERF: Reiser et al. 2023, arXiv:2302.12249, p. 4); nothing is occupied between the outer parts.
    """

    low: Float[np.ndarray, " 3"]
    high: Float[np.ndarray, " 3"]
    """Corners of the box, in units of the scene."""
    occupied: Bool[np.ndarray, "x y z"]
    scale: float
    """Density per unit of length where softplus gives 1."""
    spacing: float = 1.0
    """Between the samples of a ray, in cells along the axis that has the smallest."""
    is_contracted: bool = False
    distance: UInt8[np.ndarray, "x y z"] = field(init=False)
    """Of each cell to the nearest occupied one in the maximum norm, in cells: 0 for an occupied one."""
    places: Int32[np.ndarray, " rows"] = field(init=False)
    """Where the node of each row is among all nodes."""
    row: Int32[np.ndarray, "nodes_x nodes_y nodes_z"] = field(init=False)
    """The row of each node, -1 where it has none."""

    def __post_init__(self) -> None:
        if not (np.isfinite([*self.low, *self.high]).all() and (np.subtract(self.high, self.low) > 0).all()):
            raise InputError(f"expected a box of finite corners, low < high, got {self.low} and {self.high}.")
        if not self.occupied.any():
            raise InputError("expected a cell that is occupied, all are empty.")
        if self.is_contracted and any(count % 4 for count in self.cells):
            raise InputError(f"expected multiples of 4 cells along the sides of contracted space, got {self.cells}.")
        if self.is_contracted and (self.occupied & ~contracted_cells(self.cells)).any():
            raise InputError("expected no cell that is occupied between the outer parts of contracted space.")
        if self.most_samples > MOST_SAMPLES:
            raise InputError(f"expected at most {MOST_SAMPLES} samples along a ray, got {self.most_samples}.")
        from scipy.ndimage import distance_transform_cdt

        distance: Any = distance_transform_cdt(~self.occupied, "chessboard")
        has_row = np.zeros(self.node_shape, bool)
        x, y, z = self.occupied.shape
        for corner in np.ndindex(2, 2, 2):
            i, j, k = np.add(corner, 1)
            has_row[i : i + x, j : j + y, k : k + z] |= self.occupied
        places = np.flatnonzero(has_row).astype(np.int32)
        row = np.full(self.node_shape, -1, np.int32)
        row.reshape(-1)[places] = np.arange(len(places), dtype=np.int32)
        for name, value in (
            ("distance", np.minimum(distance, _FARTHEST).astype(np.uint8)),
            ("places", places),
            ("row", row),
        ):
            object.__setattr__(self, name, value)

    @property
    def cells(self) -> tuple[int, int, int]:
        """Number of cells along x, y and z."""
        x, y, z = self.occupied.shape
        return x, y, z

    @property
    def node_shape(self) -> tuple[int, int, int]:
        """Shape of arrays over nodes."""
        x, y, z = self.cells
        return x + 3, y + 3, z + 3

    @property
    def num_rows(self) -> int:
        """Number of nodes that have a row."""
        return len(self.places)

    @property
    def per_unit(self) -> Float[np.ndarray, " 3"]:
        """Cells per unit of length along x, y and z."""
        return np.array(self.cells) / np.subtract(self.high, self.low)

    @property
    def step(self) -> float:
        """Distance between the samples of a ray, in units of the scene."""
        return self.spacing / float(self.per_unit.max())

    @property
    def most_samples(self) -> int:
        """Most samples that a ray through the box has."""
        sides = np.subtract(self.high, self.low).tolist()
        return int(longest_ray(sides, is_contracted=self.is_contracted) / self.step) + 2


def longest_ray(sides: Sequence[float], *, is_contracted: bool) -> float:
    """Return how long a ray is in a box of these sides, at most; of contracted space in the box that it fills."""
    if is_contracted:
        within, beyond = _PIECE_DIAGONALS
        return (within + 6 * beyond) * max(sides) / 4
    return math.hypot(*sides)


def contracted_cells(cells: tuple[int, ...]) -> Bool[np.ndarray, "x y z"]:
    """Return the cells of contracted space that are somewhere: in its middle half along two axes or all three."""
    places = np.meshgrid(*(2 * np.arange(count) + 1 - count for count in cells), indexing="ij", sparse=True)
    within = [2 * np.abs(each) < count for each, count in zip(places, cells, strict=True)]
    return np.asarray(np.add.reduce(np.broadcast_arrays(*within), axis=0, dtype=np.int8) >= 2)
