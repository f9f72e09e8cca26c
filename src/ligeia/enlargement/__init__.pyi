"""Sharper pictures and volumes: from one, from several exposures, from thick slices."""

from ._consistency import Downsampling as Downsampling, downsampled as downsampled, make_consistent as make_consistent
from ._enlarge import (
    KERNELS as KERNELS,
    check_enlarged_output as check_enlarged_output,
    enlarge as enlarge,
    write_enlarged as write_enlarged,
)
from ._exposures import Fused as Fused, clip_around as clip_around, super_resolve as super_resolve
from ._poses import Pose as Pose
from ._slices import isotropic as isotropic, thick_slices as thick_slices, write_isotropic as write_isotropic
from ._tiles import TileSettings as TileSettings
