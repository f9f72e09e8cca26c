"""Errors of a candidate against a reference. The caller states the peak; it is never guessed from the data."""

import math
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError, ShapeError

_PIECE = 1 << 22  # values held in float64 at a time
_MARGIN = 5  # radius of the window of SSIM; a border of this width is left out


def mean_squared_error(reference: Float[Tensor, "*shape"], candidate: Float[Tensor, "*shape"]) -> float:
    """Return the mean of the squared differences, accumulated in float64."""
    _check_shapes(reference, candidate)
    first_pieces, second_pieces = (each.detach().reshape(-1).split(_PIECE) for each in (reference, candidate))
    pieces = zip(first_pieces, second_pieces, strict=True)
    total = sum(float((first.double() - second.double()).square().sum()) for first, second in pieces)
    return total / reference.numel()


def psnr(reference: Float[Tensor, "*shape"], candidate: Float[Tensor, "*shape"], *, low: float, high: float) -> float:
    """Return the peak signal-to-noise ratio of ``candidate`` against ``reference``, in decibels.

    ``low`` and ``high`` are the ends of the signal's range: the candidate is clipped to them, the peak is
    ``high - low``, nothing is rounded. Infinite if both agree exactly.

    >>> import torch
    >>> round(psnr(torch.zeros(4), torch.full((4,), 0.5), low=0.0, high=1.0), 4)
    6.0206
    """
    return decibels(mean_squared_error(reference, candidate.clamp(low, high)), peak=high - low)


def decibels(squared_error: float, *, peak: float) -> float:
    """Return the PSNR in decibels of a mean squared error against a peak; infinite for an error of 0."""
    if peak <= 0:
        raise InputError(f"the peak must be positive, got {peak}.")
    if squared_error == 0 or math.isinf(squared_error):  # infinite if a fit has diverged
        return math.inf if squared_error == 0 else -math.inf
    return 10 * math.log10(peak**2 / squared_error)


def snr(reference: Float[Tensor, "*shape"], candidate: Float[Tensor, "*shape"]) -> float:
    """Return the signal-to-noise ratio in decibels: mean square of the reference over that of the difference.

    A silent candidate scores 0 dB. Infinite if both agree, minus infinity for a silent reference.
    """
    error = mean_squared_error(reference, candidate)
    power = float(reference.detach().double().square().mean())
    if error == 0:
        return math.inf
    return -math.inf if power == 0 or math.isinf(error) else 10 * math.log10(power / error)


def ssim(
    reference: Float[Tensor, "rows columns c"], candidate: Float[Tensor, "rows columns c"], *, low: float, high: float
) -> float:
    """Return the structural similarity of two images, averaged over channels; 1 if they agree.

    Gaussian window of standard deviation 1.5 over 11 x 11 pixels (Wang et al. 2004); the candidate is clipped to
    [low, high]. Images under 11 pixels on a side are refused.
    """
    from skimage.metrics import structural_similarity  # slow to import, and only `compare` needs it

    _check_shapes(reference, candidate)
    if min(reference.shape[:2]) < 11:
        raise ShapeError(f"SSIM needs at least 11 x 11 pixels, got {tuple(reference.shape[:2])}.")
    rows, total = reference.shape[0], 0.0
    step = max(1, _PIECE // 4 // reference[0].numel())
    for start in range(_MARGIN, rows - _MARGIN, step):
        # bands that overlap by the window's radius: the filters hold a dozen copies
        band = slice(start - _MARGIN, min(start + step, rows - _MARGIN) + _MARGIN)
        found: Any = structural_similarity(
            # float64: local variances are small differences of large squares
            reference[band].detach().cpu().double().numpy(),
            candidate[band].detach().cpu().double().clamp(low, high).numpy(),
            data_range=high - low,
            channel_axis=2,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        total += float(np.sum(found[1][_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]))
    return total / ((rows - 2 * _MARGIN) * (reference.shape[1] - 2 * _MARGIN) * reference.shape[2])


def arcsine_distance(activations: Float[Tensor, "*shape"]) -> float:
    """Return the Kolmogorov-Smirnov distance of samples in [-1, 1] to the arcsine law, in [0, 1]."""
    ordered = np.sort(activations.detach().cpu().double().numpy().ravel())
    expected = np.arcsin(ordered.clip(-1, 1)) / np.pi + 0.5
    steps = np.arange(1, ordered.size + 1) / ordered.size
    return float(max((steps - expected).max(), (expected - steps + 1 / ordered.size).max()))


def _check_shapes(reference: Tensor, candidate: Tensor) -> None:
    if reference.shape != candidate.shape:
        raise ShapeError(
            f"expected one shape, got {tuple(reference.shape)} and {tuple(candidate.shape)}; resample one of them."
        )
