"""Measures of quality: decibels, structural similarity, distances between distributions."""

from ._metrics import (
    arcsine_distance as arcsine_distance,
    decibels as decibels,
    mean_squared_error as mean_squared_error,
    psnr as psnr,
    snr as snr,
    ssim as ssim,
)

__all__ = ["arcsine_distance", "decibels", "mean_squared_error", "psnr", "snr", "ssim"]
