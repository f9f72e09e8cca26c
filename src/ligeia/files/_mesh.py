"""The surface of a field as a file: a mesh, or a picture of it from a camera."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, final

import numpy as np
from jaxtyping import Float, UInt8

from ligeia.core import InputError, write_atomically
from ligeia.field import Field
from ligeia.formats import check_surface_output, write_surface
from ligeia.networks import Voxels
from ligeia.shapes import (
    FieldSurface,
    LevelSet,
    Look,
    component_shares,
    is_watertight,
    shaded,
    signed_volume_and_area,
)
from ligeia.signals import Camera, SceneSource

Coloring: TypeAlias = Literal["mean", "gaussian"]
_PICTURE = (600, 800)  # rows and columns of a camera's picture
_TYPICAL = 0.95  # of the vertices have a curvature that colors tell apart


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Meshed:
    """The figures of a written mesh."""

    vertices: int
    faces: int
    watertight: bool
    cuts_domain: bool
    """Whether the surface reaches the end of the domain, where the mesh is open."""
    components: tuple[float, ...]
    """Share of the area of each connected part, the largest first."""
    volume: float
    """Within a closed mesh, in the cube of the unit of the axes."""
    area: float
    evaluations: int
    """Places at which the field was evaluated."""
    dense_evaluations: int
    """Places of the whole grid."""
    seconds: float


def mesh(
    field: Field,
    path: Path,
    *,
    resolution: int = 256,
    level: float | None = None,
    color: Coloring | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Meshed:
    """Write the level set of a field of three axes and one channel as a mesh with normals.

    ``resolution`` is the number of cells along the longest side of the domain. For a signed distance, only cells that
    the surface can cross are evaluated, and ``level`` is the distance of the mesh outside the surface, 0 by default.
    For any other field all cells are evaluated, and values above the level are inside. That of a scene is the density
    at which, by default, half of the light is lost on the way through a cell: rough, and no fit of a surface. ``color``
    paints vertices by their mean or Gaussian curvature, blue through white to red. Raises `InputError` if there is no
    surface.
    """
    check_surface_output(path)
    if color not in (None, "mean", "gaussian"):
        raise InputError(f"expected a curvature of mean or gaussian as color, got {color!r}.")
    began = time.perf_counter()
    surface = FieldSurface(field, _usual_level(field) if level is None else level)
    found = surface.mesh(resolution, progress=progress)
    colors = None if color is None else curvature_colors(surface, found, color)
    write_surface(path, found.vertices, found.faces, normals=found.normals, colors=colors)
    seconds = time.perf_counter() - began
    volume, area = signed_volume_and_area(found.vertices, found.faces)
    return Meshed(
        vertices=len(found.vertices),
        faces=len(found.faces),
        watertight=is_watertight(found.faces),
        cuts_domain=found.cuts_box,
        components=tuple(component_shares(found.vertices, found.faces)),
        volume=volume,
        area=area,
        evaluations=found.num_evaluations,
        dense_evaluations=found.num_dense,
        seconds=seconds,
    )


def _usual_level(field: Field) -> float:
    if not isinstance(field.source, SceneSource):
        return 0.0
    architecture = field.network.architecture
    if isinstance(architecture, Voxels) and architecture.is_contracted:
        raise InputError("expected a scene in a box for a mesh, this one holds all of space; fit it with --box.")
    return math.log(2) / min(abs(axis.extent[1] - axis.extent[0]) / axis.size for axis in field.grid.axes)


def curvature_colors(surface: FieldSurface, found: LevelSet, color: Coloring) -> UInt8[np.ndarray, "n 3"]:
    """Return a color for each vertex by its curvature: blue where it is negative, white at 0, red where positive."""
    from matplotlib import colormaps

    mean, gaussian = surface.curvatures(found.vertices)
    chosen = np.nan_to_num(mean if color == "mean" else gaussian, nan=0.0, posinf=0.0, neginf=0.0)
    reach = max(float(np.quantile(np.abs(chosen), _TYPICAL)), np.finfo(np.float64).tiny)
    shades = colormaps["coolwarm"]((chosen / reach).clip(-1, 1) / 2 + 0.5)
    return (255 * np.asarray(shades)[:, :3]).round().astype(np.uint8)


def render_surface(
    field: Field,
    path: Path,
    camera: Camera | tuple[float, float],
    shape: tuple[int, int] | None = None,
    *,
    look: Look = "shaded",
) -> tuple[int, int]:
    """Write a picture of the surface of a field as a camera sees it, and return its rows and columns.

    ``camera`` may be its azimuth and elevation in degrees, around the middle of the domain and with y upward; its
    ``shape``, rows and columns, is then 600 x 800 by default, and otherwise its own. An ``.npy`` file gets float32
    ``(rows, columns, 4)``: the length of the ray and the normal, NaN outside the surface.
    """
    from PIL import Image

    if path.suffix.lower() not in (".npy", *Image.registered_extensions()):
        raise InputError(f"{path}: expected a picture such as .png, or .npy, for what a camera sees; rename it.")
    surface = FieldSurface(field)
    if not isinstance(camera, Camera):
        camera = surface.camera(*camera, shape=_PICTURE if shape is None else shape)
    elif shape is not None:
        camera = camera.resized(shape)
    traced = surface.trace(camera)
    if path.suffix.lower() == ".npy":
        whole: Float[np.ndarray, "rows columns 4"] = np.concatenate([traced.depth[..., None], traced.normals], axis=-1)
        write_atomically(path, lambda partial: np.save(partial, whole.astype(np.float32)))
        return camera.shape
    picture = Image.fromarray(shaded(traced, look))
    write_atomically(path, picture.save)
    return camera.shape
