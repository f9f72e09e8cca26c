"""Where physical places are among the coordinates of a field."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from ligeia.core import InputError
from ligeia.signals import Grid


def check_axes(grid: Grid, names: Sequence[str]) -> None:
    """Refuse names that no axis of a grid has."""
    if unknown := sorted({*names} - {axis.name for axis in grid.axes}):
        known = ", ".join(axis.name for axis in grid.axes)
        raise InputError(f"axes of this field are {known}; got {', '.join(unknown)}.")


def points_at(
    grid: Grid, places: Mapping[str, float | str | Sequence[float]]
) -> tuple[Float32[np.ndarray, "n d"], tuple[int, ...]]:
    """Return the coordinates of all combinations of physical places, row-major, and the shape that they fill.

    An axis with one place is left out of the shape; one that is not named keeps its original samples.
    """
    coordinates: list[np.ndarray] = []
    for number, axis in enumerate(grid.axes):
        if axis.name not in places:
            coordinates.append(grid.coordinates(number))
            continue
        values = np.asarray(axis.numbers(places[axis.name]), np.float64)
        positions = axis.positions_of(values.reshape(-1), grid.align)
        coordinates.append(axis.coordinates_at(positions, grid.align).reshape(values.shape))
    shape = tuple(size for each in coordinates for size in each.shape)
    points = np.stack(np.meshgrid(*[each.reshape(-1) for each in coordinates], indexing="ij"), axis=-1)
    return points.reshape(-1, grid.num_axes).astype(np.float32), shape


def coordinates_of(grid: Grid, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
    """Return coordinates in [-1, 1] of points in physical units."""
    scale = torch.as_tensor(grid.physical_scale(), dtype=points.dtype, device=points.device)
    low = torch.as_tensor([axis.extent[0] for axis in grid.axes], dtype=points.dtype, device=points.device)
    return (points - low) / scale - 1
