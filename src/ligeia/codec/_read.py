"""What a file says, without torch."""

from pathlib import Path

from ligeia.core import FormatError, check_readable

from ._container import FieldRecord, decode


def read_record(path: Path) -> FieldRecord:
    """Read a ``.lig`` file, its weights as arrays; anything else is refused with a `FormatError`."""
    check_readable(path)
    try:
        return decode(path.read_bytes())
    except FormatError as error:
        raise type(error)(f"{path}: {error}") from error
