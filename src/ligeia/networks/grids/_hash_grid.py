"""A multiresolution hash grid before a small perceptron (Müller et al. 2022, arXiv:2201.05989, s. 3, eq. 1 to 4)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar, Final, NamedTuple, final

import numpy as np

from ligeia.core import InputError

from .._architecture import Architecture, Inputs
from .._arithmetic import Arithmetic, Numbers, Weights
from .._layered import check_sizes
from .._perceptron import Perceptron

_PRIMES: Final = (1, 2654435761, 805459861, 3674653429)  # eq. 4
_MOST_INPUTS: Final = 4
_MOST_COUNTED: Final = 20  # coordinates for which the error message estimates memory
_USUAL_FINEST: Final = 512
_FIRST: Final = 1e-4  # s. 4: entries begin as U(+-1e-4)
_BATCH: Final = 8192
_MOST_TABLE: Final = 1 << 28


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class HashGrid(Perceptron):
    """Grids of learned features, interpolated linearly between corners, then ReLU layers.

    ``num_levels`` grids grow by a constant factor from ``coarsest`` cells along each coordinate, or fewer where it has
    fewer samples, to ``finest``, one number per coordinate. If empty, it is chosen for the signal: a cell for every two
    samples. A grid of more than ``table_size`` corners shares entries by hashing. Gradients jump at cell boundaries.
    """

    name: ClassVar[str] = "hash"
    rate: ClassVar[float] = 15.0
    batch_size: ClassVar[int] = 2048
    frequency_scale: ClassVar[float] = 2.0
    smoothness: ClassVar[float] = 0
    has_graph: ClassVar[bool] = False
    grows_by: ClassVar[str] = "table_size"

    hidden_features: int = 64
    hidden_layers: int = 1
    table_size: int = 1 << 13
    num_levels: int = 16
    level_features: int = 2
    coarsest: int = 16
    finest: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_sizes(
            self,
            hidden_features=self.hidden_features,
            hidden_layers=self.hidden_layers,
            num_levels=self.num_levels,
            level_features=self.level_features,
            coarsest=self.coarsest,
            table_size=self.table_size,
        )
        if self.table_size > _MOST_TABLE or not all(1 <= each <= _MOST_TABLE for each in self.finest):
            raise InputError(f"a hash grid has at most {_MOST_TABLE} entries a level and cells along an axis.")

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return a copy with a cell of the finest grid for every two samples."""
        return self if self.finest else replace(self, finest=tuple(max(1, size // 2) for size in inputs.sizes))

    def check_inputs(self, in_features: int) -> None:
        """Refuse too many coordinates: each point looks up all corners of its cells."""
        if (given := in_features) > _MOST_INPUTS:
            in_features = min(in_features, _MOST_COUNTED)
            lookups = _BATCH * self.num_levels * 2**in_features
            mib = lookups * (8 + 4 * (1 + self.level_features)) / 2**20
            gib = 4 * self.level_features * float(_USUAL_FINEST + 1) ** in_features / 2**30
            raise InputError(
                f"hash grids have up to {_MOST_INPUTS} coordinates, got {given}: each point would look up "
                f"{2**in_features} corners at {self.num_levels} levels, {mib:,.0f} MiB for {_BATCH:,} points, "
                f"and the finest grid without hashing would take {gib:,.0f} GiB; use another network."
            )
        if self.finest and len(self.finest) != in_features:
            raise InputError(f"expected cells along {in_features} coordinates, got {len(self.finest)} numbers.")

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time."""
        return max(self.hidden_features, 16 * self.num_levels * self.level_features)

    def num_encoded(self, in_features: int) -> int:
        """Return how many features enter the first layer."""
        return self.num_levels * self.level_features

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the table, a row for each feature of an entry, and the tensors of the layers."""
        shape = (self.level_features, self._levels(in_features).num_entries)
        table = Weights("table", shape, lambda draw: draw.uniform(*shape) * np.float32(_FIRST))
        return [table, *Perceptron.weights(self, in_features, None)]

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        table, *rest = tensors
        in_features = int(x.shape[-1])
        levels = self._levels(in_features)
        parts, cells = [], []
        for axis in range(in_features):  # every level at once: (n, levels)
            cell_count = do.constant(levels.cells[:, axis].astype(np.float32))
            place = (do.column(x, axis) + 1.0) * 0.5 * cell_count
            whole = do.floor(place)
            parts.append(place - whole)
            cells.append(do.integers(whole))
        found = [None] * self.level_features
        for corner in product((0, 1), repeat=in_features):
            weight = None
            for part, is_far in zip(parts, corner, strict=True):
                factor = part if is_far else 1.0 - part
                weight = factor if weight is None else weight * factor
            index = levels.index_of(do, cells, corner)
            for row in range(self.level_features):
                entry = weight * do.gather(do.row(table, row), index)
                found[row] = entry if found[row] is None else found[row] + entry
        return Perceptron.features(self, do, do.concat(found), rest)

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.relu(phase)

    def _levels(self, in_features: int) -> "_Levels":
        finest = self.finest or (_USUAL_FINEST,) * in_features
        cells = np.empty((self.num_levels, in_features), np.int64)
        for axis, most in enumerate(finest):
            least = min(self.coarsest, most)
            growth = (most / least) ** (1 / max(1, self.num_levels - 1))  # eq. 3
            cells[:, axis] = [round(least * growth**level) for level in range(self.num_levels)]
        corners = np.array([math.prod(int(each) + 1 for each in level) for level in cells], dtype=object)
        sizes = np.array([min(self.table_size, each) for each in corners], np.int64)
        is_hashed = np.array([each > self.table_size for each in corners])
        strides = np.ones_like(cells)  # of a grid that fits, row-major
        for axis in range(in_features - 2, -1, -1):
            strides[:, axis] = np.where(is_hashed, 1, strides[:, axis + 1] * (cells[:, axis + 1] + 1))
        return _Levels(cells, sizes, np.cumsum(sizes) - sizes, strides, is_hashed)


class _Levels(NamedTuple):
    """Where the corners of each level are in the table; arrays of one row per level."""

    cells: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray
    strides: np.ndarray
    is_hashed: np.ndarray

    @property
    def num_entries(self) -> int:
        """Number of entries of all levels."""
        return int(self.sizes.sum())

    def index_of(self, do: Arithmetic, cells: Sequence[Numbers], corner: Sequence[int]) -> Numbers:
        """Return the entry of a corner of the cell of each point at each level."""
        hashed = straight = 0
        for axis, (cell, step) in enumerate(zip(cells, corner, strict=True)):
            place = cell + step
            hashed = place * _PRIMES[axis] if axis == 0 else hashed ^ (place * _PRIMES[axis])
            straight = straight + place * do.constant(self.strides[:, axis])
        chosen = do.constant(self.is_hashed.astype(np.int64))
        entry = (hashed * chosen + straight * (1 - chosen)) % do.constant(self.sizes)
        return entry + do.constant(self.starts)
