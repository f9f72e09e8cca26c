"""Tables of named columns: ``.csv``, ``.npz`` and ``.mat`` files read, ``.csv`` and ``.npz`` files written."""

import csv
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Shaped

from ligeia.core import FormatError, InputError, LigeiaError, check_readable, errors_name, optional, write_atomically
from ligeia.signals import ArraySource, Signal, from_array

from ._opened import Opened, Reading

_TEXT = (".csv", ".tsv", ".txt")
TABLE_SUFFIXES = (*_TEXT, ".npz", ".mat")
_DELIMITERS = (",", ";", "\t")
_MOST_DIGITS = 3  # of the number of a column
_ABSENT = ("", "NA", "N/A", "na", "n/a", "null", "NULL", "None", "-", "--")  # cells without a number, besides NaN
_MOST_COLUMNS = 64  # of one array that holds several
_MATLAB_7_3 = b"MATLAB 7.3"
_HDF = b"\x89HDF\r\n\x1a\n"


@final
@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers in a table."""

    name: str
    numbers: Shaped[np.ndarray, " n"]
    asked: str
    """The name by which it was requested: its own, or that of an array of several columns."""


def is_table(path: Path) -> bool:
    """Return whether a path has the ending of a file of named columns."""
    return path.suffix.lower() in TABLE_SUFFIXES


def is_matlab(opened: Opened) -> bool:
    """Return whether a file has the ending of MATLAB's."""
    return opened.suffix == ".mat"


def is_text_table(path: Path) -> bool:
    """Return whether a path has the ending of a text file of named columns."""
    return path.suffix.lower() in _TEXT


def read_columns(path: Path, names: Sequence[str]) -> list[Column]:
    """Read columns of numbers by name, all of one length.

    A text file has a line of names before its numbers; comments begin with ``#``; columns are separated by commas,
    semicolons, tabs or spaces. An array of several columns, ``(n, d)``, stands for all of them under its own name, and
    for one of them as ``name0``, ``name1``, ... `InputError` lists the columns of the file where a name is unknown.
    """
    check_readable(path)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{path}: expected different columns, got {', '.join(repeated)} twice.")
    columns = _read_text(path, names) if is_text_table(path) else _read_arrays(path, names)
    lengths = {len(column.numbers) for column in columns}
    if len(lengths) > 1:
        found = ", ".join(f"{column.name} {len(column.numbers)}" for column in columns)
        raise InputError(f"{path}: expected columns of one length, got {found}.")
    return columns


def column_listing(path: Path) -> str:
    """Return the names of the columns of a file as people read them, with the shapes of arrays."""
    check_readable(path)
    return _listing_of_text(_lines(path), path) if is_text_table(path) else _listing(_shapes(path))


def write_columns(path: Path, columns: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
    """Write columns of equal length to a text file, or named arrays of any shape to an ``.npz`` file."""
    if path.suffix.lower() == ".npz":

        def write_archive(partial: Path) -> None:
            # not through keyword arguments, which a name such as "file" would meet
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, array in columns.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)

        write_atomically(path, write_archive)
        return
    if path.suffix.lower() != ".csv":
        raise InputError(f"{path}: columns are written as .csv or .npz; rename the output.")
    digits = [_written_digits(array.dtype) for array in columns.values()]

    def write_text(partial: Path) -> None:
        with partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(columns)
            np.savetxt(file, np.column_stack([*columns.values()]), fmt=digits, delimiter=",")

    write_atomically(path, write_text)


def read_matlab(opened: Opened, asked: Reading) -> Signal:
    """Read an array of a ``.mat`` file as samples on a grid: the one that is named, or the only one."""
    path, variable = opened.path, asked.variable
    shapes = _shapes(path)
    if variable is None and len(shapes) == 1:
        variable = next(iter(shapes))
    if variable not in shapes:
        wanted = "columns of points or one array" if variable is None else f"an array {variable!r}"
        raise InputError(
            f"{path}: expected {wanted}, the file holds: {_listing(shapes)}; name columns of scattered samples "
            "with --coordinates x,y --values w, or an array of samples on a grid with --variable."
        )
    with errors_name(f"{path}, {variable}"):
        array = _read_array(path, str(variable))
        signal = from_array(array, channels=asked.channels, align=asked.align, missing=asked.missing)
    assert isinstance(signal.source, ArraySource)
    return replace(signal, source=replace(signal.source, name=str(variable)))


def _written_digits(dtype: np.dtype) -> str:
    """Return how numbers are written so that reading gives them back."""
    return "%.9g" if dtype.kind == "f" and dtype.itemsize <= 4 else "%.17g"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: expected a text file of columns, its bytes are no UTF-8 text.") from error
    except OSError as error:
        raise FormatError(f"{path}: not readable ({error}).") from error


def _split(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.replace('"', " ").split()
    fields = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True)) if '"' in line else []
    return [field.strip() for field in fields or line.split(delimiter)]


def _header(lines: Sequence[str], path: Path) -> tuple[int, list[str], str | None]:
    """Return the number of lines up to the names of the columns, these, and what separates columns.

    Where numbers begin without names, the comment before them may hold these.
    """
    comment: tuple[int, str] | None = None
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            comment = (number, line.strip().lstrip("#").strip()) if line.strip() else comment
            continue
        delimiter = next((each for each in _DELIMITERS if each in text), None)
        names = _split(text, delimiter)
        if not all(map(_is_number, names)):
            return number, names, delimiter
        if comment is not None:
            for each in (delimiter, None):
                named = _split(comment[1], each)
                if len(named) == len(names) and not any(map(_is_number, named)):
                    return number - 1, named, delimiter
        break
    raise FormatError(f"{path}: expected a line with the names of the columns before the numbers, such as x,y,w.")


