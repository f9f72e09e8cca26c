"""`ligeia render`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import InputError, check_readable, check_writable

from ._console import AllowLarge, Crf, Device, Json, NoSeed, Numpy, Output, Quiet, emit, parse_region, parse_shape

_QUANTITIES = ("value", "gradient", "laplacian")


def render(
    source: Annotated[Path, typer.Argument(metavar="F.lig", help="A fitted field.")],
    output: Output,
    shape: Annotated[str | None, typer.Option(metavar="RxC", help="Rows x columns, such as 1024x1536.")] = None,
    scale: Annotated[float | None, typer.Option(metavar="S", help="Times the original size.")] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="r0:r1,c0:c1", help="Part, in samples, or as z=-40:60,y=12.5 in physical units."),
    ] = None,
    quantity: Annotated[str, typer.Option(help="value, gradient (its magnitude) or laplacian.")] = "value",
    crf: Crf = None,
    numpy: Numpy = False,
    allow_large: AllowLarge = False,
    seed: NoSeed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Sample a field at any resolution into a file.

    The ending of the output says whether a picture or an .npy file is written.

    Example: ligeia render photo.lig -o large.png --scale 4 --region 100:200,150:300
    """
    sizes, part = parse_shape(shape), parse_region(region)
    if quantity not in _QUANTITIES:
        raise InputError(f"--quantity must be one of {', '.join(_QUANTITIES)}, got {quantity!r}.")
    check_readable(source)
    check_writable(output)
    from ligeia import recipes

    began = time.perf_counter()
    field = recipes.open_field(source, device=device, use_numpy=numpy)
    rendered = recipes.render(
        field,
        output,
        shape=sizes,
        scale=scale,
        region=part,
        quantity=quantity,  # type: ignore[arg-type]
        crf=crf,
        allow_large=allow_large,
    )
    took = time.perf_counter() - began
    size = " x ".join(map(str, rendered))
    summary = f"{output}: {size} samples in {took:.1f} s"
    emit({"shape": rendered, "seconds": took, "output": str(output)}, summary, as_json=as_json, quiet=quiet)
