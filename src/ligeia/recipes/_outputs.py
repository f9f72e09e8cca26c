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
    ImageSource,
    SoundSource,
    cast_samples,
    write_array,
    write_image,
    write_sound,
)

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
) -> tuple[int, ...]:
    """Sample a field at any resolution into a file, and return the shape sampled.

    ``shape`` gives the samples per axis, or ``scale`` how many times more than the original (of ``region``, if
    given). An ``.npy`` file gets float32 ``(*shape, channels)``: the value in signal units, the gradient's magnitude
    or the Laplacian per unit coordinate. A picture shows the latter two in gray, averaged over the color channels,
    black and white at the extremes that one sample in a thousand exceeds. A sound keeps its length: more samples are
    a higher sample rate.
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
    if quantity != "value":
        channels = (_picture_channel(field, shape, region, quantity),)
        colors = _color_channels(field)
        pieces = ((start, stop, values[:, colors].mean(axis=1, keepdims=True)) for start, stop, values in pieces)
        source = ArraySource(dtype="<f4")
    _write_picture(path, shape, pieces, channels, source, upright=True)
    return shape


def decode(field: Field, path: Path) -> tuple[int, ...]:
    """Write the original sampling in the original kind of file, and return its shape.

    Size, mode, bit depth, orientation and color profile, or sample rate, channels and subtype, are the original's if
    ``path`` has the ending of its kind.
    """
    shape = field.grid.shape
    pieces = _to_numpy(field.pieces(shape))
    if path.suffix.lower() == ".npy":
        source = field.source
        dtype = np.dtype(source.dtype)
        pieces = ((start, stop, cast_samples(values, dtype)) for start, stop, values in pieces)
        has_channels = len(field.channels) > 1 or (isinstance(source, ArraySource) and source.has_channel_axis)
        write_array(path, (*shape, len(field.channels)) if has_channels else shape, dtype, pieces)
    elif isinstance(field.source, SoundSource):
        low, high = field.channels[0].low, field.channels[0].high  # shared by all
        clipped = ((start, stop, np.clip(values, low, high)) for start, stop, values in pieces)
        write_sound(path, field.source.sample_rate, clipped, field.channels, field.source)
    else:
        _write_picture(path, shape, pieces, field.channels, field.source, upright=False)
    return shape


def _to_numpy(pieces: Iterable[tuple[int, int, Tensor]]) -> Iterator[tuple[int, int, np.ndarray]]:
    return ((start, stop, values.numpy()) for start, stop, values in pieces)


def _scaled(shape: Sequence[int], scale: float) -> tuple[int, ...]:
    if not (scale > 0 and math.isfinite(scale * max(shape))):
        raise InputError(f"a scale above 0 was wanted, got {scale:g}.")
    return tuple(max(1, round(size * scale)) for size in shape)


def _write_picture(
    path: Path,
    shape: Sequence[int],
    pieces: Pieces,
    channels: Sequence[Channel],
    source: ArraySource | ImageSource,
    *,
    upright: bool,
) -> None:
    if len(shape) != 2:
        raise InputError(
            f"{path}: a picture needs a field of 2 axes, this one has {len(shape)}; write an .npy file instead."
        )
    write_image(path, (shape[0], shape[1]), pieces, channels, source, upright=upright)


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
