"""Where the frames of one scene lie in one of them: estimated from the pictures, to hundredths of a pixel.

Three stages, each from what the one before found: phase correlation over a few angles, Gauss-Newton between each frame
and the reference (Lucas and Kanade 1981), and Gauss-Newton between each frame and what all frames make together, in
turns. Only the last is free of the bias of aliasing, which a picture at the frames' resolution cannot tell from a move.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_ANGLES_DEGREES: Final = (0.0, -2.5, 2.5, -5.0, 5.0)  # Gauss-Newton finds what lies between
_COARSE_SIDE: Final = 96  # pixels of a picture in which an angle is looked for
_BLURS: Final = (3.0, 1.5, 0.7)  # pixels; the first reaches far, the last is precise
_LEAST_LIKENESS: Final = 0.3  # correlation of a frame and the reference where they overlap
_LEAST_OVERLAP: Final = 1 / 16  # of a frame
_JOINT_SIDE: Final = 256  # pixels of the middle of each frame that the last stage looks at
_JOINT_ROUNDS: Final = 12
_SETTLED: Final = 0.005  # pixels
_SMOOTHNESS: Final = 2e-3


@final
@dataclass(frozen=True, slots=True)
class Pose:
    """Where a frame lies in the reference frame.

    A pixel at ``q``, counted in pixels from the frame's center, shows what the reference shows at ``R q + t``, from
    its own: ``t`` is ``(row, column)``, in pixels, and ``R`` turns by ``angle`` radians from the row axis to the
    column axis, counterclockwise on a screen.
    """

    row: float = 0.0
    column: float = 0.0
    angle: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(each) for each in (self.row, self.column, self.angle)):
            raise InputError(f"a pose of three finite numbers was wanted, got {self}.")

    def places(
        self, rows: Float[np.ndarray, "..."], columns: Float[np.ndarray, "..."], shape: tuple[int, int]
    ) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
        """Return the places in the reference of places in a frame of ``shape``; pixel ``i`` has its center at ``i``."""
        middle_row, middle_column = (shape[0] - 1) / 2, (shape[1] - 1) / 2
        down, right = rows - middle_row, columns - middle_column
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return (
            middle_row + self.row + cosine * down - sine * right,
            middle_column + self.column + sine * down + cosine * right,
        )

    def back(
        self, rows: Float[np.ndarray, "..."], columns: Float[np.ndarray, "..."], shape: tuple[int, int]
    ) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
        """Return the places in the frame of places in the reference: the inverse of `places`."""
        middle_row, middle_column = (shape[0] - 1) / 2, (shape[1] - 1) / 2
        down, right = rows - middle_row - self.row, columns - middle_column - self.column
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return middle_row + cosine * down + sine * right, middle_column - sine * down + cosine * right

    def moved(self, step: Float[np.ndarray, "3"]) -> "Pose":
        """Return this pose with a step added to row, column and angle."""
        return Pose(self.row + float(step[0]), self.column + float(step[1]), self.angle + float(step[2]))

    def distance(self, other: "Pose", shape: tuple[int, int]) -> float:
        """Return how far apart two poses put a corner of a frame of ``shape``, in pixels, at most."""
        turn = abs(self.angle - other.angle) * math.hypot(*shape) / 2
        return math.hypot(self.row - other.row, self.column - other.column) + turn


def estimated(frames: Float[np.ndarray, "m h w"], reference: int, scale: float) -> list[Pose]:
    """Return the pose of each of ``m`` gray frames in the frame ``reference``, whose own is 0.

    ``scale`` is how much finer the picture is made with which the last stage compares, to 3 at most.
    """
    poses = [
        Pose() if number == reference else _registered(frame, frames[reference], number)
        for number, frame in enumerate(frames)
    ]
    return jointly(frames, poses, reference, min(3.0, scale))


def check_overlap(poses: Sequence[Pose], shape: tuple[int, int]) -> None:
    """Refuse poses at which a frame shows next to nothing of the reference."""
    grid = np.meshgrid(*(np.linspace(-0.5, side - 0.5, 33) for side in shape), indexing="ij")
    for number, pose in enumerate(poses):
        if inside(*pose.places(*grid, shape), shape).mean() < _LEAST_OVERLAP:
            raise InputError(
                f"frames that overlap were wanted, frame {number} lies {pose.row:.6g} rows and {pose.column:.6g} "
                f"columns away from the reference, which has {shape[0]} x {shape[1]}; leave it out."
            )


def inside(
    rows: Float[np.ndarray, "..."], columns: Float[np.ndarray, "..."], shape: tuple[int, int]
) -> Bool[np.ndarray, "..."]:
    """Return which places lie in a picture of ``shape``, edges included."""
    in_rows = (rows >= -0.5) & (rows <= shape[0] - 0.5)
    return in_rows & (columns >= -0.5) & (columns <= shape[1] - 0.5)


def _registered(frame: np.ndarray, reference: np.ndarray, number: int) -> Pose:
    """Return the pose of a frame in the reference, from these two alone."""
    from scipy.ndimage import gaussian_filter

    pose = _coarse(frame, reference)
    for blur in _BLURS:
        pair = (gaussian_filter(each, blur, mode="nearest") for each in (frame, reference))
        pose = _aligned(*pair, pose, round(2 * blur))
    check_overlap([pose], reference.shape)
    likeness = _likeness(frame, reference, pose)
    if not likeness >= _LEAST_LIKENESS:
        raise InputError(
            f"frames of one scene were wanted, frame {number} has a correlation of {likeness:.2f} with the reference "
            "at the best place that was found for it; leave it out, or give its pose."
        )
    return pose


def _coarse(frame: np.ndarray, reference: np.ndarray) -> Pose:
    """Return the best of the places that phase correlation finds at a few angles, on smaller pictures."""
    from scipy.ndimage import zoom
    from skimage.registration import phase_cross_correlation

    factor = min(1.0, _COARSE_SIDE / max(frame.shape))
    small_frame, small = (zoom(_lowpass(each, factor), factor, order=1, grid_mode=True, mode="nearest") for each in (frame, reference))
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in small.shape))
    height, width = small.shape
    grid = np.meshgrid(np.arange(height, dtype=float), np.arange(width, dtype=float), indexing="ij")
    found: list[tuple[float, Pose]] = []
    for degrees in _ANGLES_DEGREES:
        turned = Pose(0.0, 0.0, math.radians(degrees))
        upright = _spline_at(small_frame, *turned.back(*grid, small.shape))
        for tapered in (True, False):
            pair = [(each - each.mean()) * (window if tapered else 1.0) for each in (small, upright)]
            shift = phase_cross_correlation(*pair, upsample_factor=4, normalization=None)[0]
            pose = Pose(float(shift[0]), float(shift[1]), turned.angle)
            found.append((_likeness(small_frame, small, pose), pose))
    best = max(found, key=lambda each: each[0])[1]
    return Pose(best.row / factor, best.column / factor, best.angle)


def _lowpass(picture: np.ndarray, factor: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(picture, 0.5 / factor, mode="nearest")


def _likeness(frame: np.ndarray, reference: np.ndarray, pose: Pose) -> float:
    """Return the correlation of a frame and the reference where they overlap; -1 where that is too little."""
    grid = np.meshgrid(*(np.arange(side, dtype=float) for side in frame.shape), indexing="ij")
    places = pose.places(*grid, reference.shape)
    seen = inside(*places, reference.shape)
    if seen.mean() < _LEAST_OVERLAP:
        return -1.0
    first, second = frame[seen], _spline_at(reference, *places)[seen]
    first, second = first - first.mean(), second - second.mean()
    norm = math.sqrt(float((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 1.0


def _spline_at(picture: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    return map_coordinates(picture, [rows, columns], order=3, mode="nearest")


def _aligned(frame: np.ndarray, reference: np.ndarray, pose: Pose, margin: int, num_steps: int = 20) -> Pose:
    """Return the pose at which the reference, moved there, is nearest to the frame."""
    rows, columns = np.gradient(reference)
    grid = np.meshgrid(*(np.arange(side, dtype=float) for side in frame.shape), indexing="ij")
    middle = [(side - 1) / 2 for side in frame.shape]
    for _ in range(num_steps):
        places = pose.places(*grid, reference.shape)
        seen = inside(places[0], places[1], reference.shape)
        if margin:
            seen &= inside(places[0] + margin, places[1] + margin, reference.shape)
            seen &= inside(places[0] - margin, places[1] - margin, reference.shape)
        if seen.sum() < 16:
            return pose
        at = [each[seen] for each in places]
        slopes = [_spline_at(each, *at) for each in (rows, columns)]
        turned = [at[0] - middle[0] - pose.row, at[1] - middle[1] - pose.column]
        residual = frame[seen] - _spline_at(reference, *at)
        step = _step(residual, slopes, turned)
        pose = pose.moved(step)
        if pose.distance(pose.moved(-step), frame.shape) < _SETTLED / 5:
            break
    return pose


def _step(residual: np.ndarray, slopes: list[np.ndarray], turned: list[np.ndarray]) -> Float[np.ndarray, "3"]:
    """Return the step of Gauss-Newton for row, column and angle; ``turned`` are places from the frame's center."""
    angle = slopes[1] * turned[0] - slopes[0] * turned[1]
    jacobian = np.stack([slopes[0], slopes[1], angle], axis=-1)
    scales = np.sqrt((jacobian**2).sum(axis=0)) + 1e-12  # the angle's is as many times larger as there are pixels
    jacobian = jacobian / scales
    normal = jacobian.T @ jacobian + 1e-6 * np.eye(3)
    return np.linalg.solve(normal, jacobian.T @ residual) / scales


