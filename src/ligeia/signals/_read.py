"""One reader for every kind of file: the family is told by the content, not by the name."""

from pathlib import Path

from ligeia.core import check_readable

from ._arrays import read_array
from ._grid import Alignment
from ._images import read_image
from ._signal import Signal

_NPY_SIGNATURE = b"\x93NUMPY"


def read_signal(path: Path, *, align: Alignment = "centers") -> Signal:
    """Read an image or an ``.npy`` file; anything else is refused with a `FormatError`."""
    check_readable(path)
    with path.open("rb") as file:
        head = file.read(len(_NPY_SIGNATURE))
    if head == _NPY_SIGNATURE or path.suffix.lower() == ".npy":
        return read_array(path, align=align)
    return read_image(path, align=align)
