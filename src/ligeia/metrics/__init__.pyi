"""Measures of quality: decibels, structural similarity, distances between distributions and between surfaces."""

from ._held_out import HeldOutQuality as HeldOutQuality, quality_of_errors as quality_of_errors
from ._metrics import (
    arcsine_distance as arcsine_distance,
    decibels as decibels,
    mean_squared_error as mean_squared_error,
    psnr as psnr,
    snr as snr,
    ssim as ssim,
)
from ._surfaces import (
    SurfaceDistance as SurfaceDistance,
    intersection_over_union as intersection_over_union,
    surface_distance as surface_distance,
)
