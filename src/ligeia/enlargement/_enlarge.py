"""Enlargement of one picture: a field is fitted to the pixels as means over their areas.

Nothing is learned from other pictures. See ``docs/enlargement.md`` for what it gains, and when it does not help.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.fitting import Values
from ligeia.formats import check_image, image_suffixes, write_array, write_image
from ligeia.signals import ArraySource, Bicubic, Blocks, Box, Channel, Footprint, Grid, ImageSource, Signal

from ._consistency import Downsampling, downsampled, make_consistent
from ._tiles import Tile, TileSettings, blended

KERNELS: Final[dict[str, Footprint]] = {"box": Box(), "bicubic": Bicubic(), "unknown": Box()}
"""How a picture was downsampled, by name; unknown is taken as the mean over a pixel's area, as in a camera."""

LEAST_SIDE: Final = 8
"""Fewest samples along an axis of a picture to enlarge."""

_MOST_ROUNDS = 100
_CLOSE = 0.1  # gray levels: rounding adds half a one at most
_PIECE = 1 << 20  # pixels written at a time


@final
@dataclass(frozen=True, eq=False, slots=True)
class Enlarged:
    """A picture with more samples, ready to be written."""

    values: Float[np.ndarray, "*shape c"]
    """In the signal's units; whole numbers within the range of an integer signal."""
    channels: tuple[Channel, ...]
    source: ArraySource | ImageSource
    consistency: float
    """Largest difference from the given picture after downsampling, in integer steps, or in steps of range / 255."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples per axis."""
        return self.values.shape[:-1]


def enlarge(
    signal: Signal,
    *,
    scale: float | None = None,
    shape: Sequence[int] | None = None,
    downscaled_by: Footprint | None = None,
    settings: TileSettings | None = None,
    seed: int = 0,
    on_tile: Callable[[int, int], None] | None = None,
) -> Enlarged:
    """Return a picture, or an array of any number of axes, with ``scale`` times as many samples, or at ``shape``.

    Small fields are fitted to overlapping tiles, with each sample as the mean over its cell. The result is then moved
    to the nearest picture that becomes the given one when it is downsampled by ``downscaled_by`` (by default a mean).
    Colors are averaged as stored, as programs do, and weighted by alpha if there is one. ``on_tile`` is called with the
    number of tiles done and their total.

    >>> from ligeia.signals import from_array
    >>> signal = from_array(np.arange(64, dtype=np.uint8).reshape(8, 8))
    >>> enlarge(signal, scale=1.5, settings=TileSettings(steps=2)).shape
    (12, 12)
    """
    shape = _checked_shape(signal, scale, shape)
    kernel = KERNELS["unknown"] if downscaled_by is None else downscaled_by
    picture = _as_picture(signal)
    wanted, channels = picture.values, picture.channels
    per_axis = list(zip(shape, wanted.shape[:-1], strict=True))

    def objective_of(tile: Tile, seed: int) -> Values:
        part = np.ascontiguousarray(wanted[tuple(slice(*each) for each in tile.ranges())])
        within = Grid.of(part.shape[:-1]).with_footprints([Box()])
        source = ArraySource(dtype="<f4", has_channel_axis=True)
        cut = Signal(grid=within, values=part, channels=channels, source=source)
        return Values(cut, seed=seed)

    values = blended(wanted.shape[:-1], shape, channels, objective_of, settings=settings, seed=seed, on_tile=on_tile)
    ways = [Downsampling(new, old, kernel) for new, old in per_axis]
    make_consistent(values, wanted, ways)
    if picture.is_whole:  # the values must also stay in range: alternate projections until both hold
        for _ in range(_MOST_ROUNDS):
            _clip(values, channels)
            if _deviation(values, wanted, ways) < _CLOSE:
                break
            make_consistent(values, wanted, ways)
        _clip(values, channels)
        np.rint(values, out=values)
    consistency = _deviation(values, wanted, ways)
    if not picture.is_whole:
        consistency *= 255 / max(channel.high - channel.low for channel in channels)
    if picture.is_weighted:
        _weight(values, channels, inverse=True)
    return Enlarged(values, channels, picture.source, consistency)


def _deviation(values: np.ndarray, wanted: np.ndarray, ways: Sequence[Downsampling]) -> float:
    """Return the largest difference between a downsampled signal and the given one, in their units."""
    return float(np.abs(downsampled(values, ways) - wanted).max())


def check_enlarged_output(signal: Signal, path: Path) -> None:
    """Raise `InputError`, before any work, if `write_enlarged` could not write the result."""
    source = signal.source
    if not isinstance(source, ArraySource | ImageSource):
        kind = type(source).__name__.removesuffix("Source").lower()
        advice = {"video": "choose one frame with --frame N", "volume": "thick slices take --isotropic"}
        raise InputError(f"expected a picture or an array, this is a {kind}; {advice.get(kind, 'fit and render it')}.")
    if path.suffix.lower() == ".npy":
        return
    if signal.grid.num_axes != 2:
        raise InputError(f"{path}: an array of {signal.grid.num_axes} axes is written as .npy; rename the output.")
    if path.suffix.lower() not in image_suffixes():
        endings = ", ".join((*image_suffixes(), ".npy"))
        raise InputError(f"{path}: expected the ending of an image or .npy ({endings}); rename the output.")
    if isinstance(source, ImageSource):
        source = _unlimited(source)
    check_image(path, source, signal.num_channels)


