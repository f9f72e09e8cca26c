"""Multi-frame super-resolution: frames of one scene, shifted by fractions of a pixel, give one sharper picture.

Every pixel of every frame is the mean of the same field over its own cell. The field consists of small networks on
tiles (`blended`), as dense as all pixels together; a few steps of conjugate gradients from its picture then reduce the
remaining errors.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError
from ligeia.fitting import FootprintSamples
from ligeia.signals import ArraySource, Blocks, Grid, Signal

from ._imaging import agreeing, steps_that_help
from ._poses import Pose, check_overlap, pixels_of
from ._registration import estimated, jointly
from ._tiles import ObjectiveOf, Tile, TileSettings, blended

_LEAST_SIDE: Final = 8
_AGREEING_STEPS: Final = 16  # at most
_HELD: Final = 16  # one pixel in 16 is held out, to decide how many steps help
_NEIGHBORHOOD: Final = 3  # pixels along each side, within which any value of the reference is accepted
_SIGMAS: Final = 8.0
_SETTINGS: Final = TileSettings(steps=600, batch_size=512, num_tilings=1)
"""How the field of many exposures is fitted; what else was tried: ``design/enlargement.md``."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Fused:
    """One picture from many frames: its values in the frames' units, and the pose of each frame in the reference."""

    values: Float[np.ndarray, "H W c"]
    poses: tuple[Pose, ...]
    shares: tuple[float, ...]
    """Share of each frame's pixels that were used: less than 1 if something moved."""
    num_steps: int
    """Steps of conjugate gradients after the field, chosen on held-out pixels. 0 with much noise."""


def super_resolve(
    frames: Sequence[Signal],
    *,
    scale: float | None = None,
    shape: Sequence[int] | None = None,
    poses: Sequence[Pose] | None = None,
    reference: int = 0,
    moving: bool = False,
    seed: int = 0,
    settings: TileSettings | None = None,
    on_tile: Callable[[int, int], None] | None = None,
) -> Fused:
    """Return one picture of the scene that all frames show, aligned with the frame ``reference``.

    The picture has ``shape`` samples, ``(rows, columns)``, or ``scale`` times those of a frame along each axis.
    Without ``poses`` these are estimated, to 0.02 pixels given detail and little noise; this was tested for rotations
    up to 3 degrees and shifts up to a seventh of a frame. With ``moving``, pixels are ignored in which a frame shows
    something other than the reference, such as a moving object. ``on_tile`` is called after each tile with the number
    of tiles done and their total. All frames must be from one camera, at one brightness.
    """
    size = _checked(frames, reference)
    fine = _fine_shape(size, scale, shape)
    stack = np.stack([_scaled(frame, frames[reference]) for frame in frames])
    if poses is not None and len(poses) != len(frames):
        raise InputError(f"expected a pose for each of the {len(frames)} frames, got {len(poses)}; give all or none.")
    gray = stack.mean(axis=-1)
    found = estimated(gray, reference, fine[0] / size[0]) if poses is None else _relative(poses, reference)
    check_overlap(found, size)
    kept = np.ones(stack.shape[:3], bool)
    if moving:
        for number in set(range(len(frames))) - {reference}:
            kept[number] = _still(stack, found, reference, number)
        if poses is None:
            found = jointly(gray, found, reference, min(3.0, fine[0] / size[0]), list(kept))
    held = kept & (np.random.default_rng(seed).integers(_HELD, size=kept.shape) == 0)
    density = [min(new / old, math.sqrt(len(frames))) for new, old in zip(fine, size, strict=True)]
    lattice = [round(side * each) for side, each in zip(size, density, strict=True)]
    channels = frames[reference].channels
    values = blended(
        lattice,
        fine,
        channels,
        _objectives(stack, found, list(kept & ~held), lattice),
        settings=_SETTINGS if settings is None else settings,
        seed=seed,
        on_tile=on_tile,
    )
    low = np.array([channel.low for channel in channels])
    reach = np.array([channel.high - channel.low for channel in channels])
    picture = ((values - low) / reach * 2 - 1).astype(np.float32)
    num_steps = steps_that_help(picture, stack, found, kept=list(kept & ~held), held=list(held), most=_AGREEING_STEPS)
    picture = agreeing(picture, stack, found, kept=list(kept), num_steps=num_steps)
    return Fused(
        values=((picture + 1) / 2 * reach + low).astype(np.float32),
        poses=tuple(found),
        shares=tuple(float(mask.mean()) for mask in kept),
        num_steps=num_steps,
    )


