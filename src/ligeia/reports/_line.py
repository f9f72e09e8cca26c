"""The report of a signal of one axis, such as a sound: its course, its spectrum and a detail between the samples."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float

from ligeia.field import Field
from ligeia.signals import Signal

from ._parts import draw_activations, draw_curve, quality_of, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 1500  # of the course: longer signals are drawn as the range within each
_DETAIL = 60  # samples
_FINER = 16  # points of the field per sample of the detail
_WINDOW = 1024  # samples of a spectrum
_MOST_SPECTRA = 600
_FLOOR_DB = -120.0


def draw_line_report(field: Field, signal: Signal, path: Path) -> None:
    """Draw course and error, spectra over time, a detail between the samples, the curve and the activations."""
    original = signal.values[:, 0].astype(np.float64)
    fitted = field.sample()[:, 0].double().numpy()
    axis = field.grid.axes[0]
    of_channel = "" if signal.num_channels == 1 else f", {field.channels[0].name}"
    ticks = np.linspace(*axis.extent, min(len(original), _COLUMNS) + 1)

    def draw(figure: "Figure") -> None:
        parts: Any = figure.subfigures(3, 1, height_ratios=[3.4, 3.4, 4.0])
        courses = parts[0].subplots(1, 2)
        _draw_course(
            courses[0],
            ticks,
            original,
            "tab:blue",
            f"original, {len(original):,} sample{'s' if len(original) > 1 else ''}{of_channel}",
        )
        _draw_course(courses[1], ticks, fitted, "tab:blue", f"the field{quality_of(field)}")
        _draw_course(courses[1], ticks, fitted - original, "tab:red", "")
        courses[1].plot([], [], color="tab:blue", label="the field")
        courses[1].plot([], [], color="tab:red", label="error")
        courses[1].legend(loc="upper right", fontsize=8)
        for each in courses:
            each.set_xlabel(_named(axis.name, axis.unit))
            each.set_ylim(1.05 * field.channels[0].low, 1.05 * field.channels[0].high)
        spectra = parts[1].subplots(1, 2)
        for each, samples, title in zip(
            spectra, (original, fitted), ("spectrum of the original", "spectrum of the field"), strict=True
        ):
            _draw_spectra(each, samples, field, title)
        detail, curve, phases, activations = parts[2].subplots(1, 4)
        _draw_detail(detail, field, signal)
        draw_curve(curve, field)
        middle = torch.from_numpy(signal.grid.points(_spread(len(original)))).to(next(field.parameters()))
        draw_activations(phases, activations, field, middle)

    write_figure(path, (16, 11.5), draw)


def _spread(size: int) -> np.ndarray:
    return np.unique(np.linspace(0, size - 1, min(size, 4096)).astype(np.int64))


def _draw_course(axes: "Axes", ticks: np.ndarray, samples: Float[np.ndarray, " n"], color: str, title: str) -> None:
    starts = np.linspace(0, len(samples), len(ticks) - 1, endpoint=False).astype(np.int64)
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    if len(starts) == len(samples):  # a sample each: a line
        axes.plot(
            (ticks[1:] + ticks[:-1]) / 2, samples, color=color, linewidth=0.8, marker="." if len(samples) < 50 else ""
        )
    else:
        axes.fill_between((ticks[1:] + ticks[:-1]) / 2, low, high, color=color, linewidth=0.3)
    axes.grid(alpha=0.3)
    if title:
        axes.set_title(title, fontsize=11)


def _draw_spectra(axes: "Axes", samples: Float[np.ndarray, " n"], field: Field, title: str) -> None:
    length = min(_WINDOW, len(samples))
    starts = np.unique(
        np.linspace(0, len(samples) - length, min(_MOST_SPECTRA, max(1, 2 * len(samples) // length))).astype(np.int64)
    )
    windows = np.stack([samples[start : start + length] for start in starts]) * np.hanning(length + 2)[1:-1]
    peak = field.channels[0].high - field.channels[0].low
    power = np.abs(np.fft.rfft(windows, axis=1)) / (peak * length / 4)
    axis = field.grid.axes[0]
    rate = len(samples) / abs(axis.extent[1] - axis.extent[0])
    shown = axes.imshow(
        20 * np.log10(np.maximum(power.T, 10 ** (_FLOOR_DB / 20))),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=_FLOOR_DB,
        vmax=0,
        extent=(*axis.extent, 0.0, rate / 2),
    )
    axes.figure.colorbar(shown, ax=axes, label="dB of full range")
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(_named(axis.name, axis.unit))
    axes.set_ylabel("frequency, Hz" if axis.unit == "s" else "cycles per unit")


def _draw_detail(axes: "Axes", field: Field, signal: Signal) -> None:
    size = signal.grid.shape[0]
    count = min(_DETAIL, size)
    samples = signal.values[:, 0].astype(np.float64)
    starts = np.unique(np.linspace(0, size - count, 200).astype(np.int64))
    start = max(starts, key=lambda each: float(np.abs(np.diff(samples[each : each + count])).sum()))
    grid = signal.grid
    low, high = grid.to_physical(np.array(grid.region([(int(start), int(start) + count)])).T)[:, 0]
    between = field.sample((_FINER * count,), region=[(int(start), int(start) + count)])[:, 0]
    fine = grid.resampled((_FINER * count,)).coordinates(0)
    axes.plot(
        low + (fine + 1) / 2 * (high - low),
        between,
        color="tab:red",
        linewidth=1.2,
        label="the field, between the samples",
    )
    at = grid.to_physical(grid.points(np.arange(start, start + count)).astype(np.float64))[:, 0]
    axes.plot(at, samples[start : start + count], ".", color="black", markersize=4, label="samples")
    axes.set_title("where the signal varies most", fontsize=11)
    axes.set_xlabel(_named(grid.axes[0].name, grid.axes[0].unit))
    axes.locator_params(axis="x", nbins=4)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)


def _named(name: str, unit: str) -> str:
    return f"{name}, {unit}" if unit else name
