"""Grid, Signal, and one reader and writer per family of files. NumPy only: nothing here imports torch."""

from ._arrays import (
    cast_samples as cast_samples,
    from_array as from_array,
    read_array as read_array,
    value_range_of as value_range_of,
    write_array as write_array,
)
from ._grid import Alignment as Alignment, Axis as Axis, Grid as Grid
from ._image_formats import image_suffixes as image_suffixes
from ._image_writer import write_image as write_image
from ._images import read_image as read_image
from ._read import read_signal as read_signal
from ._signal import (
    ArraySource as ArraySource,
    Channel as Channel,
    ImageSource as ImageSource,
    Signal as Signal,
    Source as Source,
)
from ._spectrum import rms_frequencies as rms_frequencies

__all__ = [
    "Alignment",
    "ArraySource",
    "Axis",
    "Channel",
    "Grid",
    "ImageSource",
    "Signal",
    "Source",
    "cast_samples",
    "from_array",
    "image_suffixes",
    "read_array",
    "read_image",
    "read_signal",
    "rms_frequencies",
    "value_range_of",
    "write_array",
    "write_image",
]