def clip_around(video: Signal, frame: int, *, neighbors: int = 3) -> tuple[list[Signal], int]:
    """Return a frame of a video with up to ``neighbors`` frames before and after it as images, and its index.

    The video has the axes (time, row, column). Frames number from 0; near its ends there are fewer neighbors.
    """
    if video.grid.num_axes != 3 or video.points is not None or video.missing is not None:
        raise InputError(
            f"expected a video with the axes time, row and column, got {[axis.name for axis in video.grid.axes]}; "
            "give pictures as a list of frames."
        )
    count, rows, columns = video.grid.shape
    if not 0 <= frame < count:
        raise InputError(f"expected a frame from 0 to {count - 1}, got {frame}.")
    if neighbors < 1:
        raise InputError(f"expected at least 1 neighbor, got {neighbors}.")
    first, last = max(0, frame - neighbors), min(count, frame + neighbors + 1)
    grid = Grid(video.grid.axes[1:], video.grid.align)
    source = ArraySource(dtype=video.values.dtype.str, has_channel_axis=True)
    size = rows * columns
    signals = []
    for number in range(first, last):
        samples = video.samples(np.arange(number * size, (number + 1) * size)).reshape(rows, columns, -1)
        signals.append(Signal(grid=grid, values=samples, channels=video.channels, source=source))
    return signals, frame - first


def _objectives(
    stack: Float[np.ndarray, "m h w c"],
    poses: Sequence[Pose],
    kept: Sequence[Bool[np.ndarray, "h w"]],
    lattice: Sequence[int],
) -> ObjectiveOf:
    """Return the maker of a tile's objective: all pixels whose centers lie in it, each the mean over its cell."""
    shape = (stack.shape[1], stack.shape[2])
    per_pixel = [new / old for new, old in zip(lattice, shape, strict=True)]
    counts = [max(2, math.ceil(each - 1e-9)) for each in per_pixel]
    offsets = np.meshgrid(*((np.arange(count) + 0.5) / count - 0.5 for count in counts), indexing="ij")
    down, right = (each.reshape(-1) for each in offsets)

    def objective_of(tile: Tile, seed: int) -> FootprintSamples:
        (top, bottom), (left, end) = tile.ranges()
        corners = [np.array(each) for each in ((top, top, bottom, bottom), (left, end, left, end))]
        corners = [each / scale - 0.5 for each, scale in zip(corners, per_pixel, strict=True)]
        points, values = [], []
        for frame, pose, mask in zip(stack, poses, kept, strict=True):
            ends = [
                (max(0, math.floor(each.min())), min(side, math.ceil(each.max()) + 1))
                for each, side in zip(pose.back(corners, shape), shape, strict=True)
            ]
            window = tuple(slice(*each) for each in ends)
            rows, columns = np.meshgrid(*(np.arange(*each, dtype=np.float64) for each in ends), indexing="ij")
            places = pose.places((rows, columns), shape)
            at = [tile.coordinates(axis, (each + 0.5) * per_pixel[axis]) for axis, each in enumerate(places)]
            chosen = (np.abs(at[0]) <= 1) & (np.abs(at[1]) <= 1)
            chosen &= mask[window]
            nodes = pose.places((rows[chosen][:, None] + down, columns[chosen][:, None] + right), shape)
            at = [tile.coordinates(axis, (each + 0.5) * per_pixel[axis]) for axis, each in enumerate(nodes)]
            points.append(np.stack(at, axis=-1))
            values.append(frame[window][chosen])
        return FootprintSamples(np.concatenate(points), np.concatenate(values), np.full(len(down), 1 / len(down)))

    return objective_of


