"""`ligeia paper`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import InputError, check_writable
from ligeia.experiments import EVALUATED, NAMES, RECORDED, PaperResult

from ._console import Device, Json, Quiet, Seed, emit
from ._progress import watched_evaluations, watched_fit


def paper(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help=", ".join(NAMES) + ".")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File for the figure.")] = None,
    full: Annotated[
        bool, typer.Option("--full", "--long", help="The paper's own number of steps: hours on a CPU.")
    ] = False,
    recording: Annotated[
        Path | None,
        typer.Option(
            "--input", metavar="FILE", help="audio, video, sdf: the file; the paper's: gt_bach.wav, bikes.mp4."
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Repeat an experiment of the paper.

    Draws its figure and prints our number and the published one. By default each experiment takes minutes on two cores:
    image 500 steps, audio at most five minutes, video 60 frames, sdf the time that our losses take, the others as in
    `ligeia poisson`, `fit --prior` and `solve`. --full takes the paper's network, optimizer and steps (9,001 to
    100,000).

    Example: ligeia paper image -o image.png
    """
    if recording is not None and experiment not in RECORDED:
        raise InputError(f"--input is for the experiments {', '.join(RECORDED)}, got {experiment!r}; leave it out.")
    if experiment not in NAMES:
        raise InputError(f"the experiment must be one of {', '.join(NAMES)}, got {experiment!r}.")
    figure = Path(f"paper-{experiment}.png") if output is None else output
    check_writable(figure)
    from ligeia.experiments import EXPERIMENTS, Asked

    is_evaluated = experiment in EVALUATED
    watched = watched_evaluations(quiet=quiet) if is_evaluated else watched_fit(quiet=quiet, checkpoint=None)
    with watched as callback:
        asked = Asked(full=full, recording=recording, seed=seed, device=device, callbacks=[callback])
        found = EXPERIMENTS[experiment](figure, asked)
    result = {"experiment": experiment, **found.to_plain(), "output": str(figure)}
    summary = f"{found.quantity}: measured {found.measured:.3f}, {_comparison(found)}\nfigure: {figure}"
    emit(result, summary, as_json=as_json, quiet=quiet)


def _comparison(found: PaperResult) -> str:
    if found.published is None:
        return f"no published number\nto compare with: {found.source}"
    return (
        f"published {found.published:.4g} +- {found.tolerance:g}: {'holds' if found.holds else 'DOES NOT HOLD'}\n"
        f"published value: {found.source}"
    )
