"""The report of a surface: two views, its signed distance in a slice, and the curve of the fit."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ligeia.field import Field
from ligeia.recipes import FittedSurface
from ligeia.shapes import FieldSurface, shaded

from ._parts import draw_curve, quality_of, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VIEWS = {"front": (20.0, 10.0), "back": (200.0, 10.0)}
_PIXELS = (480, 480)
_SLICE = 256


def draw_surface_report(fitted: FittedSurface, path: Path) -> None:
    """Draw the surface from two sides, its normals, a slice of the distance with level lines, and the curve."""
    field = fitted.field
    views = {name: view_of(field, *angles) for name, angles in _VIEWS.items()}
    normals = view_of(field, *_VIEWS["front"], look="normal")

    def draw(figure: "Figure") -> None:
        places = figure.subplots(1, 5)
        for axes, (name, picture) in zip(places[:3], {**views, "normals": normals}.items(), strict=True):
            axes.imshow(picture)
            axes.set_title(f"{name}{quality_of(field) if name == 'front' else ''}")
            axes.set_axis_off()
        draw_slice(places[3], field)
        draw_curve(places[4], field)

    write_figure(path, (22, 4.8), draw)


def view_of(field: Field, azimuth: float, elevation: float, look: str = "shaded") -> np.ndarray:
    """Return a picture of the surface of a field, seen from the given degrees to the right and above."""
    surface = FieldSurface(field)
    traced = surface.trace(surface.camera(azimuth, elevation, _PIXELS))
    return shaded(traced, look)  # type: ignore[arg-type]


def draw_slice(axes: "Axes", field: Field) -> None:
    """Draw the signed distance in the middle plane across z: x to the right, y upward, the surface in black."""
    (x_low, x_high), (y_low, y_high), (z_low, z_high) = FieldSurface(field).box
    region = {"z": (z_low + z_high) / 2}
    values: Float[np.ndarray, "x y"] = field.sample((_SLICE, _SLICE, 1), region=region)[:, :, 0, 0].numpy()
    reach = float(np.abs(values).max())
    extent = (x_low, x_high, y_low, y_high)
    shown = axes.imshow(values.T, origin="lower", extent=extent, cmap="RdBu", vmin=-reach, vmax=reach)
    lines = np.linspace(-reach, reach, 21)
    axes.contour(values.T, levels=lines[lines != 0], extent=extent, colors="0.5", linewidths=0.5)
    if values.min() < 0 < values.max():
        axes.contour(values.T, levels=[0.0], extent=extent, colors="black", linewidths=1.5)
    axes.set(xlabel="x", ylabel="y", title=f"distance at z = {region['z']:.4g}")
    axes.figure.colorbar(shown, ax=axes, shrink=0.8)
