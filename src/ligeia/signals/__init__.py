"""Grid, Signal, and one reader and writer per family of files. NumPy only: nothing here imports torch."""

from ._arrays import (
    cast_samples as cast_samples,
    from_array as from_array,
    read_archive as read_archive,
    read_array as read_array,
    value_range_of as value_range_of,
    write_archive as write_archive,
    write_array as write_array,
)
from ._axis import Alignment as Alignment, Axis as Axis
from ._blocks import Blocks as Blocks, BoxBlocks as BoxBlocks, FileBlocks as FileBlocks
from ._footprint import (
    POINT as POINT,
    Bicubic as Bicubic,
    Box as Box,
    Footprint as Footprint,
    Gaussian as Gaussian,
    Point as Point,
    Profile as Profile,
)
from ._grid import Grid as Grid, Place as Place, Region as Region, Sampling as Sampling
from ._gridded import (
    is_gridded_output as is_gridded_output,
    read_gridded as read_gridded,
    write_gridded as write_gridded,
)
from ._gridded_axes import declare_periodic as declare_periodic
from ._image_formats import image_suffixes as image_suffixes
from ._image_writer import check_image as check_image, write_image as write_image
from ._images import read_image as read_image
from ._missing import Missing as Missing
from ._points import (
    Bounds as Bounds,
    PointColumns as PointColumns,
    from_points as from_points,
    read_points as read_points,
)
from ._read import read_signal as read_signal
from ._sampled import Quantity as Quantity, Sampled as Sampled
from ._signal import (
    ArraySource as ArraySource,
    Channel as Channel,
    GriddedSource as GriddedSource,
    ImageSource as ImageSource,
    PointsSource as PointsSource,
    Signal as Signal,
    SoundSource as SoundSource,
    Source as Source,
    SurfaceSource as SurfaceSource,
    VideoSource as VideoSource,
    VolumeSource as VolumeSource,
)
from ._sounds import (
    read_sound as read_sound,
    sound_signal as sound_signal,
    write_sound as write_sound,
)
from ._spectrum import rms_frequencies as rms_frequencies
from ._spool import check_room as check_room
from ._stacks import read_stack as read_stack, write_stack as write_stack
from ._surfaces import (
    Surface as Surface,
    check_surface_output as check_surface_output,
    is_surface as is_surface,
    read_surface as read_surface,
    surface_of as surface_of,
    write_surface as write_surface,
)
from ._tables import (
    is_table as is_table,
    is_text_table as is_text_table,
    read_columns as read_columns,
    read_matlab as read_matlab,
    write_columns as write_columns,
)
from ._videos import is_video_output as is_video_output, read_video as read_video, write_video as write_video
from ._volumes import (
    is_volume_output as is_volume_output,
    read_volume as read_volume,
    volume_affine as volume_affine,
    write_volume as write_volume,
)
from ._zarr_arrays import (
    is_zarr_array as is_zarr_array,
    read_zarr_array as read_zarr_array,
    write_zarr_array as write_zarr_array,
)

__all__ = [
    "POINT",
    "Alignment",
    "ArraySource",
    "Axis",
    "Bicubic",
    "Blocks",
    "Bounds",
    "Box",
    "BoxBlocks",
    "Channel",
    "FileBlocks",
    "Footprint",
    "Gaussian",
    "Grid",
    "GriddedSource",
    "ImageSource",
    "Missing",
    "Place",
    "Point",
    "PointColumns",
    "PointsSource",
    "Profile",
    "Quantity",
    "Region",
    "Sampled",
    "Sampling",
    "Signal",
    "SoundSource",
    "Source",
    "Surface",
    "SurfaceSource",
    "VideoSource",
    "VolumeSource",
    "cast_samples",
    "check_image",
    "check_room",
    "check_surface_output",
    "declare_periodic",
    "from_array",
    "from_points",
    "image_suffixes",
    "is_gridded_output",
    "is_surface",
    "is_table",
    "is_text_table",
    "is_video_output",
    "is_volume_output",
    "is_zarr_array",
    "read_archive",
    "read_array",
    "read_columns",
    "read_gridded",
    "read_image",
    "read_matlab",
    "read_points",
    "read_signal",
    "read_sound",
    "read_stack",
    "read_surface",
    "read_video",
    "read_volume",
    "read_zarr_array",
    "rms_frequencies",
    "sound_signal",
    "surface_of",
    "value_range_of",
    "volume_affine",
    "write_archive",
    "write_array",
    "write_columns",
    "write_gridded",
    "write_image",
    "write_sound",
    "write_stack",
    "write_surface",
    "write_video",
    "write_volume",
    "write_zarr_array",
]