def _still(
    stack: Float[np.ndarray, "m h w c"], poses: Sequence[Pose], reference: int, number: int
) -> Bool[np.ndarray, "h w"]:
    """Return in which pixels a frame agrees with the reference.

    Any value that the reference has around the place is accepted, because edges may be finer than pixels. A pixel is
    rejected if it deviates by many times the standard deviation of the frames' usual differences.
    """
    from scipy.ndimage import map_coordinates, maximum_filter, minimum_filter, uniform_filter

    shape = (stack.shape[1], stack.shape[2])
    places = np.stack(poses[number].places(pixels_of(shape), shape))
    beyond, leftover = np.zeros(shape), np.zeros(shape)
    for frame, there in zip(np.moveaxis(stack[number], -1, 0), np.moveaxis(stack[reference], -1, 0), strict=True):
        low, high, middle = (
            map_coordinates(each, places, order=order, mode="nearest")
            for each, order in (
                (minimum_filter(there, _NEIGHBORHOOD), 1),
                (maximum_filter(there, _NEIGHBORHOOD), 1),
                (there, 3),
            )
        )
        beyond = np.maximum(beyond, np.maximum(low - frame, frame - high))
        leftover = np.maximum(leftover, np.abs(uniform_filter(frame - middle, 5)))
    noise = 1.4826 * float(np.median(leftover)) + 1e-3
    still = (beyond <= _SIGMAS * noise) & (leftover <= 2 * _SIGMAS * noise)
    # with its neighbors: a moving object is larger than a pixel
    return minimum_filter(still.astype(np.uint8), _NEIGHBORHOOD).astype(bool)


def _relative(poses: Sequence[Pose], reference: int) -> list[Pose]:
    if poses[reference] != Pose():
        raise InputError(
            f"expected poses in the reference frame, that of frame {reference} itself is {poses[reference]}; count "
            "them from that frame, or choose another reference."
        )
    return list(poses)


def _scaled(frame: Signal, reference: Signal) -> Float[np.ndarray, "h w c"]:
    """Return a frame in network units, in which the range of the reference is [-1, 1]."""
    values = np.asarray(frame.values)
    return reference.scaled(values.reshape(-1, values.shape[-1])).reshape(values.shape)


def _checked(frames: Sequence[Signal], reference: int) -> tuple[int, int]:
    """Return the size of the frames; refuse fewer than two, or pictures of different kinds."""
    if len(frames) < 2:
        raise InputError(f"expected at least 2 frames, got {len(frames)}; enlarge a single picture by itself.")
    if not 0 <= reference < len(frames):
        raise InputError(f"expected a reference frame from 0 to {len(frames) - 1}, got {reference}.")
    for number, frame in enumerate(frames):
        if isinstance(frame.values, Blocks) or frame.points is not None or frame.missing is not None:
            raise InputError(f"expected whole pictures in memory, frame {number} is not; read it as an image.")
        if frame.grid.num_axes != 2 or min(frame.grid.shape) < _LEAST_SIDE:
            raise InputError(
                f"expected pictures of at least {_LEAST_SIDE} x {_LEAST_SIDE} pixels, got "
                f"{' x '.join(map(str, frame.grid.shape))} in frame {number}."
            )
        first, this = (
            f"{' x '.join(map(str, each.grid.shape))} pixels in {each.num_channels} channels of {each.values.dtype}"
            for each in (frames[0], frame)
        )
        if this != first:
            raise InputError(
                f"expected frames of one camera, frame 0 has {first} and frame {number} has {this}; cut or convert "
                "them alike."
            )
    rows, columns = frames[0].grid.shape
    return rows, columns


def _fine_shape(size: tuple[int, int], scale: float | None, shape: Sequence[int] | None) -> tuple[int, int]:
    if (scale is None) == (shape is None):
        raise InputError(f"expected either a scale or a shape, got scale={scale} and shape={shape}.")
    if scale is not None:
        if not (math.isfinite(scale) and scale >= 1):
            raise InputError(f"expected a scale of 1 or more, got {scale}.")
        return round(size[0] * scale), round(size[1] * scale)
    assert shape is not None
    if len(shape) != 2 or any(new < old for new, old in zip(shape, size, strict=False)):
        raise InputError(f"expected a shape of at least {size[0]} x {size[1]}, got {tuple(shape)}.")
    return int(shape[0]), int(shape[1])
