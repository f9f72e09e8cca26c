"""The objective on photographs: each pixel is the mean over its area of what rays through it see."""

from collections.abc import Sequence
from typing import Final, NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from ligeia.core import random_stream
from ligeia.field import Background, Field, camera_rays, composited, rendered, seen_of
from ligeia.fitting import Batches, Quality
from ligeia.kernels import PixelRays, pixel_error
from ligeia.metrics import decibels, psnr
from ligeia.signals import Views

from ._comparison import quality_of_views
from ._exposures import exposures_of

_TILE: Final = 8  # pixels along a side: rays of one see the same cells
_FEW: Final = 1 << 12
_WATCHED: Final = 1 << 17  # pixels that say how photographs are exposed
_MANY: Final = 1 << 20  # pixels that are measured where no views are held out
SPREAD: Final = 2654435761  # Knuth's: keys of one step and the next differ in most bits
_SIDE: Final = 2  # rays along the side of a pixel where quality is measured


class Pixels(NamedTuple):
    """Pixels with their rays."""

    rays: PixelRays
    target: Float32[np.ndarray, "n 4"]
    """Color times alpha, and alpha."""
    key: int = 0
    """Says where in pixels the rays lie that `Photographs.loss` compares, one for each."""


@final
class Photographs:
    """Fit a radiance field to the pixels of photographs: the squared error of colors and alpha.

    Pictures without alpha were taken before ``background``; with alpha they are compared before it. Pixels that are
    ignored, and those that see nothing of the field's cells, take no part. The quality is that of the ``held_out``
    views; without any, of the photographs themselves.

    ``exposures`` are the gain and the offset of each photograph and color that `find_exposures` found; the field is
    fitted to what the photographs would show without them. Quality is measured with the photographs as they are.
    """

    def __init__(
        self, views: Views, field: Field, *, background: Background = (1.0, 1.0, 1.0), held_out: Views | None = None
    ) -> None:
        self.views, self.background, self.held_out = views, background, held_out
        self.has_alpha = views.has_alpha
        self._all = _pixels_of(views)
        self._taken = self._all.target
        self._photograph = np.repeat(np.arange(len(views.cameras)), [np.prod(each.shape) for each in views.cameras])
        self.exposures: Float[np.ndarray, "photographs 2 3"] | None = None
        self.is_rough = False
        """Whether quality is measured on a few pixels even where all are asked for."""
        self._measured = self._all if held_out is None else _pixels_of(held_out)
        self._quality_views = held_out or views.subset(range(0, len(views.cameras), -(-views.num_pixels // _MANY)))
        self._is_known = ~np.concatenate(
            [
                np.zeros(camera.shape, bool).ravel() if mask is None else mask.ravel()
                for camera, mask in zip(views.cameras, views.masks, strict=True)
            ]
        )
        self._constant_db = _constant_db(self._all.target, background)
        self.look_again(field)

    def look_again(self, field: Field) -> None:
        """Find the pixels that take part, for other cells of the field."""
        sees = seen_of(field).hits(self._all.rays)
        if self.has_alpha:
            sees |= self._all.target[:, 3] > 0  # it cannot be met, but says that cells are missing
        self.live = np.flatnonzero(self._is_known & sees)

    def find_exposures(self, field: Field) -> None:
        """Find how each photograph differs from what a field shows, and fit what it would be without that."""
        chosen = self._some(_WATCHED)
        color, opacity, _ = seen_of(field).picture(self._all.rays.take(chosen))
        if not self.has_alpha:
            color = composited(color, opacity, self.background)
        target, count = self._taken[chosen], len(self.views.cameras)
        self.expose(exposures_of(color, target[:, 3], target[:, :3], self._photograph[chosen], count))

    def expose(self, exposures: Float[np.ndarray, "photographs 2 3"]) -> None:
        """Fit what the photographs would be without these gains and offsets."""
        gain, offset = np.moveaxis(exposures.astype(np.float32)[self._photograph], 1, 0)
        color = (self._taken[:, :3] - offset * self._taken[:, 3:]) / gain
        self._all = self._all._replace(target=np.concatenate([color, self._taken[:, 3:]], axis=1))
        self.exposures = exposures

    @property
    def num_points(self) -> int:
        """Number of pixels that take part."""
        return len(self.live)

    @property
    def finest_db(self) -> float:
        """Infinite: nothing says how well a view can be known."""
        return np.inf

    @property
    def constant_db(self) -> float:
        """PSNR of the best picture of one color."""
        return self._constant_db

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return whole tiles of pixels, in random order."""
        return TileBatches(self.live, [camera.shape for camera in self.views.cameras], batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> Pixels:
        """Return the pixels ``indices`` among all pixels of all views."""
        key = int(indices.sum()) * SPREAD & 0xFFFFFFFF
        return Pixels(self._all.rays.take(indices), np.ascontiguousarray(self._all.target[indices]), key)

    def some_rays(self, most: int) -> PixelRays:
        """Return the rays of at most as many of the pixels that take part, evenly among them."""
        return self._all.rays.take(self._some(most))

    def _some(self, most: int) -> Int[np.ndarray, " n"]:
        return self.live[:: -(-len(self.live) // most)]

    def loss(self, field: Field, batch: Pixels) -> Float[Tensor, ""]:
        """Return the mean squared error of a batch by the definition, in units in which the range is [-1, 1].

        It compares one ray of each pixel.
        """
        seen = rendered(field, batch.rays, key=batch.key)
        background = None if self.has_alpha else self.background
        error = pixel_error(seen, torch.from_numpy(batch.target).to(seen.opacity), background=background)
        return 4 * error / (len(batch.target) * (4 if self.has_alpha else 3))

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Measure held-out views: the mean over views of their PSNR; of fewer pixels, the PSNR of these together.

        Without held-out views, as many of the photographs as have a million pixels.
        """
        views = self._quality_views
        if most_points is None and self.is_rough:
            most_points = _FEW
        if most_points is None or most_points >= views.num_pixels:
            return Quality(float(np.mean(quality_of_views(field, views, self.background))), views.num_pixels)
        chosen = np.random.default_rng(0).choice(views.num_pixels, most_points, replace=False)
        seen = seen_of(field).picture(self._measured.rays.take(chosen), side=_SIDE)
        wanted = _on_background(self._measured.target[chosen], self.background)
        return Quality(_psnr(wanted, composited(seen.color, seen.opacity, self.background)), most_points)


@final
class TileBatches:
    """Batches of whole tiles of pixels of one view, in another order and another tiling for each pass."""

    def __init__(
        self, live: Int[np.ndarray, " n"], shapes: Sequence[tuple[int, int]], batch_size: int | None, seed: int
    ) -> None:
        self._live = live
        size = len(live) if batch_size is None else min(batch_size, len(live))
        self.num_per_pass = -(-len(live) // size)
        self._seed, self._pass = seed, -1
        self._order = live
        starts = np.cumsum([0, *(rows * columns for rows, columns in shapes)])
        self._view = np.searchsorted(starts, live, "right") - 1
        columns = np.array([shape[1] for shape in shapes])[self._view]
        self._row, self._column = np.divmod(live - starts[self._view], columns)

    def __getitem__(self, step: int) -> Int[np.ndarray, " n"]:
        """Return the pixels that step ``step`` (from 0) sees, among all pixels of all views."""
        number, position = divmod(step, self.num_per_pass)
        if number != self._pass:
            self._order, self._pass = self._tiled(number), number
        start, stop = (each * len(self._live) // self.num_per_pass for each in (position, position + 1))
        return self._order[start:stop]

    def _tiled(self, number: int) -> Int[np.ndarray, " n"]:
        stream = random_stream(self._seed, "batches", number)
        draw = np.random.default_rng(int(torch.randint(1 << 62, (), generator=stream)))
        down, right = draw.integers(0, _TILE, 2)
        tile = np.stack([self._view, (self._row + down) // _TILE, (self._column + right) // _TILE])
        _, rows, columns = tile.max(axis=1) + 1
        key = (tile[0] * rows + tile[1]) * columns + tile[2]
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.diff(key[order], prepend=-1))
        groups = np.split(self._live[order], starts[1:])
        return np.concatenate([groups[each] for each in draw.permutation(len(groups))])


def _on_background(rgba: Float32[np.ndarray, "*n 4"], background: Background) -> Float32[np.ndarray, "*n 3"]:
    return composited(rgba[..., :3], rgba[..., 3], background)


def _psnr(wanted: Float32[np.ndarray, "*n 3"], seen: Float32[np.ndarray, "*n 3"]) -> float:
    return psnr(torch.from_numpy(wanted), torch.from_numpy(seen), low=0.0, high=1.0)


def _pixels_of(views: Views) -> Pixels:
    target = np.concatenate([views.rgba(number).reshape(-1, 4) for number in range(len(views.cameras))])
    return Pixels(camera_rays(views.cameras), target)


def _constant_db(target: Float32[np.ndarray, "n 4"], background: Background) -> float:
    colors = _on_background(target, background)  # pictures without alpha are opaque
    variance = float(colors.astype(np.float64).var(axis=0).mean())
    return decibels(variance, peak=1.0) if variance > 1e-12 else -np.inf
