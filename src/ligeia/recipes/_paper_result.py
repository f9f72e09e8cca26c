"""What an experiment of the paper returns: our number beside the published one.

Where the paper prints no number the published value is somebody else's rerun, and says so.
"""

from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PaperResult:
    """A number of ours beside a published one."""

    quantity: str
    measured: float
    published: float | None
    """None where the paper prints none."""
    tolerance: float
    source: str
    """Where the published number is from, and how far it can be compared."""
    is_certain: bool
    """Whether the published number was read at its source and is of the same data."""
    is_least: bool = False
    """Whether more than the published number is as good: a quality, not a property."""

    @property
    def holds(self) -> bool | None:
        """Whether both agree within the tolerance, or ours is better; None where there is nothing to agree with."""
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
