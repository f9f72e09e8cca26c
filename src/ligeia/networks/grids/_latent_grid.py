"""A pyramid of latent grids followed by a small network applied point by point.

After Ladune et al. 2023 (Cool-Chic, arXiv:2212.05458) and Kim et al. 2024 (C3, arXiv:2312.02753), whose grids are
upsampled by filters on one raster; here each grid holds the coefficients of a cubic B-spline (Unser 1999, eq. 11), so
the network is a function of position with two continuous derivatives.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import InputError
from ligeia.kernels import TAPS, spline_taps, spline_weights

from .._architecture import Architecture, Inputs
from .._arithmetic import Arithmetic, Numbers, Weights, dense
from .._layered import check_sizes
from .._numpy_arithmetic import NumpyArithmetic

_MOST_INPUTS: Final = 4
_MOST_PLANES: Final = 64
_MOST_LEVELS: Final = 24
_MOST_SIZE: Final = 1 << 30
_SHARPNESS: Final = 16.0  # of the bend of the activation: one over the half-width of the window
_FIRST_WEIGHT: Final = 0.75
_FIRST_BIAS: Final = 0.1
_FIRST_OUTPUT: Final = 0.02
_USUAL_SIZE: Final = 64
_FIRST_GRID: Final = 1e-2
_BLOCK: Final = 1 << 16  # points evaluated at a time on a raster

RGB_OF_YCBCR: Final = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))  # ITU-T T.871, s. 7
_COLORS: Final = ("red", "green", "blue")


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LatentGrid(Architecture):
    """Planes, each a sum of cubic B-splines on grids of halving resolution, and a hidden layer over their values.

    ``sizes`` are the cells of level 0 along each coordinate, and a grid of level l has a cell for 2**l of these. Plane
    p has the levels from ``first_levels[p]`` to ``num_levels - 1``. The sum over the levels of a plane is one feature,
    except that the ``separate`` finest levels of the first plane are features of their own. The output layer takes the
    hidden features and the planes' values, so the planes alone can represent the signal: luma and chroma of a picture,
    or the channels. The activation is a ReLU averaged over a window, ``u**3 (4 - u) / 16`` within it.

    If empty, ``sizes`` and ``first_levels`` are chosen for the signal: a cell for every two samples.
    """

    name: ClassVar[str] = "grid"
    rate: ClassVar[float] = 20.0
    batch_size: ClassVar[int] = 2048
    smoothness: ClassVar[float] = 2

    hidden_features: int = 16
    sizes: tuple[int, ...] = ()
    first_levels: tuple[int, ...] = ()
    num_levels: int = 7
    separate: int = 3
    is_color: bool = False
    """Whether the first three planes are initially luma, blue and red of the first three channels."""

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features)
        if not 1 <= self.num_levels <= _MOST_LEVELS:
            raise InputError(f"expected 1 to {_MOST_LEVELS} levels of a latent grid, got {self.num_levels}.")
        if not 0 <= self.separate <= self.num_levels:
            raise InputError(f"expected 0 to {self.num_levels} separate levels, got {self.separate}.")
        if len(self.sizes) > _MOST_INPUTS or not all(1 <= size <= _MOST_SIZE for size in self.sizes):
            raise InputError(f"a latent grid has 1 to {_MOST_SIZE} cells along up to {_MOST_INPUTS} coordinates.")
        if math.prod(self.sizes) > _MOST_SIZE:
            raise InputError(f"expected up to {_MOST_SIZE} cells of a latent grid, got {math.prod(self.sizes)}.")
        if len(self.first_levels) > _MOST_PLANES:
            raise InputError(f"expected up to {_MOST_PLANES} planes of a latent grid, got {len(self.first_levels)}.")
        if not all(0 <= level < self.num_levels for level in self.first_levels):
            raise InputError(f"expected first levels of 0 to {self.num_levels - 1}, got {self.first_levels}.")

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return a copy with a cell for every two samples, and a plane for each channel or for luma and chroma."""
        sizes = self.sizes or tuple(-(-size // 2) for size in inputs.sizes)
        is_color = self.is_color or (not self.first_levels and inputs.channels[:3] == _COLORS)
        planes = self.first_levels or tuple(
            min(1, self.num_levels - 1) if is_color and number in (1, 2) else 0
            for number in range(max(1, len(inputs.channels)))
        )
        return replace(self, sizes=sizes, first_levels=planes, is_color=is_color)

    @property
    def takes_frequencies(self) -> bool:
        """Always False: the cells determine the frequencies."""
        return False

    def check_inputs(self, in_features: int) -> None:
        """Refuse too many coordinates: each point looks up all cells around it."""
        if in_features > _MOST_INPUTS:
            raise InputError(
                f"latent grids have up to {_MOST_INPUTS} coordinates, got {in_features}: each point would look up "
                f"{TAPS}**{in_features} cells at {self.num_levels} levels; use another network."
            )
        if self.sizes and len(self.sizes) != in_features:
            raise InputError(f"expected cells along {in_features} coordinates, got {len(self.sizes)} numbers.")

    def grids(self, in_features: int = 1) -> list["LevelOfPlane"]:
        """Return the grids in the order of a file: from the coarsest level to the finest, plane by plane."""
        sizes = self._sizes(in_features)
        found = []
        for level in reversed(range(self.num_levels)):
            shape = tuple(-(-size // (1 << level)) for size in sizes)
            found += [LevelOfPlane(level, plane, shape) for plane, first in enumerate(self._planes()) if level >= first]
        return found

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time: per coefficient its weight, index (two words), value and product."""
        return max(self.num_features, 5 * TAPS ** max(1, len(self.sizes)))

    @property
    def num_planes_features(self) -> int:
        """Number of features that enter the hidden layer."""
        return self._num_separate() + len(self._planes())

    def feature_of(self, level: int, plane: int) -> int:
        """Return the number of the feature that a grid contributes to."""
        separate = self._num_separate()
        return min(level - self._planes()[0], separate) if plane == 0 else separate + plane

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer: the hidden ones, then the planes' values."""
        return self.hidden_features + self.num_planes_features

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the grids and the tensors of the hidden layer."""
        found = [_grid_weights(each) for each in self.grids(in_features)]
        width = self.num_planes_features
        bound = _FIRST_WEIGHT * math.sqrt(3 / width)
        return [*found, *dense("hidden", width, self.hidden_features, bound, _FIRST_BIAS)]

    def output(self, out_features: int) -> list[Weights]:
        """Return the weight and the bias of the output layer, which initially outputs the planes themselves."""
        planes = self._first_planes(out_features)
        bound = _FIRST_OUTPUT / math.sqrt(self.hidden_features)
        shape = (out_features, self.hidden_features)
        return [
            Weights(
                "output_weight",
                (out_features, self.num_features),
                lambda draw: np.concatenate([draw.uniform(*shape) * np.float32(bound), planes], axis=1),
            ),
            Weights("output_bias", (out_features,), lambda draw: np.zeros(out_features, np.float32)),
        ]

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        *levels, weight, bias = tensors
        in_features = int(x.shape[-1])
        grids = self.grids(in_features)
        found: list[Numbers] = [None] * self.num_planes_features
        ones = do.constant(np.ones((1, TAPS**in_features), np.float32))
        last, weights, index = -1, None, None
        for grid, tensor in zip(grids, levels, strict=True):
            if grid.level != last:
                last, (weights, index) = grid.level, _corners(do, x, grid, self._sizes(in_features))
            row = do.row(tensor.reshape(1, -1), 0)
            value = do.linear(weights * do.gather(row, index), ones, None)
            feature = self.feature_of(grid.level, grid.plane)
            found[feature] = value if found[feature] is None else found[feature] + value
        return self._with_hidden(do, do.concat(found), weight, bias)

    def raster(
        self, coordinates: Sequence[Float[np.ndarray, "..."]], tensors: Sequence[Float[np.ndarray, "..."]]
    ) -> Iterator[tuple[int, int, Float[np.ndarray, "n c"]]]:
        """Yield ``(start, stop, values)`` over all combinations of coordinates, row-major; fast, axis by axis."""
        *levels, weight, bias, output_weight, output_bias = tensors
        grids = self.grids(len(coordinates))
        do = NumpyArithmetic()
        sizes = self._sizes(len(coordinates))
        counts = [len(each) for each in coordinates]
        below = [math.prod(counts[axis + 1 :]) for axis in range(len(counts))]
        cut = next((axis for axis, size in enumerate(below) if size <= _BLOCK), len(counts) - 1)
        taps = {
            (grid.level, axis): _taps(along, grid, axis, sizes)
            for grid in grids
            for axis, along in enumerate(coordinates)
            if axis > cut
        }
        rows, start = max(1, _BLOCK // below[cut]), 0
        for outer in product(*map(range, counts[:cut])):
            for first in range(0, counts[cut], rows):
                chosen = [*(slice(each, each + 1) for each in outer), slice(first, first + rows)]
                parts = [along[part] for along, part in zip(coordinates, chosen, strict=False)]
                num = len(parts[-1]) * below[cut]
                planes = np.zeros((self.num_planes_features, num), np.float32)
                with np.errstate(over="ignore", invalid="ignore"):  # of weights that are finite and absurd
                    for grid, tensor in zip(grids, levels, strict=True):
                        part = tensor
                        for axis in range(len(counts)):
                            found = taps.get((grid.level, axis)) or _taps(parts[axis], grid, axis, sizes)
                            part = _weighted(part, *found, axis)
                        planes[self.feature_of(grid.level, grid.plane)] += part.reshape(-1)
                    features = self._with_hidden(do, planes.T, weight, bias)
                    values = do.linear(features, output_weight, output_bias)
                yield start, start + num, values
                start += num

    def _with_hidden(self, do: Arithmetic, planes: Numbers, weight: Numbers, bias: Numbers) -> Numbers:
        phase = do.linear(planes, weight, bias)
        return do.concat([do.layer(phase, _bent(do, phase)), planes])

    def _sizes(self, in_features: int) -> tuple[int, ...]:
        return self.sizes or (_USUAL_SIZE,) * in_features

    def _planes(self) -> tuple[int, ...]:
        return self.first_levels or (0,)

    def _num_separate(self) -> int:
        return min(self.separate, self.num_levels - self._planes()[0] - 1)

    def _first_planes(self, out_features: int) -> Float[np.ndarray, "c planes"]:
        """Return output weights that map each plane to its channel, or luma and chroma to colors."""
        found = np.zeros((out_features, self.num_planes_features), np.float32)
        for number, plane in product(range(out_features), range(len(self._planes()))):
            if self.is_color and max(number, plane) < len(_COLORS):
                factor = RGB_OF_YCBCR[number][plane]
            else:
                factor = float(number == plane or len(self._planes()) == 1)
            features = range(self._num_separate() + 1) if plane == 0 else [self._num_separate() + plane]
            found[number, list(features)] = factor
        return found

    @property
    def largest(self) -> int:
        """Upper bound, exclusive, of the size that it grows to: more cells are refused."""
        if not self.sizes:
            return super(LatentGrid, self).largest
        share = math.prod(each / max(self.sizes) for each in self.sizes)
        return math.floor((_MOST_SIZE / share) ** (1 / len(self.sizes))) // 2

    def of_size(self, size: int) -> Architecture:
        """Return grids with ``size`` cells along the longest coordinate; without sizes, ``size`` hidden features."""
        if not self.sizes:
            return replace(self, hidden_features=size)
        longest = max(self.sizes)
        return replace(self, sizes=tuple(max(1, round(each * size / longest)) for each in self.sizes))


class LevelOfPlane(NamedTuple):
    """One grid of a pyramid."""

    level: int
    plane: int
    shape: tuple[int, ...]


def _grid_weights(grid: LevelOfPlane) -> Weights:
    name = f"level{grid.level}_plane{grid.plane}"
    return Weights(name, grid.shape, lambda draw: draw.uniform(*grid.shape) * np.float32(_FIRST_GRID))


def _bent(do: Arithmetic, phase: Numbers) -> Numbers:
    """Return the ReLU of a phase, averaged over a parabolic window: its second derivative is continuous."""
    above = do.relu(phase * _SHARPNESS - 1.0)
    within = do.relu(phase * _SHARPNESS + 1.0) - above  # from 0 to 2
    square = within * within
    return (square * within * (4.0 - within) * (1 / 16) + above) * (1 / _SHARPNESS)


def _corners(do: Arithmetic, x: Numbers, grid: LevelOfPlane, sizes: Sequence[int]) -> tuple[Numbers, Numbers]:
    """Return weights and flat indices, ``(n, corners)``, of the coefficients that contribute at each point."""
    corners = np.array(list(product(range(TAPS), repeat=len(sizes))))
    weights = index = None
    for axis, (count, size) in enumerate(zip(grid.shape, sizes, strict=True)):
        place = (do.column(x, axis) + 1.0) * (0.5 * size / (1 << grid.level)) - 0.5
        whole = do.floor(place)
        part, cell = place - whole, do.integers(whole)
        taps, chosen = spline_weights(part), corners[:, axis]
        factors = do.concat([taps[each] for each in chosen])
        places = (cell + do.constant(chosen - 1)).clip(0, count - 1)
        weights = factors if weights is None else weights * factors
        index = places if index is None else index * count + places
    return weights, index


def _taps(
    coordinates: Float[np.ndarray, " n"], grid: LevelOfPlane, axis: int, sizes: Sequence[int]
) -> tuple[Int[np.ndarray, "taps n"], Float[np.ndarray, "taps n"]]:
    """Return the index and the weight of each coefficient, at each coordinate."""
    places = (np.asarray(coordinates, np.float64) + 1) * (0.5 * sizes[axis] / (1 << grid.level)) - 0.5
    return spline_taps(places, grid.shape[axis])


def _weighted(
    values: Float[np.ndarray, "..."],
    index: Int[np.ndarray, "taps n"],
    factors: Float[np.ndarray, "taps n"],
    axis: int,
) -> Float[np.ndarray, "..."]:
    """Return the weighted sums of the entries along an axis."""
    shape = [1] * values.ndim
    shape[axis] = -1
    total = None
    for places, factor in zip(index, factors, strict=True):
        part = values.take(places, axis) * factor.reshape(shape)
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    return total
