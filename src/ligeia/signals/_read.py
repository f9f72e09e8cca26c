"""One reader for every kind of file: the family is told by the content, not by the name."""

from pathlib import Path

from ligeia.core import InputError, check_readable

from ._arrays import read_archive, read_array
from ._axis import Alignment
from ._gridded import is_gridded, read_gridded
from ._images import read_image
from ._points import PointColumns, read_points
from ._signal import Signal
from ._sounds import is_sound, read_sound
from ._stacks import is_stack, read_stack
from ._surfaces import is_surface
from ._tables import is_table, read_matlab
from ._videos import is_video, read_video
from ._volumes import is_volume, read_volume
from ._zarr_arrays import is_zarr_array, read_zarr_array

_NPY_SIGNATURE = b"\x93NUMPY"
_ZIP_SIGNATURE = b"PK\x03\x04"
_TABLES = (".csv", ".tsv")  # always of scattered samples
_HEAD = 16  # bytes that tell the family


def read_signal(
    path: Path,
    *,
    variable: str | None = None,
    frames: tuple[int, int] | None = None,
    columns: PointColumns | None = None,
    channels: bool | None = None,
    align: Alignment = "centers",
    working_set: int | None = None,
) -> Signal:
    """Read a signal file of any kind, or a zarr folder; `FormatError` for anything else.

    ``variable`` names one of several arrays or variables in a file, ``frames`` the first and the last (exclusive) frame
    of a video, ``columns`` those of scattered samples, ``channels`` whether the last axis of an array holds channels.
    ``.npy`` files, zarr arrays and videos of more than ``working_set`` bytes stay on disk (`Blocks`); None reads
    everything into memory.
    """
    check_readable(path)
    if frames is not None and is_table(path):
        raise InputError(f"{path}: frames can be chosen of a video only; leave them out.")
    if (columns is not None and is_table(path)) or path.suffix.lower() in _TABLES:
        if variable is not None:
            raise InputError(f"{path}: columns of points are named by coordinates and values, {variable!r} came.")
        columns = PointColumns() if columns is None else columns
        return read_points(path, columns.coordinates, columns.values, box=columns.box, align=align)
    if columns is not None:
        raise InputError(f"{path}: scattered samples come from a .csv, .npz or .mat file; leave the columns out.")
    head = b""
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(_HEAD)
    suffix = path.suffix.lower()
    is_npy, is_npz = head.startswith(_NPY_SIGNATURE) or suffix == ".npy", head.startswith(_ZIP_SIGNATURE)
    is_npz |= suffix == ".npz"
    if channels is not None and not (is_npy or is_npz or suffix == ".mat" or is_zarr_array(path)):
        raise InputError(f"{path}: channels along the last axis can be said of arrays only; leave that out.")
    if suffix == ".mat":
        return read_matlab(path, variable=variable, channels=channels, align=align)
    if is_zarr_array(path):
        if variable is not None:
            raise InputError(f"{path}: this is one zarr array, so {variable!r} cannot be chosen; leave it out.")
        return read_zarr_array(path, channels=channels, align=align, working_set=working_set)
    if is_gridded(head, path):
        return read_gridded(path, variable=variable, align=align)
    if is_npz:
        return read_archive(path, variable=variable, channels=channels, align=align)
    if variable is not None:
        raise InputError(f"{path}: this kind of file holds one signal, so {variable!r} cannot be chosen; leave it out.")
    if is_video(head, path):
        return read_video(path, frames=frames, align=align, working_set=working_set)
    if frames is not None:
        raise InputError(f"{path}: frames can be chosen of a video only; leave them out.")
    if is_npy:
        return read_array(path, channels=channels, align=align, working_set=working_set)
    if is_sound(head, path):
        return read_sound(path, align=align)
    if is_volume(path):
        return read_volume(path, align=align)
    if is_stack(head, path):
        return read_stack(path, align=align)
    if is_surface(path):
        raise InputError(f"{path}: this is a surface; `ligeia fit` makes a signed-distance field of it.")
    return read_image(path, align=align)
