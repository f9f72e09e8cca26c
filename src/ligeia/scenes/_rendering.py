"""Views of a radiance field."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float32

from ligeia.core import InputError, random_stream
from ligeia.field import Field
from ligeia.kernels import PixelRays, VoxelFit, VoxelGrid
from ligeia.networks import NetworkConfig, Voxels
from ligeia.signals import Axis, Camera, Channel, Grid

Background = tuple[float, float, float]

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


def composited(
    color: Float32[np.ndarray, "*n 3"], opacity: Float32[np.ndarray, "*n"], background: Background
) -> Float32[np.ndarray, "*n 3"]:
    """Return colors that were multiplied by their opacity on a background."""
    return color + (1 - opacity[..., None]) * np.array(background, np.float32)


def camera_rays(cameras: Sequence[Camera]) -> PixelRays:
    """Return the rays through all pixels of cameras, one camera after the other, row by row from the top."""
    parts: list[list[np.ndarray]] = [[], [], [], []]
    for camera in cameras:
        rows, columns = camera.shape
        y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
        middle = np.column_stack([y.ravel(), x.ravel()])
        origin, direction = camera.rays(middle)
        # differences over a pixel: a lens bends hardly within one
        right, down = (
            camera.rays(middle + step)[1] - camera.rays(middle - step)[1]
            for step in (np.array([0.0, 0.5]), np.array([0.5, 0.0]))
        )
        for part, values in zip(parts, (np.broadcast_to(origin, direction.shape), direction, right, down), strict=True):
            part.append(values.astype(np.float32))
    return PixelRays(*(np.ascontiguousarray(np.concatenate(each)) for each in parts))


def field_of(grid: VoxelGrid, *, seed: int = 0) -> Field:
    """Return a fresh radiance field of these cells: a thin fog, gray from everywhere."""
    architecture = Voxels.of(grid.occupied, scale=grid.scale, spacing=grid.spacing)
    axes = tuple(
        Axis(name=name, size=count, extent=(float(low), float(high)))
        for name, count, low, high in zip("xyz", grid.cells, grid.low, grid.high, strict=True)
    )
    config = NetworkConfig(architecture, 3, len(_NAMES))
    network = config.build(generator=random_stream(seed, "initial weights"))
    channels = [Channel(name=name, low=-1.0, high=1.0) for name in _NAMES]
    return Field(network, Grid(axes), channels)


def voxels_of(field: Field) -> VoxelFit:
    """Return the voxels of a radiance field, which share its weights; `InputError` for another field."""
    architecture = field.network.architecture
    if not isinstance(architecture, Voxels):
        raise InputError(f"expected a field of voxels for views of a scene, got a network {architecture.name}.")
    low, high = zip(*(axis.extent for axis in field.grid.axes), strict=True)
    density, features, head = (each.detach().cpu().numpy() for each in field.network.tensors())
    return VoxelFit(architecture.grid(low, high), density, features, head)
