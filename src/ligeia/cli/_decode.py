"""`ligeia decode`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import check_readable, check_writable

from ._console import Crf, Device, Json, NoSeed, Output, Quiet, emit


def decode(
    source: Annotated[Path, typer.Argument(metavar="F.lig", help="A fitted field.")],
    output: Output,
    crf: Crf = None,
    seed: NoSeed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the original sampling as the original kind of file.

    Size, mode, bit depth and color profile are the original's.

    Example: ligeia decode photo.lig -o photo-again.png
    """
    check_readable(source)
    check_writable(output)
    from ligeia import codec, recipes

    began = time.perf_counter()
    field = codec.load(source).to(recipes.checked_device(device))
    shape = recipes.decode(field, output, crf=crf)
    took = time.perf_counter() - began
    summary = f"{output}: {' x '.join(map(str, shape))} samples in {took:.1f} s"
    emit({"shape": shape, "seconds": took, "output": str(output)}, summary, as_json=as_json, quiet=quiet)
