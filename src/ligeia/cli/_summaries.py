"""What the commands that fit print, and when they end."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._console import decibels

if TYPE_CHECKING:
    from ligeia.field import Field
    from ligeia.fitting import Stop
    from ligeia.recipes import FittedSignal


def summarize(field: "Field", output: Path, size: int) -> dict[str, Any]:
    """Return what the JSON of a fit says."""
    from ligeia.signals import SoundSource

    report = field.report
    assert report is not None
    return {
        "psnr_db": report.psnr_db,
        "seconds": report.seconds,
        "steps": report.steps,
        "passes": report.passes,
        "point_steps": report.point_steps,
        "parameters": report.parameters,
        "bytes": size,
        "output": str(output),
        "stopped_by": report.stopped_by,
        "recipe": report.recipe,
        "seed": report.seed,
        "range": [[each.low, each.high] for each in field.channels],
        "num_samples": report.num_points,
        "num_measured": report.num_measured,
        "restarts": len(report.restarts),
        "learned_nothing": report.learned_nothing,
    } | ({"snr_db": report.snr_db} if isinstance(field.source, SoundSource) else {})


def network_summary(field: "Field") -> dict[str, Any]:
    """Return for JSON how wide a network is, and where and by what it was computed."""
    from ligeia.kernels import current_path

    config = field.network.config
    return {
        "hidden_features": config.num_features,
        "device": str(next(field.parameters()).device),
        "kernel": current_path() if config.architecture.has_kernel else "torch",
    }


def signal_summary(fitted: "FittedSignal") -> tuple[dict[str, Any], list[str]]:
    """Return for JSON and for people what was chosen for the fit of a signal, and what was held out of it."""
    plan, report = fitted.plan, fitted.field.report
    architecture = plan.network.architecture
    frequencies = plan.frequencies if architecture.takes_frequencies else ()
    result: dict[str, Any] = {
        "hidden_features_reason": plan.size.reason,
        "first_omegas": [each.omega for each in frequencies],
    }
    if report is not None and report.held_out is not None:
        result |= {
            "held_out_relative_l2": report.held_out.relative_l2,
            "held_out_psnr_db": report.held_out.psnr_db,
            "num_held_out": report.held_out.num_points,
        }
    width = "width" if architecture.width_is_chosen else "features"
    lines = [f"{width}: {plan.size.hidden_features} ({plan.size.reason})"]
    if turns := "; ".join(f"{each.axis} {each.omega:.4g} ({each.reason})" for each in frequencies):
        lines.append(f"first layer, radians per unit: {turns}")
    return result, lines


def describe(result: dict[str, Any], field: "Field", *, psnr: float | None = None, snr: float | None = None) -> str:
    """Return the lines that people read after a fit; ``psnr`` and ``snr`` were asked for."""
    from ligeia.signals import SceneSource

    snr_db = result.get("snr_db")
    found = decibels(result["psnr_db"]) if snr_db is None else f"SNR {decibels(snr_db)}"
    quality = f"{found} in {result['seconds']:.1f} s, stopped by {result['stopped_by']}"
    work = f"{result['steps']:,} steps, {result['passes']:.2f} passes"
    size = f"{result['parameters']:,} parameters, {result['bytes']:,} bytes"
    lines = [f"{result['output']}: {quality}", f"{work}, {size}"]
    if (more := _more_of_type(field)) and snr_db is None:
        low, high = field.channels[0].low, field.channels[0].high
        of_type = decibels(result["psnr_db"] + more)
        lines.append(
            f"the PSNR is of the samples' own range, {low:g} to {high:g}; of all that their type holds {of_type}"
        )
    is_scene = isinstance(field.source, SceneSource)  # it says what was measured view by view
    if result["num_measured"] < result["num_samples"] and not is_scene:
        lines.append(f"the PSNR was measured on {result['num_measured']:,} of {result['num_samples']:,} samples")
    if "num_held_out" in result:
        held_out = f"held out, {result['num_held_out']:,} samples: relative L2 {result['held_out_relative_l2']:.4g}"
        relative, psnr_db = result["held_out_relative_l2"], result["held_out_psnr_db"]
        is_sound = snr_db is not None and relative > 0
        lines.append(f"{held_out}, {f'SNR {-20 * math.log10(relative):.2f} dB' if is_sound else decibels(psnr_db)}")
    if field.missing is not None and not is_scene:
        lines.append(f"{field.missing.num_missing:,} of {field.grid.num_samples:,} samples are missing, and stay so")
    wanted = [(psnr, result["psnr_db"]), (snr, result.get("snr_db"))]
    lines += [f"the {asked:g} dB asked for were not reached" for asked, got in wanted if asked and (got or 0) < asked]
    if result["learned_nothing"]:
        has_frequencies = field.network.architecture.takes_frequencies
        advice = ", or a lower --first-omega" if has_frequencies else ""
        lines.append(f"warning: no better than a constant; give it more passes or time{advice}")
    if field.report is not None:
        lines += [
            f"went back at step {restart.steps:,}: {restart.reason}; learning rate times {restart.rate_factor:g}"
            for restart in field.report.restarts
        ]
    return "\n".join(lines)


def _more_of_type(field: "Field") -> float:
    """Return by how many decibels a PSNR of all that the type of the samples holds exceeds that of their own range."""
    from ligeia.signals import ArraySource, ImageSource, held_range

    source = field.source
    if not isinstance(source, ArraySource | ImageSource):
        return 0.0
    held = held_range(np.dtype(source.dtype), source.bits if isinstance(source, ImageSource) else None)
    if held is None or (isinstance(source, ImageSource) and source.palette):
        return 0.0
    channel = field.channels[0]
    return 20 * math.log10((held[1] - held[0]) / (channel.high - channel.low))


def stop_of(psnr: float | None, snr: float | None, seconds: float | None, passes: float | None) -> "Stop | None":
    """Return the rule that ends a fit at the first of these that is reached; None if none is given."""
    from ligeia import fitting

    stop = None
    given = ((fitting.psnr, psnr), (fitting.snr, snr), (fitting.seconds, seconds), (fitting.passes, passes))
    for rule, value in given:
        if value is not None:
            stop = rule(value) if stop is None else stop | rule(value)
    return stop
