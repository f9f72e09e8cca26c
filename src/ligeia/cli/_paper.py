"""`ligeia paper`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import InputError, check_writable

from ._console import Device, Json, Quiet, Seed, emit, watched_fit

_EXPERIMENTS = ("image", "activations")


def paper(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="image or activations.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File for the figure.")] = None,
    long: Annotated[bool, typer.Option("--long", help="image: 15,000 steps instead of 500.")] = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Repeat an experiment of the paper.

    Draws its figure, and prints our number beside the published one.

    Example: ligeia paper image -o image.png
    """
    if experiment not in _EXPERIMENTS:
        raise InputError(f"the experiment must be one of {', '.join(_EXPERIMENTS)}, got {experiment!r}.")
    figure = Path(f"paper-{experiment}.png") if output is None else output
    check_writable(figure)
    from ligeia import recipes

    with watched_fit(quiet=quiet, checkpoint=None) as callback:
        if experiment == "image":
            found = recipes.paper_image(figure, long=long, seed=seed, device=device, callbacks=[callback])
        else:
            found = recipes.paper_activations(figure, seed=seed)
    result = {"experiment": experiment, **found.to_plain(), "output": str(figure)}
    summary = (
        f"{found.quantity}: measured {found.measured:.3f}, published {found.published:g} +- {found.tolerance:g}: "
        f"{'holds' if found.holds else 'DOES NOT HOLD'}\n"
        f"published value: {found.source}\nfigure: {figure}"
    )
    emit(result, summary, as_json=as_json, quiet=quiet)
