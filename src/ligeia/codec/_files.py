"""Reads and writes records of fields without torch."""

from pathlib import Path

from ligeia.core import check_readable, errors_name, write_whole

from ._container import FieldRecord, decode, encode
from ._names import check_field_output


def read_record(path: Path) -> FieldRecord:
    """Read a ``.lig`` file, its weights as arrays; anything else is refused with a `FormatError`."""
    check_readable(path)
    with errors_name(path):
        return decode(path.read_bytes())


def write_record(record: FieldRecord, path: Path) -> int:
    """Write a ``.lig`` file, whole or not at all, and return its size in bytes."""
    check_field_output(path)
    data = encode(record)
    write_whole(path, data)
    return len(data)