def _number(text: str) -> float:
    return math.nan if text in _ABSENT else float(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listing_of_text(lines: Sequence[str], path: Path) -> str:
    return ", ".join(_header(lines, path)[1])


def _read_text(path: Path, wanted: Sequence[str]) -> list[Column]:
    lines = _lines(path)
    first, names, delimiter = _header(lines, path)
    for name in wanted:
        if names.count(name) != 1:
            raise InputError(
                f"{path}: expected {'a column' if name not in names else 'one column only'} {name!r}, the file "
                f"holds: {', '.join(names)}."
            )
    places = [names.index(name) for name in wanted]
    rows: list[list[float]] = []
    for number, line in enumerate(lines[first:], start=first + 1):
        text = line.partition("#")[0].strip() if delimiter != "\t" else line.partition("#")[0].strip(" \r\n")
        if not text.strip():
            continue
        fields = _split(text, delimiter)
        if len(fields) != len(names):
            raise FormatError(f"{path}, line {number}: expected {len(names)} columns, got {len(fields)}.")
        try:
            rows.append([_number(fields[place]) for place in places])
        except ValueError:
            wrong = next(place for place in places if not (_is_number(fields[place]) or fields[place] in _ABSENT))
            raise FormatError(
                f"{path}, line {number}, column {names[wrong]!r}: expected a number, got {fields[wrong][:40]!r}."
            ) from None
    table = np.array(rows, np.float64).reshape(len(rows), len(wanted))
    return [Column(name, np.ascontiguousarray(table[:, number]), name) for number, name in enumerate(wanted)]


def _read_arrays(path: Path, names: Sequence[str]) -> list[Column]:
    shapes = _shapes(path)
    found: list[Column] = []
    arrays: dict[str, np.ndarray] = {}  # those of which single columns are asked for are read once
    for name in names:
        whole, number = (name, None) if name in shapes else _numbered(name, shapes)
        if whole is None:
            raise InputError(f"{path}: expected a column {name!r}, the file holds: {_listing(shapes)}.")
        if whole not in arrays:
            arrays[whole] = _columns_of(path, whole)
        array = arrays[whole]
        if number is not None:
            found.append(Column(name, array[:, number], name))
        elif array.shape[1] == 1:
            found.append(Column(name, array[:, 0], name))
        else:
            found += [Column(f"{name}{each}", array[:, each], name) for each in range(array.shape[1])]
    return found


def _numbered(name: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str | None, int | None]:
    """Return the array and the number of the column that ``name0``, ``name1``, ... stand for."""
    for split in range(len(name) - 1, max(0, len(name) - _MOST_DIGITS - 1), -1):
        whole, digits = name[:split], name[split:]  # NumPy's own name of an array is arr_0
        shape = shapes.get(whole, ())
        if digits.isdecimal() and len(shape) == 2 and int(digits) < shape[1]:
            return whole, int(digits)
    return None, None


def _columns_of(path: Path, name: str) -> Shaped[np.ndarray, "n d"]:
    array = _read_array(path, name)
    shape = " x ".join(map(str, array.shape))
    if array.dtype.kind not in "buif":
        raise InputError(f"{path}: expected real numbers, {name} holds {array.dtype}.")
    if array.ndim == 1 or (array.ndim == 2 and array.shape[0] == 1):
        array = array.reshape(-1, 1)
    if array.ndim != 2 or array.shape[1] > _MOST_COLUMNS:
        raise InputError(
            f"{path}: expected a number per point (n), or a few (n x d), {name} is {shape or 'a single number'}; "
            "flatten or transpose it."
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _listing(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} ({' x '.join(map(str, shape)) or '1'})" for name, shape in shapes.items()) or "none"


def _is_hdf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(10).startswith((_MATLAB_7_3, _HDF))


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays in a file, by name."""
    with _readable(path):
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                members = [name for name in archive.namelist() if name.endswith(".npy")]
                return {name.removesuffix(".npy"): _shape_of_member(archive, name) for name in members}
        if _is_hdf(path):
            with _h5py().File(path) as file:
                return {str(name): each.shape[::-1] for name, each in file.items() if hasattr(each, "shape")}
        return {name: tuple(shape) for name, shape, _ in _scipy_io().whosmat(path)}


def _shape_of_member(archive: zipfile.ZipFile, member: str) -> tuple[int, ...]:
    with archive.open(member) as file:
        is_first = np.lib.format.read_magic(file) == (1, 0)
        return (np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0)(file)[0]


def _read_array(path: Path, name: str) -> np.ndarray:
    with _readable(path):
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return archive[name]
        if _is_hdf(path):
            with _h5py().File(path) as file:
                return np.asarray(file[name]).T  # columns first, as MATLAB counts
        return np.asarray(_scipy_io().loadmat(path, variable_names=[name])[name])


def _h5py() -> Any:
    return optional("h5py", extra="science", needed_for="a .mat file of version 7.3")


def _scipy_io() -> Any:
    return optional("scipy.io", extra="science", needed_for="a .mat file")  # comes with scikit-image


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn any error of the libraries of these formats into one kind of error."""
    try:
        yield
    except LigeiaError:
        raise
    except Exception as error:
        raise FormatError(
            f"{path}: not a readable {path.suffix.lower()} file of numbers ({error}); get the whole file."
        ) from error
