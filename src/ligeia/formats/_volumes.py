"""Volumes to signals and back: NIfTI with its affine (package nibabel)."""

import gzip
import math
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ligeia.core import FormatError, InputError, check_readable, check_writable, errors_name, optional, write_atomically
from ligeia.signals import (
    Alignment,
    Axis,
    Channel,
    Grid,
    MissingValue,
    Sampling,
    Signal,
    VolumeSource,
    cast_samples,
    missing_in,
    steps_between_ends,
    value_range_of,
)

from ._opened import Opened
from ._output import Output

VOLUME_SUFFIXES = (".nii", ".nii.gz")
_NAMES = ("x", "y", "z", "time")  # in the file's order, which is that of the coordinates in memory reversed
_UNITS = {"meter": "m", "mm": "mm", "micron": "um", "sec": "s", "msec": "ms", "usec": "us", "hz": "Hz", "ppm": "ppm"}
_VECTORS = (1004, 1005, 1006, 1007, 2003, 2004)  # intents of several numbers a voxel: matrices, vectors, colors
_COLORS = {"R": "red", "G": "green", "B": "blue", "A": "alpha"}
_GZIP = b"\x1f\x8b"
_MAGIC, _MAGIC_AT = (b"n+1\0", b"ni1\0"), 344  # of NIfTI-1
_MAGIC_2, _MAGIC_2_AT = (b"n+2\0", b"ni2\0"), 4


def is_volume(opened: Opened) -> bool:
    """Return whether a file is a NIfTI volume, compressed or not."""
    if is_volume_output(opened.path):
        return True
    head = opened.head
    magic, magic_2 = head[_MAGIC_AT : _MAGIC_AT + 4], head[_MAGIC_2_AT : _MAGIC_2_AT + 4]
    return not head.startswith(_GZIP) and (magic in _MAGIC or magic_2 in _MAGIC_2)


def is_volume_output(path: Path) -> bool:
    """Return whether a file of this name is a volume."""
    return path.name.lower().endswith(VOLUME_SUFFIXES)


def read_volume(path: Path, *, align: Alignment = "centers", missing: MissingValue = None) -> Signal:
    """Read a NIfTI volume as ``(z, y, x)``, or ``(time, z, y, x)``, in the dtype that it has on disk.

    Samples that the file scales become float32 in the file's own units. The extents of the axes are those of the affine
    where it keeps to the axes, else millimeters from the first voxel. An uncompressed file is mapped, not read. NaN
    and samples of the value ``missing`` are missing. The last axis of vectors (by their intent) and the parts
    of colors are channels.
    """
    check_readable(path)
    nibabel = _nibabel()
    try:
        image = (
            nibabel.load(path)
            if path.name.lower().endswith(VOLUME_SUFFIXES)
            else nibabel.Nifti1Image.from_filename(path)
        )
        header = image.header.copy()
        header.set_slope_inter(image.dataobj.slope, image.dataobj.inter)  # which nibabel takes out of what it loads
        samples = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, np.float64)
    except (OSError, EOFError, ValueError, MemoryError, zlib.error, nibabel.filebasedimages.ImageFileError) as error:
        raise FormatError(
            f"{path}: not a readable NIfTI volume ({str(error) or 'cut short'}); get it again."
        ) from error
    if (samples.dtype.kind not in "buif" and samples.dtype.names is None) or samples.size == 0:
        raise FormatError(
            f"{path}: expected a volume of real numbers with at least one voxel, got {samples.dtype} "
            f"{samples.shape}; convert it to one number per voxel."
        )
    samples, names = _with_channels(samples, header)
    dtype = np.dtype(header.get_data_dtype())
    if dtype.names is not None:
        dtype = samples.dtype
    if samples.dtype != dtype:  # scaled by the file
        samples = samples.astype(np.float32)
    values = np.moveaxis(samples.T, 0, -1)
    shape = samples.shape[:-1]
    gone = missing_in(values, missing)
    low, high = value_range_of(values, gone, words_are_filled=False)
    with errors_name(path):
        return Signal(
            grid=Grid(_axes(header, affine, shape, align), align),
            values=values,
            channels=tuple(Channel(name=name, low=low, high=high) for name in names),
            source=VolumeSource(dtype=dtype.str, header=bytes(header.binaryblock)),
            missing=gone,
        )


def volume_affine(source: VolumeSource) -> Float[np.ndarray, "4 4"]:
    """Return where the voxels of a volume are: from indices ``(x, y, z, 1)`` to millimeters.

    A file that does not say its unit is taken to be in millimeters.
    """
    nibabel = _nibabel()
    image_type = nibabel.Nifti1Image if len(source.header) == 348 else nibabel.Nifti2Image
    header = image_type.header_class(source.header)
    affine = np.array(header.get_best_affine(), np.float64)
    affine[:3] *= {"meter": 1e3, "micron": 1e-3}.get(header.get_xyzt_units()[0], 1.0)
    return affine


def save_volume(output: Output) -> None:
    """Write a NIfTI volume; one of another sampling has an affine of its own."""
    source, shape = output.field.source, output.sampling.shape
    if not isinstance(source, VolumeSource):
        raise InputError(f"{output.path}: a NIfTI volume needs a field that came from one; write an .npy file instead.")
    dtype = None if output.quantity == "value" else np.dtype(np.float32)
    placed = None if output.is_original else _placed(output.sampling)
    pieces = output.filled_pieces(dtype or np.dtype(source.dtype), is_physical=True)
    write_volume(output.path, shape, pieces, source, dtype=dtype, placed=placed)


