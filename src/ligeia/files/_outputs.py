"""Writes fields to files, at any resolution or as the original. Memory grows only with the output.

Nothing here imports torch: a `NumpyField` is written as a `Field` is.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ligeia.codec import FieldRecord, exact_samples
from ligeia.core import InputError, errors_name, write_atomically
from ligeia.formats import Output, read_signal, write_output
from ligeia.signals import (
    POINT,
    Box,
    Footprint,
    PointsSource,
    Quantity,
    Region,
    Sampled,
    Sampling,
    SceneSource,
    SurfaceSource,
)

_MOST_VALUES = 1 << 33  # of an output: 32 GiB in float32; a file of some hundred bytes can declare any number
_MOST_PLACES = 1 << 20  # in the mean of one sample, all of which are held in memory


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
    value; an ``.npz`` file of scattered samples also has coordinates. A picture shows gradient and Laplacian in gray,
    averaged over the color channels, black and white at the extremes that one sample in a thousand exceeds; one of
    scattered samples has the first coordinate to the right, the other upwards. A sound keeps its length: more
    samples are a higher sample rate. A video keeps its frame rate: more frames are slow motion; ``crf`` is its
    encoder's quality. More than 2**33 values are refused unless large outputs are allowed.
    """
    if scale is not None:
        if shape is not None:
            raise InputError("expected the shape or the scale of a rendering, got both; leave one out.")
        shape = _scaled(field.grid.sampling(None, region).shape, scale)
    sampling = field.grid.sampling(shape, region)
    footprints = [Box() if step > 1 else POINT for step in sampling.steps()]
    sampling = _averaging(sampling, footprints, path, len(field.channels), allow_large=allow_large)
    output = Output(field=field, path=path, sampling=sampling, quantity=quantity, crf=crf)
    write_output(output)
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
    refused unless large outputs are allowed: a small file may declare a huge output.

    Size, mode, bit depth, orientation and color profile, or sample rate, channels and subtype, or coordinates,
    attributes and missing values, are the original's if ``path`` has the ending of its kind. With ``exact``, the record
    of a file that keeps its samples without loss, those are written, and an ending that would lose any is refused.
    """
    if isinstance(field.source, SurfaceSource):
        raise InputError(
            f"{path}: this field is the signed distance of a surface, whose triangles are not in its file; "
            "`ligeia mesh` makes new ones, `ligeia render` samples the distance."
        )
    if isinstance(field.source, SceneSource):
        raise InputError(
            f"{path}: this field is a scene, whose photographs are not in its file; `ligeia render --camera view:0` "
            "shows what they show."
        )
    if isinstance(field.source, PointsSource):
        raise InputError(
            f"{path}: this field came from scattered samples, whose places are not in its file; name them with --at, "
            "or sample a grid with ligeia render."
        )
    # samples have the same footprints as in the fit
    sampling = _averaging(
        field.grid.sampling(), field.grid.footprints, path, len(field.channels), allow_large=allow_large
    )
    output = Output(field=field, path=path, sampling=sampling, crf=crf, is_original=True)
    if exact is not None:
        _write_exactly(replace(output, exact=exact_samples(exact)))
    else:
        write_output(output)
    return output.sampling.shape


def _write_exactly(output: Output) -> None:
    """Write the original samples, and read the file again before it takes its name."""
    assert output.exact is not None
    samples = output.exact.reshape(-1)
    if output.suffix in (".npy", ".npz", ".zarr"):
        write_output(output)
        return

    def write(partial: Path) -> None:
        with errors_name(output.path, written_as=partial):
            write_output(replace(output, path=partial))
        found = read_signal(partial).values
        if found.size != samples.size or not np.array_equal(np.asarray(found).reshape(-1), samples):
            raise InputError(
                f"{output.path}: expected a file that keeps every sample, {output.suffix} does not keep these; "
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
                f"{path}: expected at most 2**33 values, each a mean of at most 2**20 places, got {size} "
                f"values{means}; choose a part of it, or say --allow-large (allow_large=True in Python)."
            )
    return sampling.averaging(footprints)


def _scaled(shape: Sequence[int], scale: float) -> tuple[int, ...]:
    if not (scale > 0 and math.isfinite(scale * max(shape))):
        raise InputError(f"expected a scale above 0, got {scale:g}.")
    # an axis of one sample is a slice: it stays one
    return tuple(1 if size == 1 else max(1, round(size * scale)) for size in shape)
