"""By how much footprints shrink a wave: the Fourier transforms of their weights, in closed form."""

import numpy as np
from jaxtyping import Float

from ligeia.signals import Bicubic, Box, Footprint, Gaussian, Point, Profile


def response(footprint: Footprint, frequency: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return by how much a wave shrinks, at frequencies in radians per step."""
    match footprint:
        case Point():
            return np.ones_like(frequency)
        case Box(width):
            return np.sinc(frequency * width / (2 * np.pi))  # sin(f w / 2) / (f w / 2)
        case Gaussian(sigma):
            return np.exp(-((frequency * sigma) ** 2) / 2)  # the part cut off changes it by 0.004 at most
        case Bicubic():
            # three times a quadratic B-spline's transform, less twice one of the cosines at its sides
            half = frequency / 2
            s = np.sinc(half / np.pi)
            return s**3 * (3 * s - 2 * np.cos(half))
        case Profile(weights, width):
            count, cell = len(weights), width / len(weights)
            centers = (np.arange(count) + 0.5) * cell - width / 2
            waves = np.cos(frequency[..., None] * centers) @ (np.asarray(weights) / np.sum(weights))
            return waves * np.sinc(frequency * cell / (2 * np.pi))
    raise AssertionError(footprint)
