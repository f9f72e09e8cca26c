"""Comparison of two files or fields."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ligeia.codec import exact_samples, is_field_file, read_record
from ligeia.core import InputError, SampleError, ShapeError, errors_name
from ligeia.field import Field, from_record, load
from ligeia.formats import is_table, is_text_table, read_columns, read_signal, read_surface
from ligeia.metrics import HeldOutQuality, decibels, mean_squared_error, quality_of_errors, snr, ssim
from ligeia.shapes import FieldSurface, SurfaceQuality, prepared, surface_quality
from ligeia.signals import Blocks, PointsSource, Signal, SoundSource, Surface, SurfaceSource, surface_of

from ._tables import values_at

_MOST_BYTES = 2 << 30  # of a signal: as numbers of 64 bits, with the other and their difference, several times that


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """Quality of a candidate versus a reference, in the reference's units."""

    psnr_db: float
    """Infinite if both agree exactly."""
    mse: float
    ssim: float | None
    """None unless the signal is an image of at least 11 x 11 samples."""
    shape: tuple[int, ...]
    snr_db: float | None = None
    """Of a sound; None where the reference is none, or silent."""
    relative_l2: float | None = None
    """Of a field against a table; see `HeldOutQuality`."""


def compare(reference: Path, candidate: Path) -> Comparison:
    """Measure a file or a field against another; a field is sampled like the other file, a lossless one decoded.

    The reference's range is the peak, and candidates are clipped to it; those of another bit depth are scaled to it.
    A table of scattered samples has columns named like the axes and channels of the field, whose range is then the
    peak; its ``mse`` is not clipped.
    """
    if is_table(reference) and is_field_file(candidate):
        field = load(candidate)
        if is_text_table(reference) or isinstance(field.source, PointsSource):
            found, mse = _compare_table(reference, field)
            return Comparison(found.psnr_db, mse, None, (found.num_points,), relative_l2=found.relative_l2)
    first, second = _load(reference), _load(candidate)
    shape = (second if isinstance(first, Field) and isinstance(second, Signal) else first).grid.shape
    low, high = first.channels[0].low, first.channels[0].high
    _check_parts(first, second, candidate)
    wanted, got = _values(first, shape), _values(second, shape)
    there = _there(first, second)
    if wanted.shape != got.shape:
        raise ShapeError(
            f"{candidate}: expected the shape {tuple(wanted.shape)} of {reference}, channels last, got "
            f"{tuple(got.shape)}; render or convert one of them first."
        )
    if isinstance(first, Signal) and isinstance(second, Signal):
        got = got * _depth(first, second)
    wanted, got = wanted.clamp(low, high), got.clamp(low, high)  # a field as reference is clipped like any other
    if there is not None:
        if wanted.shape[:-1].numel() != len(there):
            raise ShapeError(f"{candidate}: expected the original sampling, to compare missing samples.")
        flat = torch.from_numpy(there)
        wanted, got = wanted.reshape(len(there), -1)[flat], got.reshape(len(there), -1)[flat]
    squared_error = mean_squared_error(wanted, got)
    has_ssim = there is None and len(shape) == 2 and min(shape) >= 11
    return Comparison(
        psnr_db=decibels(squared_error, peak=high - low),
        mse=squared_error,
        ssim=ssim(wanted, got, low=low, high=high) if has_ssim else None,
        shape=tuple(shape),
        snr_db=snr(wanted, got) if isinstance(first.source, SoundSource) and bool(wanted.any()) else None,
    )


def is_surface_field(path: Path) -> bool:
    """Return whether a file is the field of a surface."""
    return is_field_file(path) and isinstance(read_record(path).source, SurfaceSource)


