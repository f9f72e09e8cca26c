"""Scenes: radiance fields from photographs with known cameras, and new views of them."""

from ._backdrop import backdrop as backdrop, edge_colors as edge_colors
from ._cameras import (
    camera_around as camera_around,
    fitted_camera as fitted_camera,
    fitted_cameras as fitted_cameras,
    orbit as orbit,
)
from ._compaction import compacted as compacted
from ._comparison import (
    ViewQuality as ViewQuality,
    compare_views as compare_views,
    quality_of_views as quality_of_views,
)
from ._exposures import exposures_of as exposures_of
from ._fields import (
    field_of as field_of,
    normals_of as normals_of,
    radiance_field_of as radiance_field_of,
)
from ._hull import scene_box as scene_box, visual_hull as visual_hull
from ._photographs import SPREAD as SPREAD, Photographs as Photographs, TileBatches as TileBatches
from ._refinement import refined as refined
from ._space import seen_cells as seen_cells, uncontracted as uncontracted
