"""What a claim of a page is, and how one is checked: its phrase, its recorded rows and, where it is quick, its figure.

A claim is found by a phrase that its page must contain. Its figure may be checked in two ways: against the rows of
`benchmarks/results` that it was published from, and by measuring it again. Neither looks at a clock: figures are
point-steps, decibels, bytes, errors, threads at work, or speeds as a ratio within one run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, final

from _common import data_folder

ROOT: Final = Path(__file__).parents[1]

Relation = Literal["near", "at most", "at least"]


class Kind(StrEnum):
    """What a figure counts."""

    POINT_STEPS = "point-steps"
    DECIBELS = "decibels"
    BYTES = "bytes"
    WEIGHTS = "weights"
    ERROR = "relative error"
    PERCENT = "% relative error"
    ERRORS = "ratio of errors"
    THREADS = "threads at work"
    RATIO = "ratio of speeds in one run"


class Status(StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    FAILS = "FAILS"
    SKIPPED = "skipped"
    BY_HAND = "by hand"


class CannotMeasureError(Exception):
    """A figure cannot be measured here and now; the message says why."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Quick:
    """A figure that is measured again in seconds to a minute."""

    kind: Kind
    measure: Callable[[], Sequence[float]]
    expected: tuple[float, ...]
    tolerance: float = 0.0
    """Absolute, in the unit of the figure; for point-steps, bytes and ratios too."""
    relation: Relation = "near"
    is_short: bool = False
    """Whether it belongs to the form for CI."""
    needs: tuple[str, ...] = ()
    """Files of the research data, relative to ``LIGEIA_DATA``."""

    def holds(self, found: Sequence[float]) -> bool:
        """Return whether figures are as published, within the tolerance."""
        pairs = list(zip(found, self.expected, strict=True))
        if self.relation == "at most":
            return all(value <= wanted + self.tolerance for value, wanted in pairs)
        if self.relation == "at least":
            return all(value >= wanted - self.tolerance for value, wanted in pairs)
        return all(abs(value - wanted) <= self.tolerance for value, wanted in pairs)

    def missing(self) -> list[str]:
        """Return the files of the research data that are not here."""
        folder = data_folder()
        return [name for name in self.needs if folder is None or not (folder / name).exists()]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """The rows that a figure was published from, and how they read on the page."""

    results: str
    """Name of a file in ``benchmarks/results``, without its ending."""
    texts: Callable[[], Sequence[str]]
    """What the rows say, each text as the page must have it."""
    in_page: bool = False
    """Whether texts are looked for in all of the page, as lines of a table are, and not in the claim's phrase."""
    needs: tuple[str, ...] = ()


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One figure of one page."""

    page: str
    """Path from the root of the repository."""
    phrase: str
    """Words that occur in the page once; a line break counts as a space."""
    command: str
    """What to type to measure it in full."""
    is_timed: bool = False
    """Whether a part of the figure is read from a clock, which only a run by hand on a quiet machine can repeat."""
    recorded: Recorded | None = None
    quick: Quick | None = None


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one check of a claim."""

    claim: Claim
    status: Status
    words: str


def text_of(page: str, root: Path = ROOT) -> str:
    """Return a page with every run of spaces and line breaks as one space."""
    return " ".join((root / page).read_text().split())


def phrase_error(claim: Claim, root: Path = ROOT) -> str | None:
    """Return what is wrong with the phrase of a claim, or None."""
    if not (root / claim.page).exists():
        return f"there is no page {claim.page}"
    count = text_of(claim.page, root).count(claim.phrase)
    return (
        None if count == 1 else f"{claim.page} has this phrase {count} times, expected once; mend the table of claims"
    )


def recorded_outcome(claim: Claim, root: Path = ROOT) -> Outcome | None:
    """Compare the page with the rows that its figure came from; None if there are none."""
    recorded = claim.recorded
    if recorded is None:
        return None
    folder = data_folder()
    missing = [name for name in recorded.needs if folder is None or not (folder / name).exists()]
    if missing:
        return Outcome(claim, Status.SKIPPED, f"rows: needs {', '.join(missing)} in LIGEIA_DATA")
    where = text_of(claim.page, root) if recorded.in_page else claim.phrase
    texts = recorded.texts()
    wrong = [text for text in texts if " ".join(text.split()) not in where]
    if wrong or not texts:
        shown = "; ".join(wrong[:3]) or "nothing"
        return Outcome(claim, Status.FAILS, f"rows of {recorded.results}.jsonl say {shown}, and the page does not")
    return Outcome(claim, Status.HOLDS, f"rows of {recorded.results}.jsonl ({len(texts)} compared)")


def quick_outcome(claim: Claim) -> Outcome:
    """Measure a claim again."""
    quick = claim.quick
    if quick is None:
        return Outcome(claim, Status.BY_HAND, "")
    if missing := quick.missing():
        return Outcome(claim, Status.SKIPPED, f"needs {', '.join(missing)} in LIGEIA_DATA; by hand: {claim.command}")
    try:
        found = quick.measure()
    except CannotMeasureError as error:
        return Outcome(claim, Status.SKIPPED, f"{error}; by hand: {claim.command}")
    status = Status.HOLDS if quick.holds(found) else Status.FAILS
    words = f"{_shown(found)} {quick.kind}, expected {_wanted(quick)}"
    return Outcome(claim, status, words)


def _shown(values: Sequence[float]) -> str:
    return ", ".join(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" for value in values)


def _wanted(quick: Quick) -> str:
    relation = "" if quick.relation == "near" else f"{quick.relation} "
    within = f" within {_shown([quick.tolerance])}" if quick.tolerance else ""
    return f"{relation}{_shown(quick.expected)}{within}"
