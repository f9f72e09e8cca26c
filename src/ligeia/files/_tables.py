"""Values of a field at the places in a table, written as a new table."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.formats import read_columns, write_columns
from ligeia.signals import Sampled


def decode_at(field: Sampled, places: Path, path: Path) -> int:
    """Write the values of a field at the places of a table, with their coordinates, and return their number.

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


def values_at(field: Sampled, physical: Float[np.ndarray, "n d"], said: str = "points") -> Float[np.ndarray, "n c"]:
    """Return the values of a field at physical places, float64 on the way in; `InputError` for ones beyond the domain.

    ``said`` names the places in error messages.
    """
    return field.values_at(field.grid.from_physical_within(physical, said).astype(np.float32))
