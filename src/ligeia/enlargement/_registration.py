"""Registration: poses of frames of one scene, estimated from the pictures to hundredths of a pixel.

Three stages, each from what the one before found: phase correlation at a few angles, Gauss-Newton between each frame
and the reference (Lucas and Kanade 1981), and Gauss-Newton between each frame and what all frames make together, in
turns. Only the last is free of the bias of aliasing, which two pictures alone cannot tell from a move.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError

from ._imaging import Imaging, least_squares
from ._poses import LEAST_OVERLAP, Places, Pose, check_overlap, inside, pixels_of

_ANGLES_DEGREES: Final = (0.0, -2.5, 2.5, -5.0, 5.0)  # Gauss-Newton finds what lies between
_COARSE_SIDE: Final = 96  # pixels of a picture in which an angle is looked for
_BLURS: Final = (3.0, 1.5, 0.7)  # pixels; the first reaches far, the last is precise
_LEAST_LIKENESS: Final = 0.3  # correlation of a frame and the reference where they overlap
_JOINT_SIDE: Final = 256  # pixels of the middle of each frame that the last stage looks at
_JOINT_ROUNDS: Final = 12
_SETTLED: Final = 0.005  # pixels


def estimated(frames: Float[np.ndarray, "m h w"], reference: int, scale: float) -> list[Pose]:
    """Return the pose of each of ``m`` gray frames in the frame ``reference``, whose own is 0.

    ``scale`` is the magnification, at most 3, of the picture that the last stage compares with.
    """
    poses = [
        Pose() if number == reference else _registered(frame, frames[reference], number)
        for number, frame in enumerate(frames)
    ]
    return jointly(frames, poses, reference, min(3.0, scale))


def _registered(frame: np.ndarray, reference: np.ndarray, number: int) -> Pose:
    """Return the pose of a frame in the reference, from these two pictures alone."""
    from scipy.ndimage import gaussian_filter

    pose = _coarse(frame, reference)
    for blur in _BLURS:
        smooth, other = (gaussian_filter(each, blur, mode="nearest") for each in (frame, reference))
        pose = _aligned(smooth, other, pose, round(2 * blur))
    check_overlap([pose], (reference.shape[0], reference.shape[1]))
    likeness = _likeness(frame, reference, pose)
    if not likeness >= _LEAST_LIKENESS:
        raise InputError(
            f"expected frames of one scene, frame {number} has a correlation of {likeness:.2f} with the reference "
            "in its best pose; leave it out, or give its pose."
        )
    return pose


def _coarse(frame: np.ndarray, reference: np.ndarray) -> Pose:
    """Return the best pose that phase correlation finds at a few angles, on downsampled pictures."""
    from skimage.registration import phase_cross_correlation

    factor = min(1.0, _COARSE_SIDE / max(frame.shape))
    small_frame, small = _reduced(frame, factor), _reduced(reference, factor)
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in small.shape))
    grid = pixels_of(small.shape)
    found: list[tuple[float, Pose]] = []
    unweighted: Any = None  # which the function takes, its annotation not
    for degrees in _ANGLES_DEGREES:
        turned = Pose(0.0, 0.0, math.radians(degrees))
        upright = _spline_at(small_frame, turned.back(grid, (small.shape[0], small.shape[1])))
        for tapered in (True, False):
            pair = [(each - each.mean()) * (window if tapered else 1.0) for each in (small, upright)]
            shift = phase_cross_correlation(*pair, upsample_factor=4, normalization=unweighted)[0]
            pose = Pose(float(shift[0]), float(shift[1]), turned.angle)
            found.append((_likeness(small_frame, small, pose), pose))
    best = max(found, key=lambda each: each[0])[1]
    return Pose(best.row / factor, best.column / factor, best.angle)


def _reduced(picture: np.ndarray, factor: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter, zoom

    smooth = gaussian_filter(picture, 0.5 / factor, mode="nearest")
    return np.asarray(zoom(smooth, factor, order=1, grid_mode=True, mode="nearest"))


def _likeness(frame: np.ndarray, reference: np.ndarray, pose: Pose) -> float:
    """Return the correlation of a frame and the reference where they overlap; -1 if the overlap is too small."""
    grid, size = pixels_of(frame.shape), (frame.shape[0], frame.shape[1])
    places = pose.places(grid, size)
    seen = inside(places, size)
    if seen.mean() < LEAST_OVERLAP:
        return -1.0
    first, second = frame[seen], _spline_at(reference, places)[seen]
    first, second = first - first.mean(), second - second.mean()
    norm = math.sqrt(float((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 1.0


def _spline_at(picture: np.ndarray, at: Places) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    return map_coordinates(picture, np.stack(at), order=3, mode="nearest")


def _aligned(frame: np.ndarray, reference: np.ndarray, pose: Pose, margin: int, num_steps: int = 20) -> Pose:
    """Return the pose at which the reference, moved there, is nearest to the frame."""
    rows, columns = np.gradient(reference)
    grid, size = pixels_of(frame.shape), (frame.shape[0], frame.shape[1])
    middle = [(side - 1) / 2 for side in frame.shape]
    for _ in range(num_steps):
        places = pose.places(grid, size)
        seen = inside(places, size)
        if margin:
            seen &= inside([each + margin for each in places], size)
            seen &= inside([each - margin for each in places], size)
        if seen.sum() < 16:
            return pose
        at = [each[seen] for each in places]
        slopes = [_spline_at(each, at) for each in (rows, columns)]
        turned = [at[0] - middle[0] - pose.row, at[1] - middle[1] - pose.column]
        residual = frame[seen] - _spline_at(reference, at)
        step = _step(residual, slopes, turned)
        pose = pose.moved(step)
        if pose.distance(pose.moved(-step), frame.shape) < _SETTLED / 5:
            break
    return pose


def _step(
    residual: Float[np.ndarray, " n"], slopes: Sequence[Float[np.ndarray, " n"]], turned: Sequence[np.ndarray]
) -> Float[np.ndarray, "3"]:
    """Return the step of Gauss-Newton for row, column and angle; ``turned`` are places from the frame's center."""
    angle = slopes[1] * turned[0] - slopes[0] * turned[1]
    jacobian = np.stack([slopes[0], slopes[1], angle], axis=-1)
    scales = np.sqrt((jacobian**2).sum(axis=0)) + 1e-12  # an angle moves a pixel by many times its own size
    jacobian = jacobian / scales
    normal = jacobian.T @ jacobian + 1e-6 * np.eye(3)
    return np.linalg.solve(normal, jacobian.T @ residual) / scales


