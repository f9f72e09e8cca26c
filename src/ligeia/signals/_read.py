"""One reader for every kind of file: the family is told by the content, not by the name."""

from pathlib import Path

from ligeia.core import check_readable

from ._arrays import read_array
from ._grid import Alignment
from ._images import read_image
from ._signal import Signal
from ._sounds import is_sound, read_sound

_NPY_SIGNATURE = b"\x93NUMPY"
_HEAD = 16  # bytes that tell the family


def read_signal(path: Path, *, align: Alignment = "centers") -> Signal:
    """Read an image, a sound or an ``.npy`` file; anything else is refused with a `FormatError`."""
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_NPY_SIGNATURE) or path.suffix.lower() == ".npy":
        return read_array(path, align=align)
    if is_sound(head, path):
        return read_sound(path, align=align)
    return read_image(path, align=align)
