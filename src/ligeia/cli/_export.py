"""`ligeia export`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import check_readable, check_writable

from ._console import Json, NoDevice, NoSeed, Output, Quiet, emit


def export(
    source: Annotated[Path, typer.Argument(metavar="F.lig", help="A fitted field.")],
    output: Output,
    seed: NoSeed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a field for other programs.

    How closely the export matches it is measured. The output's ending chooses the format: .onnx is a model from
    coordinates in [-1, 1] to values in the signal's units, .safetensors holds the weights and a description in
    JSON, which `ligeia import` reads back.

    Example: ligeia export photo.lig -o photo.onnx
    """
    check_readable(source)
    check_writable(output)
    from ligeia import files

    began = time.perf_counter()
    found = files.export(source, output)
    took = time.perf_counter() - began
    result = {
        "output": str(output),
        "bytes": found.num_bytes,
        "max_abs_error": found.max_abs_error,
        "max_relative_error": found.max_relative_error,
        "points": found.num_points,
        "evaluated_by": found.evaluated_by,
        "seconds": took,
    }
    summary = (
        f"{output}: {found.num_bytes:,} bytes; {found.evaluated_by} differs by {found.max_abs_error:.2g} at most "
        f"({found.max_relative_error:.1g} of half the range) at {found.num_points:,} points"
    )
    emit(result, summary, as_json=as_json, quiet=quiet)
