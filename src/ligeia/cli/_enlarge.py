"""`ligeia enlarge`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import InputError, check_readable, check_writable

from ._console import Json, NoDevice, Output, Quiet, Seed, emit, parse_scale, watched_tiles


def enlarge(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A picture, or an array of any number of axes.")],
    output: Output,
    scale: Annotated[str, typer.Option(metavar="S|WxH", help="Times the size (2, 1.7), or width x height.")],
    downscaled_by: Annotated[
        str, typer.Option(metavar="K", help="How it was made smaller: box, bicubic or unknown.")
    ] = "unknown",
    total_variation: Annotated[
        float, typer.Option(min=0, metavar="W", help="Prior: weight of the total variation.")
    ] = 0.0,
    hessian: Annotated[float, typer.Option(min=0, metavar="W", help="Prior: weight of second differences.")] = 0.0,
    seed: Seed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Enlarge a picture: fields are fitted to what its pixels are, means over areas.

    Nothing is learned from other pictures. Made smaller again, the result is the input to within half a gray level;
    how far it is from that is reported.

    Example: ligeia enlarge photo.png -o large.png --scale 2
    """
    factor, shape = parse_scale(scale)
    check_readable(source)
    check_writable(output)
    from ligeia import fitting, recipes

    if downscaled_by not in recipes.KERNELS:
        names = ", ".join(recipes.KERNELS)
        raise InputError(f"--downscaled-by must be one of {names}, got {downscaled_by!r}.")
    began = time.perf_counter()
    signal = recipes.to_signal(source, working_set=1 << 62)
    recipes.check_enlarged_output(signal, output)
    prior = None
    if total_variation or hessian:
        prior = fitting.Prior(total_variation=total_variation, hessian=hessian)
    with watched_tiles(quiet=quiet) as on_tile:
        enlarged = recipes.enlarge(
            signal,
            scale=factor,
            shape=shape,
            downscaled_by=recipes.KERNELS[downscaled_by],
            prior=prior,
            seed=seed,
            on_tile=on_tile,
        )
    recipes.write_enlarged(enlarged, output)
    took = time.perf_counter() - began
    result = {
        "shape": enlarged.shape,
        "seconds": took,
        "output": str(output),
        "consistency": enlarged.consistency,
        "downscaled_by": downscaled_by,
        "seed": seed,
    }
    size = " x ".join(map(str, enlarged.shape))
    summary = (
        f"{output}: {size} samples in {took:.1f} s\nmade smaller again: within {enlarged.consistency:.2g} gray levels"
    )
    emit(result, summary, as_json=as_json, quiet=quiet)
