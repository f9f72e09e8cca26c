"""`ligeia blend`."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import Device, Json, Output, Quiet, Seed, emit
from ._parsing import check_paths
from ._progress import watched_fit

_ERRORS = ("gradient_error", "boundary_jump", "gradient_error_written", "boundary_jump_written")


def blend(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The picture to take gradients from.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The picture to blend into, of the same size.")],
    mask: Annotated[Path, typer.Option(metavar="M", help="A picture, white where the source shows.")],
    output: Output,
    mixed: Annotated[bool, typer.Option("--mixed", help="Keep the stronger of both gradients at each pixel.")] = False,
    seconds: Annotated[float | None, typer.Option(metavar="S", help="Time to fit, instead of 1,000 steps.")] = None,
    hidden_features: Annotated[
        int | None, typer.Option(metavar="N", help="Width; by default by the size of the mask.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Blend part of one picture seamlessly into another.

    Inside the mask the result has the source's gradients, along its border the target's values, and outside the
    target's pixels. Two errors are printed, both as differences between neighboring pixels in the target's units: of
    the gradients inside the mask, and across its border.

    Example: ligeia blend statue.png sea.jpg --mask mask.png -o sunk.png
    """
    check_paths(output, (source, target, mask))
    from ligeia import enlargement, equations, fitting, recipes

    pictures = [recipes.to_signal(path, working_set=1 << 62) for path in (source, target, mask)]
    enlargement.check_enlarged_output(pictures[1], output)
    with watched_fit(quiet=quiet, checkpoint=None) as callback:
        found = equations.blend(
            *pictures,
            mixed=mixed,
            stop=None if seconds is None else fitting.seconds(seconds),
            hidden_features=hidden_features,
            seed=seed,
            device=device,
            callbacks=[callback],
        )
    enlargement.write_enlarged(output, found.values, found.channels, found.source)
    errors = {name: getattr(found, name) for name in _ERRORS}
    result = {
        **errors,
        "seconds": found.seconds,
        "mixed": mixed,
        "shape": found.values.shape[:-1],
        "parameters": found.field.network.config.num_parameters(),
        "output": str(output),
        "seed": seed,
    }
    summary = (
        f"{output}: gradients within {found.gradient_error:.3g} of the requested ones inside the mask, "
        f"{found.boundary_jump:.3g} across its border, in {found.seconds:.1f} s"
    )
    emit(result, summary, as_json=as_json, quiet=quiet)
