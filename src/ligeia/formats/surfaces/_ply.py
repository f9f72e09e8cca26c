"""PLY files (Stanford, 1994): vertices with their normals, and faces; read in all three encodings, written in binary.

Of faces that are no triangles fans are made. All other elements and properties are skipped.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from ligeia.core import FormatError

from ._polygons import fans

_NAMES = {
    "i1": ("char", "int8"),
    "u1": ("uchar", "uint8"),
    "i2": ("short", "int16"),
    "u2": ("ushort", "uint16"),
    "i4": ("int", "int32"),
    "u4": ("uint", "uint32"),
    "f4": ("float", "float32"),
    "f8": ("double", "float64"),
}
_TYPES = {name: kind for kind, names in _NAMES.items() for name in names}
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": ""}
_CORNERS = ("vertex_indices", "vertex_index")
_LONGEST_HEADER = 1 << 20  # bytes
_PIECE = 1 << 16  # rows
_LOSS = 1e-6  # of the diagonal: more is not left to single precision


class _Property(NamedTuple):
    name: str
    type: str
    length_type: str
    """Of a list's length; empty for a single number."""


@final
@dataclass(slots=True)
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)

    def place_of(self, names: Iterable[str]) -> int:
        """Return the number of the property of one of these names; `FormatError` without one."""
        names = tuple(names)
        for number, each in enumerate(self.properties):
            if each.name in names:
                return number
        raise FormatError(f"expected a property {names[0]} of each {self.name}, it is not there; write the file anew.")


def read_ply(
    path: Path,
) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "m 3"], Float[np.ndarray, "n 3"] | None]:
    """Return the vertices, the faces and the vertices' normals, None where there are none, as float64 and int64."""
    with path.open("rb") as file:
        order, elements = _header(file)
        names = [element.name for element in elements]
        if "tristrips" in names:
            raise FormatError("expected faces one by one, this PLY has strips of triangles; write it as faces.")
        if "vertex" not in names:
            raise FormatError("expected vertices, this PLY has none.")
        faces, vertices, normals = np.zeros((0, 3), np.int64), np.zeros((0, 3)), None
        lines = (line for line in file if line.strip())
        for element in elements:
            rows = (
                _Binary(element, order, file) if order else _Text(element, list(itertools.islice(lines, element.count)))
            )
            if element.name == "vertex":
                vertices = rows.numbers("x", "y", "z")
                if {"nx", "ny", "nz"} <= {each.name for each in element.properties}:
                    normals = rows.numbers("nx", "ny", "nz")
            elif element.name == "face" and element.count:
                faces = fans(*rows.lists(_CORNERS))
            else:
                rows.skip()
        return vertices, faces, normals


def _header(file: BinaryIO) -> tuple[str, list[_Element]]:
    """Return the byte order, empty for text, and the elements; the file is then at its data."""
    if file.readline(8).strip() != b"ply":
        raise FormatError("expected a PLY file, it does not begin with the line: ply; get it again.")
    order, elements = None, []
    while file.tell() < _LONGEST_HEADER:
        line = file.readline(_LONGEST_HEADER)
        words = line.decode("ascii", "replace").split()
        match words:
            case ["end_header"]:
                if order is None:
                    raise FormatError("expected a line with the format of the PLY; get the file again.")
                return order, elements
            case ["format", name, "1.0"] if name in _ORDERS:
                order = _ORDERS[name]
            case ["element", name, count] if count.isdecimal():
                elements.append(_Element(name, int(count)))
            case ["property", "list", length, kind, name] if elements and length in _TYPES and kind in _TYPES:
                elements[-1].properties.append(_Property(name, _TYPES[kind], _TYPES[length]))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].properties.append(_Property(name, _TYPES[kind], ""))
            case [] if line:
                pass
            case ["comment" | "obj_info", *_]:
                pass
            case _:
                found = " ".join(words)[:60]
                raise FormatError(f"expected a line of a PLY's header, got {found!r}; get the whole file.")
    raise FormatError("expected a PLY's header, it has no end; get the file again.")


