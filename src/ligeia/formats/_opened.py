"""A path to recognize and read, and the options of reading."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from ligeia.signals import Alignment, MissingValue

_HEAD = 512  # bytes that tell the kind of a file


@final
class Opened:
    """A path that is opened once, at its first use: probes and readers share the file.

    >>> with Opened(Path("photo.PNG")) as opened:
    ...     opened.suffix
    '.png'
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._head: bytes | None = None

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def suffix(self) -> str:
        """The ending, in lower case, with its dot."""
        return self.path.suffix.lower()

    @property
    def head(self) -> bytes:
        """The first 512 bytes, or all of a shorter file; empty for a folder."""
        if self._head is None:
            self._head = b"" if self.path.is_dir() else self.file.read(_HEAD)
        return self._head

    @property
    def file(self) -> BinaryIO:
        """The open file, at its beginning; it is closed with this."""
        if self._file is None:
            self._file = self.path.open("rb")
        self._file.seek(0)
        return self._file


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PointColumns:
    """Which columns of a file are coordinates and which are values, and the box that is the domain, if not theirs."""

    coordinates: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    box: tuple[tuple[float, float], ...] | None = None


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Options of reading: which part of a file, and how its samples lie on a grid."""

    variable: str | None = None
    """One of several arrays or variables."""
    frames: tuple[int, int] | None = None
    """The first and the last (exclusive) frame of a video."""
    columns: PointColumns | None = None
    """Columns of scattered samples."""
    channels: bool | None = None
    """Whether the last axis of an array holds channels; None lets its shape say so."""
    missing: MissingValue = None
    """What is missing, besides or instead of what the file says."""
    align: Alignment = "centers"
    working_set: int | None = None
    """Bytes of samples that are read into memory; more of them stay on disk. None reads everything."""

    def asked(self) -> list[str]:
        """Return the names of the options given that only some formats support."""
        names = ("columns", "channels", "variable", "frames")
        return [name for name in names if getattr(self, name) is not None]