def jointly(
    frames: Float[np.ndarray, "m h w"],
    poses: Sequence[Pose],
    reference: int,
    scale: float,
    kept: Sequence[Bool[np.ndarray, "h w"] | None] | None = None,
) -> list[Pose]:
    """Return poses at which gray frames agree with the finer picture reconstructed from all of them.

    The picture and the poses are updated alternately, until the poses change by less than 0.005 pixels. ``kept`` says
    which pixels of a frame count.
    """
    cut = [slice(max(0, side - _JOINT_SIDE) // 2, side - max(0, side - _JOINT_SIDE) // 2) for side in frames.shape[1:]]
    frames = frames[:, cut[0], cut[1]]
    masks = [None if each is None else each[cut[0], cut[1]] for each in (kept or [None] * len(frames))]
    shape = (frames.shape[1], frames.shape[2])
    fine = (round(shape[0] * scale), round(shape[1] * scale))
    poses, picture = list(poses), None
    for _ in range(_JOINT_ROUNDS):
        ways = [Imaging(pose, shape, fine, kept=mask) for pose, mask in zip(poses, masks, strict=True)]
        picture = least_squares(ways, frames[..., None], picture)
        moved = toward(picture, ways, frames, reference)
        change = max(new.distance(old, (1, 1)) for new, old in zip(moved, poses, strict=True))
        poses = moved
        if change < _SETTLED:
            break
    return poses


def toward(
    picture: Float[np.ndarray, "H W 1"], ways: Sequence[Imaging], frames: Float[np.ndarray, "m h w"], reference: int
) -> list[Pose]:
    """Return poses one step of Gauss-Newton nearer to where each gray frame agrees with a finer picture."""
    slopes = np.gradient(picture, axis=(0, 1))
    moved = []
    for number, (way, frame) in enumerate(zip(ways, frames, strict=True)):
        if number == reference:
            moved.append(way.pose)
            continue
        per_pixel = [scale * way.means(each)[:, 0] for scale, each in zip(way.scale, slopes, strict=True)]
        middle = [(side - 1) / 2 for side in frame.shape]
        turned = [
            way.rows - middle[0] - way.pose.row,
            way.columns - middle[1] - way.pose.column,
        ]
        residual = frame[way.seen] - way.means(picture)[:, 0]
        moved.append(way.pose.moved(_step(residual, per_pixel, turned)))
    return moved
