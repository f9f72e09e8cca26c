"""Grid, Signal, and one reader and writer per family of files. NumPy only: nothing here imports torch."""

from ._arrays import (
    cast_samples as cast_samples,
    from_array as from_array,
    has_channel_axis as has_channel_axis,
    signal_of as signal_of,
    value_range_of as value_range_of,
)
from ._axis import Alignment as Alignment, Axis as Axis, steps_between_ends as steps_between_ends
from ._blocks import Blocks as Blocks, BoxBlocks as BoxBlocks, FileBlocks as FileBlocks
from ._camera import Camera as Camera
from ._channel import Channel as Channel, held_range as held_range, units_of as units_of
from ._footprint import (
    POINT as POINT,
    Bicubic as Bicubic,
    Box as Box,
    Footprint as Footprint,
    Gaussian as Gaussian,
    Point as Point,
    Profile as Profile,
)
from ._grid import Grid as Grid, Place as Place, Region as Region
from ._missing import Missing as Missing, MissingValue as MissingValue, missing_in as missing_in
from ._periodic import declare_periodic as declare_periodic
from ._points import Bounds as Bounds, from_points as from_points
from ._sampled import Quantity as Quantity, Sampled as Sampled
from ._sampling import Sampling as Sampling
from ._signal import Signal as Signal
from ._sources import (
    ArraySource as ArraySource,
    GenericSource as GenericSource,
    GriddedSource as GriddedSource,
    ImageSource as ImageSource,
    PointsSource as PointsSource,
    SceneSource as SceneSource,
    Settings as Settings,
    SoundSource as SoundSource,
    Source as Source,
    SurfaceSource as SurfaceSource,
    VideoSource as VideoSource,
    VolumeSource as VolumeSource,
)
from ._spectrum import rms_frequencies as rms_frequencies
from ._surface import Surface as Surface, checked_surface as checked_surface, surface_of as surface_of
from ._views import Views as Views
