"""The report of a fit: what became of a signal, at first sight."""

from pathlib import Path

from ligeia.field import Field
from ligeia.signals import Signal

from ._held_out import HeldOut
from ._report_line import draw_line_report
from ._report_parts import check_figure
from ._report_picture import draw_picture_report
from ._report_points import draw_points_report


def draw_report(field: Field, signal: Signal, path: Path, held_out: HeldOut | None = None) -> None:
    """Draw what became of a signal as a figure: itself, the field, the error, details, the curve, the activations.

    Of scattered samples the errors are those of the samples ``held_out``, if any. `InputError` for an ending that is no
    figure's, and for a signal of one axis that is not in memory.
    """
    check_figure(path, signal)
    if signal.points is not None:
        draw_points_report(field, signal, path, held_out)
        return
    (draw_line_report if signal.grid.num_axes == 1 else draw_picture_report)(field, signal, path)
