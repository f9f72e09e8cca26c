"""What the compiled kernels compute, in torch: the definition, differentiable and in any precision.

Volume rendering as in NeRF (Mildenhall et al. 2020, arXiv:2003.08934, eq. 3), with colors and features summed along the
ray and turned into a color once, as in SNeRG (Hedman et al. 2021, arXiv:2103.14645, s. 4).
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt32
from torch import Tensor
from torch.nn import functional

from ._contraction import contracted_lines
from ._grid import EMPTY, HEAD_HIDDEN, HEAD_INPUTS, LEAST, ROW, PixelRays, VoxelGrid

Values: TypeAlias = Callable[[Float[Tensor, "n 3"]], tuple[Float[Tensor, " n"], Float[Tensor, "n c"]]]
"""The density per unit of length and the color at places, in cells from the corner of a box."""

_ALONG_A_SIDE = 1e-12  # a direction component is at least this


class Rendered(NamedTuple):
    """What is seen in each pixel."""

    color: Float[Tensor, "n 3"]
    """Before black."""
    opacity: Float[Tensor, " n"]
    depth: Float[Tensor, " n"]
    """Mean distance along the ray, times opacity."""


def render_rays(
    grid: VoxelGrid,
    raw: Float[Tensor, " rows"],
    features: Float[Tensor, "rows f"],
    head: Float[Tensor, " h"],
    rays: PixelRays,
    *,
    side: int = 1,
    key: int | None = None,
) -> Rendered:
    """Return what is seen through pixels, each the mean over ``side**2`` rays.

    With a ``key``, rays and samples are drawn at random within their parts; else they are in the middle of them.
    """
    parts = [_one_ray(grid, raw, features, head, rays, side, part, key) for part in range(side * side)]
    return Rendered(*(torch.stack(each).mean(dim=0) for each in zip(*parts, strict=True)))


def render_values(
    grid: VoxelGrid, values: Values, rays: PixelRays, *, dtype: torch.dtype, side: int = 1, key: int | None = None
) -> Rendered:
    """Return what is seen through pixels, as `render_rays` does, of any function of places in occupied cells."""
    parts = [_gathered(grid, _samples(grid, rays, side, part, key, dtype), values) for part in range(side * side)]
    return Rendered(*(torch.stack(each).mean(dim=0) for each in zip(*parts, strict=True)))


def pixel_error(
    seen: Rendered,
    target: Float[Tensor, "n 4"],
    *,
    background: tuple[float, float, float] | None,
) -> Float[Tensor, ""]:
    """Return the sum of squared errors: of colors and alpha, or, with a background, of colors before it."""
    if background is None:
        return (torch.cat([seen.color, seen.opacity[:, None]], dim=1) - target).square().sum()
    behind = (1 - seen.opacity[:, None]) * torch.tensor(background, dtype=target.dtype)
    return (seen.color + behind - target[:, :3]).square().sum()


def hits(grid: VoxelGrid, rays: PixelRays, *, side: int) -> Bool[np.ndarray, " n"]:
    """Return which pixels see an occupied cell along one of ``side**2`` rays."""
    parts = [_samples(grid, rays, side, part, None, torch.float32).is_sample.any(dim=1) for part in range(side * side)]
    return torch.stack(parts).any(dim=0).numpy()


def largest_weights(grid: VoxelGrid, raw: Float[Tensor, " rows"], rays: PixelRays) -> Float[np.ndarray, "x y z"]:
    """Return the largest weight that a sample in each cell has in its ray, of one ray through each pixel."""
    samples = _samples(grid, rays, 1, 0, None, raw.dtype)
    places = samples.places[samples.is_sample]
    density, _ = density_and_features(grid, raw, raw.new_zeros(grid.num_rows, ROW), places)
    weight = _weights(grid, samples, grid.scale * functional.softplus(density))[samples.is_sample]
    x, y, z = _cells(grid, places).unbind(dim=1)
    cells = (x * grid.cells[1] + y) * grid.cells[2] + z
    return raw.new_zeros(grid.occupied.size).scatter_reduce(0, cells, weight, "amax").view(grid.cells).numpy()


def density_and_features(
    grid: VoxelGrid,
    raw: Float[Tensor, " rows"],
    features: Float[Tensor, "rows f"],
    places: Float[Tensor, "n 3"],
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n f"]]:
    """Return raw density and features at places, in cells from the box's corner, of occupied cells.

    Density is a quadratic B-spline of the nodes' (27 of them, one continuous derivative), features are interpolated
    linearly between the eight corners of the cell.
    """
    lookup = torch.from_numpy(grid.row).long()
    cell = _cells(grid, places.detach())
    nearest = cell + (places.detach() - cell >= 0.5).long()
    t = places - nearest
    weights = torch.stack([0.5 * (0.5 - t).square(), 0.75 - t.square(), 0.5 * (0.5 + t).square()])  # (3, n, axes)
    density = places.new_zeros(len(places))
    for x, y, z in np.ndindex(3, 3, 3):
        found = lookup[nearest[:, 0] + x, nearest[:, 1] + y, nearest[:, 2] + z]
        value = torch.where(found < 0, EMPTY, raw[found.clamp(min=0)])
        density = density + weights[x, :, 0] * weights[y, :, 1] * weights[z, :, 2] * value
    within = places - cell
    ends = torch.stack([1 - within, within])
    gathered = places.new_zeros(len(places), ROW)
    for x, y, z in np.ndindex(2, 2, 2):
        found = lookup[cell[:, 0] + x + 1, cell[:, 1] + y + 1, cell[:, 2] + z + 1]
        weight = ends[x, :, 0] * ends[y, :, 1] * ends[z, :, 2]
        gathered = gathered + weight[:, None] * features[found]
    return density, gathered


def head_color(
    head: Float[Tensor, " h"],
    opacity: Float[Tensor, " n"],
    features: Float[Tensor, "n f"],
    heading: Float[Tensor, "n 3"],
) -> Float[Tensor, "n 3"]:
    """Return the color of rays: what they gathered, and what a sine layer makes of it and of their direction."""
    weight, bias, color, color_bias = head.split([HEAD_INPUTS * HEAD_HIDDEN, HEAD_HIDDEN, 3 * HEAD_HIDDEN, 3])
    given = torch.cat([opacity[:, None], features, opacity[:, None] * harmonics(heading)], dim=1)
    hidden = torch.sin(given @ weight.view(HEAD_INPUTS, HEAD_HIDDEN) + bias)
    turned = hidden @ color.view(3, HEAD_HIDDEN).T + color_bias
    return features[:, :3] + opacity[:, None] * (0.5 + turned)


def harmonics(heading: Float[Tensor, "n 3"]) -> Float[Tensor, "n 9"]:
    """Return real spherical harmonics up to degree 2 of unit vectors, each divided by that of degree 0."""
    x, y, z = heading.unbind(dim=1)
    root3, root15 = 3**0.5, 15**0.5
    return torch.stack(
        [
            torch.ones_like(x),
            *(root3 * y, root3 * z, root3 * x),
            *(root15 * x * y, root15 * y * z, root15 / 12**0.5 * (3 * z * z - 1)),
            *(root15 * x * z, root15 / 2 * (x * x - y * y)),
        ],
        dim=1,
    )


def _one_ray(
    grid: VoxelGrid,
    raw: Float[Tensor, " rows"],
    features: Float[Tensor, "rows f"],
    head: Float[Tensor, " h"],
    rays: PixelRays,
    side: int,
    part: int,
    key: int | None,
) -> Rendered:
    """Return what is seen along ray number ``part`` of each pixel."""

    def values(places: Float[Tensor, "n 3"]) -> tuple[Float[Tensor, " n"], Float[Tensor, "n f"]]:
        density, gathered = density_and_features(grid, raw, features, places)
        return grid.scale * functional.softplus(density), gathered

    samples = _samples(grid, rays, side, part, key, raw.dtype)
    summed, opacity, depth = _gathered(grid, samples, values)
    return Rendered(head_color(head, opacity, summed, samples.heading), opacity, depth)


def _gathered(grid: VoxelGrid, samples: "_Samples", values: "Values") -> Rendered:
    """Return the sums over the samples of rays of what they have, times its weight; its color may be any features."""
    is_sample = samples.is_sample
    density, features = values(samples.places[is_sample])
    weight = _weights(grid, samples, density)
    seen = weight[is_sample]
    contributions = torch.where(seen[:, None].detach() >= LEAST, seen[:, None] * features, 0.0)
    of_ray = is_sample.nonzero()[:, 0]
    summed = features.new_zeros(len(is_sample), features.shape[1]).index_add(0, of_ray, contributions)
    return Rendered(summed, weight.sum(dim=1), (weight * samples.distance).sum(dim=1))


def _weights(grid: VoxelGrid, samples: "_Samples", density: Float[Tensor, " m"]) -> Float[Tensor, "n samples"]:
    """Return the weights of samples in their rays, given the densities of those in occupied cells."""
    is_sample = samples.is_sample
    left = torch.exp(-grid.step * torch.zeros_like(samples.distance).masked_scatter(is_sample, density))
    passing = torch.cat([torch.ones_like(left[:, :1]), left.cumprod(dim=1)[:, :-1]], dim=1)
    return torch.where(is_sample & (passing.detach() >= LEAST), passing * (1 - left), 0.0)


class _Samples(NamedTuple):
    heading: Float[Tensor, "n 3"]
    distance: Float[Tensor, "n samples"]
    places: Float[Tensor, "n samples 3"]
    is_sample: Bool[Tensor, "n samples"]


def _samples(grid: VoxelGrid, rays: PixelRays, side: int, part: int, key: int | None, dtype: torch.dtype) -> _Samples:
    """Return where the samples of ray number ``part`` of each pixel lie, and which of them are in occupied cells."""
    offset, right, down = (
        torch.from_numpy(each).to(dtype)[:, None] for each in _offsets(len(rays.origin), side, part, key)
    )
    origin, direction, across, along = (torch.as_tensor(each).to(dtype) for each in rays)
    heading = functional.normalize(direction + right * across + down * along, dim=1)
    per_unit, low, cells = (
        torch.tensor(np.asarray(each), dtype=dtype) for each in (grid.per_unit, grid.low, grid.cells)
    )
    begins, step = (origin - low) * per_unit, heading * per_unit
    numbers = torch.arange(grid.most_samples, dtype=dtype) + offset
    if grid.is_contracted:
        distance, places, is_inside = contracted_lines(grid, begins, step, numbers * grid.step)
        return _Samples(heading, distance, places, is_inside & _is_occupied(grid, places))
    step = torch.where(step.abs() < _ALONG_A_SIDE, _ALONG_A_SIDE, step)
    near, far = -begins / step, (cells - begins) / step
    first = torch.minimum(near, far).amax(dim=1).clamp(min=0)
    last = torch.maximum(near, far).amin(dim=1)
    distance = first[:, None] + numbers * grid.step
    places = begins[:, None] + distance[..., None] * step[:, None]
    return _Samples(heading, distance, places, (distance < last[:, None]) & _is_occupied(grid, places))


def _cells(grid: VoxelGrid, places: Float[Tensor, "*n 3"]) -> Tensor:
    """Return the cell of each place; rounding may leave the box by a hair."""
    return torch.minimum(places.long().clamp(min=0), torch.tensor(grid.cells) - 1)


def _is_occupied(grid: VoxelGrid, places: Float[Tensor, "*n 3"]) -> Bool[Tensor, "*n"]:
    x, y, z = _cells(grid, places.detach()).unbind(dim=-1)
    return torch.from_numpy(grid.occupied)[x, y, z]


def _offsets(
    count: int, side: int, part: int, key: int | None
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Return where samples begin, in steps, and where rays are in their pixels, in pixels from the middle."""
    offset = right = down = np.full(count, 0.5)
    if key is not None:
        numbers = np.arange(count, dtype=np.uint64) * (side * side) + part
        random = _scrambled(_scrambled(numbers.astype(np.uint32)) ^ np.uint32(key))
        offset = _uniform(random)
        right = _uniform(_scrambled(random ^ np.uint32(0x9E3779B9)))
        down = _uniform(_scrambled(random ^ np.uint32(0x85EBCA6B)))
    return offset, (part % side + right) / side - 0.5, (part // side + down) / side - 0.5


def _scrambled(x: UInt32[np.ndarray, " n"]) -> UInt32[np.ndarray, " n"]:
    """Return a hash of 32 bits: two rounds of shifts and multiplications (Wellons' lowbias32)."""
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)


def _uniform(bits: UInt32[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return (bits >> np.uint32(8)) * 2.0**-24