def compare_surfaces(reference: Path, candidate: Path, *, resolution: int = 256) -> SurfaceQuality:
    """Measure a mesh, or the surface of a field, against the mesh or the cloud of another file.

    A field is meshed with ``resolution`` cells along the side of its domain. A reference that is a field is meshed too.
    """

    def surface_of_file(path: Path) -> Surface:
        if not is_field_file(path):
            return read_surface(path)
        field = load(path)
        found = FieldSurface(field).mesh(resolution)
        return surface_of(found.vertices, found.faces)

    found = surface_of_file(candidate)
    if found.is_cloud:
        raise InputError(f"{candidate}: expected a mesh or a field as candidate, this is a cloud; swap the two.")
    surface = surface_of_file(reference)
    with errors_name(reference):
        shape = prepared(surface, hold_out=0.0)
    return surface_quality(shape, found.vertices, found.faces)


def _compare_table(table: Path, field: Field) -> tuple[HeldOutQuality, float]:
    """Measure a field against a table with a column for each of its axes and channels; also the mean squared error."""
    names = [axis.name for axis in field.grid.axes]
    columns = read_columns(table, [*names, *(channel.name for channel in field.channels)])
    numbers = np.stack([column.numbers.astype(np.float64) for column in columns], axis=1)
    if not len(numbers) or not np.isfinite(numbers).all():
        raise SampleError(f"{table}: expected finite numbers, one at least, in {', '.join(names)} and the values.")
    physical, values = numbers[:, : len(names)], numbers[:, len(names) :]
    errors = values_at(field, physical, str(table)).astype(np.float64) - values
    return quality_of_errors(values, errors, [(each.low, each.high) for each in field.channels]), float(
        np.square(errors).mean()
    )


def _load(path: Path) -> Field | Signal:
    if is_field_file(path):
        record = read_record(path)
        if record.residual is None:
            return from_record(record)
        return Signal(
            grid=record.grid,
            values=exact_samples(record),
            channels=record.channels,
            source=record.source,
            missing=record.missing,
        )
    signal = read_signal(path, working_set=_MOST_BYTES)
    if isinstance(signal.values, Blocks):
        raise InputError(
            f"{path}: expected at most {_MOST_BYTES >> 30} GiB, files are compared in memory, got "
            f"{signal.values.nbytes / 2**30:.1f} GiB; compare parts of it, or see the PSNR of `ligeia fit`."
        )
    return signal


def _values(source: Field | Signal, shape: tuple[int, ...]) -> Float[Tensor, "*shape c"]:
    if isinstance(source, Field):
        return source.sample(shape)
    exact = np.float32 if source.values.dtype.itemsize < 4 else np.float64
    return torch.from_numpy(source.values.astype(exact))


def _check_parts(first: Field | Signal, second: Field | Signal, candidate: Path) -> None:
    """Refuse signals of different parts of the same thing, such as 20 frames of a video and all of them."""
    for one, other in zip(first.grid.axes, second.grid.axes, strict=False):
        reach = abs(one.extent[1] - one.extent[0])
        apart = max(abs(low - high) for low, high in zip(one.extent, other.extent, strict=True))
        if one.name == other.name and first.grid.align == second.grid.align and apart > reach / one.size / 2:
            raise InputError(
                f"{candidate}: expected {one.name} from {one.extent[0]:g} to {one.extent[1]:g} as in the other, "
                f"got {other.extent[0]:g} to {other.extent[1]:g}; compare the same part of both."
            )


def _there(first: Field | Signal, second: Field | Signal) -> Bool[np.ndarray, " n"] | None:
    """Return which samples have a value in both; a field has one everywhere."""
    masks = [each.missing for each in (first, second) if isinstance(each, Signal)]
    if len(masks) == 2 and (masks[0] is None) != (masks[1] is None):
        raise SampleError("expected the same missing samples in both files, one of them has none.")
    found = [each.mask() for each in masks if each is not None]
    if len(found) == 2 and len(found[0]) == len(found[1]) and not np.array_equal(found[0], found[1]):
        raise SampleError(f"{np.count_nonzero(found[0] != found[1])} samples are missing in one of the two files only.")
    return ~found[0] if found else None


def _depth(first: Signal, second: Signal) -> float:
    """Return the factor from samples of the second bit depth to those of the first; 1 where these are no depths."""
    held = first.held_range, second.held_range
    return 1.0 if held[0] is None or held[1] is None else held[0][1] / held[1][1]
