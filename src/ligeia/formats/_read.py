"""The reader and the writer of files of any kind: both use the table of formats."""

from pathlib import Path
from typing import Final

from ligeia.core import InputError, check_readable
from ligeia.signals import Alignment, MissingValue, Signal

from ._formats import FORMATS, IMAGE, POINTS, SURFACE, Format
from ._opened import Opened, PointColumns, Reading
from ._output import Output

_REFUSED: Final = {  # by the choice of `Reading` that a format does not offer
    "columns": "scattered samples come from a .csv, .npz or .mat file; leave the columns out.",
    "channels": "channels along the last axis are an option for arrays only; leave it out.",
    "variable": "this kind of file holds one signal, so {!r} cannot be chosen; leave it out.",
    "frames": "frames can be chosen of a video only; leave them out.",
}


def read_signal(
    path: Path,
    *,
    variable: str | None = None,
    frames: tuple[int, int] | None = None,
    columns: PointColumns | None = None,
    channels: bool | None = None,
    missing: MissingValue = None,
    align: Alignment = "centers",
    working_set: int | None = None,
) -> Signal:
    """Read a signal file of any kind, or a zarr folder; `FormatError` for anything else.

    ``variable`` names one of several arrays or variables in a file, ``frames`` the first and the last (exclusive) frame
    of a video, ``columns`` those of scattered samples, ``channels`` whether the last axis of an array holds channels,
    ``missing`` what is missing besides NaN, instead of what the file says.
    ``.npy`` files, zarr arrays and videos of more than ``working_set`` bytes stay on disk (`Blocks`); None reads
    everything into memory.
    """
    check_readable(path)
    asked = Reading(
        variable=variable,
        frames=frames,
        columns=columns,
        channels=channels,
        missing=missing,
        align=align,
        working_set=working_set,
    )
    with Opened(path) as opened:
        return format_of(opened, asked).read(opened, asked)


def write_output(output: Output) -> None:
    """Write a field as the kind of file that the output's ending names, or that its source asks for."""
    write = format_of_output(output).write
    assert write is not None
    write(output)


def is_surface(path: Path) -> bool:
    """Return whether a path has the ending of a surface file, or is an ``.npz`` file with the arrays of one.

    These are ``vertices`` and ``faces``, or ``points`` and ``normals``, or no other than ``points`` of shape (n, 3).
    """
    with Opened(path) as opened:
        return SURFACE.probe(opened)


def format_of(opened: Opened, asked: Reading) -> Format:
    """Return the format of a file; `InputError` if it does not support a given option."""
    found = next((each for each in FORMATS if each.probe(opened)), IMAGE)  # which says what else it expected
    if asked.columns is not None and opened.suffix in POINTS.endings:
        found = POINTS
    for name in asked.asked():
        if name not in found.takes:
            raise InputError(f"{opened.path}: {_REFUSED[name].format(getattr(asked, name))}")
    return found


def format_of_output(output: Output) -> Format:
    """Return the format of an output; `InputError` if the original's kind would be replaced by a mere picture."""
    found = next((each for each in FORMATS if each.is_kind_of(output)), IMAGE)  # which says what endings it has
    if found is not IMAGE or not output.is_original:
        return found
    own = next((each for each in FORMATS if each.source is type(output.field.source)), IMAGE)
    if own.written_as:
        raise InputError(f"{output.path}: {own.written_as}; rename the output.")
    return IMAGE
