"""The result of an experiment of the paper: our number and the published one.

If the paper prints no number, the published value is that of a third party's rerun, and says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

NAMES: Final = (
    "image",
    "activations",
    "audio",
    "video",
    "sdf",
    "poisson-gradient",
    "poisson-laplacian",
    "composite",
    "inpainting",
    "helmholtz",
    "wave",
    "inversion",
)
"""Every experiment, by its name in `ligeia paper`; `EXPERIMENTS` has a row for each."""
RECORDED: Final = ("audio", "video", "sdf")
"""Those that accept a file."""
EVALUATED: Final = ("inversion",)
"""Those whose callbacks see the evaluations of a loss, not the steps of a fit."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """How an experiment is repeated."""

    full: bool = False
    """Whether with the paper's own number of steps: hours on a CPU."""
    recording: Path | None = None
    """The file of an experiment in `RECORDED`; without one a made signal takes its place."""
    seed: int = 0
    device: str = "cpu"
    callbacks: Sequence[Callable[[Any], bool | None]] = ()
    """Called after each step, or evaluation; True ends the fit."""


USUAL: Final = Asked()


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PaperResult:
    """Our number and the published one."""

    quantity: str
    measured: float
    published: float | None
    """None if neither the paper nor a rerun prints a number."""
    tolerance: float
    source: str
    """Source of the published number, and how comparable it is."""
    is_certain: bool
    """Whether the published number was read at its source and is of the same data."""
    is_least: bool = False
    """Whether a larger number is better: a quality, not a property."""

    @property
    def holds(self) -> bool | None:
        """Whether both agree within the tolerance, or ours is better; None if there is nothing to compare with."""
        if self.published is None:
            return None
        if self.is_least and self.measured > self.published:
            return True
        return abs(self.measured - self.published) <= self.tolerance

    def to_plain(self) -> dict[str, Any]:
        """Return the result as JSON keys."""
        return {
            "quantity": self.quantity,
            "measured": self.measured,
            "paper": self.published,
            "tolerance": self.tolerance,
            "holds": self.holds,
            "paper_source": self.source,
            "paper_is_certain": self.is_certain,
        }
