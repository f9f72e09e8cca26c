"""What every command shares: its common options and its output."""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ligeia.codec import check_field_output as check_field_output

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors and JSON.")]
MediumCircle = Annotated[
    str | None, typer.Option("--circle", metavar="X,Y,R,C", help="Waves C times as fast within a circle of radius R.")
]
Seed = Annotated[int, typer.Option(min=0, help="Fixes every random number.")]
# every command takes the common options, so that a script need not know which of them matter where
NoSeed = Annotated[int, typer.Option("--seed", min=0, hidden=True)]
NoDevice = Annotated[str, typer.Option("--device", hidden=True)]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Crf = Annotated[
    int | None, typer.Option(min=0, max=63, metavar="N", help="Video: the encoder's constant quality, 0 its best.")
]
Numpy = Annotated[bool, typer.Option("--numpy", help="Evaluate by NumPy alone, as where there is no torch.")]
AllowLarge = Annotated[bool, typer.Option("--allow-large", help="Let the output have more than 2**33 values.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]


def say(text: str, *, quiet: bool = False) -> None:
    """Write a line for people, on standard error."""
    if not quiet:
        sys.stderr.write(text + "\n")


def emit(result: Mapping[str, Any], summary: str, *, as_json: bool, quiet: bool) -> None:
    """Print the outcome of a command: one JSON object, or a summary for people.

    JSON has no infinity: an exact reproduction has ``"psnr_db": null``.
    """
    if as_json:
        plain = {name: _finite(value) for name, value in result.items()}
        sys.stdout.write(json.dumps(plain, default=str) + "\n")
    elif not quiet:
        sys.stdout.write(summary + "\n")
    sys.stdout.flush()


def decibels(value: float) -> str:
    """Return a PSNR or SNR as people read it."""
    return "exact" if value == math.inf else f"{value:.2f} dB"


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
