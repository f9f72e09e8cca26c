"""`ligeia paper`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ligeia.core import InputError, check_writable

from ._console import Device, Json, Quiet, Seed, emit, watched_evaluations, watched_fit

if TYPE_CHECKING:
    from ligeia.recipes import PaperResult

_RECORDED = ("audio", "video", "sdf")
_EXPERIMENTS = (
    "image",
    "activations",
    *_RECORDED,
    "poisson-gradient",
    "poisson-laplacian",
    "composite",
    "inpainting",
    "helmholtz",
    "wave",
    "inversion",
)


def paper(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help=", ".join(_EXPERIMENTS) + ".")],
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

    Draws its figure, and prints our number beside the published one. Without --full each is sized for minutes on two
    cores: image 500 steps, audio five minutes at most, video 60 frames, sdf as many seconds as our losses take, the
    others as `ligeia poisson`, `fit --prior` and `solve` do. With it they take the paper's network, optimizer and steps
    (9,001 to 100,000).

    Example: ligeia paper image -o image.png
    """
    if recording is not None and experiment not in _RECORDED:
        raise InputError(f"--input is for the experiments {', '.join(_RECORDED)}, got {experiment!r}; leave it out.")
    if experiment not in _EXPERIMENTS:
        raise InputError(f"the experiment must be one of {', '.join(_EXPERIMENTS)}, got {experiment!r}.")
    figure = Path(f"paper-{experiment}.png") if output is None else output
    check_writable(figure)
    from ligeia import recipes

    name, *known = experiment.split("-")
    repeat = getattr(recipes, f"paper_{name}")
    watched = watched_evaluations(quiet=quiet) if name == "inversion" else watched_fit(quiet=quiet, checkpoint=None)
    with watched as callback:
        options: dict[str, Any] = {"seed": seed}
        if experiment != "activations":
            options |= {"full": full, "device": device, "callbacks": [callback]}
        if experiment in _RECORDED:
            options["recording"] = recording
        found = repeat(figure, *known, **options)
    result = {"experiment": experiment, **found.to_plain(), "output": str(figure)}
    summary = f"{found.quantity}: measured {found.measured:.3f}, {_comparison(found)}\nfigure: {figure}"
    emit(result, summary, as_json=as_json, quiet=quiet)


def _comparison(found: "PaperResult") -> str:
    if found.published is None:
        return f"no published number\nto compare with: {found.source}"
    return (
        f"published {found.published:.4g} +- {found.tolerance:g}: {'holds' if found.holds else 'DOES NOT HOLD'}\n"
        f"published value: {found.source}"
    )
