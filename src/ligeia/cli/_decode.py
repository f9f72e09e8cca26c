"""`ligeia decode`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import check_readable, check_writable

from ._console import AllowLarge, Crf, Device, Json, NoSeed, Numpy, Output, Quiet, emit


def decode(
    source: Annotated[Path, typer.Argument(metavar="F.lig", help="A fitted field.")],
    output: Output,
    at: Annotated[
        Path | None, typer.Option(metavar="POINTS.csv", help="Sample at these points instead: .csv, .npz, .mat.")
    ] = None,
    crf: Crf = None,
    numpy: Numpy = False,
    allow_large: AllowLarge = False,
    seed: NoSeed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the samples back as the original kind of file.

    Size, mode, bit depth and color profile are the original's; if the file is lossless, so is every sample. --at writes
    a table instead: the columns of POINTS that are named like the field's axes, in their units, and the values there.

    Example: ligeia decode photo.lig -o photo-again.png
    """
    for path in (source, *([] if at is None else [at])):
        check_readable(path)
    check_writable(output)
    from ligeia import files

    began = time.perf_counter()
    if at is None:
        field, exact = files.open_original(source, device=device, use_numpy=numpy)
        shape = files.decode(field, output, crf=crf, allow_large=allow_large, exact=exact)
    else:
        field = files.open_field(source, device=device, use_numpy=numpy)
        shape = (files.decode_at(field, at, output),)
    took = time.perf_counter() - began
    summary = f"{output}: {' x '.join(map(str, shape))} samples in {took:.1f} s"
    emit({"shape": shape, "seconds": took, "output": str(output)}, summary, as_json=as_json, quiet=quiet)