def _placed(sampling: Sampling) -> list[tuple[float, float]]:
    """Return, per axis, the place of the first new sample in the original sampling, and the step between two."""
    found = []
    for number, size in enumerate(sampling.shape):
        positions = sampling.positions(number, np.arange(min(size, 2)))
        start, stop = sampling.ends[number]
        found.append((float(positions[0]), float(positions[1] - positions[0]) if size > 1 else (stop - start) or 1.0))
    return found


def write_volume(
    path: Path,
    shape: Sequence[int],
    pieces: Iterable[tuple[int, int, Float[np.ndarray, "_ _"]]],
    source: VolumeSource,
    *,
    dtype: np.dtype | None = None,
    placed: Sequence[tuple[float, float]] | None = None,
) -> None:
    """Write consecutive pieces ``(start, stop, samples)`` over a grid of ``shape`` as a NIfTI volume.

    ``dtype`` is that of the original, scaled as it was, unless given. ``placed`` is, per axis, the index of the first
    sample and the step between two in the original volume; without it the affine is the original's, bit for bit.
    """
    nibabel = _nibabel()
    image_type = nibabel.Nifti1Image if len(source.header) == 348 else nibabel.Nifti2Image
    try:
        header = image_type.header_class(source.header)
    except nibabel.spatialimages.HeaderDataError as error:
        raise InputError(f"{path}: the header of the original volume is damaged ({error}); write .npy.") from error
    check_writable(path)
    slope, intercept = (1.0, 0.0) if dtype is not None else _scaling(header)
    stored = np.dtype(source.dtype) if dtype is None else dtype
    flat: np.ndarray | None = None
    for start, stop, samples in pieces:
        if flat is None:
            flat = np.empty((math.prod(shape), samples.shape[1]), stored)
        flat[start:stop] = cast_samples((samples.astype(np.float64) - intercept) / slope, stored)
    assert flat is not None
    affine = None
    if placed is not None:
        moved = np.eye(4)
        for number, (first, step) in enumerate(list(placed)[:-4:-1]):  # x, y, z
            moved[number, number], moved[number, 3] = step, first
        affine = header.get_best_affine() @ moved
    voxels = _without_channels(np.moveaxis(flat.reshape(*shape, -1), -1, 0).T, header)
    header["vox_offset"] = 0
    header.set_data_dtype(voxels.dtype)
    header.set_slope_inter(slope, intercept)
    image = image_type(voxels, affine, header)
    image.header.set_slope_inter(slope, intercept)

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            if path.name.lower().endswith(".gz"):
                with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
                    image.to_stream(packed)
            else:
                image.to_stream(file)

    write_atomically(path, write)


def _with_channels(samples: np.ndarray, header: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return samples ``(x, y, z, [time,] channels)`` of a file, and the names of the channels."""
    if samples.dtype.names is not None:  # RGB24 and RGBA32
        names = tuple(_COLORS.get(name, name) for name in samples.dtype.names)
        return np.stack([samples[name] for name in samples.dtype.names], axis=-1), names
    if samples.ndim == 5 and header.get_intent("code")[0] in _VECTORS:
        samples = samples[:, :, :, 0] if samples.shape[3] == 1 else samples
        return samples, tuple(f"channel{number}" for number in range(samples.shape[-1]))
    return samples[..., None], ("value",)


def _without_channels(samples: np.ndarray, header: Any) -> np.ndarray:
    """Return samples ``(x, y, z, [time,] channels)`` as a file has them."""
    names = header.get_data_dtype().names
    if names is not None and samples.dtype == np.uint8 and samples.shape[-1] == len(names):
        return np.ascontiguousarray(samples).view(header.get_data_dtype())[..., 0]
    if samples.shape[-1] == 1:
        return samples[..., 0]
    return samples[:, :, :, None] if samples.ndim == 4 else samples


def _axes(header: Any, affine: np.ndarray, shape: Sequence[int], align: Alignment) -> tuple[Axis, ...]:
    space, time = header.get_xyzt_units()
    steps = [float(each) for each in header.get_zooms()]
    keeps_to_axes = np.count_nonzero(affine[:3, :3]) == 3 and bool(np.all(np.diagonal(affine)[:3]))
    axes = []
    for number, size in enumerate(shape):
        step, origin = (steps[number] if number < len(steps) else 1.0) or 1.0, 0.0
        if number < 3 and keeps_to_axes:
            step, origin = float(affine[number, number]), float(affine[number, 3])
        elif number == 3:
            origin = float(header["toffset"])
        between = steps_between_ends(size, align)
        first = origin - (between - size + 1) * step / 2  # half a step before the first sample, or that itself
        name = _NAMES[number] if number < len(_NAMES) else f"axis{number}"
        unit = _UNITS.get(space if number < 3 else time, "") if number < 4 else ""
        axes.append(Axis(name=name, size=size, extent=(first, first + between * step), unit=unit))
    return tuple(reversed(axes))


def _scaling(header: Any) -> tuple[float, float]:
    slope, intercept = header.get_slope_inter()
    return (1.0, 0.0) if slope is None else (float(slope), float(intercept or 0.0))


def _nibabel() -> Any:
    return optional("nibabel", extra="volume", needed_for="a NIfTI volume")
