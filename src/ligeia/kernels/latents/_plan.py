"""The layout of latent grids and their networks, for fits and readers alike. Imports no torch."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float32, Int32

HIDDEN: Final = 16
"""Hidden features of the context networks and of the point network."""
TAPS: Final = 4
"""Coefficients of a cubic B-spline at a place, along each axis."""
SAME, OTHER, PARENT, NOTHING = 0, 1, 2, 3
"""Sources of an input of a context network."""


class Source(NamedTuple):
    """One input of a context network.

    A neighbor ``row`` and ``column`` away in the same grid or in ``grid``, which has the same shape; or one of the four
    nearest cells of the parent: the one above it for 0, the next nearest one for 1, by row and by column.
    """

    source: int
    row: int = 0
    column: int = 0
    grid: int = -1


class Relaxation(NamedTuple):
    """How latents become values: soft rounding, noise, soft rounding again; or plain rounding."""

    temperature: float = 1.0
    noise: float = 0.0
    """Its standard deviation."""
    key: int = 0
    """Key of the noise: another key gives other noise."""
    is_hard: bool = False


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class GridPlan:
    """One grid of a fit."""

    shape: tuple[int, int]
    level: int
    """A cell is ``2**level`` pixels wide."""
    plane: int
    feature: int
    """The feature of the point network that it contributes to."""
    step: float
    """Quantization step: the value of one integer step, in network units."""
    network: int
    """Which context network predicts its bits, ..."""
    bias: int
    """... and which of that network's biases it uses."""
    parent: int
    """The grid of the next coarser level of the same plane; -1 where there is none."""
    inputs: tuple[Source, ...]


def context_sizes(num_inputs: int, num_biases: int) -> list[int]:
    """Return how many weights each part of a context network has.

    In order: first weights, their biases, second weights, their biases, output weights, those straight from the
    inputs, output biases.
    """
    return [
        *(num_inputs * HIDDEN, num_biases * HIDDEN, HIDDEN * HIDDEN, HIDDEN),
        *(2 * HIDDEN, 2 * num_inputs, 2 * num_biases),
    ]


def num_biases_of(num_weights: int, num_inputs: int) -> int:
    """Return how many sets of biases a context network with ``num_weights`` weights has."""
    found, rest = divmod(num_weights - sum(context_sizes(num_inputs, 0)), HIDDEN + 2)
    if rest or found < 1:
        raise ValueError(f"no context network of {num_inputs} inputs has {num_weights} weights.")
    return found


def point_sizes(num_features: int, num_channels: int) -> list[int]:
    """Return how many weights each part of a point network has: hidden, biases, output, straight, output biases."""
    return [
        *(num_features * HIDDEN, HIDDEN),
        *(num_channels * HIDDEN, num_channels * num_features, num_channels),
    ]


def spline_weights(part: Any) -> list[Any]:
    """Return the weights of the four coefficients around a place, given how far it is past the second, 0 to 1.

    The cubic B-spline (Unser 1999, eq. 11), for any numbers with + - *.
    """
    rest = 1.0 - part
    square, cube = part * part, part * part * part
    return [
        rest * rest * rest * (1 / 6),
        cube * 0.5 - square + 2 / 3,
        (square + part - cube) * 0.5 + 1 / 6,
        cube * (1 / 6),
    ]


def spline_taps(
    places: np.ndarray, num_cells: int
) -> tuple[Int32[np.ndarray, "taps n"], Float32[np.ndarray, "taps n"]]:
    """Return which coefficients contribute to a spline at each place, counted in cells, and their weights."""
    cell = np.floor(places)
    index = np.clip(cell.astype(np.int32) + np.arange(-1, TAPS - 1, dtype=np.int32)[:, None], 0, num_cells - 1)
    return np.ascontiguousarray(index), np.stack(spline_weights(places - cell)).astype(np.float32)


def pixel_taps(
    num_pixels: int, num_cells: int, level: int
) -> tuple[Int32[np.ndarray, "taps n"], Float32[np.ndarray, "taps n"]]:
    """Return the same at pixel centers; a cell is ``2**level`` pixels wide."""
    return spline_taps((np.arange(num_pixels) + 0.5) / (1 << level) - 0.5, num_cells)
