"""Checkpoints: a killed fit can be resumed, and ends with the same weights as an uninterrupted one."""

import io
import time
from pathlib import Path
from typing import Any, final

import torch

from ligeia.core import FormatError, InputError, OutputError, check_readable, write_atomically

from ._loop import Step
from ._state import FitState


@final
class Checkpointer:
    """A callback that periodically writes the state of a fit to ``path``, completely or not at all.

    A failure to write does not end the fit: the last file stays, and ``problem`` says what happened.
    """

    def __init__(self, path: Path, *, every_s: float = 10.0, resume: bool = False) -> None:
        self.path = path
        self.problem: str | None = None
        self._resume = resume
        self._identity = ""
        self._is_closed = False
        self._every_s = every_s
        self._written_at = time.monotonic()

    def __call__(self, step: Step) -> None:
        """Write the state if enough time has passed since the last time."""
        if time.monotonic() - self._written_at >= self._every_s:
            self.write(step.state)

    def write(self, state: FitState) -> None:
        """Write the state now."""
        if self._is_closed:
            return
        plain: dict[str, Any] = {"identity": self._identity, "state": state.to_plain()}
        try:
            # by way of memory: on a full disk torch's own writer raises no OSError
            buffer = io.BytesIO()
            torch.save(plain, buffer)
            write_atomically(self.path, lambda partial: _write(partial, buffer))
        except OutputError as error:
            self.problem = str(error)
        # measured after writing, so that a slow disk does not take all the time
        self._written_at = time.monotonic()

    def close(self) -> None:
        """Stop writing and keep the last file: the fit that follows is repeated if this one is resumed."""
        self._is_closed = True

    def begin(self, state: FitState, identity: str) -> None:
        """Identify the fit, and restore the state from the file if it exists and is to be resumed.

        ``identity`` distinguishes this fit from others: data, network, recipe, seed. `InputError` for a file of
        another fit.
        """
        if self._is_closed:
            return
        self._identity = identity
        if not (self._resume and self.path.exists()):
            return
        check_readable(self.path)
        try:
            plain = torch.load(self.path, map_location="cpu", weights_only=True)
            identity = plain["identity"]
        except Exception as error:  # the reader raises nearly anything on damaged bytes
            raise self._unreadable() from error
        if identity != self._identity:
            raise InputError(
                f"{self.path}: this checkpoint belongs to a fit of other data or with other options; "
                "repeat those, or delete it to start afresh."
            )
        try:
            state.load_plain(plain["state"])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise self._unreadable() from error

    def _unreadable(self) -> FormatError:
        return FormatError(f"{self.path}: not a readable checkpoint; delete it to start afresh.")


def _write(path: Path, buffer: io.BytesIO) -> None:
    path.write_bytes(buffer.getbuffer())
