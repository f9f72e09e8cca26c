"""How the fit of a field went."""

from dataclasses import dataclass
from typing import final

from ligeia.metrics import HeldOutQuality


@final
@dataclass(frozen=True, slots=True)
class Measurement:
    """One point of a fit's curve."""

    steps: int
    point_steps: int
    passes: float
    seconds: float
    loss: float
    psnr_db: float


@final
@dataclass(frozen=True, slots=True)
class Restart:
    """A return to the last good state at a lower learning rate."""

    steps: int
    reason: str
    rate_factor: float


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How a fit went."""

    recipe: str
    stopped_by: str
    """psnr, snr, seconds, passes, plateau, callback, or exact: a constant signal takes no fit."""
    psnr_db: float
    num_points: int
    """Number of samples of the signal that have a value."""
    num_measured: int
    """Samples that ``psnr_db`` was measured on."""
    seconds: float
    """Time in the loop, measurements included; the final measurement of quality is not."""
    steps: int
    passes: float
    point_steps: int
    parameters: int
    curve: tuple[Measurement, ...]
    restarts: tuple[Restart, ...]
    seed: int
    learned_nothing: bool = False
    """Whether the field is no better than a constant: the mean of each channel."""
    snr_db: float | None = None
    """Signal-to-noise ratio of a sound; None for anything else, and for silence."""
    held_out: HeldOutQuality | None = None
    """How close the field comes to samples that were held out of the fit; None where none were."""
