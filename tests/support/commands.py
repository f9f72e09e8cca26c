"""Commands in processes of their own, to be interrupted and killed; torch is loaded once for all of them."""

import multiprocessing
import os
import resource
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import final

import pytest

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["ligeia.cli", "ligeia.field._files", "ligeia.fitting", "ligeia.recipes._fit"])


def checkpoints_at_every_step() -> None:
    """Let a fit write a checkpoint at each step, so that a short one has some."""
    import ligeia.fitting._checkpoint as module

    begin = module.Checkpointer.begin

    def eager(self: module.Checkpointer, *arguments: object) -> None:
        self._every_s = 0.0
        begin(self, *arguments)  # type: ignore[arg-type]

    module.Checkpointer.begin = eager  # type: ignore[method-assign]


def small_disk() -> None:
    """Let no file be larger than 600 bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))


@final
class Command:
    """A command of ligeia that runs in a folder; what it prints goes into files of another one."""

    def __init__(self, folder: Path, printed: Path, arguments: tuple[str, ...], *before: Callable[[], None]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OMP_NUM_THREADS", "1")
            forkserver.ensure_running()
        self._printed = [printed / "out", printed / "err"]
        self.process = _PROCESSES.Process(target=_run, args=(folder, self._printed, arguments, before))
        self.process.start()

    def finish(self) -> tuple[int | None, str, str]:
        """Wait for the end; return the status, or minus the number of a signal, and what was printed."""
        self.process.join(120)
        out, err = (path.read_text() if path.exists() else "" for path in self._printed)
        return self.process.exitcode, out, err


def _run(folder: Path, printed: list[Path], arguments: tuple[str, ...], before: tuple[Callable[[], None], ...]) -> None:
    for number, path in zip((1, 2), printed, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(folder)
    for each in before:
        each()
    sys.argv[1:] = arguments
    from ligeia.cli import main

    main()
