"""The parts of every report: the curve of the fit, the activations of the network, and the writer of figures."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ligeia.core import InputError, random_stream, write_atomically
from ligeia.field import Field, network_inputs
from ligeia.networks import Siren
from ligeia.signals import Blocks, Signal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FIGURE_SUFFIXES = (".png", ".pdf", ".svg", ".jpg")


def check_figure(path: Path, signal: Signal | None = None) -> None:
    """Refuse a figure of an unknown kind, or of a signal that cannot be drawn, before any work is done."""
    if path.suffix.lower() not in _FIGURE_SUFFIXES:
        raise InputError(f"{path}: a figure ends in {', '.join(_FIGURE_SUFFIXES)}; rename it.")
    if signal is not None and isinstance(signal.values, Blocks) and signal.grid.num_axes == 1:
        raise InputError(
            f"{path}: expected a signal of one axis within the working set, a report draws all of its samples; allow "
            "a larger one (--working-set), or leave the report out."
        )


def quality_of(field: Field) -> str:
    """Return the quality of a fit for a title: ``, 35.49 dB``, or nothing for a field read from a file."""
    if field.report is None:
        return ""
    found = field.report.psnr_db if field.report.snr_db is None else field.report.snr_db
    return ", exact" if found == math.inf else f", {found:.2f} dB"


def write_figure(path: Path, size: tuple[float, float], draw: Callable[["Figure"], None]) -> None:
    """Draw a figure of a size in inches, without a display, and write it in the format of the ending of ``path``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    FigureCanvasAgg(figure)
    draw(figure)
    kind = path.suffix.lower().lstrip(".")
    write_atomically(path, lambda partial: figure.savefig(partial, format=kind, dpi=100))


def draw_curve(axes: "Axes", field: Field) -> None:
    """Draw the quality of a fit over its passes; SNR for a sound."""
    axes.set_xlabel("passes over all samples")
    axes.grid(alpha=0.3)
    snr_db = None if field.report is None else field.report.snr_db
    axes.set_ylabel("PSNR, dB" if snr_db is None else "SNR, dB")
    if field.report is None or not field.report.curve:
        axes.set_title("no curve: the field was read from a file")
        return
    curve = [each for each in field.report.curve if math.isfinite(each.psnr_db)]
    offset_db = 0.0 if snr_db is None else field.report.psnr_db - snr_db
    axes.plot(
        [each.passes for each in curve], [each.psnr_db - offset_db for each in curve], marker=".", color="tab:blue"
    )
    axes.set_title(
        f"{field.report.point_steps:,} point-steps\n"
        f"in {field.report.seconds:.1f} s, stopped by {field.report.stopped_by}",
        fontsize=11,
    )


def draw_activations(phases: "Axes", activations: "Axes", field: Field, points: torch.Tensor) -> None:
    """Draw the distributions of every layer's phases and activations at some of the points."""
    order = torch.randperm(len(points), generator=random_stream(0, "activations"))[:2048].to(points.device)
    with torch.no_grad():
        layers = field.network.activations(network_inputs(field.grid, points[order]))
    is_sine = isinstance(field.network, Siren)  # whose phases are familiar to readers
    if field.network.output_layer() is not None or not is_sine:
        layers = layers[:-1]  # the output, which no nonlinearity follows
    shades = [f"C{number}" for number in range(len(layers))] if len(layers) <= 10 else ["tab:blue"] * len(layers)
    for number, (layer, shade) in enumerate(zip(layers, shades, strict=True)):
        _outline(phases, layer.pre.cpu().numpy().ravel(), 80, shade, f"layer {number + 1}")
        _outline(activations, layer.post.cpu().numpy().ravel(), 40, shade, f"layer {number + 1}")
    phases.set_yscale("log")
    if is_sine:
        phases.set_xlim(-25, 25)
        _label(phases, "phases before the sine, by layer", "phase, radians")
        _label(activations, "activations after the sine, by layer", "activation")
    else:
        name = field.network.architecture.name
        _label(phases, f"inputs of the nonlinearities, by layer, {name}", "activation before")
        _label(activations, f"activations, by layer, {name}", "activation")
    activations.legend(loc="upper center", ncols=2, fontsize=8)


def _outline(axes: "Axes", samples: np.ndarray, bins: int, color: str, label: str) -> None:
    low, high = np.clip([samples.min(), samples.max()], -25.0, 25.0).tolist()
    heights, edges = np.histogram(samples, bins=bins, range=(low, high))
    if heights.any():  # else all lie outside the axes
        axes.stairs(heights / (heights.sum() * np.diff(edges)), edges, color=color, label=label)


def _label(axes: "Axes", title: str, horizontal: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(horizontal)
    axes.set_ylabel("density")
    axes.grid(alpha=0.3)
