"""Sparse voxels with a density and features, and a sine layer that colors a ray: a radiance field."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import ClassVar, Final, final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError
from ligeia.kernels import (
    EMPTY,
    GAINS,
    HEAD,
    HEAD_HIDDEN,
    HEAD_INPUTS,
    MOST_SAMPLES,
    ROW,
    VoxelGrid,
    contracted_cells,
    longest_ray,
)

from .._architecture import Architecture
from .._arithmetic import Arithmetic, Numbers, Weights

_FOG: Final = -2.0  # first raw density
_COLORS: Final = 0.05  # first weights of the head's output


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Voxels(Architecture):
    """A density, a quadratic B-spline of the nodes of a grid, then softplus; eight features, interpolated linearly.

    Only cells that are ``occupied`` hold anything. The values at a place are the density and the features, whose first
    three are a color; `ligeia.scenes` renders them, with the sine layer of the head. The density has one continuous
    derivative; those of the features jump between cells.
    """

    name: ClassVar[str] = "voxels"
    smoothness: ClassVar[float] = 0
    has_graph: ClassVar[bool] = False

    cells: tuple[int, ...]
    """Along each of three axes."""
    occupied: bytes
    """A bit for each cell, row-major, the first in the highest bit of the first byte."""
    scale: float
    """Density per unit of length where softplus gives 1."""
    spacing: float = 1.0
    """Between the samples of a ray, in cells."""
    is_contracted: bool = False
    """Whether the box holds all of space, its middle half the scene (`VoxelGrid`); so do the coordinates."""

    def __post_init__(self) -> None:
        if len(self.cells) != 3 or min(self.cells) < 1:
            raise InputError(f"expected numbers of cells along three axes, got {self.cells}.")
        expected = -(-math.prod(self.cells) // 8)
        if len(self.occupied) != expected:
            raise InputError(f"expected {expected} bytes for a bit of each cell, got {len(self.occupied)}.")
        if not (math.isfinite(self.scale) and self.scale > 0 and math.isfinite(self.spacing) and self.spacing > 0):
            raise InputError(f"expected a scale and a spacing above 0, got {self.scale} and {self.spacing}.")

    @classmethod
    def of(
        cls,
        occupied: Bool[np.ndarray, "x y z"],
        *,
        scale: float,
        spacing: float = 1.0,
        is_contracted: bool = False,
    ) -> "Voxels":
        """Return the architecture of these cells."""
        bits = np.packbits(occupied).tobytes()
        return cls(
            cells=tuple(occupied.shape), occupied=bits, scale=scale, spacing=spacing, is_contracted=is_contracted
        )

    def occupied_cells(self) -> Bool[np.ndarray, "x y z"]:
        """Return which cells are occupied."""
        bits = np.unpackbits(np.frombuffer(self.occupied, np.uint8), count=math.prod(self.cells))
        return bits.astype(bool).reshape(self.cells)

    def grid(self, low: Sequence[float] = (-1.0, -1.0, -1.0), high: Sequence[float] = (1.0, 1.0, 1.0)) -> VoxelGrid:
        """Return the cells in a box."""
        return _grid_of(self, tuple(low), tuple(high))

    def check_box(self, low: Sequence[float], high: Sequence[float]) -> None:
        """Refuse a box that no grid has, without the memory of one: see `ligeia.kernels.VoxelGrid`."""
        sides = [end - start for start, end in zip(low, high, strict=True)]
        if not (all(map(math.isfinite, (*low, *high, *sides))) and min(sides) > 0):
            raise InputError(f"expected a box of finite corners, low < high, got {low} and {high}.")
        if self.is_contracted and any(count % 4 for count in self.cells):
            raise InputError(f"expected multiples of 4 cells along the sides of contracted space, got {self.cells}.")
        if self.is_contracted and (self.occupied_cells() & ~contracted_cells(self.cells)).any():
            raise InputError("expected no cell that is occupied between the outer parts of contracted space.")
        cell = min(side / count for side, count in zip(sides, self.cells, strict=True))
        step = self.spacing * cell
        if not longest_ray(sides, is_contracted=self.is_contracted) <= (MOST_SAMPLES - 2) * step:
            raise InputError(
                f"expected at most {MOST_SAMPLES} samples along a ray; take a larger spacing or fewer cells."
            )

    @property
    def num_features(self) -> int:
        """Number of values at a place: density and features."""
        return 1 + ROW

    def check_inputs(self, in_features: int) -> None:
        """Refuse any other number of coordinates than three."""
        if in_features != 3:
            raise InputError(f"voxels have 3 coordinates, got {in_features}.")

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return density and features of each row, and the numbers of the head."""
        rows = _num_rows(self)
        bound = np.float32(math.sqrt(6 / HEAD_INPUTS) / GAINS[2])

        def head(draw: Numbers) -> Float[np.ndarray, " h"]:
            found = draw.uniform(HEAD)
            found[: HEAD_INPUTS * HEAD_HIDDEN] *= bound
            found[HEAD_INPUTS * HEAD_HIDDEN : -3 * HEAD_HIDDEN - 3] /= np.float32(GAINS[2])
            found[-3 * HEAD_HIDDEN - 3 :] *= np.float32(_COLORS / GAINS[2])
            found[-3:] = 0
            return found

        return [
            Weights("density", (rows,), lambda _: np.full(rows, _FOG / GAINS[0], np.float32)),
            Weights("features", (rows, ROW), lambda _: np.zeros((rows, ROW), np.float32)),
            Weights("head", (HEAD,), head),
        ]

    def output(self, out_features: int) -> list[Weights]:
        """Return nothing: there is no output layer."""
        if out_features != self.num_features:
            raise InputError(f"voxels have {self.num_features} values, got {out_features}.")
        return []

    @property
    def ends_linear(self) -> bool:
        """Whether the values are linear in the last two tensors."""
        return False

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the values."""
        raise InputError("voxels have no output layer, and so no features before it; take the values.")

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return density and features; 0 in cells that are not occupied."""
        density, features, _ = tensors
        grid = self.grid()
        row = do.constant(grid.row.reshape(-1))
        _, line, column = grid.node_shape
        strides = (line * column, column, 1)
        spline, linear, nearest, cell = [], [], [], []
        for axis, count in enumerate(self.cells):
            place = (do.column(x, axis) + 1.0) * (0.5 * count)
            whole = do.floor(place).clip(0, count - 1)
            within = place - whole
            linear.append((1.0 - within, within))
            cell.append(do.integers(whole))
            whole = do.floor(place + 0.5).clip(0, count)
            t = place - whole
            spline.append(((0.5 - t) * (0.5 - t) * 0.5, 0.75 - t * t, (t + 0.5) * (t + 0.5) * 0.5))
            nearest.append(do.integers(whole))
        raw = None
        for steps in product((0, 1, 2), repeat=3):
            found = do.gather(row, sum((nearest[a] + steps[a]) * strides[a] for a in range(3)))
            is_there = found >= 0
            value = do.gather(density, found.clip(0)) * (GAINS[0] * is_there) + EMPTY * (~is_there)
            part = spline[0][steps[0]] * spline[1][steps[1]] * spline[2][steps[2]] * value
            raw = part if raw is None else raw + part
        gathered = None
        for steps in product((0, 1), repeat=3):
            found = do.gather(row, sum((cell[a] + steps[a] + 1) * strides[a] for a in range(3)))
            value = do.gather(features, found.clip(0))[..., 0, :]
            part = linear[0][steps[0]] * linear[1][steps[1]] * linear[2][steps[2]] * value
            gathered = part if gathered is None else gathered + part
        flat = (cell[0] * self.cells[1] + cell[1]) * self.cells[2] + cell[2]
        is_occupied = do.gather(do.constant(grid.occupied.reshape(-1).astype(np.int32)), flat)
        return do.concat([do.softplus(raw) * self.scale, gathered]) * is_occupied


@lru_cache(maxsize=8)
def _grid_of(voxels: Voxels, low: tuple[float, ...], high: tuple[float, ...]) -> VoxelGrid:
    return VoxelGrid(
        np.array(low, np.float64),
        np.array(high, np.float64),
        voxels.occupied_cells(),
        voxels.scale,
        voxels.spacing,
        voxels.is_contracted,
    )


@lru_cache(maxsize=8)
def _num_rows(voxels: Voxels) -> int:
    """Return the number of corners of occupied cells."""
    occupied = voxels.occupied_cells()
    for axis in range(3):  # of nodes: the cell before or the one after
        none = np.zeros_like(occupied.take([0], axis))
        occupied = np.concatenate([occupied, none], axis) | np.concatenate([none, occupied], axis)
    return int(np.count_nonzero(occupied))
