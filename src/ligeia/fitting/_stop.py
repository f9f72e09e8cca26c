"""Stop rules: joined by ``|``, the first one reached ends a fit."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

from ligeia.core import InputError

from ._progress import Progress


@runtime_checkable  # the tests check types as they run
class Rule(Protocol):
    """One reason to stop."""

    @property
    def name(self) -> str:
        """The reason to give in a report, in one word."""
        ...

    def reached(self, progress: Progress) -> bool:
        """Whether the rule is met."""
        ...

    def spent(self, progress: Progress) -> float | None:
        """Return the used share of the budget, or None if the rule has no budget known in advance."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """Stop rules, such as ``psnr(40) | seconds(30)``; the first one reached ends a fit."""

    rules: tuple[Rule, ...]

    def __or__(self, other: "Stop") -> "Stop":
        return Stop((*self.rules, *other.rules))

    def reason(self, progress: Progress) -> str | None:
        """Return the name of the first rule reached, or None."""
        return next((rule.name for rule in self.rules if rule.reached(progress)), None)

    def spent(self, progress: Progress) -> float | None:
        """Return the largest used share of a budget; None if no rule has one."""
        shares = [share for rule in self.rules if (share := rule.spent(progress)) is not None]
        return max(shares, default=None)

    @property
    def is_open_ended(self) -> bool:
        """Whether some rule has no budget known in advance, so that the learning rate must decay in stages."""
        fresh = Progress(num_points=1)
        return any(rule.spent(fresh) is None for rule in self.rules)

    def in_psnr(self, snr_offset_db: Callable[[], float]) -> "Stop":
        """Return these rules with each SNR converted to the PSNR that it corresponds to for a signal.

        ``snr_offset_db`` returns the signal's PSNR minus its SNR; it is called only if a rule needs it.
        """
        return Stop(tuple(rule.in_psnr(snr_offset_db()) if isinstance(rule, _Snr) else rule for rule in self.rules))

    @property
    def target_db(self) -> float | None:
        """The lowest quality that ends the fit, if a rule names one."""
        return min((rule.decibels for rule in self.rules if isinstance(rule, _Psnr)), default=None)


@final
@dataclass(frozen=True, slots=True)
class _Psnr:
    decibels: float
    name: str = "psnr"

    def reached(self, progress: Progress) -> bool:
        return progress.measured_exactly and progress.psnr_db >= self.decibels

    def spent(self, progress: Progress) -> float | None:
        return None


@final
@dataclass(frozen=True, slots=True)
class _Snr:
    decibels: float
    name: str = "snr"

    def in_psnr(self, snr_offset_db: float) -> _Psnr:
        if not math.isfinite(snr_offset_db):
            raise InputError("expected a signal that is not silent for an SNR, every sample is 0; ask for a PSNR.")
        return _Psnr(self.decibels + snr_offset_db, self.name)

    def reached(self, progress: Progress) -> bool:
        raise InputError("expected a rule without an SNR, which depends on the signal; convert it by `Stop.in_psnr`.")

    def spent(self, progress: Progress) -> float | None:
        return None


@final
@dataclass(frozen=True, slots=True)
class _Seconds:
    limit_s: float
    name: str = "seconds"

    def reached(self, progress: Progress) -> bool:
        return progress.seconds >= self.limit_s

    def spent(self, progress: Progress) -> float | None:
        return min(1.0, progress.seconds / self.limit_s)


@final
@dataclass(frozen=True, slots=True)
class _Passes:
    limit: float
    name: str = "passes"

    def reached(self, progress: Progress) -> bool:
        # batches are never cut, so the last one may slightly exceed the limit
        return progress.passes >= self.limit * (1 - 1e-9)

    def spent(self, progress: Progress) -> float | None:
        return min(1.0, progress.passes / self.limit)


@final
@dataclass(frozen=True, slots=True)
class _Plateau:
    gain_db: float
    most_steps: int
    finest_db: float
    name: str = "plateau"

    def reached(self, progress: Progress) -> bool:
        finished = progress.stage_db
        if not finished:
            return False
        ends = list(itertools.accumulate(progress.stage_lengths[: len(finished)]))
        if ends[-1] >= self.most_steps or finished[-1] >= self.finest_db:
            return True
        # hard signals gain little in the first stages and more later, so the first ones are not judged
        before = [quality for end, quality in zip(ends, finished, strict=True) if 2 * end <= ends[-1]]
        return len(finished) > 3 and bool(before) and finished[-1] - before[-1] < self.gain_db

    def spent(self, progress: Progress) -> float | None:
        return None


def psnr(decibels: float) -> Stop:
    """Stop when the PSNR, measured on the whole signal, reaches ``decibels``."""
    _positive(decibels, "a PSNR in decibels")
    return Stop((_Psnr(float(decibels)),))


def snr(decibels: float) -> Stop:
    """Stop when the signal-to-noise ratio, measured on the whole signal, reaches ``decibels``; usual for sound."""
    _positive(decibels, "an SNR in decibels")
    return Stop((_Snr(float(decibels)),))


def seconds(limit_s: float) -> Stop:
    """Stop after ``limit_s`` seconds in the loop; the learning rate decays to 0 by then."""
    _positive(limit_s, "a number of seconds")
    return Stop((_Seconds(float(limit_s)),))


def passes(limit: float) -> Stop:
    """Stop after ``limit`` passes (epochs) over all points; the learning rate decays to 0 by then."""
    _positive(limit, "a number of passes")
    return Stop((_Passes(float(limit)),))


def plateau(gain_db: float = 1.0, *, most_steps: int = 16_256, finest_db: float = float("inf")) -> Stop:
    """Stop when doubling the steps gained less than ``gain_db``.

    The gain is judged at the end of each stage but the first three, when the learning rate has decayed. ``finest_db``
    and ``most_steps`` end the fit as well (by default seven doubling stages of the recipe `fast`, some eight million
    points: a minute or two on two cores).
    """
    _positive(gain_db, "a gain in decibels")
    _positive(most_steps, "a number of steps")
    return Stop((_Plateau(float(gain_db), most_steps, finest_db),))


def _positive(value: float, wanted: str) -> None:
    if not 0 < value < float("inf"):
        raise InputError(f"expected {wanted} above 0 as a stop rule, got {value}.")
