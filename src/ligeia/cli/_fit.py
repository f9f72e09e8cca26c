"""`ligeia fit`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ligeia.core import InputError, check_readable, check_writable

from ._checkpoints import discard, keeping, open_checkpoint
from ._console import Device, Json, Output, Quiet, Seed, check_field_output, emit, say
from ._fit_scene import scene_summary
from ._fit_surface import surface_summary
from ._parsing import (
    parse_background,
    parse_box,
    parse_choice,
    parse_frames,
    parse_missing,
    parse_names,
    parse_numbers,
    parse_tuple,
)
from ._progress import watched_fit
from ._summaries import describe, network_summary, signal_summary, stop_of, summarize

if TYPE_CHECKING:
    from ligeia.formats import PointColumns
    from ligeia.physics import Smoothness
    from ligeia.recipes import FittedScene, FittedSignal, FittedSurface

_OBJECTIVES = "--objective must be one of distance, eikonal"
_FOOTPRINTS = "expected a footprint of point, box, bicubic"
_PRIORS = {"tv": 0.1, "hessian": 0.03}  # and their usual weights


def fit(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Any signal, mesh, cloud or photographs.")],
    output: Output,
    psnr: Annotated[float | None, typer.Option(metavar="DB", help="Stop at this PSNR.")] = None,
    snr: Annotated[float | None, typer.Option(metavar="DB", help="Stop at this SNR (sound).")] = None,
    seconds: Annotated[float | None, typer.Option(metavar="S", help="Stop after this time.")] = None,
    passes: Annotated[float | None, typer.Option(metavar="P", help="Stop after passes over all samples.")] = None,
    most_bytes: Annotated[
        int | None, typer.Option("--bytes", metavar="N", help="Network that a file of so many bytes holds.")
    ] = None,
    variable: Annotated[str | None, typer.Option(metavar="NAME", help="Which of several arrays in a file.")] = None,
    frames: Annotated[str | None, typer.Option(metavar="A:B", help="Part of a video, such as 0:60.")] = None,
    channels: Annotated[
        bool | None, typer.Option("--channels/--no-channels", help="Whether an array's last axis holds channels.")
    ] = None,
    periodic: Annotated[str | None, typer.Option(metavar="AXIS", help="Axes whose ends meet, such as lon.")] = None,
    coordinates: Annotated[
        str | None, typer.Option(metavar="X,Y", help="Scattered samples: columns of places.")
    ] = None,
    values: Annotated[str | None, typer.Option(metavar="V,W", help="Their columns of values.")] = None,
    box: Annotated[
        str | None, typer.Option(metavar="A:B,C:D", help="Their domain, or a scene's, if it is not all.")
    ] = None,
    hold_out: Annotated[
        float | None, typer.Option(metavar="F", help="Share only measured; 8: every 8th photograph.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(metavar="C", help="Behind photographs: white, black, none or R,G,B.")
    ] = None,
    exposures: Annotated[bool, typer.Option("--exposures", help="Photographs differ in brightness.")] = False,
    mask: Annotated[Path | None, typer.Option(metavar="M", help="Picture, bright where samples are filled in.")] = None,
    missing: Annotated[str | None, typer.Option(metavar="V", help="Value of missing samples, nan, or none.")] = None,
    prior: Annotated[
        str | None, typer.Option(metavar="P", help="Between samples: tv, hessian, weighed: tv:0.1.")
    ] = None,
    footprint: Annotated[
        str, typer.Option(metavar="F", help="point, or means: box, bicubic.", show_default=False)
    ] = "point",
    objective: Annotated[str | None, typer.Option(metavar="O", help="Surface: distance, eikonal.")] = None,
    recipe: Annotated[str, typer.Option(help="fast, or paper, the reference.")] = "fast",
    network: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="siren, relu, finer, hash ...; finer:omega=40.", show_default=False),
    ] = None,
    hidden_features: Annotated[
        int | None, typer.Option(metavar="N", help="Width; by default 256, more for --psnr, --snr.")
    ] = None,
    hidden_layers: Annotated[int | None, typer.Option(metavar="N", help="Layers after the first; usually 3.")] = None,
    omega: Annotated[float | None, typer.Option(metavar="W", help="Layers' frequency factor; usually 30.")] = None,
    first_omega: Annotated[
        str | None, typer.Option(metavar="W[,W]", help="First layer's frequency, of all axes or each.")
    ] = None,
    working_set: Annotated[int, typer.Option(metavar="MIB", min=1, help="Samples held in memory.")] = 256,
    report: Annotated[Path | None, typer.Option(metavar="R.png", help="Draw a report picture.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint of a stopped fit.")] = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a network, until --psnr, --snr, --seconds or --passes.

    Example: ligeia fit photo.png -o photo.lig --psnr 40 --report r.png
    """
    _check(source, output, report, mask)
    from ligeia import recipes, reports
    from ligeia.field import save
    from ligeia.formats import is_scene

    asked = recipes.network_named(
        network or "siren", hidden_features=hidden_features, hidden_layers=hidden_layers, omega=omega
    )
    is_own = not asked.width_is_chosen or (network is not None and is_scene(source))  # a scene is voxels otherwise
    request = recipes.FitRequest(
        stop=stop_of(psnr, snr, seconds, passes),
        recipe=parse_choice(recipe, ("fast", "paper"), "--recipe must be fast or paper"),
        prior=_smoothness(prior),
        objective=None if objective is None else parse_choice(objective, ("distance", "eikonal"), _OBJECTIVES),
        network=asked if is_own else None,
        hidden_features=None if is_own else hidden_features,
        most_bytes=most_bytes,
        hidden_layers=3 if is_own or hidden_layers is None else hidden_layers,
        omega_0=30.0 if is_own or omega is None else omega,
        first_omegas=None if first_omega is None else parse_numbers(first_omega),
        variable=variable,
        frames=parse_frames(frames),
        channels=channels,
        periodic=parse_names(periodic),
        columns=_columns(coordinates, values, box),
        footprint=parse_choice(footprint, ("point", "box", "bicubic"), _FOOTPRINTS),
        mask=mask,
        missing=parse_missing(missing),
        hold_out=hold_out,
        background=parse_background(background),
        exposures=exposures,
        working_set=working_set << 20,
        seed=seed,
        device=device,
    )
    plan = recipes.plan_fit(source, request)
    if report is not None:
        reports.check_figure(report, plan.whole if isinstance(plan, recipes.SignalPlan) else None)
    for remark in plan.remarks:
        say(f"ligeia: {source}: {remark}", quiet=quiet)
    checkpoint = open_checkpoint(output, resume=resume, quiet=quiet)
    with keeping(checkpoint), watched_fit(quiet=quiet, checkpoint=checkpoint, offset_db=plan.offset_db) as callback:
        fitted = plan.fit(callbacks=[callback], checkpoint=checkpoint)
    field = fitted.field
    result = summarize(field, output, save(field, output)) | {"network": network or "siren", **network_summary(field)}
    discard(checkpoint, quiet=quiet)
    found, lines = _reported(fitted, output, report, quiet=quiet)
    result |= found
    summary = "\n".join([describe(result, field, psnr=psnr, snr=snr), *lines])
    emit(result, summary, as_json=as_json, quiet=quiet)


