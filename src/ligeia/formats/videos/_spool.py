"""Arrays of one shape that come one after the other: in memory while they are few, else in a temporary file."""

import os
import shutil
import tempfile
from contextlib import ExitStack
from typing import final

import numpy as np
from jaxtyping import Shaped

from ligeia.core import OutputError
from ligeia.signals import FileBlocks

_SPARE_BYTES = 64 << 20  # left to others on the disk


@final
class Spool:
    """Keeps arrays ``(*shape, channels)`` of one dtype; more than ``working_set`` bytes go to a file without a name.

    The file is in the folder for temporary files (``TMPDIR``), and is gone when nothing reads it any more, also after
    a crash.
    """

    def __init__(self, working_set: int | None = None) -> None:
        self.num_items = 0
        self._held: list[np.ndarray] = []
        self._working_set = working_set
        self._descriptor: int | None = None
        self._open = ExitStack()
        self._all_opaque = True

    @property
    def is_bounded(self) -> bool:
        """Whether memory is."""
        return self._working_set is not None

    @property
    def first(self) -> Shaped[np.ndarray, "..."] | None:
        """The first array; None before one came."""
        return self._held[0] if self._held else None

    def append(self, item: Shaped[np.ndarray, "..."], *, num_expected: int = 0) -> None:
        """Add an array; `OutputError` if the disk has no room for as many as are expected."""
        self.num_items += 1
        self._all_opaque &= item.shape[-1] == 4 and bool((item[..., 3] == np.iinfo(item.dtype).max).all())
        if self._descriptor is not None:
            self._write(self._descriptor, item)
            return
        self._held.append(item)
        if self._working_set is not None and self.num_items * item.nbytes > self._working_set:
            check_room(max(num_expected, self.num_items) * item.nbytes)
            file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (the stack closes it)
            self._descriptor = self._open.enter_context(file).fileno()
            for each in self._held:
                self._write(self._descriptor, each)
            del self._held[1:]

    def values(self) -> Shaped[np.ndarray, "..."] | FileBlocks:
        """Return all arrays as one, ``(items, *shape, channels)``, without an alpha that is opaque everywhere."""
        first = self._held[0]
        channels = 3 if self._all_opaque else first.shape[-1]
        if self._descriptor is None:
            joined = np.stack(self._held)
            return joined if channels == first.shape[-1] else np.ascontiguousarray(joined[..., :channels])
        return FileBlocks(
            os.dup(self._descriptor),
            0,
            (self.num_items, *first.shape[:-1], channels),
            first.dtype,
            working_set=self._working_set or 0,
            stored_channels=first.shape[-1],
        )

    def close(self) -> None:
        """Give up what was kept, but for what `values` returned."""
        self._open.close()

    def _write(self, descriptor: int, item: np.ndarray) -> None:
        left = np.ascontiguousarray(item).data.cast("B")
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError as error:
            raise _no_room(0, error.strerror or str(error)) from error


def check_room(num_bytes: int) -> None:
    """Refuse a temporary file that the disk has no room for."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if num_bytes + _SPARE_BYTES > free:
        raise _no_room(num_bytes, f"{free / 2**30:.1f} GiB are free")


def _no_room(num_bytes: int, reason: str) -> OutputError:
    size = f"{num_bytes / 2**30:.1f} GiB" if num_bytes else "room"
    return OutputError(
        f"expected {size} for samples in {tempfile.gettempdir()}, {reason}; set TMPDIR to a folder with more room, "
        "choose a smaller output or fewer frames, or allow a larger working set."
    )
