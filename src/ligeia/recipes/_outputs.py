"""A field into files, at any resolution or as the original was. Memory grows with the output alone."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError
from ligeia.field import Field, Quantity
from ligeia.signals import (
    ArraySource,
    Channel,
    Grid,
    ImageSource,
    SoundSource,
    VideoSource,
    VolumeSource,
    cast_samples,
    is_video_output,
    is_volume_output,
    write_archive,
    write_array,
    write_image,
    write_sound,
    write_stack,
    write_video,
    write_volume,
)

_STACKS = (".tif", ".tiff")
Region = Sequence[tuple[int, int]]
Pieces = Iterable[tuple[int, int, Float[np.ndarray, "_ _"]]]


def render(
    field: Field,
    path: Path,
    *,
    shape: Sequence[int] | None = None,
    scale: float | None = None,
    region: Region | None = None,
    quantity: Quantity = "value",
    crf: int | None = None,
) -> tuple[int, ...]:
    """Sample a field at any resolution into a file, and return the shape sampled.

    ``shape`` gives the samples per axis, or ``scale`` how many times more than the original (of ``region``, if
    given). An ``.npy`` file gets float32 ``(*shape, channels)``: the value in signal units, the gradient's magnitude
    or the Laplacian per unit coordinate. A picture shows the latter two in gray, averaged over the color channels,
    black and white at the extremes that one sample in a thousand exceeds. A sound keeps its length: more samples are
    a higher sample rate. A video keeps its frame rate: more frames are slow motion; ``crf`` is its encoder's quality.
    """
    if scale is not None:
        if shape is not None:
            raise InputError("give the shape or the scale of a rendering, not both.")
        shape = _scaled(field.sampling_shape(None, region), scale)
    originally = field.sampling_shape(None, region)
    shape = field.sampling_shape(shape, region)
    pieces = _to_numpy(field.pieces(shape, region=region, quantity=quantity))
    channels, source = field.channels, field.source
    if path.suffix.lower() == ".npy":
        write_array(path, (*shape, len(channels)), np.dtype(np.float32), pieces)
        return shape
    if isinstance(source, SoundSource):
        if quantity != "value":
            raise InputError(f"{path}: the {quantity} of a sound is no sound; write it to an .npy file.")
        write_sound(path, round(source.sample_rate * shape[0] / originally[0]), pieces, channels, source)
        return shape
    if is_volume_output(path):
        if not isinstance(source, VolumeSource):
            raise InputError(f"{path}: a NIfTI volume needs a field that came from one; write an .npy file instead.")
        dtype = None if quantity == "value" else np.dtype(np.float32)
        write_volume(path, shape, pieces, source, dtype=dtype, placed=_placed(field.grid, shape, region))
        return shape
    if is_video_output(path) and len(shape) == 3:
        if not isinstance(source, VideoSource) or quantity != "value":
            raise InputError(
                f"{path}: a video needs the values of a field that came from one; write an .npy file instead."
            )
        write_video(path, shape, pieces, len(field.channels), source, crf=crf)
        return shape
    if len(shape) > 2 and 1 not in shape and path.suffix.lower() in _STACKS:
        dtype = np.dtype(source.dtype if quantity == "value" else np.float32)
        write_stack(path, (*shape, len(channels)), dtype, pieces)
        return shape
    if quantity != "value":
        channels = (_picture_channel(field, shape, region, quantity),)
        colors = _color_channels(field)
        pieces = ((start, stop, values[:, colors].mean(axis=1, keepdims=True)) for start, stop, values in pieces)
        source = ArraySource(dtype="<f4")
    if isinstance(source, VolumeSource | VideoSource):
        source = ArraySource(dtype=np.dtype(source.dtype).str)
    _write_picture(path, shape, pieces, channels, source, upright=True)
    return shape


def decode(field: Field, path: Path, *, crf: int | None = None) -> tuple[int, ...]:
    """Write the original sampling in the original kind of file, and return its shape.

    ``crf`` is the constant quality of a video's encoder, 0 its best.

    Size, mode, bit depth, orientation and color profile, or sample rate, channels and subtype, are the original's if
    ``path`` has the ending of its kind.
    """
    shape = field.grid.shape
    pieces = _to_numpy(field.pieces(shape))
    source = field.source
    if path.suffix.lower() in (".npy", ".npz"):
        dtype = np.dtype(source.dtype)
        pieces = ((start, stop, cast_samples(values, dtype)) for start, stop, values in pieces)
        has_channels = len(field.channels) > 1 or (isinstance(source, ArraySource) and source.has_channel_axis)
        full = (*shape, len(field.channels)) if has_channels else shape
        if path.suffix.lower() == ".npy":
            write_array(path, full, dtype, pieces)
        else:
            name = source.name if isinstance(source, ArraySource) else ""
            write_archive(path, name or "value", np.concatenate([each for _, _, each in pieces]).reshape(full))
    elif isinstance(source, VolumeSource) and is_volume_output(path):
        write_volume(path, shape, pieces, source)
    elif len(shape) > 2 and path.suffix.lower() in _STACKS:
        write_stack(path, (*shape, len(field.channels)), np.dtype(source.dtype), pieces)
    elif isinstance(source, VideoSource):
        if not is_video_output(path):
            raise InputError(f"{path}: a video is written as .mp4, .webm, .mkv, .gif, .npy or .npz; rename the output.")
        write_video(path, shape, pieces, len(field.channels), source, crf=crf)
    elif isinstance(source, VolumeSource):
        raise InputError(f"{path}: a volume is written as .nii, .nii.gz, .npy or .npz; rename the output.")
    elif isinstance(source, SoundSource):
        low, high = field.channels[0].low, field.channels[0].high  # shared by all
        clipped = ((start, stop, np.clip(values, low, high)) for start, stop, values in pieces)
        write_sound(path, source.sample_rate, clipped, field.channels, source)
    else:
        _write_picture(path, shape, pieces, field.channels, source, upright=False)
    return shape


def _to_numpy(pieces: Iterable[tuple[int, int, Tensor]]) -> Iterator[tuple[int, int, np.ndarray]]:
    return ((start, stop, values.numpy()) for start, stop, values in pieces)


def _scaled(shape: Sequence[int], scale: float) -> tuple[int, ...]:
    if not (scale > 0 and math.isfinite(scale * max(shape))):
        raise InputError(f"a scale above 0 was wanted, got {scale:g}.")
    # an axis of one sample is a slice: it stays one
    return tuple(1 if size == 1 else max(1, round(size * scale)) for size in shape)


def _write_picture(
    path: Path,
    shape: Sequence[int],
    pieces: Pieces,
    channels: Sequence[Channel],
    source: ArraySource | ImageSource,
    *,
    upright: bool,
) -> None:
    while len(shape) > 2 and 1 in shape:  # a slice
        place = list(shape).index(1)
        shape = [*shape[:place], *shape[place + 1 :]]
    if len(shape) != 2:
        middle = shape[0] // 2
        ranges = [f"{middle}:{middle + 1}", *(f"0:{size}" for size in shape[1:])]
        advice = f"choose a slice such as --region {','.join(ranges)}, or write" if len(shape) > 2 else "write"
        raise InputError(f"{path}: a picture needs 2 axes, this sampling has {len(shape)}; {advice} an .npy file.")
    write_image(path, (shape[0], shape[1]), pieces, channels, source, upright=upright)


def _placed(grid: Grid, shape: Sequence[int], region: Region | None) -> list[tuple[float, float]]:
    """Return, per axis, the index of the first new sample in the original sampling, and the step between two."""
    bounds = [(0, size) for size in grid.shape] if region is None else region
    found = []
    for (start, stop), size in zip(bounds, shape, strict=True):
        if grid.align == "corners" and size > 1:
            found.append((float(start), (stop - 1 - start) / (size - 1)))
        else:
            step = (stop - start) / size
            found.append((start + step / 2 - 0.5, step))
    return found


def _color_channels(field: Field) -> list[int]:
    return [number for number, channel in enumerate(field.channels) if channel.name != "alpha"]


def _picture_channel(field: Field, shape: Sequence[int], region: Region | None, quantity: Quantity) -> Channel:
    # a coarse look fixes the range before the first row is written
    coarse = [min(size, 256) for size in shape]
    seen = field.sample(coarse, region=region, quantity=quantity)[..., _color_channels(field)].mean(dim=-1)
    if quantity == "gradient":
        return Channel(name=quantity, low=0.0, high=max(float(np.quantile(seen, 0.999)), 1e-12))
    high = max(float(np.quantile(seen.abs(), 0.999)), 1e-12)
    return Channel(name=quantity, low=-high, high=high)
