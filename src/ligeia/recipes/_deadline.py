"""Deadlines of fits whose length an effort says."""

import math
import time
from typing import final

from ligeia.core import InputError
from ligeia.fitting import Step

_FORETOLD_FROM = 0.02  # of a fit: how long it takes is known then
_SURELY = 0.8  # of a deadline, for an effort that is said to meet it


@final
class Deadline:
    """A callback that ends a fit which would take too long, once that can be told."""

    def __init__(self, seconds: float, effort: int) -> None:
        if not (math.isfinite(seconds) and seconds > 0):
            raise InputError(f"a deadline above 0 seconds was wanted, got {seconds:g}.")
        self._seconds, self._effort = seconds, effort
        self._began = time.monotonic()
        self._first: tuple[float, float] | None = None

    def __call__(self, step: Step) -> None:
        """Raise `InputError` where the deadline is foretold to be missed."""
        now, done = time.monotonic() - self._began, step.position
        if self._first is None:
            self._first = now, done
            return
        if (share := done - self._first[1]) < _FORETOLD_FROM or done >= 1:
            return
        before, fit = self._first[0], (now - self._first[0]) / share
        if before + fit <= self._seconds:
            return
        foretold = f"effort {self._effort} takes about {before + fit:.0f} s here, {self._seconds:g} were allowed"
        for effort in range(self._effort - 1, 0, -1):
            shorter = before + fit / 2 ** (self._effort - effort)
            if shorter <= _SURELY * self._seconds:
                raise InputError(f"{foretold}; effort {effort} takes about {shorter:.0f} s.")
        raise InputError(f"{foretold}, and no effort takes so little; allow more.")
