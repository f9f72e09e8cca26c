"""Scattered samples from files: named columns of tables."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ligeia.core import InputError, SampleError, errors_name
from ligeia.signals import Alignment, Bounds, MissingValue, PointsSource, Signal, from_points, missing_in

from ._opened import Opened
from ._output import Output
from ._tables import column_listing, read_columns, write_columns

_ALWAYS = (".csv", ".tsv")  # other tables may hold arrays as well, or any text


def is_points(opened: Opened) -> bool:
    """Return whether a file can only hold scattered samples; other tables do if columns are named."""
    return opened.suffix in _ALWAYS


def is_points_output(output: Output) -> bool:
    """Return whether an output is an ``.npz`` file of a field that came from scattered samples."""
    return output.suffix == ".npz" and isinstance(output.field.source, PointsSource)


def save_points(output: Output) -> None:
    """Write an ``.npz`` file of samples on a grid together with their coordinates."""
    axes, channels = output.sampling.grid.axes, output.field.channels
    values = np.concatenate([each for _, _, each in output.pieces_with_nan()])
    values = values.reshape(*output.sampling.shape, len(channels))
    arrays = {axis.name: output.sampling.physical(number) for number, axis in enumerate(axes)}
    for number, channel in enumerate(channels):
        name = channel.name if channel.name not in arrays else f"{channel.name}_value"
        arrays[name] = values[..., number]
    write_columns(output.path, arrays)


def read_points(
    path: Path,
    coordinates: Sequence[str],
    values: Sequence[str],
    *,
    box: Bounds | None = None,
    align: Alignment = "centers",
    missing: MissingValue = None,
) -> Signal:
    """Read scattered samples from named columns of a ``.csv``, ``.npz`` or ``.mat`` file; see `from_points`.

    Rows in which a number is NaN or left out, or a value is ``missing``, are left out, with a warning that counts them.
    `InputError` with the columns of the file where either list is empty or holds an unknown name.
    """
    if not coordinates or not values:
        raise InputError(
            f"{path}: expected columns of coordinates and of values, the file holds: {column_listing(path)}; name "
            "them, as in --coordinates x,y --values w."
        )
    columns = read_columns(path, [*coordinates, *values])
    of_places = [column for column in columns if column.asked in coordinates]
    of_values = [column for column in columns if column.asked in values]
    for column in columns:
        bad = ~np.isfinite(column.numbers) if missing == "none" else np.isinf(column.numbers)
        if bad.any():
            raise SampleError(
                f"{path}: expected finite numbers, {int(bad.sum())} of {len(bad)} in {column.name} are NaN or "
                f"infinite, the first at index {int(bad.argmax())}; leave those points out."
            )
    places = np.stack([column.numbers.astype(np.float64) for column in of_places], axis=1)
    numbers = np.stack([column.numbers for column in of_values], axis=1)
    with errors_name(path):
        gone = missing_in(numbers, missing, mask=np.asarray(np.isnan(places).any(axis=1)))
    if gone is not None:
        there = ~gone.mask()
        places, numbers = places[there], numbers[there]
        said = f"{path}: {gone.num_missing:,} of {gone.num_samples:,} rows without a number were left out."
        warnings.warn(said, stacklevel=2)
    with errors_name(path):
        return from_points(
            places,
            numbers,
            names=[column.name for column in of_places],
            channels=[column.name for column in of_values],
            box=box,
            align=align,
        )
