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
from ._fit import checked_device as checked_device, checked_omegas as checked_omegas, fit as fit, to_signal as to_signal
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
from ._tiles import TileSettings as TileSettings

__all__ = [
    "Comparison",
    "Configuration",
    "FirstFrequency",
    "FitTime",
    "HeldOut",
    "HeldOutQuality",
    "IsotropicVolume",
    "PaperResult",
    "Rates",
    "Size",
    "TileSettings",
    "camera",
    "check_figure",
    "checked_device",
    "checked_omegas",
    "choose_size",
    "compare",
    "decode",
    "decode_at",
    "demo_stop",
    "draw_report",
    "fast",
    "file_bytes",
    "fit",
    "flight",
    "hold_out",
    "interleaved",
    "isotropic",
    "measure_rates",
    "num_coefficients",
    "operations_per_point",
    "paper",
    "paper_activations",
    "paper_audio",
    "paper_image",
    "paper_video",
    "render",
    "strings",
    "thick_slices",
    "time_fit",
    "to_signal",
    "values_at",
    "write_isotropic",
]
