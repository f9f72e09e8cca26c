"""What is known of the grids of a picture file before a bit is read: their order, contexts and steps.

NumPy only; spec/pictures.md is normative.
"""

import math
from typing import Final, NamedTuple

from ligeia.networks import LatentGrid, NetworkConfig

from ._bytes import RecordError

SAME, OTHER, PARENT, NOTHING = 0, 1, 2, 3
"""Where an input of a context comes from; as in `ligeia.kernels.Source`."""
LUMA, CHROMA = 0, 1
"""The context networks."""
MOST_LEVELS: Final = 7
HIDDEN: Final = 16
SEPARATE: Final = 3
DELAY: Final = 3
"""Columns by which a row of a grid is behind the row above it, where all that it depends on is known."""

_NEIGHBORS: Final = ((0, -1), (-1, 0), (-1, -1), (-1, 1), (0, -2), (-2, 0), (-1, -2), (-1, 2), (-2, -1), (-2, 1))
_LARGEST_STEP: Final = 8.0
_EIGHTHS: Final = (256, 235, 215, 197, 181, 166, 152, 140)  # 256 / 2**(i / 8)
MOST_STEP_CODE: Final = 255


class Input(NamedTuple):
    """One input of a context: where it comes from, and row and column from there."""

    source: int
    row: int = 0
    column: int = 0
    grid: int = -1


class GridLayout(NamedTuple):
    """One grid: a plane at a level."""

    level: int
    plane: int
    shape: tuple[int, int]
    feature: int
    network: int
    bias: int
    parent: int
    inputs: tuple[Input, ...]


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
    """Return how many biases a context network chooses from."""
    return MOST_LEVELS * (1 + (network == CHROMA))


def is_picture(config: NetworkConfig) -> bool:
    """Tell whether a network is one whose grids a file can code."""
    network = config.architecture
    return (
        isinstance(network, LatentGrid)
        and config.in_features == 2
        and len(network.sizes) == 2
        and network.num_levels <= MOST_LEVELS
        and network.hidden_features == HIDDEN
        and network.separate == min(SEPARATE, network.num_levels - 1)
        and (config.out_features, network.first_levels, network.is_color) in _KINDS(network.num_levels)
    )


def _KINDS(num_levels: int) -> dict[tuple[int, tuple[int, ...], bool], None]:
    coarse = min(1, num_levels - 1)
    color = (0, coarse, coarse)
    return dict.fromkeys([(1, (0,), False), (2, (0, 0), False), (3, color, True), (4, (*color, 0), True)])


def layout(config: NetworkConfig) -> list[GridLayout]:
    """Return the grids of a picture in the order of coding, which is that of the network's tensors."""
    network = config.architecture
    if not is_picture(config):
        raise RecordError("coded grids were wanted for a picture's network, of the sizes in the specification.")
    assert isinstance(network, LatentGrid)
    grids = network.grids(2)
    number_of = {(grid.level, grid.plane): number for number, grid in enumerate(grids)}
    found = []
    for level, plane, shape in grids:
        is_chroma = network.is_color and plane in (1, 2)
        inputs = [Input(SAME, *offset) for offset in _NEIGHBORS]
        inputs += [Input(PARENT, row, column) for row in (0, 1) for column in (0, 1)]
        if is_chroma:
            inputs.append(Input(OTHER, grid=number_of[level, 0]))
            inputs.append(Input(OTHER, grid=number_of[level, 1]) if plane == 2 else Input(NOTHING))
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
    """Return the network of a picture of so many pixels and channels: gray or RGB, with or without alpha."""
    levels = min(MOST_LEVELS, max(1, max(shape).bit_length() - 2))
    coarse = min(1, levels - 1)
    planes = {1: (0,), 2: (0, 0), 3: (0, coarse, coarse), 4: (0, coarse, coarse, 0)}
    grid = LatentGrid(
        hidden_features=HIDDEN,
        sizes=shape,
        first_levels=planes[num_channels],
        num_levels=levels,
        separate=min(SEPARATE, levels - 1),
        is_color=num_channels >= 3,
    )
    return NetworkConfig(grid, 2, num_channels)
