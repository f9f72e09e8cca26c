"""Fields to files and back."""

from pathlib import Path

from ligeia.codec import FieldRecord, read_record, write_record
from ligeia.core import InputError

from ._field import Field


def save(field: Field, path: Path | str) -> int:
    """Write a field as a ``.lig`` file, whole or not at all; weights stay bit-exact. Return the size in bytes."""
    if not isinstance(field, Field):
        raise InputError(
            f"expected a Field, got {type(field).__name__}; `Field(network, grid)` makes one of a network."
        )
    return write_record(to_record(field), Path(path))


def load(path: Path | str) -> Field:
    """Read a field from a ``.lig`` file, onto the CPU.

    Anything that is not one is refused with a `FormatError` before its content is acted upon.
    """
    return from_record(read_record(Path(path)))


def to_record(field: Field) -> FieldRecord:
    """Return what a file of this field says."""
    tensors = [each.detach().cpu().numpy() for each in field.network.tensors()]
    return FieldRecord(field.network.config, field.grid, field.channels, field.source, tuple(tensors), field.missing)


def from_record(record: FieldRecord) -> Field:
    """Return the field of a record, its weights in float32."""
    network = record.network.build(given=record.float_tensors())
    return Field(network, record.grid, record.channels, record.source, record.missing)