def jointly(
    frames: Float[np.ndarray, "m h w"],
    poses: Sequence[Pose],
    reference: int,
    scale: float,
    picture: Float[np.ndarray, "H W"] | None = None,
) -> list[Pose]:
    """Return poses at which frames agree with the finer picture that they make together."""
    poses = list(poses)
    shape = frames.shape[1:]
    fine = tuple(round(side * scale) for side in shape)
    x = None
    for _ in range(_JOINT_ROUNDS):
        ways = [Imaging(pose, shape, fine) for pose in poses]
        x = least_squares(ways, frames, fine, x)
        moved = [
            pose if number == reference else _nearer(frames[number], ways[number], x)
            for number, pose in enumerate(poses)
        ]
        change = max(new.distance(old, (1, 1)) for new, old in zip(moved, poses, strict=True))
        poses = moved
        if change < _SETTLED:
            break
    return poses


def _nearer(frame: np.ndarray, way: "Imaging", x: np.ndarray) -> Pose:
    slopes = [way.scale[axis] * way.forward(each) for axis, each in enumerate(np.gradient(x))]
    middle = [(side - 1) / 2 for side in way.shape]
    turned = [way.rows[way.seen] - middle[0] - way.pose.row, way.columns[way.seen] - middle[1] - way.pose.column]
    return way.pose.moved(_step(frame[way.seen] - way.forward(x), slopes, turned))


