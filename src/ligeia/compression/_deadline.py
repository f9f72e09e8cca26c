"""Deadlines of fits whose length is set by an effort."""

import math
import time
from collections.abc import Mapping
from typing import final

from ligeia.core import InputError
from ligeia.fitting import Step

_FORETOLD_FROM = 0.02  # share of a fit after which its duration can be estimated
_SURELY = 0.8  # share of the deadline that a suggested effort may take


@final
class Deadline:
    """A callback that ends a fit as soon as it is estimated to take too long.

    ``lengths`` are the steps, or passes, of a fit at each effort.
    """

    def __init__(self, seconds: float, effort: int, lengths: Mapping[int, float]) -> None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise InputError(f"expected a deadline above 0 seconds, got {seconds:g}.")
        self._seconds, self._effort, self._lengths = seconds, effort, lengths
        self._began = time.monotonic()
        self._first: tuple[float, float] | None = None
        self._last = 0.0

    def __call__(self, step: Step) -> None:
        """Raise `InputError` if the fit is estimated to miss the deadline."""
        now, done = time.monotonic() - self._began, step.position
        if self._first is None or done < self._last:  # another fit
            self._first = now, done
        self._last = done
        before, begun = self._first
        if done - begun < _FORETOLD_FROM or done >= 1:
            return
        whole = (now - before) / (done - begun)
        total = before + whole * (1 - begun)
        if total <= self._seconds:
            return
        foretold = f"effort {self._effort} takes about {total:.0f} s here, {self._seconds:g} were allowed"
        for effort in range(self._effort - 1, 0, -1):
            shorter = before + whole * self._lengths[effort] / self._lengths[self._effort]
            if shorter <= _SURELY * self._seconds:
                raise InputError(f"{foretold}; effort {effort} takes about {shorter:.0f} s.")
        raise InputError(f"{foretold}, and no effort takes so little; allow more.")
