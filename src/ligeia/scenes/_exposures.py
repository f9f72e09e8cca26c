"""Exposures: how much brighter each photograph is than the others."""

from typing import Final

import numpy as np
from jaxtyping import Float, Int

_TRUST: Final = 1e-3  # in a gain of 1 and an offset of 0, per pixel
_SMALLEST, _LARGEST = 0.25, 4.0  # gain


def exposures_of(
    seen: Float[np.ndarray, "n 3"],
    alpha: Float[np.ndarray, " n"],
    target: Float[np.ndarray, "n 3"],
    photograph: Int[np.ndarray, " n"],
    count: int,
) -> Float[np.ndarray, "photographs 2 3"]:
    """Return the gain and the offset of each photograph and color: those that bring what a field shows closest to it.

    Of some pixels, ``seen`` are the colors of the field, times their opacity, ``target`` those of the photograph of
    number ``photograph``, times ``alpha``. Gains are 1 in the mean over all ``count`` photographs, offsets 0.
    """

    def summed(values: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "photographs 3"]:
        columns = [np.bincount(photograph, each, minlength=count) for each in values.T.astype(np.float64)]
        return np.stack(columns, axis=1)

    alphas = np.broadcast_to(alpha[:, None], seen.shape)
    known = _TRUST * summed(np.ones_like(alphas)) + _TRUST
    squares, products, ones = summed(seen**2) + known, summed(seen * alphas), summed(alphas**2) + known
    right, below = summed(seen * target) + known, summed(alphas * target)
    determinant = squares * ones - products**2
    gains = ((right * ones - below * products) / determinant).clip(_SMALLEST, _LARGEST)
    offsets = (below - gains * products) / ones
    middle = gains.mean(axis=0)
    gains = gains / middle
    shift = (offsets / gains).mean(axis=0)  # as the scene would have it, were it darker by it
    return np.stack([gains, offsets - gains * shift], axis=1)
