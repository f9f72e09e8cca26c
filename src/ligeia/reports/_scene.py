"""The report of a scene: six views beside their photographs, the difference, the depth, and the curve of the fit."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ligeia.field import composited
from ligeia.recipes import FittedScene

from ._parts import draw_curve, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VIEWS: Final = 6
_DIFFERENCE: Final = 0.25  # shown as white
_SIZE: Final = 2.6  # inches of a picture's longer side


def draw_scene_report(fitted: FittedScene, path: Path) -> None:
    """Draw up to six held-out views (of those that were fitted, without any) as photographed, as rendered, and depth.

    The largest difference of the three colors is white from a quarter of the range on. Depth is nearest in black.
    """
    plan = fitted.plan
    views = plan.views if plan.held_out is None else plan.held_out
    count = len(views.cameras)
    numbers = np.linspace(0, count - 1, min(count, _VIEWS)).round().astype(int)
    rows, columns = views.cameras[0].shape
    across, down = (_SIZE * each / max(rows, columns) for each in (columns, rows))

    def draw(figure: "Figure") -> None:
        parts: Any = figure.subfigures(1, 2, width_ratios=[len(numbers) * across, 5])
        pictures, curve = parts
        places = pictures.subplots(4, len(numbers), squeeze=False)
        for column, number in zip(places.T, numbers, strict=True):
            rgba = views.rgba(number)
            wanted = composited(rgba[..., :3], rgba[..., 3], plan.background)
            seen = fitted.field.render(views.cameras[number], background=plan.background)
            color = seen.color.clip(0, 1)
            column[0].imshow(wanted)
            column[0].set_title(
                f"{Path(views.names[number]).name}\n{fitted.qualities[number].psnr_db:.2f} dB", fontsize=9
            )
            column[1].imshow(color)
            column[2].imshow(np.abs(color - wanted).max(axis=-1), cmap="gray", vmin=0, vmax=_DIFFERENCE)
            column[3].imshow(np.where(seen.opacity > 0.5, seen.depth, np.nan), cmap="viridis")
        for row, name in zip(places, ("photograph", "rendered", "difference", "depth"), strict=True):
            for axes in row:
                axes.set(xticks=[], yticks=[])
            row[0].set_ylabel(name)
        draw_curve(curve.subplots(), fitted.field)

    write_figure(path, (len(numbers) * across + 6, 4 * down + 1), draw)
