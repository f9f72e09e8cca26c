"""Fits sparse voxels to pixels: rays forward and backward, and Adam, in compiled code or in torch (`_reference`)."""

import ctypes
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Bool, Float32
from torch import Tensor

from ligeia.core import num_threads

from .. import _native
from .._choice import TORCH, current_path
from ._grid import EMPTY, GAINS, HEAD, MOST_SIDE, ROW, PixelRays, VoxelGrid
from ._reference import hits, largest_weights, pixel_error, render_rays

_PIECE: Final = 1 << 12  # pixels


class _Grid(ctypes.Structure):
    _fields_ = [
        ("cells", ctypes.c_int32 * 3),
        ("low", ctypes.c_float * 3),
        ("per_unit", ctypes.c_float * 3),
        ("is_contracted", ctypes.c_int32),
        ("step", ctypes.c_float),
        ("scale", ctypes.c_float),
        *[(name, ctypes.c_void_p) for name in ("distance", "row", "raw", "features", "head")],
    ]


class _Pixels(ctypes.Structure):
    _fields_ = [
        ("count", ctypes.c_int64),
        *[(name, ctypes.c_int32) for name in ("side", "is_jittered")],
        *[(name, ctypes.c_uint32) for name in ("key", "first")],
        *[(name, ctypes.c_void_p) for name in ("origin", "direction", "right", "down")],
    ]


class _Image(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("color", "opacity", "depth")]


class _Target(ctypes.Structure):
    _fields_ = [
        ("color", ctypes.c_void_p),
        ("has_alpha", ctypes.c_int32),
        ("background", ctypes.c_float * 3),
        ("factor", ctypes.c_float),
    ]


class _Gradient(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("raw", "features", "head", "touched")]


class _Adam(ctypes.Structure):
    _fields_ = [(name, ctypes.c_float) for name in ("rate", "beta1", "beta2", "eps", "correction1", "correction2")]


class _Weights(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_void_p) for name in ("value", "first", "second", "evaluated")],
        ("gain", ctypes.c_float),
    ]


class Picture(NamedTuple):
    """What is seen in each pixel, in float32."""

    color: Float32[np.ndarray, "n 3"]
    """Before black."""
    opacity: Float32[np.ndarray, " n"]
    depth: Float32[np.ndarray, " n"]
    """Mean distance along the ray, times opacity."""


