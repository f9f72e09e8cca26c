"""Surfaces in text files: OBJ, OFF and XYZ, with NumPy alone.

trimesh reads the first two as well, but leaves out vertices that no face has, repeats those with several normals, and
does not notice where an OFF file was cut short.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import FormatError

from ._polygons import fans

_PIECE = 1 << 16  # lines
_COMMENTS = ("#", "//")
_BESIDE_CORNER = re.compile(r"/\S*")  # the texture and the normal of a corner
_OFF = re.compile(r"(?:ST)?C?N?OFF")


def read_obj(
    path: Path,
) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "m 3"], Float[np.ndarray, "n 3"] | None]:
    """Return vertices, faces, and normals where there is one ``vn`` line per vertex; groups and objects are one."""
    vertices: list[str] = []
    normals: list[str] = []
    polygons: list[str] = []
    for line in _obj_lines(path):
        kind = line[:2].rstrip()
        if kind == "v":
            vertices.append(line)
        elif kind == "vn":
            normals.append(line)
        elif kind == "f":
            face = _BESIDE_CORNER.sub("", line) if "/" in line else line
            polygons.append(_counted_from_start(face, len(vertices)) if "-" in face else face)
    corners, lengths = _corners(line.split()[1:] for line in polygons)
    return (
        _columns(vertices, (1, 2, 3)),
        fans(corners - 1, lengths),
        _columns(normals, (1, 2, 3)) if normals and len(normals) == len(vertices) else None,
    )


def _obj_lines(path: Path) -> Iterator[str]:
    """Yield lines without what leads them; one that ends in a backslash goes on in the next."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        begun = ""
        for part in file:
            line = begun + part
            begun = line[:-2] + " " if line.endswith("\\\n") else ""
            if not begun:
                yield line.lstrip().replace("\t", " ", 1)


def _counted_from_start(line: str, num_vertices: int) -> str:
    """Return a face whose negative numbers, which count back from the last vertex so far, are positive."""
    numbers = [int(word) for word in line.split()[1:]]
    return " ".join(["f", *(str(number if number > 0 else num_vertices + 1 + number) for number in numbers)])


def read_off(path: Path) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "m 3"]]:
    """Return vertices and faces of a text OFF file; `FormatError` where it has fewer than it says."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = (line for line in (line.partition("#")[0].strip() for line in file) if line)
        first = next(lines, "")
        mark = _OFF.match(first)
        if mark is None:
            raise FormatError("expected an OFF file, it does not begin with OFF; get it again.")
        counts = (first[mark.end() :].strip() or next(lines, "")).split()
        if len(counts) < 2 or not all(count.isdecimal() for count in counts):
            found = " ".join(counts)[:60]
            raise FormatError(f"expected a line with the numbers of vertices and of faces, got {found!r}.")
        num_vertices, num_faces = int(counts[0]), int(counts[1])
        vertices, faces = list(itertools.islice(lines, num_vertices)), list(itertools.islice(lines, num_faces))
    rows = [words for words in map(str.split, faces) if len(words) > int(words[0])]
    if len(vertices) < num_vertices or len(rows) < num_faces:
        raise FormatError(
            f"expected {num_vertices} vertices and {num_faces} faces, got {len(vertices)} and {len(rows)}; get the "
            "whole file."
        )
    return _columns(vertices, (0, 1, 2)), fans(*_corners(words[1 : 1 + int(words[0])] for words in rows))


def read_xyz(path: Path) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"] | None]:
    """Return the points, and the normals where lines have six numbers rather than three.

    Numbers are separated by spaces or commas. Lines that begin with ``#`` or ``//`` are comments; a first line of one
    number is how many points there are.
    """
    with path.open(encoding="utf-8-sig") as file:
        lines = (line for line in file if not line.lstrip().startswith(_COMMENTS) and line.strip())
        first = next(lines, "")
        count = int(first) if first.strip().isdecimal() else None
        first = next(lines, "") if count is not None else first
        delimiter = "," if "," in first else None
        width = len(first.split(delimiter))
        if width not in (3, 6):
            raise FormatError(f"expected 3 columns, x y z, or 6, with a normal, got {width}: {first[:60].strip()!r}.")
        table = np.loadtxt(itertools.chain([first], lines), np.float64, comments=None, delimiter=delimiter, ndmin=2)
    if count is not None and count != len(table):
        raise FormatError(f"expected {count} points, as the first line says, got {len(table)}; get the whole file.")
    return np.ascontiguousarray(table[:, :3]), np.ascontiguousarray(table[:, 3:]) if width == 6 else None


def _columns(lines: Sequence[str], places: tuple[int, int, int]) -> Float[np.ndarray, "n 3"]:
    return np.loadtxt(lines, np.float64, comments="#", usecols=places, ndmin=2) if lines else np.zeros((0, 3))


def _corners(rows: Iterable[Sequence[str]]) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " n"]]:
    """Return the numbers of all rows, one row after the other, and how many each has."""
    numbers, lengths = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    rows = iter(rows)
    while piece := list(itertools.islice(rows, _PIECE)):  # what Python keeps of a number is four times that number
        numbers.append(np.array([int(word) for row in piece for word in row], np.int64))
        lengths.append(np.array([len(row) for row in piece], np.int64))
    return np.concatenate(numbers), np.concatenate(lengths)
