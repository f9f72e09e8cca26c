"""Grid, Signal, and one reader and writer per family of files. NumPy only: nothing here imports torch."""

from ._arrays import (
    cast_samples as cast_samples,
    from_array as from_array,
    read_array as read_array,
    to_array as to_array,
    value_range_of as value_range_of,
    write_array as write_array,
)
from ._grid import Alignment as Alignment, Axis as Axis, Grid as Grid
from ._signal import (
    ArraySource as ArraySource,
    Channel as Channel,
    ImageSource as ImageSource,
    Signal as Signal,
    Source as Source,
)

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
    "read_array",
    "to_array",
    "value_range_of",
    "write_array",
]
