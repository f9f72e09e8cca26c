"""Shapes: surfaces as signed-distance fields, from meshes and point clouds, and back to watertight meshes."""

from ._field_surface import FieldSurface as FieldSurface
from ._mesh_checks import component_shares as component_shares, is_watertight as is_watertight
from ._objectives import (
    OrientedSurface as OrientedSurface,
    OrientedWeights as OrientedWeights,
    PaperSurface as PaperSurface,
)
from ._quality import SurfaceQuality as SurfaceQuality, surface_quality as surface_quality
from ._queries import closest_points as closest_points
from ._repair import RepairedMesh as RepairedMesh, repaired as repaired
from ._shape import Shape as Shape, prepared as prepared, surface_samples as surface_samples
from ._tracing import Look as Look, Traced as Traced, shaded as shaded, trace as trace
from .level_set._extract import (
    LevelSet as LevelSet,
    level_set as level_set,
    signed_volume_and_area as signed_volume_and_area,
)
