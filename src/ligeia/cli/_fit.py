"""`ligeia fit`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ligeia.core import InputError, check_readable, check_writable

from ._console import (
    Device,
    Json,
    Output,
    Quiet,
    Seed,
    check_field_output,
    discard,
    emit,
    keeping,
    open_checkpoint,
    parse_box,
    parse_names,
    parse_numbers,
    parse_tuple,
    reading_options,
    watched_fit,
)
from ._fit_surface import fit_surface
from ._summaries import describe, stop_of, summarize

if TYPE_CHECKING:
    from ligeia.field import Field
    from ligeia.networks import Architecture
    from ligeia.physics import Smoothness
    from ligeia.recipes import Configuration, FirstFrequency, HeldOut, Size
    from ligeia.signals import Signal

_PRIORS = {"tv": ("total_variation", 0.1), "hessian": ("hessian", 0.03)}  # and their usual weights


def fit(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Any signal, mesh or cloud.")],
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
    box: Annotated[str | None, typer.Option(metavar="A:B,C:D", help="Their domain, if it is not all.")] = None,
    hold_out: Annotated[float | None, typer.Option(metavar="F", help="Share not fitted but measured.")] = None,
    mask: Annotated[Path | None, typer.Option(metavar="M", help="Picture, bright where samples are filled in.")] = None,
    prior: Annotated[
        str | None, typer.Option(metavar="P", help="Between samples: tv, hessian, weighed: tv:0.1.")
    ] = None,
    footprint: Annotated[
        str, typer.Option(metavar="F", help="point, or means: box, bicubic.", show_default=False)
    ] = "point",
    objective: Annotated[str | None, typer.Option(metavar="O", help="Surface: distance, eikonal.")] = None,
    recipe: Annotated[str, typer.Option(help="fast, or paper, the reference.")] = "fast",
    network: Annotated[
        str,
        typer.Option(metavar="NAME", help="siren, relu, finer, wire, hash ...; finer:omega=40.", show_default=False),
    ] = "siren",
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
    """Fit a network to a signal file.

    The first of --psnr, --snr, --seconds, --passes reached ends the fit.

    Example: ligeia fit photo.png -o photo.lig --psnr 40 --report r.png
    """
    given = locals()  # every option by its name
    _check(source, output, report)
    from ligeia.signals import is_surface

    if variable is None and coordinates is None and is_surface(source):
        fit_surface(**given)
        return
    if objective is not None:
        raise InputError(f"{source}: --objective is for surfaces (.ply, .obj, .stl, .off, .glb, .xyz); leave it out.")
    _fit_signal(**given)


def _fit_signal(
    *,
    source: Path,
    output: Path,
    psnr: float | None,
    snr: float | None,
    seconds: float | None,
    passes: float | None,
    most_bytes: int | None,
    variable: str | None,
    frames: str | None,
    channels: bool | None,
    periodic: str | None,
    coordinates: str | None,
    values: str | None,
    box: str | None,
    hold_out: float | None,
    mask: Path | None,
    prior: str | None,
    footprint: str,
    recipe: str,
    network: str,
    hidden_features: int | None,
    hidden_layers: int | None,
    omega: float | None,
    first_omega: str | None,
    working_set: int,
    report: Path | None,
    resume: bool,
    seed: int,
    device: str,
    as_json: bool,
    quiet: bool,
    **_: object,
) -> None:
    _check_gaps(mask, hold_out, prior, recipe)
    from ligeia import codec, recipes
    from ligeia.kernels import current_path
    from ligeia.signals import SoundSource

    asked = {"hidden_features": hidden_features, "hidden_layers": hidden_layers, "omega": omega}
    architecture = recipes.network_named(network, **asked)  # type: ignore[arg-type]
    omega_0 = 30.0 if omega is None or architecture is not None else omega  # another network has its own
    depth: dict[str, Any] = {"omega_0": omega_0, "hidden_layers": 3 if hidden_layers is None else hidden_layers}
    reading = reading_options(variable, frames, periodic, working_set) | _columns(coordinates, values, box)
    whole = recipes.to_signal(source, _configuration(recipe), channels=channels, **reading)
    whole = recipes.with_footprint(whole, footprint)
    signal, held_out = _with_gaps(whole, mask, hold_out, seed)
    stop = stop_of(psnr, snr, seconds, passes)
    size = recipes.choose_size(
        signal,
        stop=stop if recipe == "fast" else None,  # a quality does not widen the network of the paper
        network=architecture,
        hidden_features=hidden_features,
        most_bytes=most_bytes,
        **depth,
    )
    configuration = _configuration(recipe, size.hidden_features, signal, prior, architecture)
    if report is not None:
        recipes.check_figure(report, signal)
    frequencies = _frequencies(first_omega, configuration, signal, omega_0, architecture)
    checkpoint = open_checkpoint(output, resume=resume, quiet=quiet)
    offset_db = signal.snr_offset_db() if isinstance(signal.source, SoundSource) else 0.0
    with keeping(checkpoint), watched_fit(quiet=quiet, checkpoint=checkpoint, offset_db=offset_db) as callback:
        field = recipes.fit(
            signal,
            stop=stop,
            configuration=configuration,
            network=architecture,
            hidden_features=size.hidden_features if architecture is None else None,
            most_bytes=most_bytes if architecture is not None else None,
            **depth,
            first_omegas=[each.omega for each in frequencies] or None,
            seed=seed,
            device=device,
            callbacks=[callback],
            checkpoint=checkpoint,
        )
    field.missing = whole.missing  # what was held out is there
    if architecture is not None and most_bytes is not None:
        size = recipes.Size(field.network.config.num_features, f"the most in {most_bytes:,} bytes")
    result = summarize(field, output, codec.save(field, output)) | {
        "network": network,
        "hidden_features": size.hidden_features,
        "hidden_features_reason": size.reason,
        "device": str(next(field.parameters()).device),
        "kernel": current_path() if architecture is None else "torch",
        "first_omegas": [each.omega for each in frequencies],
        **_summary_of(held_out, field),
    }
    discard(checkpoint, quiet=quiet)
    if report is not None:
        recipes.draw_report(field, whole, report, held_out)
    summary = f"{describe(result, field, psnr=psnr, snr=snr)}\n{_reasons(size, frequencies, architecture)}"
    emit(result, summary, as_json=as_json, quiet=quiet)


def _check(source: Path, output: Path, report: Path | None) -> None:
    check_field_output(output)
    check_readable(source)
    for path in (output, *([report] if report else [])):
        check_writable(path)
    if report is not None and report.resolve() in (source.resolve(), output.resolve()):
        raise InputError(f"{report}: the report would overwrite the input or the output; name another file.")


def _check_gaps(mask: Path | None, hold_out: float | None, prior: str | None, recipe: str) -> None:
    if mask is not None:
        check_readable(mask)
        if hold_out is not None:
            raise InputError("--mask and --hold-out both say what is not fitted; leave one of them out.")
    if prior is not None and recipe != "fast":
        raise InputError(f"--prior brings its own recipe; leave --recipe {recipe} out.")


def _with_gaps(
    whole: "Signal", mask: Path | None, hold_out: float | None, seed: int
) -> "tuple[Signal, HeldOut | None]":
    from ligeia import recipes

    if mask is None:
        return recipes.hold_out(whole, hold_out, seed=seed)
    return recipes.hold_out_masked(whole, recipes.to_signal(mask))


def _summary_of(held_out: "HeldOut | None", field: "Field") -> dict[str, Any]:
    if held_out is None:
        return {}
    found = held_out.quality(field)
    return {
        "held_out_relative_l2": found.relative_l2,
        "held_out_psnr_db": found.psnr_db,
        "num_held_out": found.num_points,
    }


def _columns(coordinates: str | None, values: str | None, box: str | None) -> dict[str, Any]:
    from ligeia.signals import PointColumns

    if coordinates is None and values is None and box is None:
        return {}
    named = PointColumns(coordinates=parse_names(coordinates), values=parse_names(values), box=parse_box(box))
    return {"columns": named}


def _reasons(size: "Size", frequencies: "Sequence[FirstFrequency]", architecture: "Architecture | None") -> str:
    turns = "; ".join(f"{each.axis} {each.omega:.4g} ({each.reason})" for each in frequencies)
    width = f"{'width' if architecture is None else 'features'}: {size.hidden_features} ({size.reason})"
    return f"{width}\nfirst layer, radians per unit: {turns}" if turns else width


def _frequencies(
    asked: str | None,
    configuration: "Configuration",
    signal: "Signal",
    omega_0: float,
    architecture: "Architecture | None",
) -> "Sequence[FirstFrequency]":
    """Return the first layer's frequencies, none for a network that has no such thing."""
    from ligeia import recipes

    if architecture is not None and not architecture.takes_frequencies:
        if asked is not None:
            raise InputError(
                f"the first layer of a network {architecture.name} has no frequency; leave --first-omega out."
            )
        return ()
    if asked is None:
        return configuration.first_frequencies(signal, omega_0)
    omegas = recipes.checked_omegas(parse_numbers(asked), signal)
    axes = signal.grid.axes
    return [recipes.FirstFrequency(axis.name, each, "as asked") for axis, each in zip(axes, omegas, strict=True)]


def _configuration(
    name: str,
    hidden_features: int = 256,
    signal: "Signal | None" = None,
    prior: str | None = None,
    architecture: "Architecture | None" = None,
) -> "Configuration":
    from ligeia import recipes

    if prior is not None and signal is not None:
        return recipes.smooth(signal, _smoothness(prior), hidden_features=hidden_features, network=architecture)
    if name == "fast":
        return recipes.fast(hidden_features=hidden_features) if architecture is None else recipes.fast_for(architecture)
    if name == "paper":
        return recipes.paper()
    raise InputError(f"--recipe must be fast or paper, got {name!r}.")


def _smoothness(text: str) -> "Smoothness":
    from ligeia.physics import Smoothness

    name, colon, weight = text.partition(":")
    if name not in _PRIORS:
        raise InputError(
            f"a prior of {', '.join(_PRIORS)} was wanted, or one with its weight as in tv:0.1, got {text!r}."
        )
    field, usual = _PRIORS[name]
    (value,) = parse_tuple(weight, 1, "--prior tv:0.1") if colon else [usual]
    return Smoothness(**{field: value})