@final
class VoxelFit:
    """Voxels that are fitted: density and features of rows, and the head that colors a ray.

    The parameters are float32 arrays that `step` changes in place. Rays see density ten times, and the head a tenth,
    as large as their parameters, so that one learning rate serves all.
    """

    def __init__(
        self,
        grid: VoxelGrid,
        density: Float32[np.ndarray, " rows"],
        features: Float32[np.ndarray, "rows f"],
        head: Float32[np.ndarray, " h"],
    ) -> None:
        if density.shape != (grid.num_rows,) or features.shape != (grid.num_rows, ROW) or head.shape != (HEAD,):
            raise ValueError(
                f"expected density, features and head of ({grid.num_rows},), ({grid.num_rows}, {ROW}) and ({HEAD},), "
                f"got {density.shape}, {features.shape} and {head.shape}."
            )
        self.grid = grid
        self.parameters = tuple(np.ascontiguousarray(each, np.float32) for each in (density, features, head))
        self.first = tuple(np.zeros_like(each) for each in self.parameters)
        self.second = tuple(np.zeros_like(each) for each in self.parameters)
        self.num_steps = 0
        self.raw = np.full(grid.node_shape, EMPTY, np.float32)
        """Density before softplus of each node, as rays see it."""
        self._head = np.empty(HEAD, np.float32)
        self._shares: list[tuple[np.ndarray, ...]] = []
        self.changed()

    def changed(self) -> None:
        """Take over parameters that were changed from outside."""
        density, _, head = self.parameters
        self.raw.reshape(-1)[self.grid.places] = np.float32(GAINS[0]) * density
        self._head[:] = np.float32(GAINS[2]) * head

    def picture(self, rays: PixelRays, *, side: int = 1) -> Picture:
        """Return what is seen through pixels, each the mean over ``side**2`` rays at equal distances."""
        count = len(rays.origin)
        path = current_path()
        if path == TORCH:
            raw, features, head = self._evaluated()
            with torch.no_grad():
                seen = [render_rays(self.grid, raw, features, head, each, side=side) for each in _pieces(rays)]
            return Picture(*(torch.cat(each).numpy() for each in zip(*seen, strict=True)))
        picture = Picture(*(np.empty(shape, np.float32) for shape in ((count, 3), count, count)))
        image = _Image(*(each.ctypes.data for each in picture))
        _native.library().ligeia_scene_render(
            _native.PATHS.index(path),
            *map(ctypes.byref, (self._native_grid(), _pixels(rays, side), image)),
            num_threads(),
        )
        return picture

    def hits(self, rays: PixelRays, *, side: int = 2) -> Bool[np.ndarray, " n"]:
        """Return which pixels see an occupied cell along one of ``side**2`` rays."""
        path = current_path()
        if path == TORCH:
            return np.concatenate([hits(self.grid, each, side=side) for each in _pieces(rays)])
        found = np.empty(len(rays.origin), np.uint8)
        grid, pixels = self._native_grid(), _pixels(rays, side)
        _native.library().ligeia_scene_hits(
            _native.PATHS.index(path), ctypes.byref(grid), ctypes.byref(pixels), found.ctypes.data, num_threads()
        )
        return found.astype(bool)

    def largest_weights(self, rays: PixelRays) -> Float32[np.ndarray, "x y z"]:
        """Return the largest weight that a sample in each cell has in its ray, of one ray through each pixel."""
        path = current_path()
        if path == TORCH:
            raw, _, _ = self._evaluated()
            return np.max([largest_weights(self.grid, raw, each) for each in _pieces(rays)], axis=0)
        found = np.zeros((num_threads(), *self.grid.cells), np.float32)
        grid, pixels = self._native_grid(), _pixels(rays, 1)
        _native.library().ligeia_scene_weights(
            _native.PATHS.index(path), ctypes.byref(grid), ctypes.byref(pixels), found.ctypes.data, len(found)
        )
        return found.max(axis=0)

    def gradient(
        self,
        rays: PixelRays,
        target: Float32[np.ndarray, "n 4"],
        *,
        background: tuple[float, float, float] | None,
        side: int = 1,
        key: int | None = None,
    ) -> float:
        """Return the mean squared error over pixels and channels, and leave its gradient for `step`.

        ``target`` is color times alpha, and alpha; with a ``background`` only the color counts, of pictures that were
        taken before it. With a ``key``, rays and samples are drawn at random within their parts.
        """
        if side > MOST_SIDE:
            raise ValueError(f"expected at most {MOST_SIDE} rays along the side of a pixel, got {side}.")
        count = len(rays.origin) * (4 if background is None else 3)
        path = current_path()
        if path == TORCH:
            return self._gradient_in_torch(rays, target, background, side, key, count)
        self._begin_shares(num_threads())
        wanted = np.ascontiguousarray(target, np.float32)
        native_target = _Target(
            wanted.ctypes.data, background is None, (ctypes.c_float * 3)(*(background or (0, 0, 0))), 1 / count
        )
        parts = (self._native_grid(), _pixels(rays, side, key), native_target, self._native_shares())
        error = _native.library().ligeia_scene_gradient(
            _native.PATHS.index(path), *map(ctypes.byref, parts), len(self._shares)
        )
        return error / count

    def gradients(self) -> tuple[Float32[np.ndarray, "..."], ...]:
        """Return the gradients of density, features and head that `gradient` left, for what rays see."""
        raw, features, head, _ = (np.sum(each, axis=0) for each in zip(*self._shares, strict=True))
        return raw[self.grid.places], features, head

    def step(self, rate: float, *, betas: tuple[float, float] = (0.9, 0.99), eps: float = 1e-15) -> None:
        """Take a step of Adam, of weights that have a gradient alone."""
        self.num_steps += 1
        corrections = [1 / (1 - beta**self.num_steps) for beta in betas]
        if current_path() == TORCH:
            self._step_in_numpy(rate, betas, eps, corrections)
            return
        density, features, head = self.parameters
        evaluated = (self.raw, features, self._head)
        groups = [
            _Weights(*(each.ctypes.data for each in arrays), gain)
            for *arrays, gain in zip((density, features, head), self.first, self.second, evaluated, GAINS, strict=True)
        ]
        how = _Adam(rate, *betas, eps, *corrections)
        _native.library().ligeia_scene_adam(
            ctypes.byref(self._native_shares()),
            len(self._shares),
            self.grid.num_rows,
            self.grid.places.ctypes.data,
            *map(ctypes.byref, groups),
            ctypes.byref(how),
        )

    def _step_in_numpy(self, rate: float, betas: tuple[float, float], eps: float, corrections: Sequence[float]) -> None:
        raw, features, head = self.gradients()
        for arrays, grad, gain in zip(
            zip(self.parameters, self.first, self.second, strict=True), (raw, features, head), GAINS, strict=True
        ):
            value, first, second = (each.reshape(len(each), -1) for each in arrays)
            slope = np.float32(gain) * grad.reshape(value.shape)
            moved = np.flatnonzero(slope.any(axis=1))
            first[moved] += np.float32(1 - betas[0]) * (slope[moved] - first[moved])
            second[moved] += np.float32(1 - betas[1]) * (np.square(slope[moved]) - second[moved])
            value[moved] -= (
                np.float32(rate * corrections[0])
                * first[moved]
                / (np.sqrt(second[moved] * np.float32(corrections[1])) + np.float32(eps))
            )
        for share in self._shares:
            for each in share:
                each[:] = 0
        self.changed()

    def _gradient_in_torch(
        self,
        rays: PixelRays,
        target: Float32[np.ndarray, "n 4"],
        background: tuple[float, float, float] | None,
        side: int,
        key: int | None,
        count: int,
    ) -> float:
        self._begin_shares(1)
        raw_densities, seen_features, seen_head = (each.clone().requires_grad_() for each in self._evaluated())
        seen = render_rays(self.grid, raw_densities, seen_features, seen_head, rays, side=side, key=key)
        error = pixel_error(seen, torch.from_numpy(target), background=background) / count
        raw, features, head = torch.autograd.grad(error, (raw_densities, seen_features, seen_head))
        share = self._shares[0]
        share[0][self.grid.places] += raw.numpy()
        share[1][:] += features.numpy()
        share[2][:] += head.numpy()
        share[3][:] |= features.numpy().any(axis=1)
        return float(error.detach())

    def _evaluated(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return raw densities, features and head as rays see them."""
        raw = self.raw.reshape(-1)[self.grid.places]
        return torch.from_numpy(raw), torch.from_numpy(self.parameters[1]), torch.from_numpy(self._head)

    def _begin_shares(self, count: int) -> None:
        """Have memory for the gradients of as many shares, all 0."""
        if len(self._shares) == count:
            return
        rows = self.grid.num_rows
        sizes = ((self.raw.size,), (rows, ROW), (HEAD,))
        self._shares = [
            (*(np.zeros(size, np.float32) for size in sizes), np.zeros(rows, np.uint8)) for _ in range(count)
        ]

    def _native_shares(self) -> Any:
        parts = [_Gradient(*(each.ctypes.data for each in share)) for share in self._shares]
        return (_Gradient * len(parts))(*parts)

    def _native_grid(self) -> _Grid:
        grid = self.grid
        arrays = (grid.distance, grid.row, self.raw, self.parameters[1], self._head)
        return _Grid(
            (ctypes.c_int32 * 3)(*grid.cells),
            (ctypes.c_float * 3)(*grid.low),
            (ctypes.c_float * 3)(*grid.per_unit),
            grid.is_contracted,
            grid.step,
            grid.scale,
            *(each.ctypes.data for each in arrays),
        )


def _pieces(rays: PixelRays) -> list[PixelRays]:
    """Return rays in pieces for torch, which holds all samples of a piece at a time."""
    starts = range(0, len(rays.origin), _PIECE)
    return [PixelRays(*(each[start : start + _PIECE] for each in rays)) for start in starts]


def _pixels(rays: PixelRays, side: int, key: int | None = None) -> _Pixels:
    arrays = [np.ascontiguousarray(each, np.float32) for each in rays]
    found = _Pixels(len(rays.origin), side, key is not None, key or 0, 0, *(each.ctypes.data for each in arrays))
    found.arrays = arrays  # they live as long as the pointers
    return found
