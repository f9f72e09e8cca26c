"""Views of a radiance field."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
import torch
from jaxtyping import Float, Float32

from ligeia.core import InputError, random_stream
from ligeia.field import Field
from ligeia.kernels import GAINS, PixelRays, VoxelFit, VoxelGrid
from ligeia.networks import NetworkConfig, Voxels
from ligeia.signals import Axis, Camera, Channel, Grid, Source

Background = tuple[float, float, float]

_SOLID: Final = 0.5  # opacity of a pixel that has a normal
_SCENE: Final = 0.5  # coordinates of contracted space where it is not contracted
_PIECE: Final = 1 << 14  # points at a time
_NAMES: Final = ("density", "red", "green", "blue", *(f"feature{number}" for number in range(1, 6)))


@final
@dataclass(frozen=True, eq=False)
class View:
    """What a camera sees; colors are from 0 to 1."""

    color: Float32[np.ndarray, "rows columns 3"]
    """On the background, not clipped."""
    opacity: Float32[np.ndarray, "rows columns"]
    depth: Float32[np.ndarray, "rows columns"]
    """Mean distance from the camera to what is seen, in units of the scene; NaN where nothing is."""


def render(field: Field, camera: Camera, *, background: Background = (1.0, 1.0, 1.0), side: int = 2) -> View:
    """Return what a camera sees of a radiance field, each pixel the mean over ``side**2`` rays.

    A pixel is a mean over its area, and was fitted as one: with one ray it is noisier.
    """
    color, opacity, depth = voxels_of(field).picture(camera_rays([camera]), side=side)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(opacity > 0, depth / opacity, np.float32(np.nan))
    shape = camera.shape
    color = composited(color, opacity, background)
    return View(color.reshape(*shape, 3), opacity.reshape(shape), distance.reshape(shape))


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


def composited(
    color: Float32[np.ndarray, "*n 3"], opacity: Float32[np.ndarray, "*n"], background: Background
) -> Float32[np.ndarray, "*n 3"]:
    """Return colors that were multiplied by their opacity on a background."""
    return color + (1 - opacity[..., None]) * np.array(background, np.float32)


def camera_rays(cameras: Sequence[Camera]) -> PixelRays:
    """Return the rays through all pixels of cameras, one camera after the other, row by row from the top."""
    parts: list[list[np.ndarray]] = [[], [], [], []]
    lenses: dict[tuple[float, ...], list[np.ndarray]] = {}  # cameras of one lens have the same rays but for their turn
    for camera in cameras:
        lens = (*camera.shape, *camera.focal_lengths, *camera.principal_point, *camera.distortion)
        if lens not in lenses:
            lenses[lens] = _rays_of_lens(replace(camera, pose=np.eye(3, 4)))
        turned = [each @ camera.axes() for each in lenses[lens]]
        for part, values in zip(parts, (np.broadcast_to(camera.eye, turned[0].shape), *turned), strict=True):
            part.append(values.astype(np.float32))
    return PixelRays(*(np.ascontiguousarray(np.concatenate(each)) for each in parts))


def _rays_of_lens(camera: Camera) -> list[Float[np.ndarray, "n 3"]]:
    """Return directions through the middles of all pixels, and what a pixel to the right and one below adds to them."""
    rows, columns = camera.shape
    y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
    middle = np.column_stack([y.ravel(), x.ravel()])
    # differences over a pixel: a lens bends hardly within one
    right, down = (
        camera.rays(middle + step)[1] - camera.rays(middle - step)[1]
        for step in (np.array([0.0, 0.5]), np.array([0.5, 0.0]))
    )
    return [camera.rays(middle)[1], right, down]


def field_of(
    grid: VoxelGrid, *, source: Source | None = None, seed: int = 0, raw_density: float | None = None
) -> Field:
    """Return a fresh radiance field of these cells: a thin fog, or of this density before softplus, gray everywhere.

    The field of a grid that is contracted has the coordinates of contracted space: those of space in its middle half.
    """
    architecture = Voxels.of(grid.occupied, scale=grid.scale, spacing=grid.spacing, is_contracted=grid.is_contracted)
    axes = tuple(
        Axis(name=name, size=count, extent=(float(low), float(high)))
        for name, count, low, high in zip("xyz", grid.cells, grid.low, grid.high, strict=True)
    )
    config = NetworkConfig(architecture, 3, len(_NAMES))
    network = config.build(generator=random_stream(seed, "initial weights"))
    if raw_density is not None:
        network.tensors()[0].detach().fill_(raw_density / GAINS[0])
    channels = [Channel(name=name, low=-1.0, high=1.0) for name in _NAMES]
    return Field(network, Grid(axes), channels, source)


def voxels_of(field: Field) -> VoxelFit:
    """Return the voxels of a radiance field, which share its weights; `InputError` for another field."""
    architecture = field.network.architecture
    if not isinstance(architecture, Voxels):
        raise InputError(f"expected a field of voxels for views of a scene, got a network {architecture.name}.")
    low, high = zip(*(axis.extent for axis in field.grid.axes), strict=True)
    density, features, head = (each.detach().cpu().numpy() for each in field.network.tensors())
    return VoxelFit(architecture.grid(low, high), density, features, head)
