"""What `ligeia fit` prints of a mesh or a cloud of points."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ligeia.core import InputError

from ._console import say

if TYPE_CHECKING:
    from ligeia.recipes import FittedSurface
    from ligeia.shapes import SurfaceQuality


def surface_summary(fitted: "FittedSurface", output: Path, *, quiet: bool) -> tuple[dict[str, Any], list[str]]:
    """Mesh a fitted field, and return for JSON and for people how near the mesh comes to the surface."""
    from ligeia import recipes

    result: dict[str, Any] = {"objective": fitted.objective, "remarks": list(fitted.shape.remarks)}
    try:
        quality = recipes.quality_of_surface(fitted)
    except InputError as error:
        say(f"ligeia: {output}: the field was written, but has no surface to measure: {error}", quiet=quiet)
        return result, []
    return result | quality.to_plain(), [describe_quality(quality)]


def describe_quality(quality: "SurfaceQuality") -> str:
    """Return the lines that people read of a mesh beside a surface."""
    distance = quality.distance
    floor = "" if quality.floor is None else f" (two samplings of the original: {quality.floor:.3f} %)"
    normals = "" if distance.normal_consistency is None else f", normals {distance.normal_consistency:.4f}"
    overlap = "" if quality.iou is None else f", IoU {quality.iou:.4f}"
    parts = f"{quality.components} component{'' if quality.components == 1 else 's'}"
    specks = f" and {quality.specks} of less than 1 % of the area" if quality.specks else ""
    return (
        f"Chamfer {distance.chamfer:.3f} % of the diagonal{floor}, to the triangles {quality.exact:.3f} %, "
        f"Hausdorff 95 % {distance.hausdorff_95:.3f} %{normals}{overlap}\n"
        f"surface: {'watertight' if quality.watertight else 'not watertight'}, {parts}{specks}"
    )
