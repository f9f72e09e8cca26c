"""A field at places that a table names, and the table written again with its values."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from ligeia.core import InputError, SampleError, map_on_threads
from ligeia.field import Field
from ligeia.signals import Grid, read_columns, write_columns

from ._held_out import HeldOutQuality, quality_of_errors

_PIECE = 1 << 13  # points at a time
_BEYOND = 1e-6  # of the domain: rounding


def decode_at(field: Field, places: Path, path: Path) -> int:
    """Write the values of a field at the places of a table, beside their coordinates, and return their number.

    ``places`` is a ``.csv``, ``.npz`` or ``.mat`` file with a column for each axis of the field, by its name, in
    physical units; ``path`` a ``.csv`` or ``.npz`` file. Places beyond the domain are refused.
    """
    if path.suffix.lower() not in (".csv", ".npz"):
        raise InputError(f"{path}: values at places are written as .csv or .npz; rename the output.")
    if len({axis.name for axis in field.grid.axes} | {each.name for each in field.channels}) < len(
        [*field.grid.axes, *field.channels]
    ):
        raise InputError(f"{path}: axes and channels of this field share a name; sample it with ligeia render.")
    columns = read_columns(places, [axis.name for axis in field.grid.axes])
    physical = np.stack([column.numbers.astype(np.float64) for column in columns], axis=1)
    values = values_at(field, physical, str(places))
    named = {each.name: values[:, number] for number, each in enumerate(field.channels)}
    write_columns(path, {column.name: column.numbers for column in columns} | named)
    return len(physical)


def compare_table(table: Path, field: Field) -> tuple[HeldOutQuality, float]:
    """Measure a field against a table with a column for each of its axes and channels; also the mean squared error."""
    names = [axis.name for axis in field.grid.axes]
    columns = read_columns(table, [*names, *(channel.name for channel in field.channels)])
    numbers = np.stack([column.numbers.astype(np.float64) for column in columns], axis=1)
    if not len(numbers) or not np.isfinite(numbers).all():
        raise SampleError(f"{table}: finite numbers, one at least, were wanted in {', '.join(names)} and the values.")
    physical, values = numbers[:, : len(names)], numbers[:, len(names) :]
    errors = values_at(field, physical, str(table)).astype(np.float64) - values
    return quality_of_errors(values, errors, field.channels), float(np.square(errors).mean())


def values_at(field: Field, physical: Float[np.ndarray, "n d"], said: str = "points") -> Float[np.ndarray, "n c"]:
    """Return the values of a field at physical places, float64 on the way in; `InputError` for ones beyond the domain.

    ``said`` is what a message calls the places.
    """
    coordinates = field.grid.from_physical(physical)
    _check_within(field.grid, coordinates, physical, said)
    points = torch.from_numpy(coordinates.astype(np.float32)).to(next(field.parameters()))

    @torch.no_grad()  # here, because it does not reach into threads
    def values_of(piece: torch.Tensor) -> torch.Tensor:
        return field(piece).cpu()

    return torch.cat(list(map_on_threads(values_of, points.split(_PIECE)))).numpy()


def _check_within(grid: Grid, coordinates: np.ndarray, physical: np.ndarray, said: str) -> None:
    ended = np.array([not axis.is_periodic for axis in grid.axes])
    inside = (np.abs(coordinates) <= 1 + _BEYOND) | (~ended & np.isfinite(coordinates))  # NaN is not
    wrong = np.asarray(~inside.all(axis=1))
    if wrong.any():
        domain = ", ".join(f"{axis.name} {axis.extent[0]:g} to {axis.extent[1]:g}" for axis in grid.axes)
        first = int(wrong.argmax())
        place = ", ".join(f"{number:g}" for number in physical[first])
        raise InputError(
            f"{said}: places within {domain} were wanted, {int(wrong.sum())} of {wrong.size} lie outside, the first at "
            f"index {first}: {place}; leave them out."
        )
