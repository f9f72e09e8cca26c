"""`ligeia poisson`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import InputError, check_readable, check_writable

from ._console import Device, Json, Output, Quiet, Seed, check_field_output, decibels, emit
from ._progress import watched_fit

_KNOWN = {"gradient": "constant", "laplacian": "affine"}  # and what each leaves undetermined


def poisson(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A picture, or an array.")],
    output: Output,
    known: Annotated[str, typer.Option("--from", metavar="D", help="gradient or laplacian.")] = "gradient",
    seconds: Annotated[float | None, typer.Option(metavar="S", help="Stop after this time.")] = None,
    passes: Annotated[float | None, typer.Option(metavar="P", help="Stop after P passes over all targets.")] = None,
    network: Annotated[str, typer.Option(metavar="NAME", help="siren, or another network of `fit`.")] = "siren",
    hidden_features: Annotated[int | None, typer.Option(metavar="N", help="Width; by default 256.")] = None,
    hidden_layers: Annotated[int | None, typer.Option(metavar="N", help="Layers after the first; usually 3.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Reconstruct a picture from its gradient or its Laplacian alone.

    The PSNR is that of the values after removing what the derivatives leave undetermined: a constant per channel for
    the gradient, an affine function of the coordinates for the Laplacian. The field gets the picture's mean.

    Example: ligeia poisson photo.png --from laplacian -o photo.lig
    """
    if known not in _KNOWN:
        raise InputError(f"--from must be gradient or laplacian, got {known!r}.")
    check_field_output(output)
    check_readable(source)
    check_writable(output)
    from ligeia import equations, fitting, recipes
    from ligeia.field import save
    from ligeia.metrics import decibels as in_decibels
    from ligeia.physics import DerivativesOf

    rules = [rule(value) for rule, value in ((fitting.seconds, seconds), (fitting.passes, passes)) if value is not None]
    stop = None
    for rule in rules:
        stop = rule if stop is None else stop | rule
    architecture = recipes.network_named(network, hidden_features=hidden_features, hidden_layers=hidden_layers)
    signal = recipes.to_signal(source)
    with watched_fit(quiet=quiet, checkpoint=None) as callback:
        field = equations.poisson(
            signal,
            known,  # type: ignore[arg-type]
            stop=stop,
            network=architecture,
            seed=seed,
            device=device,
            callbacks=[callback],
        )
    report = field.report
    assert report is not None
    error = DerivativesOf.aligned_error(signal, field, affine=known == "laplacian")
    found = {
        "psnr_db": in_decibels(float(error.mean()), peak=1.0),
        "alignment": _KNOWN[known],
        "psnr_constant_db": report.psnr_db,
        "seconds": report.seconds,
        "steps": report.steps,
        "from": known,
        "parameters": report.parameters,
        "bytes": save(field, output),
        "stopped_by": report.stopped_by,
        "restarts": len(report.restarts),
        "output": str(output),
        "seed": seed,
    }
    summary = (
        f"{output}: {decibels(found['psnr_db'])} after {found['alignment']} alignment, from the {known} alone, "
        f"in {report.seconds:.1f} s\n{report.steps:,} steps, {report.parameters:,} parameters, {found['bytes']:,} bytes"
    )
    emit(found, summary, as_json=as_json, quiet=quiet)