@final
class Imaging:
    """How a frame comes from the finer picture: each pixel is the mean over its cell, at its place."""

    def __init__(self, pose: Pose, shape: tuple[int, int], fine: tuple[int, int]) -> None:
        from scipy.sparse import csr_array

        self.pose, self.shape, self.fine = pose, shape, fine
        self.scale = [new / old for new, old in zip(fine, shape, strict=True)]
        grid = np.meshgrid(*(np.arange(side, dtype=float) for side in shape), indexing="ij")
        self.rows, self.columns = pose.places(*grid, shape)
        self.seen = inside(self.rows, self.columns, shape)
        parts = [
            _taps((each[self.seen] + 0.5) * scale - 0.5, scale, size)
            for each, scale, size in zip((self.rows, self.columns), self.scale, fine, strict=True)
        ]
        (row, row_weights), (column, column_weights) = parts
        indices = (row[:, :, None] * fine[1] + column[:, None, :]).reshape(len(row), -1)
        weights = (row_weights[:, :, None] * column_weights[:, None, :]).reshape(len(row), -1)
        starts = np.arange(len(row) + 1) * indices.shape[1]
        self.matrix = csr_array((weights.ravel(), indices.ravel(), starts), shape=(len(row), fine[0] * fine[1]))

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.matrix @ x.reshape(self.fine[0] * self.fine[1], *x.shape[2:])

    def back(self, y: np.ndarray) -> np.ndarray:
        return (self.matrix.T @ y).reshape(*self.fine, *y.shape[1:])


def _taps(places, scale, size):
    count = max(1, math.ceil(scale - 1e-9))
    offsets = ((np.arange(count) + 0.5) / count - 0.5) * scale
    first = np.floor(places + offsets[0]).astype(np.int64) - 1
    num = math.ceil(offsets[-1] - offsets[0] - 1e-9) + 4
    taps = first[:, None] + np.arange(num)
    distance = np.abs((places[:, None, None] + offsets) - taps[:, :, None])
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0.0)).sum(axis=-1) / count
    return taps.clip(0, size - 1), weights


def least_squares(ways, frames, fine, start=None, smoothness=_SMOOTHNESS, num=20):
    """min sum |A x - y|^2 + s |lap x|^2, conjugate gradients."""
    from scipy.ndimage import laplace

    def normal(x):
        result = smoothness * laplace(laplace(x, mode="nearest"), mode="nearest")
        for way in ways:
            result += way.back(way.forward(x))
        return result

    wanted = sum(way.back(frame[way.seen]) for way, frame in zip(ways, frames, strict=True))
    if start is None:
        weight = sum(way.back(np.ones(way.matrix.shape[0])) for way in ways)
        start = np.where(weight > 0.1, wanted / np.maximum(weight, 0.1), float(frames.mean()))
        num = 2 * num
    x = start
    residual = wanted - normal(x)
    direction, power = residual, float((residual**2).sum())
    for _ in range(num):
        image = normal(direction)
        size = power / float((direction * image).sum())
        x = x + size * direction
        residual = residual - size * image
        new = float((residual**2).sum())
        direction, power = residual + new / power * direction, new
    return x
