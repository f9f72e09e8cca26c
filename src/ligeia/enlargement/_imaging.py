"""The imaging model, which maps a finer picture to the frames of a camera, and its inversion."""

import math
from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
from jaxtyping import Bool, Float

from ._poses import Pose, inside, pixels_of

_SMOOTHNESS = 2e-3  # of a picture without any other prior, against squared errors of pixels
_FIRST_STEPS = 40
_NEXT_STEPS = 20  # from the picture of the round before
_BAND = 1 << 19  # samples of the finer picture whose weights are held at a time
_NEARLY = 1.01  # of the least squared error
_MARGIN = 24  # samples beyond a band that are changed with it


@final
class Imaging:
    """The map from a finer picture to a frame: each pixel is the mean over its cell, at its place.

    Between its samples the picture is interpolated by Keys' cubic (1981, a = -1/2). Cells are treated as upright: small
    rotations do not change their second moments. ``rows`` and ``columns`` are the places in the reference of the pixels
    ``seen``, those whose centers lie in the picture, or in ``band``, some of its rows.
    """

    def __init__(
        self,
        pose: Pose,
        shape: tuple[int, int],
        fine: tuple[int, int],
        *,
        kept: Bool[np.ndarray, "h w"] | None = None,
        band: tuple[int, int] | None = None,
    ) -> None:
        from scipy.sparse import csr_array  # late: most commands need none

        start, stop = (0, fine[0]) if band is None else band
        self.pose, self.fine = pose, (stop - start, fine[1])
        self.scale = (fine[0] / shape[0], fine[1] / shape[1])
        rows, columns = pose.places(pixels_of(shape), shape)
        down = (rows + 0.5) * self.scale[0] - 0.5
        self.seen = inside((rows, columns), shape) & (down >= start - 0.5) & (down <= stop - 0.5)
        if kept is not None:
            self.seen &= kept
        self.rows, self.columns = rows[self.seen], columns[self.seen]
        row, row_weights = _taps(down[self.seen] - start, self.scale[0], stop - start)
        column, column_weights = _taps((self.columns + 0.5) * self.scale[1] - 0.5, self.scale[1], fine[1])
        indices = (row[:, :, None] * fine[1] + column[:, None, :]).reshape(-1)
        weights = (row_weights[:, :, None] * column_weights[:, None, :]).reshape(-1)
        starts = np.arange(len(row) + 1) * (row.shape[1] * column.shape[1])
        self._matrix = csr_array(
            (weights.astype(np.float32), indices, starts), shape=(len(row), math.prod(self.fine)), dtype=np.float32
        )

    def means(self, picture: Float[np.ndarray, "H W c"]) -> Float[np.ndarray, "n c"]:
        """Return the seen pixels of a frame, from a picture."""
        return self._matrix @ picture.reshape(-1, picture.shape[2])

    def spread(self, pixels: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "H W c"]:
        """Return the transpose of `means`."""
        return (self._matrix.T @ pixels).reshape(*self.fine, -1)


def least_squares(
    ways: Sequence[Imaging], frames: Float[np.ndarray, "m h w c"], start: Float[np.ndarray, "H W c"] | None = None
) -> Float[np.ndarray, "H W c"]:
    """Return the smooth picture that all frames come from, by conjugate gradients."""
    wanted = _spread(ways, [frame[way.seen] for way, frame in zip(ways, frames, strict=True)])
    num_steps = _NEXT_STEPS
    if start is None:
        weight = _spread(ways, [np.ones((len(way.rows), 1), np.float32) for way in ways])
        start = np.where(weight > 0.1, wanted / np.maximum(weight, 0.1), frames.mean())
        num_steps = _FIRST_STEPS
    return _conjugate_gradients(ways, wanted, start, num_steps)


def agreeing(
    picture: Float[np.ndarray, "H W c"],
    frames: Float[np.ndarray, "m h w c"],
    poses: Sequence[Pose],
    *,
    kept: Sequence[Bool[np.ndarray, "h w"]],
    num_steps: int,
) -> Float[np.ndarray, "H W c"]:
    """Return a picture that fits the frames better, by a few steps of conjugate gradients from the given one.

    Components that no frame determines do not change. The picture is processed in bands of rows to bound memory.
    """
    rows = _rows_at_a_time(picture)
    result = np.empty_like(picture)
    for first in range(0, len(picture), rows):
        last = min(len(picture), first + rows)
        band = max(0, first - _MARGIN), min(len(picture), last + _MARGIN)
        ways = _ways(picture, frames, poses, kept, band)
        *_, found = _steps(np.asarray(picture[slice(*band)]), frames, ways, num_steps)
        result[first:last] = found[first - band[0] : last - band[0]]
    return result


