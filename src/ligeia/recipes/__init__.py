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
from ._configurations import Configuration as Configuration, fast as fast, paper as paper
from ._fit import checked_device as checked_device, fit as fit, to_signal as to_signal
from ._outputs import decode as decode, render as render
from ._paper import (
    PaperResult as PaperResult,
    camera as camera,
    demo_stop as demo_stop,
    paper_activations as paper_activations,
    paper_image as paper_image,
)
from ._report_picture import check_report as check_report, draw_report as draw_report

__all__ = [
    "Comparison",
    "Configuration",
    "FitTime",
    "PaperResult",
    "Rates",
    "camera",
    "check_report",
    "checked_device",
    "compare",
    "decode",
    "demo_stop",
    "draw_report",
    "fast",
    "fit",
    "interleaved",
    "measure_rates",
    "operations_per_point",
    "paper",
    "paper_activations",
    "paper_image",
    "render",
    "time_fit",
    "to_signal",
]
