"""Quality of a mesh versus the surface that a field was fitted to."""

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from ligeia.core import optional
from ligeia.metrics import SurfaceDistance, intersection_over_union, surface_distance
from ligeia.signals import Surface

from ._mesh_checks import component_shares, is_watertight
from ._shape import Shape, surface_samples

_SAMPLES = 100_000
_SPURIOUS = 0.01  # of the area: a part that a fit of one surface should not have


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceQuality:
    """Quality of a mesh versus its original surface, from 100,000 samples of each."""

    distance: SurfaceDistance
    """Distances in % of the diagonal of the surface's bounding box. For a cloud, completeness and normals are those at
    the points that were held out, accuracy is to the nearest of all its points."""
    exact: float
    """Mean distance from samples of each surface to the triangles of the other, in % of the diagonal: it has no floor.
    For a cloud, from the points that were held out to the mesh."""
    iou: float | None
    """Of the insides, at as many places of the box around both; None unless the surface is a closed mesh."""
    floor: float | None
    """Chamfer distance between two samplings of the surface itself, a lower bound for meshes; None for clouds."""
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
            "chamfer_exact_percent": self.exact,
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
    if shape.surface.is_cloud:
        measured = shape.surface if shape.held_out is None else shape.held_out
        distance = _cloud_distance(shape, measured, points, normals)
        to_triangles = [_to_triangles(measured.vertices, found)]
    else:
        measured = _sampled(shape.surface, seed + 2)
        again = _sampled(shape.surface, seed + 3)
        distance = _distance(measured, points, normals, shape.diagonal)
        assert again.normals is not None
        floor = _distance(measured, again.vertices, again.normals, shape.diagonal).chamfer
        to_triangles = [_to_triangles(measured.vertices, found), _to_triangles(points, shape.surface)]
        if shape.is_closed:
            iou = _overlap(shape, found, seed)
    shares = component_shares(vertices, faces)
    components = sum(each >= _SPURIOUS for each in shares)
    return SurfaceQuality(
        distance=distance,
        exact=100 * float(np.mean(to_triangles)) / shape.diagonal,
        iou=iou,
        floor=floor,
        num_samples=len(measured.vertices),
        watertight=is_watertight(faces),
        components=components,
        specks=len(shares) - components,
    )


def _sampled(surface: Surface, seed: int) -> Surface:
    """Return samples of a mesh with their normals, as a cloud."""
    points, normals = surface_samples(surface, _SAMPLES, seed=seed)
    return replace(surface, vertices=points, faces=np.zeros((0, 3), np.int64), normals=normals)


def _distance(
    wanted: Surface, points: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"], diagonal: float
) -> SurfaceDistance:
    return surface_distance(
        wanted.vertices, points, reference_normals=wanted.normals, candidate_normals=normals, diagonal=diagonal
    )


def _cloud_distance(
    shape: Shape, measured: Surface, points: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"]
) -> SurfaceDistance:
    there = _distance(measured, points, normals, shape.diagonal)
    if shape.held_out is None:
        return there
    everything = np.concatenate([shape.surface.vertices, shape.held_out.vertices])
    back = surface_distance(everything, points, diagonal=shape.diagonal)
    chamfer = (back.accuracy + there.completeness) / 2
    return replace(there, chamfer=chamfer, accuracy=back.accuracy, hausdorff_95=back.hausdorff_95)


def _to_triangles(points: Float[np.ndarray, "n 3"], surface: Surface) -> float:
    """Return the mean distance of points from a mesh."""
    igl = optional("igl", extra="mesh", needed_for="the distance from a mesh")
    found: Any = igl.point_mesh_squared_distance(points, surface.vertices, surface.faces.astype(np.int64))
    return float(np.sqrt(found[0]).mean())


def _overlap(shape: Shape, found: Surface, seed: int) -> float:
    """Return the intersection over union of the insides of two meshes, at places in the box around both."""
    vertices = np.concatenate([shape.surface.vertices, found.vertices])
    places = np.random.default_rng([seed, 4]).uniform(vertices.min(axis=0), vertices.max(axis=0), (_SAMPLES, 3))
    return intersection_over_union(shape.holds(places), replace(shape, surface=found).holds(places))
