"""The report of scattered samples: their places, the field between them, and its errors."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float

from ligeia.field import Field
from ligeia.recipes import HeldOut
from ligeia.signals import Grid, Signal

from ._parts import draw_activations, draw_curve, quality_of, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_POINTS = 60_000  # drawn
_SIDE = 384  # samples of the longer side of a picture
_LINE = 2000  # points of a course
_COLORS = "RdBu_r"


def draw_points_report(field: Field, signal: Signal, path: Path, held_out: HeldOut | None = None) -> None:
    """Draw scattered samples, the field, the errors, its gradient, the curve and the activations; the first channel.

    Of more than two axes the field is shown where the others are at their middle, and the points as they lie along
    the first two. Errors are those of the samples held out, if any.
    """
    points = signal.points
    assert points is not None, "expected scattered samples here"
    shown = HeldOut(signal, _thinned(np.arange(len(points)))) if held_out is None else held_out
    indices = _thinned(np.arange(len(points)))
    places = signal.grid.to_physical(points[indices].astype(np.float64))
    values = signal.values[indices, 0].astype(np.float64)
    errors = np.abs(shown.errors(field)[:, 0])
    error_places = signal.grid.to_physical(points[shown.indices].astype(np.float64))
    title = f"{len(points):,} samples, {signal.channels[0].name}"
    error_title = f"absolute error at {len(errors):,} samples{'' if held_out is None else ' held out'}"
    if held_out is not None:
        error_title += f"\nrelative L2 {held_out.quality(field).relative_l2:.4g}"
    is_line = signal.grid.num_axes == 1
    height = 5.0 if is_line else min(max(6.4 * _ratio(signal.grid), 2.4), 7.5)

    def draw(figure: Any) -> None:
        top, middle, bottom = figure.subfigures(3, 1, height_ratios=[height + 0.6, height + 0.6, 4.0])
        first, second = top.subplots(1, 2)
        third, fourth = middle.subplots(1, 2)
        limits = (signal.channels[0].low, signal.channels[0].high)
        if is_line:
            _draw_course(first, field, "value", f"the field{quality_of(field)}")
            first.plot(places[:, 0], values, ".", color="black", markersize=2, label=title)
            first.legend(fontsize=8)
            second.hist(values, bins=60, color="tab:blue")
            second.set_title(f"distribution of {title}", fontsize=11)
            third.plot(error_places[:, 0], np.maximum(errors, 1e-12), ".", color="tab:red", markersize=3)
            third.set_yscale("log")
            third.set_title(error_title, fontsize=11)
            _draw_course(fourth, field, "gradient", "exact gradient, magnitude per unit coordinate")
        else:
            _draw_scatter(first, signal, places, values, title, limits, _COLORS)
            _draw_plane(second, field, "value", f"the field{quality_of(field)}", limits)
            most = max(float(np.quantile(errors, 0.99)), 1e-12)
            _draw_scatter(third, signal, error_places, errors, error_title, (0.0, most), "magma_r")
            _draw_plane(fourth, field, "gradient", "exact gradient, magnitude per unit coordinate", None)
        curve, phases, activations = bottom.subplots(1, 3)
        draw_curve(curve, field)
        draw_activations(phases, activations, field, torch.from_numpy(points[indices]).to(next(field.parameters())))

    write_figure(path, (16, 2 * height + 5.2), draw)


def _thinned(indices: np.ndarray) -> np.ndarray:
    return indices[:: -(-len(indices) // _MOST_POINTS)]


def _ratio(grid: Grid) -> float:
    """Return height over width of the drawn plane of the first two axes: to scale, unless that is a narrow strip."""
    width, height = np.abs(grid.physical_scale()[:2])
    return float(height / width) if 1 / 8 < height / width < 8 else 0.7


def _draw_scatter(
    axes: "Axes",
    signal: Signal,
    places: Float[np.ndarray, "n d"],
    values: Float[np.ndarray, " n"],
    title: str,
    limits: tuple[float, float],
    colors: str,
) -> None:
    size = float(np.clip(100_000 / len(places), 1.0, 40.0))
    order = np.argsort(np.abs(values - np.mean(limits)))  # the extremes on top
    drawn = axes.scatter(
        places[order, 0],
        places[order, 1],
        c=values[order],
        s=size,
        cmap=colors,
        vmin=limits[0],
        vmax=limits[1],
        linewidths=0,
        rasterized=True,
    )
    _frame(axes, signal.grid, title, drawn)


def _draw_plane(axes: "Axes", field: Field, quantity: Any, title: str, limits: tuple[float, float] | None) -> None:
    grid = field.grid
    ratio = _ratio(grid)
    across, up = round(_SIDE / max(ratio, 1)), round(_SIDE * min(ratio, 1))
    middle = {axis.name: (axis.extent[0] + axis.extent[1]) / 2 for axis in grid.axes[2:]}
    sampled = field.sample((across, up, *[1] * len(middle)), region=middle, quantity=quantity)
    values = sampled[..., 0].reshape(across, up).T.double().numpy()
    if limits is None:
        limits = (0.0, max(float(np.quantile(values, 0.995)), 1e-12))
    drawn = axes.imshow(
        values,
        origin="lower",
        extent=(*grid.axes[0].extent, *grid.axes[1].extent),
        cmap=_COLORS if quantity == "value" else "magma_r",
        vmin=limits[0],
        vmax=limits[1],
        aspect="auto",
    )
    if middle:
        title += ", at " + ", ".join(f"{name} {place:.3g}" for name, place in middle.items())
    _frame(axes, grid, title, drawn)


def _frame(axes: "Axes", grid: Grid, title: str, drawn: Any) -> None:
    axes.set_xlim(*grid.axes[0].extent)
    axes.set_ylim(*grid.axes[1].extent)
    axes.set_box_aspect(_ratio(grid))
    axes.set_xlabel(grid.axes[0].name)
    axes.set_ylabel(grid.axes[1].name)
    axes.set_title(title, fontsize=11)
    axes.figure.colorbar(drawn, ax=axes, shrink=0.8)


def _draw_course(axes: "Axes", field: Field, quantity: Any, title: str) -> None:
    sampling = field.grid.sampling((_LINE,))
    values = field.sample((_LINE,), quantity=quantity)[:, 0].double().numpy()
    axes.plot(sampling.physical(0), values, color="tab:red", linewidth=1.0)
    axes.set_xlabel(field.grid.axes[0].name)
    axes.set_title(title, fontsize=11)
    axes.grid(alpha=0.3)
