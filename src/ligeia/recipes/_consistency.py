"""What a finer signal must be to become the given one again when it is made smaller, and the nearest signal that is.

Both ways are linear and separate into axes. The nearest signal is a projection: where the given one is exact, it lies
no farther from the truth than what was projected.
"""

import math
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from ligeia.signals import POINT, Box, Footprint

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_ROUNDS = 3  # of clipping to a range and projecting


@final
class Shrinking:
    """Makes one axis of ``fine`` samples shorter, to ``coarse`` ones, each weighted by a footprint.

    They share the axis evenly, or lie where ``placed`` says: the middle of the first and the step to the next, in fine
    samples from the outer edge of the first of these.
    """

    def __init__(
        self, fine: int, coarse: int, footprint: Footprint, *, placed: tuple[float, float] | None = None
    ) -> None:
        from scipy.sparse import eye_array  # late: most commands need none

        if placed is None:
            placed = fine / coarse / 2, fine / coarse
            self._is_identity = fine == coarse or footprint == POINT
        else:
            self._is_identity = fine == coarse and placed == (0.5, 1.0)
        same = fine == coarse and self._is_identity
        self._matrix = eye_array(fine, format="csr") if same else _matrix(fine, coarse, footprint, placed)

    def shrink(self, values: Float[np.ndarray, "fine rest"]) -> Float[np.ndarray, "coarse rest"]:
        """Return the samples of fewer."""
        return values if self._is_identity else self._matrix @ values

    def least_norm(self, values: Float[np.ndarray, "coarse rest"]) -> Float[np.ndarray, "fine rest"]:
        """Return the smallest signal that shrinks to ``values``: the pseudo-inverse, ``A^T (A A^T)^-1``."""
        if self._is_identity:
            return values
        from scipy.linalg import solveh_banded

        gram = (self._matrix @ self._matrix.T).todia()
        width = int(gram.offsets.max())
        bands = np.zeros((width + 1, gram.shape[0]))
        for offset, diagonal in zip(gram.offsets, gram.data, strict=True):
            if offset >= 0:
                bands[width - offset] = diagonal
        return self._matrix.T @ solveh_banded(bands, values)


def shrunk(values: Float[np.ndarray, "*fine c"], ways: list[Shrinking]) -> Float[np.ndarray, "*coarse c"]:
    """Return a signal made smaller along each axis."""
    for axis, way in enumerate(ways):
        values = _along(values, axis, way.shrink)
    return values


def consistent(
    values: Float[np.ndarray, "*fine c"], wanted: Float[np.ndarray, "*coarse c"], ways: list[Shrinking]
) -> Float[np.ndarray, "*fine c"]:
    """Return the signal nearest to ``values`` that becomes ``wanted`` when it is made smaller."""
    missing = wanted - shrunk(values, ways)
    for axis, way in enumerate(ways):
        missing = _along(missing, axis, way.least_norm)
    return values + missing


def _along(values, axis, change):
    moved = np.moveaxis(values, axis, 0)
    changed = change(moved.reshape(len(moved), -1))
    return np.moveaxis(changed.reshape(-1, *moved.shape[1:]), 0, axis)


def _matrix(fine: int, coarse: int, footprint: Footprint, placed: tuple[float, float]) -> "csr_array":
    """Return the weights, ``(coarse, fine)``: those at the centers of fine samples, of a box what it covers of each.

    Beyond the ends there is nothing: the weights left make 1.
    """
    from scipy.sparse import coo_array

    first, scale = placed
    reach = footprint.reach * scale
    count = math.ceil(2 * reach) + 1
    middle = first + np.arange(coarse) * scale
    columns = np.floor(middle - reach).astype(np.int64)[:, None] + np.arange(count + 1)
    if isinstance(footprint, Box):
        low, high = (middle - reach)[:, None], (middle + reach)[:, None]
        weights = (np.minimum(columns + 1, high) - np.maximum(columns, low)).clip(0)
        weights[weights < 1e-9] = 0
    else:
        offsets = (columns + 0.5 - middle[:, None]) / scale
        density = footprint.density(offsets.reshape(-1)).reshape(offsets.shape)
        weights = np.where(np.abs(offsets) <= footprint.reach, density, 0.0)
    weights[(columns < 0) | (columns >= fine)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(coarse)[:, None], columns.shape)
    kept = weights != 0
    return coo_array((weights[kept], (rows[kept], columns[kept])), shape=(coarse, fine)).tocsr()
