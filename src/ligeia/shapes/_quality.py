"""How well a mesh reproduces the surface that a field was fitted to."""

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.metrics import SurfaceDistance, intersection_over_union, surface_distance
from ligeia.signals import Surface

from ._mesh_checks import component_shares, is_watertight
from ._shape import Shape, surface_samples

_SAMPLES = 100_000
_SPURIOUS = 0.01  # of the area: a part that a fit of one surface should not have


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceQuality:
    """A mesh beside the surface that it should be, by 100,000 samples of each."""

    distance: SurfaceDistance
    """Distances in % of the diagonal of the surface's bounding box. For a cloud, completeness and normals are those at
    the points that were held out, accuracy is to the nearest of all its points."""
    iou: float | None
    """Of the insides, at as many places of the bounding box; None unless the surface is a closed mesh."""
    floor: float | None
    """Chamfer distance of two samplings of the surface itself, which no mesh comes below; None for clouds."""
    num_samples: int
    """Of the surface."""
    watertight: bool
    components: int
    """Connected parts of the mesh with 1 % of its area at least."""
    specks: int
    """Parts with less."""

    def to_plain(self) -> dict[str, Any]:
        """Return the figures under the names that commands print."""
        distance = self.distance
        return {
            "chamfer_percent": distance.chamfer,
            "accuracy_percent": distance.accuracy,
            "completeness_percent": distance.completeness,
            "hausdorff_95_percent": distance.hausdorff_95,
            "normal_consistency": distance.normal_consistency,
            "iou": self.iou,
            "chamfer_floor_percent": self.floor,
            "watertight": self.watertight,
            "components": self.components,
            "specks": self.specks,
        }


def surface_quality(
    shape: Shape, vertices: Float[np.ndarray, "n 3"], faces: Int[np.ndarray, "m 3"], *, seed: int = 0
) -> SurfaceQuality:
    """Measure a mesh against the mesh or the points that a shape was made from (`SurfaceQuality`)."""
    found = replace(shape.surface, vertices=vertices, faces=faces, normals=None)
    points, normals = surface_samples(found, _SAMPLES, seed=seed + 1)
    iou = floor = None
    surface = shape.surface
    if surface.is_cloud:
        distance, num_samples = _cloud_distance(shape, points, normals)
    else:
        wanted, wanted_normals = surface_samples(surface, _SAMPLES, seed=seed + 2)
        again, again_normals = surface_samples(surface, _SAMPLES, seed=seed + 3)
        num_samples = len(wanted)

        def compared(to: np.ndarray, to_normals: np.ndarray) -> SurfaceDistance:
            return surface_distance(
                wanted,
                to,
                reference_normals=wanted_normals,
                candidate_normals=to_normals,
                diagonal=shape.diagonal,
            )

        distance, floor = compared(points, normals), compared(again, again_normals).chamfer
        if shape.is_closed:
            iou = _overlap(shape, found, seed)
    shares = component_shares(vertices, faces)
    components = sum(each >= _SPURIOUS for each in shares)
    return SurfaceQuality(
        distance=distance,
        iou=iou,
        floor=floor,
        num_samples=num_samples,
        watertight=is_watertight(faces),
        components=components,
        specks=len(shares) - components,
    )


def _cloud_distance(
    shape: Shape, points: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"]
) -> tuple[SurfaceDistance, int]:
    surface, held_out = shape.surface, shape.held_out
    measured = surface if held_out is None else held_out
    there = surface_distance(
        measured.vertices,
        points,
        reference_normals=measured.normals,
        candidate_normals=normals,
        diagonal=shape.diagonal,
    )
    everything = np.concatenate([surface.vertices, *([] if held_out is None else [held_out.vertices])])
    back = surface_distance(everything, points, diagonal=shape.diagonal)
    chamfer = (back.accuracy + there.completeness) / 2
    return replace(there, chamfer=chamfer, accuracy=back.accuracy, hausdorff_95=back.hausdorff_95), len(
        measured.vertices
    )


def _overlap(shape: Shape, found: Surface, seed: int) -> float:
    """Return the intersection over union of the insides of two meshes, at places in the bounding box of the first."""
    vertices = shape.surface.vertices
    places = np.random.default_rng([seed, 4]).uniform(vertices.min(axis=0), vertices.max(axis=0), (_SAMPLES, 3))
    return intersection_over_union(shape.holds(places), replace(shape, surface=found).holds(places))
