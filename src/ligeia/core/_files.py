"""The one writer of files: an output appears whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ._errors import InputError, OutputError

_LONGEST_NAME = 220  # file systems allow 255, and the temporary file has a longer name

_FOLDER_MARKS = ("zarr.json", ".zgroup", ".zarray")  # of zarr, whose files are folders


def check_readable(path: Path) -> Path:
    """Return ``path`` if it is a file with content or a zarr folder, else raise `InputError` saying what it is."""
    try:
        path.stat()
    except OSError as error:  # a name may also be too long, or lie in what is no folder
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{path}: {reason}; check the spelling.") from error
    if path.is_dir():
        if any((path / mark).is_file() for mark in _FOLDER_MARKS):
            return path
        raise InputError(f"{path}: expected a file, this is a directory; name one file in it.")
    if not path.is_file():
        raise InputError(f"{path}: expected a file, this is a device or a pipe; write its content to a file first.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes).")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: the file cannot be read; check its permissions.")
    return path


def check_writable(path: Path) -> Path:
    """Return ``path`` if a file can be written there, else raise `OutputError`; nothing is written."""
    folder = path.parent
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise OutputError(f"{path}: the name is too long; choose one of at most {_LONGEST_NAME} bytes.")
    if path.is_dir():
        raise OutputError(f"{path}: expected an output file, this is a directory; add a file name.")
    if not folder.is_dir():
        raise OutputError(f"{path}: the folder {folder} does not exist; create it first.")
    if path.exists() and not path.is_file():  # the rename would put a plain file in the place of /dev/null
        raise OutputError(f"{path}: expected an output file, this is a device or a pipe; name a file.")
    try:
        # asking the folder is not enough: a read-only or full file system says no only when written to
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"{path}: cannot write there ({error.strerror}); choose another folder.") from error
    return path


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file in the folder of ``path``, then rename it to ``path``.

    A failure on the way (full disk, Ctrl-C) removes the temporary file and leaves what stood at ``path`` untouched.
    The temporary name keeps the ending of ``path``, because writers choose their format by it.
    """
    check_writable(path)
    path = Path(os.path.realpath(path))  # a link stays a link
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        write(partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: writing failed ({error.strerror or error}); nothing was changed.") from error
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file completely or not at all."""

    def write(partial: Path) -> None:
        partial.write_bytes(data)

    write_atomically(path, write)
