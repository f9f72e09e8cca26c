"""Samples as sums of cosines: exact derivatives of their interpolation, and their lowest modes.

Samples at cell centers, continued evenly beyond the border, are a sum of products of ``cos(pi/2 k (x + 1))`` (DCT-II).
That sum is band-limited and passes through every sample. Its derivatives, in units of the coordinates, are free of the
blur of difference filters; across the border they are 0.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def refined(values: Float[np.ndarray, "*shape c"], times: int) -> Float[np.ndarray, "*fine c"]:
    """Return the sum of cosines on a grid ``times`` as dense along every axis."""
    from scipy.fft import dct, idct

    for axis in range(values.ndim - 1):
        size = values.shape[axis]
        padding = [(0, 0)] * values.ndim
        padding[axis] = (0, (times - 1) * size)
        coefficients = np.pad(np.asarray(dct(values, axis=axis, norm="forward")), padding)
        values = np.asarray(idct(coefficients, axis=axis, norm="forward"))
    return values


def slope(values: Float[np.ndarray, "*shape c"], axis: int, order: int = 1) -> Float[np.ndarray, "*shape c"]:
    """Return the first or second derivative along an axis, per unit coordinate, at the samples.

    >>> rows = np.cos(np.pi / 2 * 3 * (np.arange(8) + 0.5) / 4)[:, None]
    >>> bool(np.abs(slope(rows, 0, 2) + (3 * np.pi / 2) ** 2 * rows).max() < 1e-12)
    True
    """
    from scipy.fft import dct, idct, idst

    size = values.shape[axis]
    turns = np.pi / 2 * np.arange(size).reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    coefficients = np.asarray(dct(values, axis=axis))
    if order == 2:
        return np.asarray(idct(-(turns**2) * coefficients, axis=axis))
    # d cos = -sin: the coefficients of sines start at k = 1, and there is none for k = n
    sines = np.roll(-turns * coefficients, -1, axis=axis)
    return np.asarray(idst(sines, axis=axis))


def lowest_modes(values: Float[np.ndarray, "*shape c"], counts: Sequence[int]) -> Float[np.ndarray, "*counts c"]:
    """Return the mean of the samples times each of the lowest modes, which are normalized to a mean square of 1."""
    from scipy.fft import dct

    for axis, count in enumerate(counts):
        coefficients = np.asarray(dct(values, axis=axis, norm="forward")).take(range(count), axis=axis)
        scale = np.full(count, math.sqrt(2.0))
        scale[0] = 1.0
        values = coefficients * scale.reshape([-1 if each == axis else 1 for each in range(values.ndim)])
    return values
