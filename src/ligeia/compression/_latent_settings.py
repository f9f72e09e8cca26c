"""Settings of picture files: the target, and every tuned number of the fit with its reason.

Shares are of the steps of a fit; rate weights are those of a bit per pixel, in squared errors of network units, whose
range is 2. The numbers were found on pictures that come with scikit-image (design/picture-files.md).
"""

import math
from dataclasses import dataclass, field
from typing import final

from ligeia.codec import VERSION

from ._relaxation import Relaxing


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LatentTarget:
    """The target of a picture file: either the size of its grids and networks, or its mean squared error.

    Errors are in network units, whose range is 2.
    """

    num_bytes: int | None = None
    error: float | None = None


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PilotSettings:
    """The short fits that find the initial rate weight."""

    first_rate_weight: float = 6e-3
    least_steps: int = 24
    most_steps: int = 96
    most_fits: int = 4
    work: int = 24 << 17
    """Pixels times steps of a fit, between the least and the most steps."""
    most_pixels: int = 1 << 20
    """Larger pictures are sampled by as many pixels, ..."""
    tile: int = 192
    """... in tiles of this side."""
    bits_power: float = 0.08
    """A fit that is n times as long ends with n to this power fewer bits, ..."""
    error_power: float = 0.3
    """... and n to this power less error."""
    bits_per_rate_weight: float = 0.48
    """Change of the logarithm of the bits over that of the rate weight, from fit to fit; ..."""
    error_per_rate_weight: float = 0.56
    """... and of the error."""
    near: float = 0.2
    """A logarithm of the rate weight that changes by less is found."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PriceSettings:
    """How the rate weight follows the target while a fit runs."""

    least: float = 1e-3
    """Over the steps of a fit: below it these do not suffice, and more bytes make it worse."""
    most: float = 1.0
    followed: tuple[float, float] = (0.15, 0.94)
    """Shares between which the rate weight moves."""
    looks: int = 50
    """Per fit, at what rounding would give."""
    positions: tuple[float, ...] = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """Shares at which rounded values give more bits and error than at the end, ..."""
    bits_then: tuple[float, ...] = (0.42, 0.355, 0.295, 0.25, 0.18, 0.13, 0.09, 0.055, 0.028, 0.008, 0.0)
    """... by these shares of the bits where there are 0.3 of them per pixel, and ..."""
    error_then: tuple[float, ...] = (0.26, 0.19, 0.14, 0.11, 0.065, 0.04, 0.025, 0.013, 0.006, 0.001, 0.0)
    """... of the error."""
    spread: tuple[float, float] = (0.62, 1.27)
    """The shares of the bits fall by a + b times the bits per pixel."""
    gain: float = 0.47
    """Change of the logarithm of the bits at the end over that of the rate weight at the beginning."""
    lag: float = 0.06
    """Share of the fit until bits have followed the rate weight, but for 1/e."""
    answer: float = 0.35
    """Share of what the target is estimated to be missed by, that each look answers, ..."""
    most_answer: float = 0.2
    """... and the largest change of the logarithm then."""
    farthest: float = 2.5
    """Factor between the rate weight and that for which steps were chosen."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LandingSettings:
    """The steps after a fit that missed its target."""

    spare: float = 0.008
    """Share of the bytes wanted that a running fit leaves free."""
    near: float = 0.024
    """Tolerance, as a share of the bytes or of the error."""
    clear: float = 0.004
    """Of what is too large, that is taken away in addition: the first time, then 4, 9, ... times that."""
    most: int = 6
    far: float = 0.05
    """A target missed by more takes other steps of the grids, ..."""
    bits_per_steps: float = 0.9
    """... whose change of the logarithm of the bits over that of the rate weight is this."""
    begins: tuple[tuple[float, float], ...] = ((0.02, 0.85), (0.05, 0.6), (math.inf, 0.4))
    """Where in a fit a landing begins, by how much the target is missed at most."""
    share: float = 0.3
    """Of the steps that would be left there."""
    least_steps: int = 24


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LatentSettings:
    """How latents are fitted to a picture and coded."""

    relaxing: Relaxing = field(default_factory=Relaxing)
    pilots: PilotSettings = field(default_factory=PilotSettings)
    rate_weight: PriceSettings = field(default_factory=PriceSettings)
    landing: LandingSettings = field(default_factory=LandingSettings)
    version: int = VERSION
    """Of the learned networks."""
    step_over_root: float = 2 * 1.2 * math.sqrt(8.66 / 4)
    """Step of luma at level 0 over the root of the rate weight."""
    finer_level: int = 4
    """By how many eighths of an octave a level is finer than the one below, ..."""
    finer_chroma: int = 2
    """... and chroma than luma."""
    change_nats: float = 2.5
    """A change of a weight by d costs this times ln(1 + d / width), ..."""
    change_width: float = 2.0**-6
    change_bits: float = 4.6
    """... and this many bits for each unit of the logarithm, with the quantization steps chosen at the end."""
    finenesses: tuple[int, ...] = (4, 5, 6, 7, 8, 9)
    """Of changes, as negative powers of 2."""
    coarse_levels: int = 2
    """Of all levels but these is a file's first chunk."""
    tiny_bytes: int = 400
    """Fewer bytes hold no changes of networks."""
    measurements: int = 16
    """Of the quality, per fit, as in `fitting.fit`."""
