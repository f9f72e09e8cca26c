"""The layout of the grids of a picture file, known before any bit is read: order, contexts and steps.

NumPy only; spec/pictures.md is normative.
"""

import math
from typing import Final, NamedTuple

from ligeia.kernels import HIDDEN, NOTHING, OTHER, PARENT, SAME, Source
from ligeia.networks import LatentGrid, NetworkConfig

from ..records._bytes import RecordError

LUMA, CHROMA = 0, 1
"""The context networks."""
MOST_LEVELS: Final = 7
SEPARATE: Final = 3
DELAY: Final = 3
"""Columns by which a row of a grid is behind the row above it, where all that it depends on is known."""

_NEIGHBORS: Final = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1))
_LARGEST_STEP: Final = 8.0
_EIGHTHS: Final = (256, 235, 215, 197, 181, 166, 152, 140)  # 256 / 2**(i / 8)
MOST_STEP_CODE: Final = 255


class GridLayout(NamedTuple):
    """One grid: a plane at a level."""

    level: int
    plane: int
    shape: tuple[int, int]
    feature: int
    network: int
    bias: int
    parent: int
    inputs: tuple[Source, ...]


class Steps(NamedTuple):
    """Steps of the grids in eighths of an octave: of luma at level 0, and how much finer a level and chroma are."""

    first: int
    per_level: int
    chroma: int

    @staticmethod
    def near(step: float, per_level: int, chroma: int) -> "Steps":
        """Return the steps of which the first is nearest to a number."""
        most = MOST_STEP_CODE - MOST_LEVELS * per_level - chroma
        return Steps(min(max(0, round(8 * math.log2(_LARGEST_STEP / step))), most), per_level, chroma)

    def code(self, grid: GridLayout) -> int:
        """Return the code of a grid's step, which may be too large for a file."""
        return self.first + grid.level * self.per_level + self.chroma * (grid.network == CHROMA)

    def of(self, grid: GridLayout) -> float:
        """Return the step of a grid, in network units: 8 / 2**(code / 8), nearly."""
        octave, eighth = divmod(self.code(grid), 8)
        return math.ldexp(_EIGHTHS[eighth], -5 - octave)


def num_inputs(network: int) -> int:
    """Return how many inputs a context network has."""
    return len(_NEIGHBORS) + 4 + 2 * (network == CHROMA)


def num_biases(network: int) -> int:
    """Return how many sets of biases a context network has."""
    return MOST_LEVELS * (1 + (network == CHROMA))


def is_picture(config: NetworkConfig) -> bool:
    """Return whether a file can code the grids of a network."""
    network = config.architecture
    if not isinstance(network, LatentGrid) or len(network.sizes) != 2 or network.num_levels > MOST_LEVELS:
        return False
    rows, columns = network.sizes
    return config.out_features in _PLANES and config == _network(
        (rows, columns), config.out_features, network.num_levels
    )


def layout(config: NetworkConfig) -> list[GridLayout]:
    """Return the grids of a picture in the order of coding, which is that of the network's tensors."""
    network = config.architecture
    if not is_picture(config):
        raise RecordError("expected coded grids for a picture's network, of the sizes in the specification.")
    assert isinstance(network, LatentGrid)
    grids = network.grids(2)
    number_of = {(grid.level, grid.plane): number for number, grid in enumerate(grids)}
    found = []
    for level, plane, shape in grids:
        is_chroma = network.is_color and plane in (1, 2)
        inputs = [Source(SAME, *offset) for offset in _NEIGHBORS]
        inputs += [Source(PARENT, row, column) for row in (0, 1) for column in (0, 1)]
        if is_chroma:
            inputs.append(Source(OTHER, grid=number_of[level, 0]))
            inputs.append(Source(OTHER, grid=number_of[level, 1]) if plane == 2 else Source(NOTHING))
        rows, columns = shape
        found.append(
            GridLayout(
                level=level,
                plane=plane,
                shape=(rows, columns),
                feature=network.feature_of(level, plane),
                network=CHROMA if is_chroma else LUMA,
                bias=2 * level + plane - 1 if is_chroma else level,
                parent=number_of.get((level + 1, plane), -1),
                inputs=tuple(inputs),
            )
        )
    return found


def picture_network(shape: tuple[int, int], num_channels: int) -> NetworkConfig:
    """Return the network for a picture of this shape: gray or RGB, with or without alpha."""
    return _network(shape, num_channels, min(MOST_LEVELS, max(1, max(shape).bit_length() - 2)))


_PLANES: Final = {1: (0,), 2: (0, 0), 3: (0, 1, 1), 4: (0, 1, 1, 0)}  # first levels, where there are as many


def _network(shape: tuple[int, int], num_channels: int, num_levels: int) -> NetworkConfig:
    grid = LatentGrid(
        hidden_features=HIDDEN,
        sizes=shape,
        first_levels=tuple(min(each, num_levels - 1) for each in _PLANES[num_channels]),
        num_levels=num_levels,
        separate=min(SEPARATE, num_levels - 1),
        is_color=num_channels >= 3,
    )
    return NetworkConfig(grid, 2, num_channels)
