"""What cameras see of a radiance field: rays through pixels, and what is gathered along them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from ligeia.core import InputError, map_on_threads
from ligeia.kernels import GAINS, Picture, PixelRays, Rendered, VoxelFit, VoxelGrid, hits, render_rays, render_values
from ligeia.networks import Network, Radiance, Voxels
from ligeia.signals import Camera, Grid, Missing, SceneSource, Source

Background = tuple[float, float, float]

_VALUES: Final = 4  # density, red, green, blue
_PIECE: Final = 1 << 10  # pixels, of which all samples are held at a time
_WHITE: Final = (1.0, 1.0, 1.0)


@final
@dataclass(frozen=True, eq=False)
class View:
    """What a camera sees; colors are from 0 to 1."""

    color: Float32[np.ndarray, "rows columns 3"]
    """On the background, not clipped."""
    opacity: Float32[np.ndarray, "rows columns"]
    depth: Float32[np.ndarray, "rows columns"]
    """Mean distance from the camera to what is seen, in units of the scene; NaN where nothing is."""


@runtime_checkable
class Scene(Protocol):
    """What a field has that its views depend on."""

    @property
    def network(self) -> Network:
        """Gives density and colors, or what colors are made of, at coordinates."""
        ...

    @property
    def grid(self) -> Grid:
        """The box and its cells."""
        ...

    @property
    def missing(self) -> Missing | None:
        """Cells without anything in them."""
        ...

    @property
    def source(self) -> Source | None:
        """What it was fitted to."""
        ...


@runtime_checkable
class Seen(Protocol):
    """A radiance field as the pixels of cameras see it."""

    grid: VoxelGrid

    def picture(self, rays: PixelRays, *, side: int = 1) -> Picture:
        """Return what is seen through pixels, each the mean over ``side**2`` rays at equal distances."""
        ...

    def hits(self, rays: PixelRays, *, side: int = 2) -> Bool[np.ndarray, " n"]:
        """Return which pixels see an occupied cell along one of ``side**2`` rays."""
        ...


@final
class PlainRadiance:
    """A field of density and color, of any network, as pixels see it: in torch, and differentiable.

    Samples are as far apart as those of the field's grid, and none lies in a cell that is missing there.
    """

    def __init__(self, field: Scene) -> None:
        self._network = field.network
        self.grid = _cells_of(field.grid, field.missing)

    def rendered(self, rays: PixelRays, *, side: int = 1, key: int | None = None) -> Rendered:
        """Return what `rendered` says."""
        dtype = next(self._network.parameters()).dtype
        cells = torch.tensor(self.grid.cells, dtype=dtype)

        def values(places: Float[Tensor, "n 3"]) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
            found = self._network((2 * places / cells - 1).clamp(-1, 1))
            return found[:, 0], found[:, 1:]

        return render_values(self.grid, values, rays, dtype=dtype, side=side, key=key)

    def picture(self, rays: PixelRays, *, side: int = 1) -> Picture:
        """Return what is seen through pixels, each the mean over ``side**2`` rays at equal distances."""

        @torch.no_grad()  # here, because it does not reach into threads
        def part(piece: PixelRays) -> Rendered:
            return self.rendered(piece, side=side)

        found = list(map_on_threads(part, _pieces(rays)))
        return Picture(*(torch.cat(each).float().numpy() for each in zip(*found, strict=True)))

    def hits(self, rays: PixelRays, *, side: int = 2) -> Bool[np.ndarray, " n"]:
        """Return which pixels see an occupied cell along one of ``side**2`` rays."""
        return np.concatenate([hits(self.grid, each, side=side) for each in _pieces(rays)])


def rendered(field: Scene, rays: PixelRays, *, side: int = 1, key: int | None = None) -> Rendered:
    """Return what is seen of a radiance field by the plain definition, differentiable by its weights and by the rays.

    Each pixel is the mean over ``side**2`` rays. With a ``key``, rays and samples are drawn at random within their
    parts; else they are in the middle of them.
    """
    architecture = field.network.architecture
    if not isinstance(architecture, Voxels):
        return PlainRadiance(field).rendered(rays, side=side, key=key)
    density, features, head = field.network.tensors()
    grid = _voxel_grid(field, architecture)
    return render_rays(grid, density * GAINS[0], features, head * GAINS[2], rays, side=side, key=key)


def seen_of(field: Scene) -> Seen:
    """Return a radiance field as pixels see it; `InputError` for another field."""
    if not isinstance(field.network.architecture, Radiance):
        return voxels_of(field)
    config = field.network.config
    if field.grid.num_axes != 3 or (config.in_features, config.out_features) != (3, _VALUES):
        raise InputError(
            f"expected a density and a color in space, which are {_VALUES} values of 3 coordinates, got "
            f"{config.out_features} of {config.in_features}."
        )
    return PlainRadiance(field)


def voxels_of(field: Scene) -> VoxelFit:
    """Return the voxels of a radiance field, which share its weights; `InputError` for another field."""
    architecture = field.network.architecture
    if isinstance(architecture, Radiance):
        raise InputError(
            f"expected a scene of voxels, got one of a network {architecture.inner.name}; fit it without --network."
        )
    if not isinstance(architecture, Voxels):
        raise InputError(
            "expected a scene, fitted to photographs with known cameras, got a field of a network "
            f"{architecture.name}; `ligeia fit FOLDER -o scene.lig` makes one."
        )
    density, features, head = (each.detach().cpu().numpy() for each in field.network.tensors())
    return VoxelFit(_voxel_grid(field, architecture), density, features, head)


def render_view(field: Scene, camera: Camera, background: Background | None, side: int) -> View:
    """Return what `Field.render` says."""
    behind = background_of(field) if background is None else background
    color, opacity, depth = seen_of(field).picture(camera_rays([camera]), side=side)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(opacity > 0, depth / opacity, np.float32(np.nan))
    shape = camera.shape
    color = composited(color, opacity, behind)
    return View(color.reshape(*shape, 3), opacity.reshape(shape), distance.reshape(shape))


def background_of(field: Scene) -> Background:
    """Return what is behind a scene, as its file says; white where it does not."""
    source = field.source
    known = source.background if isinstance(source, SceneSource) else None
    return _WHITE if known is None else known


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


def _voxel_grid(field: Scene, voxels: Voxels) -> VoxelGrid:
    low, high = zip(*(axis.extent for axis in field.grid.axes), strict=True)
    return voxels.grid(low, high)


@lru_cache(maxsize=8)
def _cells_of(grid: Grid, missing: Missing | None) -> VoxelGrid:
    """Return the cells around the samples of a grid, those occupied that are not missing."""
    low, high = zip(*(axis.extent for axis in grid.axes), strict=True)
    occupied = np.ones(grid.shape, bool) if missing is None else ~missing.mask().reshape(grid.shape)
    return VoxelGrid(np.array(low), np.array(high), occupied, scale=1.0)


def _pieces(rays: PixelRays) -> list[PixelRays]:
    starts = range(0, len(rays.origin), _PIECE)
    return [PixelRays(*(each[start : start + _PIECE] for each in rays)) for start in starts]