def steps_that_help(
    picture: Float[np.ndarray, "H W c"],
    frames: Float[np.ndarray, "m h w c"],
    poses: Sequence[Pose],
    *,
    kept: Sequence[Bool[np.ndarray, "h w"]],
    held: Sequence[Bool[np.ndarray, "h w"]],
    most: int,
) -> int:
    """Return the number of steps of `agreeing`, up to ``most``, at which the held-out pixels fit best, or nearly so.

    Beyond, the picture follows noise. Only one band of rows, in its middle, is used.
    """
    height, rows = len(picture), _rows_at_a_time(picture)
    start = max(0, height - rows) // 2
    band = start, min(height, start + rows)
    ways, others = (_ways(picture, frames, poses, masks, band) for masks in (kept, held))
    wanted = [frame[way.seen] for frame, way in zip(frames, others, strict=True)]
    errors = [
        _squares([way.means(found) - there for way, there in zip(others, wanted, strict=True)])
        for found in _steps(np.asarray(picture[slice(*band)]), frames, ways, most)
    ]
    return int(np.argmax(np.array(errors) <= _NEARLY * min(errors)))


def _rows_at_a_time(picture: np.ndarray) -> int:
    return max(8 * _MARGIN, _BAND // picture.shape[1])


def _ways(
    picture: np.ndarray, frames: np.ndarray, poses: Sequence[Pose], kept: Sequence[np.ndarray], band: tuple[int, int]
) -> list[Imaging]:
    shape, fine = (frames.shape[1], frames.shape[2]), (picture.shape[0], picture.shape[1])
    return [Imaging(pose, shape, fine, kept=mask, band=band) for pose, mask in zip(poses, kept, strict=True)]


def _steps(
    found: Float[np.ndarray, "H W c"], frames: Float[np.ndarray, "m h w c"], ways: Sequence[Imaging], num_steps: int
) -> Iterator[Float[np.ndarray, "H W c"]]:
    """Yield ``found``, and where each step of conjugate gradients on the squared errors (CGLS) leads from there."""
    yield found
    missing = [frame[way.seen] - way.means(found) for frame, way in zip(frames, ways, strict=True)]
    uphill = _spread(ways, missing)
    direction, power = uphill, _squares([uphill])
    for _ in range(num_steps):
        if power > 0:
            change = [way.means(direction) for way in ways]
            size = power / _squares(change)
            found = found + size * direction
            missing = [each - size * more for each, more in zip(missing, change, strict=True)]
            uphill = _spread(ways, missing)
            power, before = _squares([uphill]), power
            direction = uphill + power / before * direction
        yield found


def _spread(ways: Sequence[Imaging], pixels: Sequence[np.ndarray]) -> np.ndarray:
    return np.sum([way.spread(each) for way, each in zip(ways, pixels, strict=True)], axis=0)


def _squares(parts: Sequence[np.ndarray]) -> float:
    return sum(float(np.vdot(each, each)) for each in parts)


def _conjugate_gradients(
    ways: Sequence[Imaging], wanted: Float[np.ndarray, "H W c"], start: Float[np.ndarray, "H W c"], num_steps: int
) -> Float[np.ndarray, "H W c"]:
    """Return the result of some steps from ``start`` that reduce squared errors plus roughness."""
    from scipy.ndimage import correlate1d

    def rough(picture: np.ndarray) -> np.ndarray:
        second = [correlate1d(picture, [1.0, -2.0, 1.0], axis=axis, mode="nearest") for axis in (0, 1)]
        return second[0] + second[1]

    def normal(picture: np.ndarray) -> np.ndarray:
        return _SMOOTHNESS * rough(rough(picture)) + _spread(ways, [way.means(picture) for way in ways])

    found = start
    residual = wanted - normal(found)
    direction, power = residual, _squares([residual])
    for _ in range(num_steps):
        if power <= 0:
            break
        image = normal(direction)
        size = power / float(np.vdot(direction, image))
        found = found + size * direction
        residual = residual - size * image
        power, before = _squares([residual]), power
        direction = residual + power / before * direction
    return found


def _taps(places: Float[np.ndarray, " n"], scale: float, size: int) -> tuple[np.ndarray, Float[np.ndarray, "n taps"]]:
    """Return the samples in the mean over a cell ``scale`` samples long, and their weights."""
    count = max(1, math.ceil(scale - 1e-9))
    offsets = ((np.arange(count) + 0.5) / count - 0.5) * scale
    first = np.floor(places + offsets[0]).astype(np.int64) - 1
    taps = first[:, None] + np.arange(math.ceil(offsets[-1] - offsets[0] - 1e-9) + 4)
    distance = np.abs((places[:, None, None] + offsets) - taps[:, :, None])
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0.0)).sum(axis=-1) / count
    return taps.clip(0, size - 1), weights
