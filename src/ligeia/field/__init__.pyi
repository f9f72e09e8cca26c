"""Fields: a network with its domain and its units."""

from ._field import Field as Field, PhysicalField as PhysicalField
from ._files import from_record as from_record, load as load, save as save, to_record as to_record
from ._points import network_inputs as network_inputs, weighted_means as weighted_means
from ._rendering import (
    Background as Background,
    View as View,
    background_of as background_of,
    camera_rays as camera_rays,
    composited as composited,
    rendered as rendered,
    seen_of as seen_of,
    voxels_of as voxels_of,
)
from ._report import Measurement as Measurement, Report as Report, Restart as Restart
