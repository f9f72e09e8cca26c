"""Pictures of a fit: what became of the signal, and what happens inside the network."""

from ._explain import draw_explanation as draw_explanation, explain as explain
from ._parts import check_figure as check_figure, draw_curve as draw_curve, write_figure as write_figure
from ._report import draw_report as draw_report
from ._scene import draw_scene_report as draw_scene_report
from ._surface import draw_slice as draw_slice, draw_surface_report as draw_surface_report, view_of as view_of
