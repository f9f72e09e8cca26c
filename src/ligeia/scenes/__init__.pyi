"""Scenes: radiance fields from photographs with known cameras, and new views of them."""

from ._hull import scene_box as scene_box, visual_hull as visual_hull
from ._photographs import Photographs as Photographs, TileBatches as TileBatches, quality_of_views as quality_of_views
from ._refinement import refined as refined
from ._rendering import (
    View as View,
    camera_rays as camera_rays,
    field_of as field_of,
    render as render,
    voxels_of as voxels_of,
)
