"""Quality on held-out samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from ._metrics import decibels


@final
@dataclass(frozen=True, slots=True)
class HeldOutQuality:
    """The quality of a field on samples that it was not fitted to."""

    num_points: int
    psnr_db: float
    """PSNR of values clipped to the signal's range; infinite if all agree exactly."""
    relative_l2: float
    """Relative L2 error: ``norm(errors) / norm(samples)``; infinite if all samples are 0.

    Channels with different ranges are each scaled by their own. Nothing is clipped.
    """


def quality_of_errors(
    values: Float[np.ndarray, "n c"], errors: Float[np.ndarray, "n c"], ranges: Sequence[tuple[float, float]]
) -> HeldOutQuality:
    """Return the quality from the errors at samples ``values``; ``ranges`` are each channel's lowest and highest."""
    low, high = np.array(ranges).T
    clipped = ((values + errors).clip(low, high) - values) / (high - low)
    power = float(np.square(values / (high - low)).sum())
    squared = float(np.square(errors / (high - low)).sum())
    return HeldOutQuality(
        num_points=len(values),
        psnr_db=decibels(float(np.square(clipped).mean()), peak=1.0),
        relative_l2=math.sqrt(squared / power) if power else math.inf,
    )
