"""Checkpoints next to an output: opened, kept after an interruption, discarded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ligeia.codec import check_field_output as check_field_output
from ligeia.core import InputError

from ._console import say

if TYPE_CHECKING:
    from ligeia.fitting import Checkpointer


def open_checkpoint(output: Path, *, resume: bool, quiet: bool) -> "Checkpointer":
    """Open the checkpoint next to an output, and say what happens to an existing one."""
    from ligeia.fitting import Checkpointer

    checkpoint = Checkpointer(output.with_name(output.name + ".checkpoint"), resume=resume)
    if checkpoint.path.exists() and not resume:
        say(f"ligeia: {checkpoint.path} of an earlier fit is overwritten; --resume continues from it.", quiet=quiet)
    if resume and not checkpoint.path.exists() and output.exists():
        raise InputError(
            f"{output} exists and has no checkpoint: that fit has finished; leave --resume out to fit again."
        )
    if resume and not checkpoint.path.exists():
        say(f"ligeia: no checkpoint {checkpoint.path} to resume from; starting afresh.", quiet=quiet)
    return checkpoint


@contextmanager
def keeping(checkpoint: "Checkpointer | None") -> Iterator[None]:
    """Say after an interruption that the checkpoint is kept."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint is None or not checkpoint.path.exists():
            raise
        say(f"ligeia: stopped; the checkpoint {checkpoint.path} is kept: repeat the command with --resume to continue.")
        raise typer.Exit(1) from None


def discard(checkpoint: "Checkpointer | None", *, quiet: bool) -> None:
    """Delete the checkpoint of a finished fit, and say if one could not be written."""
    if checkpoint is None:
        return
    if checkpoint.path.is_file():
        checkpoint.path.unlink()
    if checkpoint.problem is not None:
        say(f"ligeia: a checkpoint could not be written: {checkpoint.problem}", quiet=quiet)
