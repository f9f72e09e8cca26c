"""Masks: pictures and arrays that are bright at the samples meant."""

import numpy as np
from jaxtyping import Bool

from ligeia.signals import Signal


def bright(mask: Signal) -> Bool[np.ndarray, "*shape"]:
    """Return where the mean of a mask's colors is above half of its largest; its alpha does not count.

    Half of the largest and not of the range, so that a mask of 0 and 1 in 8 bits is one.
    """
    colors = [number for number, channel in enumerate(mask.channels) if channel.name != "alpha"]
    values = np.asarray(mask.values, np.float64)[..., colors].mean(axis=-1)
    return values > max(float(values.max()), 0.0) / 2
