"""The names of files that hold a field: they end in ``.lig``."""

from pathlib import Path

from ligeia.core import InputError

_ENDING = ".lig"


def is_field_file(path: Path) -> bool:
    """Return whether a path has the ending of a field's file.

    >>> is_field_file(Path("photo.LIG")), is_field_file(Path("photo.png"))
    (True, False)
    """
    return path.suffix.lower() == _ENDING


def check_field_output(path: Path) -> None:
    """Raise `InputError` unless a field can be written under this name."""
    if not is_field_file(path):
        raise InputError(f"{path}: a field is written as {_ENDING}; name the output so.")
