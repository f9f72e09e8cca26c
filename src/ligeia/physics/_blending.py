"""Seamless blending of part of one picture into another (Perez et al. 2003; Sitzmann et al. 2020, s. 4.2).

Inside a mask, differences between neighboring pixels of the result follow the guidance; outside, the values are the
target's. The result is ``base + h`` with the texture in ``base``, so only ``h`` is fitted by a field: without mixed
gradients it is as smooth as the difference between target and source along the border.
"""

from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ligeia.calculus import PointFunction
from ligeia.core import InputError
from ligeia.signals import Grid

from ._constraints import Constraint

_BORDER_SHARE = 0.2  # of the points, where the mask has a smaller border: h is roughest there
_SPREAD = 4.0  # pixels by which the target's share of the base is smoothed


@final
class Blending:
    """Blend a source into a target inside a mask.

    Differences are between pixels that share a side, channel by channel; with ``mixed`` the guidance is the larger one
    of the source's and the target's, else the source's.
    """

    def __init__(
        self,
        source: Float[np.ndarray, "rows columns c"],
        target: Float[np.ndarray, "rows columns c"],
        mask: Bool[np.ndarray, "rows columns"],
        *,
        mixed: bool = False,
    ) -> None:
        if not mask.any():
            raise InputError("expected a mask that is white somewhere, got one that is black everywhere.")
        if mask.all():
            raise InputError("expected a mask that is black somewhere, got one that leaves none of the target.")
        self.target, self.mask = target, mask
        self.first, self.second = _pairs(mask)
        self.is_within: Bool[np.ndarray, " pairs"] = mask.reshape(-1)[self.second]
        """Whether a pair is inside the mask; all others cross its border."""
        own, other = self._differences(source), self._differences(target)
        takes_other = np.abs(other) > np.abs(own) if mixed else np.zeros_like(own, dtype=bool)
        self.guidance: Float[np.ndarray, "pairs c"] = np.where(takes_other, other, own)
        """The target difference of each pair, first minus second."""
        self.base = source + self._share(other * takes_other, own * ~takes_other) * (target - source)
        """The picture that the field is added to inside the mask; its differences are close to the guidance."""
        rows, columns = np.nonzero(mask)
        self.region = ((int(rows.min()), int(rows.max()) + 1), (int(columns.min()), int(columns.max()) + 1))
        """First and last (exclusive) row, and column, of the domain of the field."""
        self.grid = Grid.of([stop - start for start, stop in self.region])

    def constraints(self) -> list[Constraint]:
        """Return the constraints on the field: differences inside the mask, values along its border."""
        within, across = np.flatnonzero(self.is_within), np.flatnonzero(~self.is_within)
        missing = self.guidance - self._differences(self.base)
        values = self.guidance - _pixels(self.base)[self.first] + _pixels(self.target)[self.second]
        drawn = np.tile(across, max(1, round(_BORDER_SHARE / (1 - _BORDER_SHARE) * len(within) / len(across))))
        found = [Constraint(_value, self._points(self.first[drawn]), (values[drawn],), weight=len(across))]
        if len(within):
            ends = [self._points(each[within]) for each in (self.first, self.second)]
            found.append(Constraint(_difference, ends[0], (ends[1], missing[within]), weight=len(within)))
        return found

    def picture(self, change: Float[np.ndarray, "height width c"]) -> Float[np.ndarray, "rows columns c"]:
        """Return the blended picture, given the field at the samples of its grid; it is not clipped."""
        result = self.target.copy()
        window = tuple(slice(*ends) for ends in self.region)
        inside = self.mask[window]
        result[window][inside] = (self.base[window] + change)[inside]
        return result

    def errors(self, picture: Float[np.ndarray, "rows columns c"]) -> tuple[float, float]:
        """Return the gradient error and the boundary jump of a picture.

        They are root mean squares of its differences minus the guidance, over the pairs inside the mask and over those
        that cross its border.
        """
        squares = np.square(self._differences(picture) - self.guidance)
        within, across = squares[self.is_within], squares[~self.is_within]
        return float(np.sqrt(within.mean())) if len(within) else 0.0, float(np.sqrt(across.mean()))

    def _differences(self, picture: Float[np.ndarray, "rows columns c"]) -> Float[np.ndarray, "pairs c"]:
        pixels = _pixels(picture)
        return pixels[self.first] - pixels[self.second]

    def _points(self, pixels: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
        rows, columns = np.divmod(pixels, self.mask.shape[1])
        (top, _), (left, _) = self.region
        return self.grid.points((rows - top) * self.grid.shape[1] + columns - left)

    def _share(
        self, other: Float[np.ndarray, "pairs c"], own: Float[np.ndarray, "pairs c"]
    ) -> Float[np.ndarray, "rows columns c"]:
        """Return how much of the guidance around each pixel is the target's, from 0 to 1: of its squares."""
        from scipy.ndimage import gaussian_filter

        if not other.any():
            return np.zeros(self.target.shape)
        around = []
        for differences in (other, own):
            total = np.zeros(self.target.shape)
            for ends in (self.first, self.second):
                np.add.at(_pixels(total), ends, np.square(differences))
            around.append(gaussian_filter(total, (_SPREAD, _SPREAD, 0)))
        both = around[0] + around[1]
        return np.divide(around[0], both, out=np.zeros_like(both), where=both > 0)


def _pairs(mask: Bool[np.ndarray, "rows columns"]) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """Return the flat indices of neighbors of which the first is inside the mask, each pair once."""
    number = np.arange(mask.size).reshape(mask.shape)
    one = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
    two = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
    flat = mask.reshape(-1)
    turned = flat[two] & ~flat[one]
    touching = flat[one] | flat[two]
    return np.where(turned, two, one)[touching], np.where(turned, one, two)[touching]


def _pixels(picture: Float[np.ndarray, "rows columns c"]) -> Float[np.ndarray, "pixels c"]:
    return picture.reshape(-1, picture.shape[-1])


def _value(h: PointFunction, points: Tensor, wanted: Tensor) -> Tensor:
    return h(points) - wanted


def _difference(h: PointFunction, points: Tensor, neighbors: Tensor, wanted: Tensor) -> Tensor:
    return h(points) - h(neighbors) - wanted
