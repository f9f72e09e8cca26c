"""The progress of a fit."""

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, final

from ligeia.field import Measurement, Restart


@final
@dataclass(slots=True)
class Progress:
    """The counters of a running fit; together with weights and moments, all that a resumed fit needs."""

    num_points: int
    steps: int = 0
    point_steps: int = 0
    """Points seen, including repeats: the unit of cost."""
    seconds: float = 0.0
    loss: float = float("nan")
    """Smoothed training loss."""
    psnr_db: float = float("-inf")
    """Quality at the last measurement."""
    measured_exactly: bool = False
    num_measured: int = 0
    """Samples that it was measured on."""
    probe_bias_db: float | None = None
    """Bias of the monitored points: their quality minus that of the whole signal, when both were last measured."""
    stage_started: int = 0
    """Number of steps when the current stage began."""
    stage_db: list[float] = field(default_factory=list)
    """Quality at the end of each finished stage."""
    stage_lengths: list[int] = field(default_factory=list)
    """Steps of each stage, including the current one."""
    rate_factor: float = 1.0
    curve: list[Measurement] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)

    @property
    def passes(self) -> float:
        """Point-steps over points."""
        return self.point_steps / self.num_points

    def advance(self, num_points: int, loss: float, seconds: float) -> None:
        """Count one step."""
        self.steps += 1
        self.point_steps += num_points
        self.seconds = seconds
        # averages about the last 25 steps; restarts at the first step and after NaN
        self.loss = loss if self.loss != self.loss else self.loss + 0.04 * (loss - self.loss)

    @property
    def stage(self) -> int:
        """Number of finished stages."""
        return max(0, len(self.stage_lengths) - 1)

    @property
    def expected_db(self) -> float:
        """The last measured quality, extrapolated by the change of the loss since."""
        if not self.curve or not self.loss > 0 or not self.curve[-1].loss > 0:
            return self.psnr_db
        return self.psnr_db + 10 * math.log10(self.curve[-1].loss / self.loss)

    @property
    def is_measured(self) -> bool:
        """Whether the current weights were measured on the whole signal."""
        return self.measured_exactly and self.curve[-1].steps == self.steps

    def record(self, psnr_db: float, num_measured: int, *, exactly: bool) -> None:
        """Add the quality measured now to the curve."""
        self.psnr_db, self.num_measured, self.measured_exactly = psnr_db, num_measured, exactly
        if self.curve and self.curve[-1].steps == self.steps:  # the whole signal, after a subset of it
            self.curve.pop()
        self.curve.append(Measurement(self.steps, self.point_steps, self.passes, self.seconds, self.loss, psnr_db))

    def to_plain(self) -> dict[str, Any]:
        """Return the counters as plain numbers, lists and dictionaries."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "Progress":
        """Return the counters that `to_plain` gave."""
        known = {each.name: plain[each.name] for each in fields(cls)}
        known["curve"] = [Measurement(**each) for each in known["curve"]]
        known["restarts"] = [Restart(**each) for each in known["restarts"]]
        return cls(**known)
