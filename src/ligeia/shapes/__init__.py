"""Shapes: surfaces as signed-distance fields, from meshes and point clouds, and back to watertight meshes."""

from ._evaluations import Distance as Distance, Slopes as Slopes
from ._field_surface import FieldSurface as FieldSurface
from ._level_set import LevelSet as LevelSet, level_set as level_set, signed_volume_and_area as signed_volume_and_area
from ._mesh_checks import component_shares as component_shares, is_watertight as is_watertight
from ._normals import EstimatedNormals as EstimatedNormals, estimated_normals as estimated_normals
from ._objectives import (
    OrientedSurface as OrientedSurface,
    OrientedWeights as OrientedWeights,
    PaperSurface as PaperSurface,
)
from ._quality import SurfaceQuality as SurfaceQuality, surface_quality as surface_quality
from ._queries import closest_points as closest_points, curvatures as curvatures
from ._repair import RepairedMesh as RepairedMesh, repaired as repaired
from ._shape import Shape as Shape, prepared as prepared, surface_samples as surface_samples
from ._tracing import Camera as Camera, Look as Look, Traced as Traced, shaded as shaded, trace as trace
from ._winding import CloudWinding as CloudWinding

__all__ = [
    "Camera",
    "CloudWinding",
    "Distance",
    "EstimatedNormals",
    "FieldSurface",
    "LevelSet",
    "Look",
    "OrientedSurface",
    "OrientedWeights",
    "PaperSurface",
    "RepairedMesh",
    "Shape",
    "Slopes",
    "SurfaceQuality",
    "Traced",
    "closest_points",
    "component_shares",
    "curvatures",
    "estimated_normals",
    "is_watertight",
    "level_set",
    "prepared",
    "repaired",
    "shaded",
    "signed_volume_and_area",
    "surface_quality",
    "surface_samples",
    "trace",
]
