"""Whole configurations, and what is done with whole files: fit, render, decode, compare, report, paper."""

from ._bench import (
    FitTime as FitTime,
    Rates as Rates,
    interleaved as interleaved,
    measure_rates as measure_rates,
    operations_per_point as operations_per_point,
    time_fit as time_fit,
)
from ._compare import Comparison as Comparison, compare as compare
from ._configurations import (
    Configuration as Configuration,
    FirstFrequency as FirstFrequency,
    fast as fast,
    paper as paper,
)
from ._consistency import Shrinking as Shrinking, make_consistent as make_consistent, shrunk as shrunk
from ._enlarge import (
    KERNELS as KERNELS,
    Enlarged as Enlarged,
    check_enlarged_output as check_enlarged_output,
    enlarge as enlarge,
    write_enlarged as write_enlarged,
)
from ._exposures import Fused as Fused, clip_around as clip_around, fuse as fuse
from ._fit import (
    checked_device as checked_device,
    checked_omegas as checked_omegas,
    fit as fit,
    to_signal as to_signal,
    with_footprint as with_footprint,
)
from ._held_out import (
    HeldOut as HeldOut,
    HeldOutQuality as HeldOutQuality,
    hold_out as hold_out,
)
from ._outputs import decode as decode, render as render
from ._paper import (
    camera as camera,
    demo_stop as demo_stop,
    paper_activations as paper_activations,
    paper_image as paper_image,
)
from ._paper_audio import paper_audio as paper_audio, strings as strings
from ._paper_result import PaperResult as PaperResult
from ._paper_video import flight as flight, paper_video as paper_video
from ._poses import Pose as Pose
from ._report import draw_report as draw_report
from ._report_parts import check_figure as check_figure
from ._sizing import (
    Size as Size,
    choose_size as choose_size,
    file_bytes as file_bytes,
    num_coefficients as num_coefficients,
)
from ._slices import (
    IsotropicVolume as IsotropicVolume,
    isotropic as isotropic,
    thick_slices as thick_slices,
    write_isotropic as write_isotropic,
)
from ._tables import decode_at as decode_at, values_at as values_at
from ._tiles import Tile as Tile, TileSettings as TileSettings, blended as blended

__all__ = [
    "KERNELS",
    "Comparison",
    "Configuration",
    "Enlarged",
    "FirstFrequency",
    "FitTime",
    "Fused",
    "HeldOut",
    "HeldOutQuality",
    "IsotropicVolume",
    "PaperResult",
    "Pose",
    "Rates",
    "Shrinking",
    "Size",
    "Tile",
    "TileSettings",
    "blended",
    "camera",
    "check_enlarged_output",
    "check_figure",
    "checked_device",
    "checked_omegas",
    "choose_size",
    "clip_around",
    "compare",
    "decode",
    "decode_at",
    "demo_stop",
    "draw_report",
    "enlarge",
    "fast",
    "file_bytes",
    "fit",
    "flight",
    "fuse",
    "hold_out",
    "interleaved",
    "isotropic",
    "make_consistent",
    "measure_rates",
    "num_coefficients",
    "operations_per_point",
    "paper",
    "paper_activations",
    "paper_audio",
    "paper_image",
    "paper_video",
    "render",
    "shrunk",
    "strings",
    "thick_slices",
    "time_fit",
    "to_signal",
    "values_at",
    "with_footprint",
    "write_enlarged",
    "write_isotropic",
]
