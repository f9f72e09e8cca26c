"""Pictures of fields: a plane of samples, a slice of more axes, or what a derivative looks like, as an image file."""

import math

import numpy as np

from ligeia.core import InputError
from ligeia.signals import ArraySource, Channel, ImageSource, PointsSource, Sampled, Sampling, VideoSource, VolumeSource

from .._output import Output
from ._kinds import TIFF_SUFFIXES
from ._write import write_image


def save_image(output: Output) -> None:
    """Write a picture; missing samples are black but in a TIFF, derivatives gray.

    A derivative is averaged over the color channels, black and white at the extremes that one sample in a thousand
    exceeds. Scattered samples are shown as a figure is drawn: the first coordinate to the right, the other upwards.
    """
    field, shape, pieces = output.field, list(output.sampling.shape), output.pieces()
    channels, source = field.channels, field.source
    if output.quantity != "value":
        channels, colors = (_picture_channel(output),), _color_channels(field)
        pieces = ((start, stop, values[:, colors].mean(axis=1, keepdims=True)) for start, stop, values in pieces)
    fill = None
    if (missing := output.missing()) is not None:
        gone, low = missing.reshape(-1, 1), np.array([channel.low for channel in channels], np.float32)  # black
        if output.suffix in TIFF_SUFFIXES and isinstance(source, ImageSource) and output.quantity == "value":
            fill = output.absent(np.dtype(source.dtype))
            low = np.full(len(channels), fill)
        pieces = ((start, stop, np.where(gone[start:stop], low, values)) for start, stop, values in pieces)
    if not isinstance(source, ImageSource | ArraySource) or output.quantity != "value":
        is_whole = isinstance(source, VolumeSource | VideoSource) and output.quantity == "value"
        source = ArraySource(dtype=np.dtype(source.dtype).str if is_whole else "<f4")
    while len(shape) > 2 and 1 in shape:  # a slice
        shape.remove(1)
    if len(shape) != 2:
        middle = shape[0] // 2
        ranges = [f"{middle}:{middle + 1}", *(f"0:{size}" for size in shape[1:])]
        advice = f"choose a slice such as --region {','.join(ranges)}, or write" if len(shape) > 2 else "write"
        raise InputError(
            f"{output.path}: a picture needs 2 axes, this sampling has {len(shape)}; {advice} an .npy file."
        )
    if isinstance(field.source, PointsSource):
        whole = np.concatenate([values for _, _, values in pieces]).reshape(*shape, -1)
        shape, whole = shape[::-1], whole.transpose(1, 0, 2)[::-1]
        pieces = iter([(0, math.prod(shape), np.ascontiguousarray(whole).reshape(math.prod(shape), -1))])
    write_image(
        output.path, (shape[0], shape[1]), pieces, channels, source, upright=not output.is_original, nodata=fill
    )


def _color_channels(field: Sampled) -> list[int]:
    return [number for number, channel in enumerate(field.channels) if channel.name != "alpha"]


def _picture_channel(output: Output) -> Channel:
    # a coarse look fixes the range before the first row is written
    coarse = Sampling(
        output.sampling.grid, tuple(min(size, 256) for size in output.sampling.shape), output.sampling.ends
    )
    seen = np.concatenate(
        [np.asarray(values) for _, _, values in output.field.pieces(coarse, quantity=output.quantity)]
    )
    seen = seen[:, _color_channels(output.field)].mean(axis=-1)
    if output.quantity == "gradient":
        return Channel(name=output.quantity, low=0.0, high=max(float(np.quantile(seen, 0.999)), 1e-12))
    high = max(float(np.quantile(np.abs(seen), 0.999)), 1e-12)
    return Channel(name=output.quantity, low=-high, high=high)