def write_enlarged(
    path: Path, values: Float[np.ndarray, "*shape c"], channels: Sequence[Channel], source: ArraySource | ImageSource
) -> None:
    """Write an enlarged picture, as the kind of file that ``path`` ends in; ``.npy`` holds it as float32."""
    if path.suffix.lower() == ".npy":
        is_plain = isinstance(source, ArraySource) and not source.has_channel_axis and len(channels) == 1
        shape = values.shape[:-1] if is_plain else values.shape
        write_array(path, shape, np.dtype(np.float32), _pieces(values))
        return
    rows, columns = values.shape[:2]
    write_image(path, (rows, columns), _pieces(values), channels, source, upright=True)


def _pieces(values: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    flat = values.reshape(-1, values.shape[-1])
    for start in range(0, len(flat), _PIECE):
        stop = min(start + _PIECE, len(flat))
        yield start, stop, np.asarray(flat[start:stop])


@final
@dataclass(eq=False, slots=True)
class _Picture:
    """Samples in float32, in the form in which they are averaged."""

    values: Float[np.ndarray, "*shape c"]
    channels: tuple[Channel, ...]
    source: ArraySource | ImageSource
    is_whole: bool
    is_weighted: bool = False
    """Whether colors are multiplied by their alpha."""


def _as_picture(signal: Signal) -> _Picture:
    assert isinstance(signal.values, np.ndarray)
    assert isinstance(signal.source, ArraySource | ImageSource)
    values, channels, source = signal.values.astype(np.float32), signal.channels, signal.source
    if isinstance(source, ArraySource):
        return _Picture(values, channels, source, is_whole=False)
    if source.bits < 8 and source.mode != "P":
        values *= 255 / (2**source.bits - 1)
        channels = tuple(replace(channel, low=0.0, high=255.0) for channel in channels)
    source = _unlimited(source)
    has_alpha = channels[-1].name == "alpha" and source.mode in ("LA", "RGBA")
    if has_alpha:
        _weight(values, channels)
    return _Picture(values, channels, source, signal.values.dtype.kind in "uib", has_alpha)


def _unlimited(source: ImageSource) -> ImageSource:
    """Return the kind of picture that can hold intermediate colors of a palette, and intermediate grays."""
    if source.mode == "P":
        return replace(source, mode=source.palette_mode, palette=b"", palette_mode="", bits=8)
    return replace(source, mode="L", dtype="uint8", bits=8) if source.bits < 8 else source


def _weight(values: Float[np.ndarray, "*shape c"], channels: Sequence[Channel], *, inverse: bool = False) -> None:
    """Multiply colors, in place, by their alpha from 0 to 1, or divide them by it."""
    alpha = channels[-1]
    for row in values:
        share = (row[..., -1:] - alpha.low) / (alpha.high - alpha.low)
        if inverse:
            row[..., :-1] /= np.maximum(share, 1e-6)
        else:
            row[..., :-1] *= share
    if inverse:
        _clip(values, channels)
        np.rint(values, out=values)


def _clip(values: Float[np.ndarray, "*shape c"], channels: Sequence[Channel]) -> None:
    low, high = (np.array([getattr(each, end) for each in channels], np.float32) for end in ("low", "high"))
    for row in values:  # a row at a time: the whole may be on disk
        np.clip(row, low, high, out=row)


def _checked_shape(signal: Signal, scale: float | None, shape: Sequence[int] | None) -> tuple[int, ...]:
    if not isinstance(signal.source, ArraySource | ImageSource) or isinstance(signal.values, Blocks):
        raise InputError(
            f"expected a picture or an array, got {type(signal.source).__name__.removesuffix('Source').lower()}; "
            "several frames of a scene and volumes of thick slices have ways of their own: see "
            "docs/enlargement.md."
        )
    if signal.missing is not None or signal.grid.is_averaged:
        raise InputError("expected samples that all have a value, some are missing; fill them in first.")
    old = signal.grid.shape
    if min(old) < LEAST_SIDE:
        size = " x ".join(map(str, old))
        raise InputError(f"expected at least {LEAST_SIDE} samples along each axis, got {size}; enlarge a larger part.")
    if (scale is None) == (shape is None):
        raise InputError("expected either the scale of an enlargement or its shape; give one of them.")
    if shape is None:
        assert scale is not None
        if not (math.isfinite(scale) and scale >= 1):
            raise InputError(
                f"expected a scale of 1 or more, got {scale:g}; `ligeia render` makes a fitted field smaller."
            )
        shape = [round(size * scale) for size in old]
    if len(shape) != len(old):
        raise InputError(f"expected {len(old)} sizes, got {len(shape)}.")
    if any(new < size for new, size in zip(shape, old, strict=True)):
        raise InputError(
            f"expected at least the given {' x '.join(map(str, old))} samples, got {' x '.join(map(str, shape))}; "
            "`ligeia render` makes a fitted field smaller."
        )
    return tuple(shape)
