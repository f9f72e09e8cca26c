"""`ligeia explain`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ._console import Json, NoDevice, NoSeed, Quiet, emit
from ._parsing import check_paths


def explain(
    source: Annotated[Path, typer.Argument(metavar="F.lig", help="A fitted field.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="R.png", help="The picture to draw.")],
    reference: Annotated[
        Path | None, typer.Option(metavar="INPUT", help="The original, for the error's spectrum.")
    ] = None,
    seed: NoSeed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Analyze a network layer by layer.

    Activations, spectra and ranks, and what to change.

    Example: ligeia explain photo.lig --reference photo.png -o inside.png
    """
    check_paths(output, [source] if reference is None else [source, reference])
    from ligeia import recipes, reports
    from ligeia.field import load

    reports.check_figure(output)
    began = time.perf_counter()
    field = load(source)
    signal = None if reference is None else recipes.to_signal(reference)
    found = reports.explain(field, signal)
    reports.draw_explanation(found, field, output)
    result = {
        "output": str(output),
        "seconds": time.perf_counter() - began,
        "axis": found.axis,
        "nyquist": found.nyquist,
        "layers": [
            {
                "width": layer.width,
                "effective_rank": layer.effective_rank,
                "idle": layer.idle,
                "reach": layer.reach,
            }
            for layer in found.layers
        ],
        "advice": list(found.advice),
    }
    lines = [
        f"layer {number}: effective rank {layer.effective_rank:.0f} of {layer.width}, {layer.idle} idle, "
        f"up to {layer.reach:.0f} radians per unit"
        for number, layer in enumerate(found.layers, start=1)
    ]
    emit(result, "\n".join([*lines, *found.advice, f"drawn as {output}"]), as_json=as_json, quiet=quiet)
