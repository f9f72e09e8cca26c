"""The experiment on shapes of Sitzmann et al. 2020 (s. 4.2): oriented points, by the paper's losses and by ours."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.fitting import passes, seconds
from ligeia.recipes import FittedSurface, SurfaceObjective, fit_surface, quality_of_surface, read_shape
from ligeia.reports import check_figure, draw_slice, view_of, write_figure
from ligeia.shapes import Shape, SurfaceQuality, level_set
from ligeia.signals import Surface, surface_of

from ._result import USUAL, Asked, PaperResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAPER_STEPS, _PAPER_BATCH = 50_000, 1400
_NAMES: dict[SurfaceObjective, str] = {"eikonal": "our losses", "paper": "the paper's losses"}
_CELLS = 160
_VIEW = (30.0, 20.0)


def made_surface() -> Surface:
    """Return a mesh of a rippled ball that a ring goes through: a stand-in for the scans of the paper."""

    def distance(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        length = np.linalg.norm(points, axis=1)
        unit = points / np.maximum(length, 1e-9)[:, None]
        ripples = 0.03 * np.sin(14 * unit[:, 0]) * np.sin(14 * unit[:, 1]) * np.sin(14 * unit[:, 2])
        ball = length - 0.55 - ripples
        ring = np.hypot(np.hypot(points[:, 0] - 0.45, points[:, 1]) - 0.4, points[:, 2]) - 0.09
        return np.minimum(ball, ring)

    found = level_set(distance, [(-1.1, 1.1)] * 3, _CELLS, lipschitz=2.0)
    return surface_of(found.vertices, found.faces)


def paper_sdf(figure_path: Path, asked: Asked = USUAL) -> PaperResult:
    """Fit oriented points by our losses, and by the paper's own losses, optimizer and batches for as many seconds.

    The paper shows pictures and no number; measured is our Chamfer distance in % of the diagonal. Without a file (a
    mesh or a cloud) the shape is a made one; ``full`` gives the paper's losses 50,000 steps instead.
    """
    check_figure(figure_path)
    shape = read_shape(made_surface() if asked.recording is None else asked.recording, seed=asked.seed)
    options = {"seed": asked.seed, "device": asked.device, "callbacks": asked.callbacks}
    ours = fit_surface(shape, objective="eikonal", **options)
    report = ours.field.report
    assert report is not None
    count = 100_000 if not shape.surface.is_cloud else len(shape.surface.vertices)
    stop = passes(_PAPER_STEPS * _PAPER_BATCH / count) if asked.full else seconds(report.seconds)
    theirs = fit_surface(shape, objective="paper", stop=stop, **options)
    fits: dict[SurfaceObjective, FittedSurface] = {"eikonal": ours, "paper": theirs}
    rows: dict[SurfaceObjective, SurfaceQuality | None] = {name: _measured(each) for name, each in fits.items()}
    found = rows["eikonal"]
    if found is None:
        raise InputError(f"{asked.recording}: our fit has no surface to measure; give a denser cloud, or its normals.")
    write_figure(figure_path, (16, 8.5), lambda figure: _draw(figure, shape, fits, rows))
    other = rows["paper"]
    told = "has no surface" if other is None else f"{other.distance.chamfer:.3f} %, {other.components} components"
    what = "a made shape, not the paper's scans" if asked.recording is None else asked.recording.name
    return PaperResult(
        quantity=f"Chamfer distance in % of the diagonal after {report.seconds:.0f} s",
        measured=found.distance.chamfer,
        published=None,
        tolerance=0.0,
        source=f"pictures only; the paper's losses and settings on the same points of {what}: {told}",
        is_certain=False,
    )


def _measured(fitted: FittedSurface) -> SurfaceQuality | None:
    try:
        return quality_of_surface(fitted)
    except InputError:
        return None


def _draw(
    figure: "Figure",
    shape: Shape,
    fits: dict[SurfaceObjective, FittedSurface],
    rows: dict[SurfaceObjective, SurfaceQuality | None],
) -> None:
    places = figure.subplots(2, 3)
    for line, (objective, fitted) in zip(places, fits.items(), strict=True):
        if rows[objective] is not None:
            line[0].imshow(view_of(fitted.field, *_VIEW))
        line[0].set_title(_NAMES[objective])
        line[0].set_axis_off()
        draw_slice(line[1], fitted.field)
        line[2].set_axis_off()
        cells = _cells(fitted, rows[objective], shape)
        table = line[2].table(cellText=cells, loc="center", cellLoc="left", edges="horizontal")
        table.auto_set_font_size(False)
        table.set_fontsize(11)
        table.scale(1.0, 1.7)


def _cells(fitted: FittedSurface, quality: SurfaceQuality | None, shape: Shape) -> list[list[str]]:
    report = fitted.field.report
    assert report is not None
    cells = [["steps, seconds", f"{report.steps:,}, {report.seconds:.0f}"]]
    if quality is None:
        return [*cells, ["surface", "none"]]
    distance = quality.distance
    cells += [
        ["Chamfer, % of the diagonal", f"{distance.chamfer:.3f}"],
        ["two samplings of the original", "-" if quality.floor is None else f"{quality.floor:.3f}"],
        ["Hausdorff 95 %, %", f"{distance.hausdorff_95:.3f}"],
    ]
    if distance.normal_consistency is not None:
        cells.append(["normal consistency", f"{distance.normal_consistency:.4f}"])
    if shape.is_closed and quality.iou is not None:
        cells.append(["IoU", f"{quality.iou:.4f}"])
    specks = f" + {quality.specks} specks" if quality.specks else ""
    return [*cells, ["components", f"{quality.components}{specks}"]]