@final
class _Binary:
    """The rows of an element in a binary file: read at once if all are alike, else one by one."""

    def __init__(self, element: _Element, order: str, file: BinaryIO) -> None:
        self.element, self.order, self.file = element, order, file
        self.start = file.tell()
        file.seek(0, 2)
        self.left = file.tell() - self.start
        file.seek(self.start)

    def numbers(self, *names: str) -> Float[np.ndarray, "n k"]:
        """Return single numbers as columns."""
        places = [self.element.place_of([name]) for name in names]
        self.file.seek(self.start)
        if any(each.length_type for each in self.element.properties):
            raise FormatError("expected single numbers for each vertex, this PLY has lists; write it anew.")
        rows = self._alike([])
        columns = np.empty((self.element.count, len(names)))
        for column, place in enumerate(places):
            columns[:, column] = rows[f"p{place}"]
        return columns

    def lists(self, names: Iterable[str]) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " n"]]:
        """Return the items of a list of whole numbers, one row after the other, and the length of each."""
        place = self.element.place_of(names)
        lengths = self._first_lengths()
        wanted = self._dtype(lengths).itemsize * self.element.count
        if wanted <= self.left:
            rows = self._alike(lengths)
            listed = [f"n{number}" for number, each in enumerate(self.element.properties) if each.length_type]
            if all((rows[name] == rows[name][0]).all() for name in listed):
                return rows[f"p{place}"].astype(np.int64).reshape(-1), rows[f"n{place}"].astype(np.int64)
            self.file.seek(self.start)
        return self._ragged(place)

    def skip(self) -> None:
        """Go to the next element."""
        if any(each.length_type for each in self.element.properties):
            self._ragged(-1)
        else:
            self._alike([])

    def _dtype(self, lengths: list[int]) -> np.dtype:
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        remaining = iter(lengths)
        for number, each in enumerate(self.element.properties):
            if each.length_type:
                fields.append((f"n{number}", self.order + each.length_type))
                fields.append((f"p{number}", self.order + each.type, (next(remaining),)))
            else:
                fields.append((f"p{number}", self.order + each.type))
        return np.dtype(fields)

    def _alike(self, lengths: list[int]) -> Shaped[np.ndarray, " n"]:
        dtype = self._dtype(lengths)
        if dtype.itemsize * self.element.count > self.left:
            raise _cut_short(self.element, self.left // dtype.itemsize)
        return np.fromfile(self.file, dtype, self.element.count)

    def _first_lengths(self) -> list[int]:
        first = next(self._walk(memoryview(self.file.read(1 << 20))), [])
        self.file.seek(self.start)
        return [length for _, length in first]

    def _walk(self, data: memoryview) -> Iterator[list[tuple[int, int]]]:
        """Yield, per row, where the items of each list begin and how many they are."""
        place = 0
        sizes = [(np.dtype(each.type).itemsize, each.length_type) for each in self.element.properties]
        types = {kind: np.dtype(self.order + kind) for _, kind in sizes if kind}
        for number in range(self.element.count):
            found = []
            for size, length_type in sizes:
                length = 1
                if length_type:
                    kind = types[length_type]
                    if place + kind.itemsize > len(data):
                        raise _cut_short(self.element, number)
                    length = int(np.frombuffer(data, kind, 1, place)[0])
                    place += kind.itemsize
                    found.append((place, length))
                if length < 0 or place + length * size > len(data):
                    raise _cut_short(self.element, number)
                place += length * size
            yield found
        self.file.seek(self.start + place)

    def _ragged(self, place: int) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " n"]]:
        data = memoryview(self.file.read())
        rank = sum(bool(each.length_type) for each in self.element.properties[: max(place, 0)])
        kind = np.dtype(self.order + self.element.properties[place].type)
        items, lengths = [np.zeros(0, np.int64)], []
        for found in self._walk(data):
            if place >= 0:
                start, length = found[rank]
                items.append(np.frombuffer(data, kind, length, start).astype(np.int64))
                lengths.append(length)
        return np.concatenate(items), np.array(lengths, np.int64)


