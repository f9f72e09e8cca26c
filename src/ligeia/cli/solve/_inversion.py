"""`ligeia solve inversion`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import check_readable, check_writable

from .._console import Device, Json, Output, Quiet, Seed, check_field_output, emit
from .._progress import watched_evaluations


def inversion(
    output: Output,
    source: Annotated[
        Path | None, typer.Argument(metavar="[INPUT]", help="Recordings, .npz; default: simulated.")
    ] = None,
    evaluations: Annotated[int, typer.Option(metavar="N", min=1, help="Evaluations of the loss.")] = 400,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the wave speed of a medium from recordings at one frequency.

    The file holds: wavenumber, a number; sources (n, 2) and receivers (m, 2), places in the square from -1 to 1, within
    0.7 of its center along both axes; width, that of the Gaussian sources; recordings (n, m), complex, outgoing as
    exp(-i k r). The speed is 1 in layers 0.3 thick and close to sources and receivers. Without a file, the recordings
    of `ligeia paper inversion` are used: waves 1.3 times as fast within a circle.

    Example: ligeia solve inversion recordings.npz -o speed.lig
    """
    check_field_output(output)
    if source is not None:
        check_readable(source)
    check_writable(output)
    from ligeia import equations, experiments
    from ligeia.field import save

    problem = experiments.made_recordings(seed=seed) if source is None else equations.read_recordings(source)
    with watched_evaluations(quiet=quiet) as watch:
        solved = equations.solve_inversion(
            problem, evaluations=evaluations, seed=seed, device=device, callbacks=[watch]
        )
    (speed,) = solved.speed.channels
    error = experiments.speed_error(solved.speed) if source is None else None
    found = {
        "relative_l2": None if error is None else error.relative_l2,
        "relative_l2_of_change": None if error is None else error.of_change,
        "slowest": speed.low,
        "fastest": speed.high,
        "relative_misfit": solved.relative_misfit,
        "relative_residual": solved.relative_residual,
        "evaluations": solved.evaluations,
        "seconds": solved.seconds,
        "parameters": solved.speed.network.config.num_parameters(),
        "bytes": save(solved.speed, output),
        "stopped_by": solved.stopped_by,
        "output": str(output),
        "seed": seed,
    }
    summary = (
        f"{output}: speeds from {speed.low:.3f} to {speed.high:.3f}, {solved.relative_misfit:.2%} of the field "
        f"scattered to the receivers is not explained, residual {solved.relative_residual:.2%}, "
        f"in {solved.seconds:.1f} s\n"
        f"{solved.evaluations:,} evaluations, {found['parameters']:,} parameters, {found['bytes']:,} bytes"
    )
    if error is not None:
        summary += f"\n{error.relative_l2:.2%} from the true speed, {error.of_change:.0%} of its variation"
    emit(found, summary, as_json=as_json, quiet=quiet)
