"""`ligeia import`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import check_readable, check_writable

from ._console import Json, NoDevice, NoSeed, Output, Quiet, emit
from ._parsing import parse_shape


def import_(
    source: Annotated[Path, typer.Argument(metavar="F.safetensors", help="An export, or weights of a sine network.")],
    output: Output,
    shape: Annotated[str | None, typer.Option(metavar="RxC", help="Other weights: samples per axis.")] = None,
    omega: Annotated[float | None, typer.Option(metavar="W", help="Other weights: their omega_0.")] = None,
    first_omega: Annotated[float | None, typer.Option(metavar="W", help="Other weights: first omega.")] = None,
    seed: NoSeed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a field from a .safetensors file.

    It is an export of ligeia, or weights of a sine network. Weights of the SIREN repository, of its notebook and of
    siren-pytorch are recognized by their names. Such files record neither the number of samples nor omega: pass
    --shape, and --omega unless it was their code's default.

    Example: ligeia import photo.safetensors -o photo.lig

    Example: ligeia import weights.safetensors -o photo.lig --shape 512x768
    """
    sizes = parse_shape(shape)
    check_readable(source)
    check_writable(output)
    from ligeia import codec, files

    record = files.import_weights(source, shape=sizes, omega_0=omega, first_omega_0=first_omega)
    num_bytes = codec.write_record(record, output)
    size = " x ".join(map(str, record.grid.shape))
    result = {"output": str(output), "bytes": num_bytes, "shape": record.grid.shape}
    emit(result, f"{output}: {num_bytes:,} bytes, {size} samples", as_json=as_json, quiet=quiet)
