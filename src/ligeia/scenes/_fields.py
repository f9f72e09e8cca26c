"""Fields of scenes: fresh ones, and the normals of what is seen of them."""

from typing import Final

import numpy as np
import torch
from jaxtyping import Float32

from ligeia.core import random_stream
from ligeia.field import Field, View
from ligeia.kernels import GAINS, VoxelGrid
from ligeia.networks import Architecture, Inputs, NetworkConfig, Radiance, Voxels
from ligeia.signals import Axis, Camera, Channel, Grid, Missing, Source

_SOLID: Final = 0.5  # opacity of a pixel that has a normal
_SCENE: Final = 0.5  # coordinates of contracted space where it is not contracted
_PIECE: Final = 1 << 14  # points at a time
_COLORS: Final = ("density", "red", "green", "blue")
_NAMES: Final = (*_COLORS, *(f"feature{number}" for number in range(1, 6)))


def field_of(
    grid: VoxelGrid, *, source: Source | None = None, seed: int = 0, raw_density: float | None = None
) -> Field:
    """Return a fresh radiance field of these cells: a thin fog, or of this density before softplus, gray everywhere.

    The field of a grid that is contracted has the coordinates of contracted space: those of space in its middle half.
    """
    architecture = Voxels.of(grid.occupied, scale=grid.scale, spacing=grid.spacing, is_contracted=grid.is_contracted)
    config = NetworkConfig(architecture, 3, len(_NAMES))
    network = config.build(generator=random_stream(seed, "initial weights"))
    if raw_density is not None:
        network.tensors()[0].detach().fill_(raw_density / GAINS[0])
    channels = [Channel(name=name, low=-1.0, high=1.0) for name in _NAMES]
    return Field(network, _grid_of(grid), channels, source)


def radiance_field_of(
    grid: VoxelGrid, network: Architecture, *, omega: float, source: Source | None = None, seed: int = 0
) -> Field:
    """Return a fresh radiance field of a network: its density and its color at each place, from wherever it is seen.

    The cells of the grid that are not occupied are missing in the field's own. A first layer of sines turns by
    ``omega`` radians per unit coordinate.
    """
    inputs = Inputs(grid.cells, (omega,) * 3).scaled(network.frequency_scale)
    config = NetworkConfig(Radiance(inner=network, scale=grid.scale).suited_to(inputs), 3, len(_COLORS))
    built = config.build(frequencies=inputs.frequencies, generator=random_stream(seed, "initial weights"))
    channels = [Channel(name=name, low=-1.0, high=1.0) for name in _COLORS]
    return Field(built, _grid_of(grid), channels, source, Missing.of(~grid.occupied))


def normals_of(field: Field, view: View, camera: Camera) -> Float32[np.ndarray, "rows columns 3"]:
    """Return unit normals where what a camera sees is on average; NaN where less than half of a pixel is opaque.

    A normal is the direction in which the density falls most steeply, in coordinates of the scene. Of a scene without
    bounds, what lies outside of the box that the cameras look at has none either.
    """
    eye, ahead = camera.pixel_rays()
    is_there = view.opacity.reshape(-1) >= _SOLID
    places = eye + view.depth.reshape(-1, 1)[is_there].astype(np.float64) * ahead[is_there]
    coordinates = field.grid.from_physical(places)
    points = torch.from_numpy(coordinates.astype(np.float32).clip(-1, 1))
    scale = torch.from_numpy(field.grid.physical_scale()).float()
    with torch.no_grad():
        slopes = [
            torch.stack([each[:, 0] for each in field.derivatives(piece, "0", "1", "2")], dim=1)
            for piece in points.split(_PIECE)
        ]
    falling = -torch.cat(slopes) / scale if slopes else torch.zeros(0, 3)
    normals = np.full((len(is_there), 3), np.nan, np.float32)
    normals[is_there] = torch.nn.functional.normalize(falling, dim=1).numpy()
    architecture = field.network.architecture
    if isinstance(architecture, Voxels) and architecture.is_contracted:  # the scene is the middle half
        normals[np.flatnonzero(is_there)[np.abs(coordinates).max(axis=1) > _SCENE]] = np.nan
    return normals.reshape(*camera.shape, 3)


def _grid_of(grid: VoxelGrid) -> Grid:
    sides = zip("xyz", grid.cells, grid.low, grid.high, strict=True)
    return Grid(tuple(Axis(name=name, size=n, extent=(float(low), float(high))) for name, n, low, high in sides))