@final
class _Text:
    """The rows of an element in a text file."""

    def __init__(self, element: _Element, lines: list[bytes]) -> None:
        if len(lines) < element.count:
            raise _cut_short(element, len(lines))
        self.element, self.lines = element, lines

    def numbers(self, *names: str) -> Float[np.ndarray, "n k"]:
        """Return single numbers as columns."""
        places = [self.element.place_of([name]) for name in names]
        if not self.lines:
            return np.zeros((0, len(names)))
        if any(each.length_type for each in self.element.properties):
            raise FormatError("expected single numbers for each vertex, this PLY has lists; write it anew.")
        return np.loadtxt(self.lines, np.float64, comments=None, usecols=places, ndmin=2)

    def lists(self, names: Iterable[str]) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " n"]]:
        """Return the items of a list of whole numbers, one row after the other, and the length of each."""
        place = self.element.place_of(names)
        items, lengths = [np.zeros(0, np.int64)], []
        for start in range(0, len(self.lines), _PIECE):  # what Python keeps of a number is four times that number
            piece: list[int] = []
            for number, line in enumerate(self.lines[start : start + _PIECE], start=start):
                words, at = line.split(), 0
                for each in self.element.properties[:place]:
                    at += int(words[at]) + 1 if each.length_type else 1
                length = int(words[at])
                if length < 0 or len(words) < at + 1 + length:
                    raise _cut_short(self.element, number)
                piece += map(int, words[at + 1 : at + 1 + length])
                lengths.append(length)
            items.append(np.array(piece, np.int64))
        return np.concatenate(items), np.array(lengths, np.int64)

    def skip(self) -> None:
        """Go to the next element: it is there already."""


def _cut_short(element: _Element, found: int) -> FormatError:
    return FormatError(
        f"expected {element.count} rows of the element {element.name}, the file ends after {found}; get the whole file."
    )


def write_ply(
    path: Path,
    vertices: Float[np.ndarray, "n 3"],
    faces: Int[np.ndarray, "m 3"],
    normals: Float[np.ndarray, "n 3"] | None = None,
    colors: UInt8[np.ndarray, "n 3"] | None = None,
) -> None:
    """Write a binary little-endian PLY in pieces; without faces one of vertices alone.

    Coordinates are ``float``, or ``double`` where single precision would move a vertex by more than 1e-6 of the
    diagonal of the box around all.
    """
    coordinate = "<f8" if loss_of_single(vertices) > _LOSS else "<f4"
    columns: list[tuple[str, str, np.ndarray]] = [
        (name, coordinate, vertices[:, axis]) for axis, name in enumerate(("x", "y", "z"))
    ]
    if normals is not None:
        columns += [(name, "<f4", normals[:, axis]) for axis, name in enumerate(("nx", "ny", "nz"))]
    if colors is not None:
        columns += [(name, "|u1", colors[:, axis]) for axis, name in enumerate(("red", "green", "blue"))]
    words = {"<f4": "float", "<f8": "double", "|u1": "uchar"}
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    header += [f"property {words[kind]} {name}" for name, kind, _ in columns]
    if len(faces):
        header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    row = np.dtype([(name, kind) for name, kind, _ in columns])
    face = np.dtype([("length", "u1"), ("corners", "<i4", (3,))])
    with path.open("wb") as file:
        file.write(("\n".join([*header, "end_header"]) + "\n").encode())
        for start in range(0, len(vertices), _PIECE):
            rows = np.empty(len(vertices[start : start + _PIECE]), row)
            for name, _, column in columns:
                rows[name] = column[start : start + _PIECE]
            file.write(rows.data)
        for start in range(0, len(faces), _PIECE):
            rows = np.full(len(faces[start : start + _PIECE]), 3, face)
            rows["corners"] = faces[start : start + _PIECE]
            file.write(rows.data)


def loss_of_single(vertices: Float[np.ndarray, "n 3"]) -> float:
    """Return the most by which single precision moves a coordinate, over the diagonal of the box around all."""
    if not len(vertices):
        return 0.0
    lost = 0.0
    with np.errstate(over="ignore"):
        for start in range(0, len(vertices), _PIECE):
            piece = vertices[start : start + _PIECE]
            lost = max(lost, float(np.abs(piece - piece.astype(np.float32)).max()))
    diagonal = float(np.linalg.norm(vertices.max(axis=0) - vertices.min(axis=0)))
    return lost / diagonal if diagonal else math.inf if lost else 0.0
