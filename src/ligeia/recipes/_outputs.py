"""A field into files, at any resolution or as the original was. Memory grows with the output alone.

Nothing here imports torch: a `NumpyField` is written as a `Field` is.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Shaped

from ligeia.codec import FieldRecord, exact_samples
from ligeia.core import InputError, write_atomically
from ligeia.signals import (
    POINT,
    ArraySource,
    Box,
    Channel,
    Footprint,
    GriddedSource,
    ImageSource,
    PointsSource,
    Quantity,
    Region,
    Sampled,
    Sampling,
    SoundSource,
    SurfaceSource,
    VideoSource,
    VolumeSource,
    cast_samples,
    is_gridded_output,
    is_video_output,
    is_volume_output,
    read_signal,
    write_archive,
    write_array,
    write_columns,
    write_gridded,
    write_image,
    write_sound,
    write_stack,
    write_video,
    write_volume,
    write_zarr_array,
)

_MOST_VALUES = 1 << 33  # of an output: 32 GiB in float32; a file of some hundred bytes can declare any number
_MOST_PLACES = 1 << 20  # that one sample may be a mean of, all of which are held at a time
_YIELDED = 1 << 16  # samples handed over at a time
_STACKS = (".tif", ".tiff")
Pieces = Iterable[tuple[int, int, Float[np.ndarray, "_ _"]]]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class _Output:
    """What is to be written where."""

    field: Sampled
    path: Path
    sampling: Sampling
    quantity: Quantity = "value"
    crf: int | None = None
    is_original: bool = False
    """Whether this is the original sampling, in the original's own type of numbers."""
    exact: Shaped[np.ndarray, "*shape channels"] | None = None
    """The original samples, where the file keeps them."""

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    @property
    def dtype(self) -> np.dtype:
        """The type of numbers where the file may hold any."""
        source = self.field.source
        if not self.is_original:
            return np.dtype(np.float32)
        dtype = np.dtype(source.dtype)
        if isinstance(source, GriddedSource) and dtype.kind != "f":  # its samples may be packed, or marked as missing
            return np.dtype(np.float32)
        return dtype

    def pieces(self) -> Iterator[tuple[int, int, np.ndarray]]:
        if self.exact is not None:
            flat = self.exact.reshape(-1, self.exact.shape[-1])
            for start in range(0, len(flat), _YIELDED):  # float64 holds every integer that a file keeps
                stop = min(start + _YIELDED, len(flat))
                yield start, stop, flat[start:stop].astype(np.float64)
            return
        scale = self.derivative_scale()
        for start, stop, values in self.field.pieces(self.sampling, quantity=self.quantity, derivative_scale=scale):
            yield start, stop, np.asarray(values)

    def derivative_scale(self) -> list[float] | None:
        """Return what makes derivatives physical, in files of physical places; those across a slice are left out.

        Derivatives along axes of different units have no sum: `InputError`.
        """
        if self.quantity == "value" or not (is_gridded_output(self.path) or is_volume_output(self.path)):
            return None
        spread = [size > 1 for size in self.sampling.shape]
        axes = self.field.grid.axes
        # degrees_north and degrees_east are the same
        units = {axis.unit.partition("_")[0] for axis, is_spread in zip(axes, spread, strict=True) if is_spread}
        if len(units) > 1:
            names = ", ".join(f"{axis.name} ({axis.unit or 'no unit'})" for axis in axes)
            raise InputError(
                f"{self.path}: axes of one unit were wanted for the {self.quantity}, got {names}; choose a slice with "
                "--region, or write an .npy file, which is per unit coordinate."
            )
        scale = 1 / np.abs(self.field.grid.physical_scale())
        return [float(each) if is_spread else 0.0 for each, is_spread in zip(scale, spread, strict=True)]

    def missing(self) -> Bool[np.ndarray, "..."] | None:
        """Return where the sampling has no value: where the nearest original sample has none."""
        if self.field.missing is None or self.exact is not None:
            return None
        mask = self.field.missing.mask().reshape(self.field.grid.shape)
        for number, axis in enumerate(self.field.grid.axes):
            nearest = np.rint(self.sampling.positions(number)).astype(np.int64)
            nearest = nearest % axis.size if axis.is_periodic else nearest.clip(0, axis.size - 1)
            mask = mask.take(nearest, axis=number)
        return mask

    def pieces_with_nan(self) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield pieces that are NaN, or 0 in a file of integers, where there is no value."""
        missing = self.missing()
        flat = None if missing is None else missing.reshape(-1)
        for start, stop, values in self.pieces():
            if flat is not None:
                values[flat[start:stop]] = np.nan if self.dtype.kind == "f" else 0
            yield start, stop, cast_samples(values, self.dtype)


def render(
    field: Sampled,
    path: Path,
    *,
    shape: Sequence[int] | None = None,
    scale: float | None = None,
    region: Region | None = None,
    quantity: Quantity = "value",
    crf: int | None = None,
    allow_large: bool = False,
) -> tuple[int, ...]:
    """Sample a field at any resolution into a file, and return the shape sampled.

    ``shape`` gives the samples per axis, or ``scale`` how many times more than the original (of ``region``, if
    given). Along an axis of fewer samples than the original a sample is the mean over its cell: there is no moire. An
    ``.npy`` file gets float32 ``(*shape, channels)``: the value in signal units, the gradient's magnitude
    or the Laplacian per unit coordinate (per physical unit in NetCDF, zarr and NIfTI); NaN where the original had no
    value; an ``.npz`` file of scattered samples has coordinates beside it. A picture shows the latter two in gray,
    averaged over the color channels, black and white at the extremes that one sample in a thousand exceeds; one of
    scattered samples has the first coordinate to the right, the other upwards. A sound keeps its length: more
    samples are a higher sample rate. A video keeps its frame rate: more frames are slow motion; ``crf`` is its
    encoder's quality. More than 2**33 values are refused unless large outputs are allowed.
    """
    if scale is not None:
        if shape is not None:
            raise InputError("give the shape or the scale of a rendering, not both.")
        shape = _scaled(field.grid.sampling(None, region).shape, scale)
    sampling = field.grid.sampling(shape, region)
    footprints = [Box() if step > 1 else POINT for step in sampling.steps()]
    sampling = _averaging(sampling, footprints, path, len(field.channels), allow_large=allow_large)
    output = _Output(field=field, path=path, sampling=sampling, quantity=quantity, crf=crf)
    _writer(output)(output)
    return sampling.shape


def decode(
    field: Sampled,
    path: Path,
    *,
    crf: int | None = None,
    allow_large: bool = False,
    exact: FieldRecord | None = None,
) -> tuple[int, ...]:
    """Write the original sampling in the original kind of file, and return its shape.

    ``crf`` is the constant quality of a video's encoder, 0 its best. A file that declares more than 2**33 values is
    refused unless large outputs are allowed: its size says nothing of theirs.

    Size, mode, bit depth, orientation and color profile, or sample rate, channels and subtype, or coordinates,
    attributes and missing values, are the original's if ``path`` has the ending of its kind. With ``exact``, the record
    of a file that keeps its samples without loss, those are written, and an ending that would lose any is refused.
    """
    if isinstance(field.source, SurfaceSource):
        raise InputError(
            f"{path}: this field is the signed distance of a surface, whose triangles are not in its file; "
            "`ligeia mesh` makes new ones, `ligeia render` samples the distance."
        )
    if isinstance(field.source, PointsSource):
        raise InputError(
            f"{path}: this field came from scattered samples, whose places are not in its file; name them with --at, "
            "or sample a grid with ligeia render."
        )
    # samples are what they were in the fit
    sampling = _averaging(
        field.grid.sampling(), field.grid.footprints, path, len(field.channels), allow_large=allow_large
    )
    output = _Output(field=field, path=path, sampling=sampling, crf=crf, is_original=True)
    if exact is not None:
        _write_exactly(replace(output, exact=exact_samples(exact)))
    else:
        _writer(output)(output)
    return output.sampling.shape


def _write_exactly(output: _Output) -> None:
    """Write the original samples, and read the file again before it takes its name."""
    assert output.exact is not None
    samples = output.exact.reshape(-1)
    if output.suffix in (".npy", ".npz", ".zarr"):
        _writer(output)(output)
        return

    def write(partial: Path) -> None:
        try:
            _writer(output)(replace(output, path=partial))
        except InputError as error:
            raise type(error)(str(error).replace(str(partial), str(output.path))) from error
        found = read_signal(partial).values
        if found.size != samples.size or not np.array_equal(np.asarray(found).reshape(-1), samples):
            raise InputError(
                f"{output.path}: a file that keeps every sample was wanted, {output.suffix} does not keep these; "
                "name it .npy, or as an original without loss was."
            )

    write_atomically(output.path, write)


def _averaging(
    sampling: Sampling, footprints: Sequence[Footprint], path: Path, num_channels: int, *, allow_large: bool
) -> Sampling:
    """Return the sampling as means, or raise `InputError` before anything of its size is allocated."""
    if not allow_large:
        num_values = sampling.num_samples * num_channels
        pairs = zip(footprints, sampling.steps(), strict=True)
        # as `Sampling.averaging` counts them
        num_places = math.prod(max(1.0, 2 * each.reach * max(2.0, math.ceil(step))) for each, step in pairs)
        if num_values > _MOST_VALUES or num_places > _MOST_PLACES:
            size = " x ".join(map(str, (*sampling.shape, num_channels)))
            means = f", each a mean of {num_places:.3g} places" if num_places > _MOST_PLACES else ""
            raise InputError(
                f"{path}: at most 2**33 values, each a mean of at most 2**20 places, were wanted; this output has "
                f"{size} values{means}; choose a part of it, or say --allow-large (allow_large=True in Python)."
            )
    return sampling.averaging(footprints)


def _writer(output: _Output) -> Callable[[_Output], None]:
    """Return what writes this output: by its ending where that says enough, else by what the field came from."""
    source, num_axes = output.field.source, len(output.sampling.shape)
    if output.suffix in (".npy", ".npz") or (output.suffix == ".zarr" and isinstance(source, ArraySource)):
        return _write_array
    if is_gridded_output(output.path):
        return _write_gridded
    if isinstance(source, SoundSource):
        return _write_sound
    if is_volume_output(output.path):
        return _write_volume
    if is_video_output(output.path) and num_axes == 3:
        return _write_video
    is_slice = not output.is_original and 1 in output.sampling.shape
    if output.suffix in _STACKS and num_axes > 2 and not is_slice:
        return _write_stack
    if output.is_original and isinstance(source, VideoSource | VolumeSource | GriddedSource):
        raise InputError(f"{output.path}: {_ENDINGS[type(source)]}; rename the output.")
    return _write_picture


_ENDINGS = {
    VideoSource: "a video is written as .mp4, .webm, .mkv, .gif, .npy or .npz",
    VolumeSource: "a volume is written as .nii, .nii.gz, .npy or .npz",
    GriddedSource: "gridded data are written as .nc, .zarr, .npy or .npz",
}


def _write_array(output: _Output) -> None:
    channels, source = output.field.channels, output.field.source
    full = (*output.sampling.shape, len(channels))
    if output.is_original and len(channels) == 1:
        full = full if isinstance(source, ArraySource) and source.has_channel_axis else full[:-1]
    if output.suffix in (".npy", ".zarr"):
        write = write_array if output.suffix == ".npy" else write_zarr_array
        write(output.path, full, output.dtype, output.pieces_with_nan())
        return
    name = source.name if isinstance(source, ArraySource) else ""
    values = np.concatenate([each for _, _, each in output.pieces_with_nan()])
    if isinstance(source, PointsSource):
        _write_with_coordinates(output, values.reshape(full))
        return
    write_archive(output.path, name or "value", values.reshape(full))


def _write_with_coordinates(output: _Output, values: Shaped[np.ndarray, "*shape c"]) -> None:
    axes, channels = output.sampling.grid.axes, output.field.channels
    arrays = {axis.name: output.sampling.physical(number) for number, axis in enumerate(axes)}
    for number, channel in enumerate(channels):
        name = channel.name if channel.name not in arrays else f"{channel.name}_value"
        arrays[name] = values[..., number]
    write_columns(output.path, arrays)


def _write_gridded(output: _Output) -> None:
    source = output.field.source
    if not isinstance(source, GriddedSource):
        raise InputError(f"{output.path}: gridded data need a field that came from them; write an .npy file instead.")
    derived = output.quantity != "value"
    write_gridded(output.path, output.sampling, output.pieces(), source, output.missing(), derived=derived)


def _write_sound(output: _Output) -> None:
    source, channels = output.field.source, output.field.channels
    assert isinstance(source, SoundSource)
    if output.quantity != "value":
        raise InputError(f"{output.path}: the {output.quantity} of a sound is no sound; write it to an .npy file.")
    ((start, stop),) = output.sampling.ends
    rate = round(source.sample_rate * output.sampling.shape[0] / max(stop - start, 1))
    low, high = channels[0].low, channels[0].high  # shared by all
    pieces = ((first, last, np.clip(values, low, high)) for first, last, values in output.pieces())
    write_sound(output.path, rate, pieces, channels, source)


def _write_volume(output: _Output) -> None:
    source, shape = output.field.source, output.sampling.shape
    if not isinstance(source, VolumeSource):
        raise InputError(f"{output.path}: a NIfTI volume needs a field that came from one; write an .npy file instead.")
    dtype = None if output.quantity == "value" else np.dtype(np.float32)
    placed = None if output.is_original else _placed(output.sampling)
    write_volume(output.path, shape, output.pieces(), source, dtype=dtype, placed=placed)


def _write_video(output: _Output) -> None:
    source, channels = output.field.source, output.field.channels
    if not isinstance(source, VideoSource) or output.quantity != "value":
        raise InputError(
            f"{output.path}: a video needs the values of a field that came from one; write an .npy file instead."
        )
    write_video(output.path, output.sampling.shape, output.pieces(), len(channels), source, crf=output.crf)


def _write_stack(output: _Output) -> None:
    full = (*output.sampling.shape, len(output.field.channels))
    dtype = np.dtype(output.field.source.dtype if output.quantity == "value" else np.float32)
    write_stack(output.path, full, dtype, output.pieces())


def _write_picture(output: _Output) -> None:
    field, shape, pieces = output.field, list(output.sampling.shape), output.pieces()
    channels, source = field.channels, field.source
    if output.quantity != "value":
        channels, colors = (_picture_channel(output),), _color_channels(field)
        pieces = ((start, stop, values[:, colors].mean(axis=1, keepdims=True)) for start, stop, values in pieces)
    if (missing := output.missing()) is not None:  # black
        gone, low = missing.reshape(-1, 1), np.array([channel.low for channel in channels], np.float32)
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
    if isinstance(field.source, PointsSource):  # as a figure is drawn: the first coordinate to the right, the other up
        whole = np.concatenate([values for _, _, values in pieces]).reshape(*shape, -1)
        shape, whole = shape[::-1], whole.transpose(1, 0, 2)[::-1]
        pieces = iter([(0, math.prod(shape), np.ascontiguousarray(whole).reshape(math.prod(shape), -1))])
    write_image(output.path, (shape[0], shape[1]), pieces, channels, source, upright=not output.is_original)


def _scaled(shape: Sequence[int], scale: float) -> tuple[int, ...]:
    if not (scale > 0 and math.isfinite(scale * max(shape))):
        raise InputError(f"a scale above 0 was wanted, got {scale:g}.")
    # an axis of one sample is a slice: it stays one
    return tuple(1 if size == 1 else max(1, round(size * scale)) for size in shape)


def _placed(sampling: Sampling) -> list[tuple[float, float]]:
    """Return, per axis, the place of the first new sample in the original sampling, and the step between two."""
    found = []
    for number, size in enumerate(sampling.shape):
        positions = sampling.positions(number, np.arange(min(size, 2)))
        start, stop = sampling.ends[number]
        found.append((float(positions[0]), float(positions[1] - positions[0]) if size > 1 else (stop - start) or 1.0))
    return found


def _color_channels(field: Sampled) -> list[int]:
    return [number for number, channel in enumerate(field.channels) if channel.name != "alpha"]


def _picture_channel(output: _Output) -> Channel:
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
