"""What a file says, read and written without torch."""

from pathlib import Path

from ligeia.core import FormatError, InputError, check_readable, write_whole

from ._container import FieldRecord, decode, encode


def read_record(path: Path) -> FieldRecord:
    """Read a ``.lig`` file, its weights as arrays; anything else is refused with a `FormatError`."""
    check_readable(path)
    try:
        return decode(path.read_bytes())
    except FormatError as error:
        raise type(error)(f"{path}: {error}") from error


def write_record(record: FieldRecord, path: Path) -> int:
    """Write a ``.lig`` file, whole or not at all, and return its size in bytes."""
    if path.suffix.lower() != ".lig":
        raise InputError(f"{path}: a field is written as .lig; name the file so.")
    data = encode(record)
    write_whole(path, data)
    return len(data)
