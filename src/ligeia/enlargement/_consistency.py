"""Consistency under downsampling: the nearest finer signal that becomes the given one again when it is downsampled.

Both ways are linear and separate into axes. The nearest signal is a projection: where the given one is exact, it lies
no farther from the truth than what was projected.
"""

import math
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from ligeia.formats import check_room
from ligeia.signals import Box, Footprint

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_IN_MEMORY = 1 << 28  # bytes
_BLOCK = 1 << 22  # numbers


@final
class Downsampling:
    """Downsamples one axis from ``fine`` to ``coarse`` samples, each weighted by a footprint.

    They divide the axis evenly, or lie at ``placed``: the middle of the first and the step to the next, in fine samples
    from the outer edge of the first fine sample.
    """

    def __init__(
        self, fine: int, coarse: int, footprint: Footprint, *, placed: tuple[float, float] | None = None
    ) -> None:
        self.fine, self.coarse = fine, coarse
        placed = (fine / coarse / 2, fine / coarse) if placed is None else placed
        self.is_identity = fine == coarse and placed == (0.5, 1.0)
        self._matrix = _matrix(fine, coarse, footprint, placed)

    def shrink(self, values: Float[np.ndarray, "fine rest"]) -> Float[np.ndarray, "coarse rest"]:
        """Return the downsampled signal."""
        return self._matrix @ values

    def least_norm(self, values: Float[np.ndarray, "coarse rest"]) -> Float[np.ndarray, "fine rest"]:
        """Return the smallest signal that downsamples to ``values``: the pseudo-inverse, ``A^T (A A^T)^-1``."""
        from scipy.linalg import solveh_banded  # late: most commands need none

        gram = (self._matrix @ self._matrix.T).todia()
        width = int(gram.offsets.max())
        bands = np.zeros((width + 1, self.coarse))
        for offset, diagonal in zip(gram.offsets, gram.data, strict=True):
            if offset >= 0:
                bands[width - offset] = diagonal
        return self._matrix.T @ solveh_banded(bands, values)


def downsampled(values: Float[np.ndarray, "*fine c"], ways: Sequence[Downsampling]) -> Float[np.ndarray, "*coarse c"]:
    """Return a signal downsampled along each axis."""
    for axis, way in enumerate(ways):
        values = values if way.is_identity else _along(values, axis, way.coarse, way.shrink)
    return values


def make_consistent(
    values: Float[np.ndarray, "*fine c"], wanted: Float[np.ndarray, "*coarse c"], ways: Sequence[Downsampling]
) -> None:
    """Move ``values``, in place, to the nearest signal that downsamples to ``wanted``."""
    missing = wanted - downsampled(values, ways)
    for axis, way in enumerate(ways):
        missing = missing if way.is_identity else _along(missing, axis, way.fine, way.least_norm)
    values += missing


def _along(
    values: Float[np.ndarray, "..."], axis: int, size: int, change: Callable[[np.ndarray], np.ndarray]
) -> Float[np.ndarray, "..."]:
    """Apply ``change`` to a signal along one axis, block of columns by block, in float64."""
    result = room_for((*values.shape[:axis], size, *values.shape[axis + 1 :]))
    other = 0 if axis else 1  # there is one: the last is that of channels
    step = max(1, _BLOCK * values.shape[other] // max(values.size, result.size))
    for start in range(0, values.shape[other], step):
        block = tuple(slice(start, start + step) if each == other else slice(None) for each in range(values.ndim))
        moved = np.moveaxis(values[block], axis, 0)
        changed = change(moved.reshape(len(moved), -1).astype(np.float64))
        result[block] = np.moveaxis(changed.reshape(size, *moved.shape[1:]), 0, axis)
    return result


def room_for(shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """Return zeros: of more than 256 MiB a memory map of a temporary file; `OutputError` if the disk has no room."""
    num_bytes = 4 * math.prod(shape)
    if num_bytes <= _IN_MEMORY:
        return np.zeros(shape, np.float32)
    check_room(num_bytes)
    with tempfile.TemporaryFile() as file:  # the map keeps the file open
        return np.memmap(file, np.float32, "w+", shape=shape)


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