def _reported(
    fitted: "FittedSignal | FittedSurface | FittedScene", output: Path, report: Path | None, *, quiet: bool
) -> tuple[dict[str, Any], list[str]]:
    """Draw the report of a fit, and return for JSON and for people what is said of its kind of source."""
    from ligeia import recipes, reports

    if isinstance(fitted, recipes.FittedSurface):
        found = surface_summary(fitted, output, quiet=quiet)
        if report is not None:
            reports.draw_surface_report(fitted, report)
    elif isinstance(fitted, recipes.FittedScene):
        found = scene_summary(fitted)
        if report is not None:
            reports.draw_scene_report(fitted, report)
    else:
        found = signal_summary(fitted)
        if report is not None:
            reports.draw_report(fitted.field, fitted.plan.whole, report, fitted.plan.held_out)
    return found


def _check(source: Path, output: Path, report: Path | None, mask: Path | None) -> None:
    check_field_output(output)
    from ligeia.formats import is_folder, is_scene

    for path in (source, *([mask] if mask else [])):
        if not (is_folder(path) and is_scene(path)):
            check_readable(path)
    for path in (output, *([report] if report else [])):
        check_writable(path)
    if report is not None and report.resolve() in (source.resolve(), output.resolve()):
        raise InputError(f"{report}: the report would overwrite the input or the output; name another file.")


def _columns(coordinates: str | None, values: str | None, box: str | None) -> "PointColumns | None":
    from ligeia.formats import PointColumns

    if coordinates is None and values is None and box is None:
        return None
    return PointColumns(coordinates=parse_names(coordinates), values=parse_names(values), box=parse_box(box))


def _smoothness(text: str | None) -> "Smoothness | None":
    from ligeia.physics import Smoothness

    if text is None:
        return None
    name, colon, weight = text.partition(":")
    if name not in _PRIORS:
        raise InputError(
            f"expected a prior of {', '.join(_PRIORS)}, or one with its weight as in tv:0.1, got {text!r}."
        )
    (value,) = parse_tuple(weight, 1, "--prior tv:0.1") if colon else [_PRIORS[name]]
    return Smoothness(total_variation=value) if name == "tv" else Smoothness(hessian=value)
