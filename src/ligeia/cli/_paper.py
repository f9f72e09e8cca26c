"""`ligeia paper`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import InputError, check_writable

from ._console import Device, Json, Quiet, Seed, emit, watched_evaluations, watched_fit

_EXPERIMENTS = ("image", "activations", "audio", "video", "inversion")


def paper(
    experiment: Annotated[
        str, typer.Argument(metavar="EXPERIMENT", help="image, activations, audio, video or inversion.")
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File for the figure.")] = None,
    full: Annotated[
        bool, typer.Option("--full", "--long", help="The paper's own number of steps: hours on a CPU.")
    ] = False,
    recording: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="audio, video: the file; the paper's: gt_bach.wav, bikes.mp4."),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Repeat an experiment of the paper.

    Draws its figure, and prints our number beside the published one. image: 500 steps, or 15,000 with --full.
    audio: the recipe fast for five minutes at most, or 9,001 full-batch steps with --full.
    video: the same on 60 frames, or 100,000 steps of a network of width 1024 on all of them.
    inversion: 400 evaluations of L-BFGS, or 1,500 with --full.

    Example: ligeia paper image -o image.png
    """
    if recording is not None and experiment not in ("audio", "video"):
        raise InputError(f"--input is for the experiments audio and video, got {experiment!r}; leave it out.")
    if experiment not in _EXPERIMENTS:
        raise InputError(f"the experiment must be one of {', '.join(_EXPERIMENTS)}, got {experiment!r}.")
    figure = Path(f"paper-{experiment}.png") if output is None else output
    check_writable(figure)
    from ligeia import recipes

    if experiment == "inversion":
        with watched_evaluations(quiet=quiet) as watch:
            found = recipes.paper_inversion(figure, full=full, seed=seed, device=device, callbacks=[watch])
    else:
        with watched_fit(quiet=quiet, checkpoint=None) as callback:
            if experiment == "image":
                found = recipes.paper_image(figure, long=full, seed=seed, device=device, callbacks=[callback])
            elif experiment in ("audio", "video"):
                repeat = recipes.paper_audio if experiment == "audio" else recipes.paper_video
                found = repeat(figure, recording=recording, full=full, seed=seed, device=device, callbacks=[callback])
            else:
                found = recipes.paper_activations(figure, seed=seed)
    result = {"experiment": experiment, **found.to_plain(), "output": str(figure)}
    outcome, label = "the paper prints no number", ""
    if found.published is not None:
        agreement = "holds" if found.holds else "DOES NOT HOLD"
        outcome, label = f"published {found.published:.4g} +- {found.tolerance:g}: {agreement}", "published value: "
    summary = f"{found.quantity}: measured {found.measured:.3f}, {outcome}\n{label}{found.source}\nfigure: {figure}"
    emit(result, summary, as_json=as_json, quiet=quiet)
