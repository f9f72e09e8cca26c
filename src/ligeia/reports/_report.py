"""The report of a fit: one figure with the signal, its field and the errors."""

from pathlib import Path

from ligeia.field import Field
from ligeia.recipes import HeldOut
from ligeia.signals import Signal

from ._line import draw_line_report
from ._parts import check_figure
from ._picture import draw_picture_report
from ._points import draw_points_report


def draw_report(field: Field, signal: Signal, path: Path, held_out: HeldOut | None = None) -> None:
    """Draw a fit as a figure: the signal, the field, the error, details, the curve, the activations.

    Of scattered samples the errors are those of the samples ``held_out``, if any. `InputError` for an ending that is no
    figure's, and for a signal of one axis that is not in memory.
    """
    check_figure(path, signal)
    if signal.points is not None:
        draw_points_report(field, signal, path, held_out)
        return
    (draw_line_report if signal.grid.num_axes == 1 else draw_picture_report)(field, signal, path)
