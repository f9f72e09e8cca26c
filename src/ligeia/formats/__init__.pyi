"""Files to signals and back: one literal table of formats, and a reader and writer for each."""

from ._arrays import read_array as read_array, write_archive as write_archive, write_array as write_array
from ._gridded import write_gridded as write_gridded
from ._opened import PointColumns as PointColumns
from ._output import Output as Output
from ._points import read_points as read_points
from ._read import is_surface as is_surface, read_signal as read_signal, write_output as write_output
from ._sounds import read_sound as read_sound, sound_signal as sound_signal, write_sound as write_sound
from ._tables import (
    is_table as is_table,
    is_text_table as is_text_table,
    read_columns as read_columns,
    write_columns as write_columns,
)
from ._volumes import (
    is_volume_output as is_volume_output,
    read_volume as read_volume,
    volume_affine as volume_affine,
    write_volume as write_volume,
)
from ._zarr_arrays import write_zarr_array as write_zarr_array
from .images._kinds import image_suffixes as image_suffixes
from .images._read import read_image as read_image
from .images._stacks import read_stack as read_stack, write_stack as write_stack
from .images._write import check_image as check_image, write_image as write_image
from .scenes._paths import read_cameras as read_cameras
from .scenes._read import (
    holds_scene as holds_scene,
    is_folder as is_folder,
    is_scene as is_scene,
    read_views as read_views,
)
from .scenes._transforms import Split as Split
from .surfaces._read import read_surface as read_surface
from .surfaces._write import check_surface_output as check_surface_output, write_surface as write_surface
from .videos._spool import check_room as check_room
from .videos._videos import is_video_output as is_video_output, read_video as read_video, write_video as write_video
