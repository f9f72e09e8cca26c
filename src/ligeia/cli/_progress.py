"""Progress bars, and Ctrl-C between two steps."""

import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, final

from ligeia.codec import check_field_output as check_field_output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ligeia.fitting import Checkpointer, Evaluation, Step


_REDRAW_S = 0.2


@final
class _Bar:
    """A callback that shows the PSNR (minus ``offset_db``: the SNR of a sound), points per second and time left."""

    def __init__(self, *, shown: bool, offset_db: float, remark: "Callable[[Step], str] | None") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[state]}"),
            console=Console(stderr=True),
            disable=not shown or not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task("fitting", total=1.0, state="")
        self._drawn_at = self._began = time.monotonic()
        self._first: int | None = None
        self._remark = remark
        self._offset_db = offset_db if math.isfinite(offset_db) else 0.0  # silence has no SNR

    def __call__(self, step: "Step") -> None:
        now, counted = time.monotonic(), step.state.progress
        if self._first is None:  # the earlier steps of a resumed fit took no time here
            self._first = counted.point_steps
        if now - self._drawn_at < _REDRAW_S:
            return
        elapsed = now - self._began
        rate = (counted.point_steps - self._first) / elapsed
        left = elapsed * (1 - step.position) / max(step.position, 1e-3)
        quality = f"{counted.psnr_db - self._offset_db:.2f} dB" if math.isfinite(counted.psnr_db) else "..."
        stage = f" of stage {counted.stage + 1}" if counted.stage else ""
        if self._remark is not None:
            quality += f"  {self._remark(step)}"
        state = f"{quality}  {rate:,.0f} points/s  {counted.passes:.2f} passes  {left:.0f} s left{stage}"
        self._progress.update(self._task, completed=step.position, state=state)
        self._drawn_at = now

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._progress:
            yield


@contextmanager
def watched_tiles(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of tiles done out of all tiles."""
    with _counted("tiles", quiet=quiet) as (progress, task):
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def watched_layers(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of layers of cells done out of all layers."""
    with _counted("layers", quiet=quiet) as (progress, task):
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def watched_views(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of views done out of all views."""
    with _counted("views", quiet=quiet) as (progress, task):
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def watched_evaluations(*, quiet: bool) -> Iterator[Callable[["Evaluation"], None]]:
    """Show a progress bar of evaluations of a loss."""
    with _counted("evaluations", quiet=quiet) as (progress, task):
        yield lambda step: progress.update(task, completed=step.taken, total=round(step.taken / step.position))


@contextmanager
def _counted(what: str, *, quiet: bool) -> Iterator[tuple["Progress", "TaskID"]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(bar_width=30), MofNCompleteColumn(), TimeRemainingColumn())
    is_shown = not quiet and sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=not is_shown, transient=True) as progress:
        yield progress, progress.add_task(what, total=None)


@contextmanager
def watched_fit(
    *,
    quiet: bool,
    checkpoint: "Checkpointer | None",
    offset_db: float = 0.0,
    remark: "Callable[[Step], str] | None" = None,
) -> Iterator[Callable[["Step"], None]]:
    """Show a progress bar, and let Ctrl-C end the fit between two steps, with a checkpoint of that state.

    ``remark`` returns text to show after the quality of a step.
    """
    asked: list[int] = []
    bar = _Bar(shown=not quiet, offset_db=offset_db, remark=remark)

    def ask(number: int, _: FrameType | None) -> None:
        if asked:  # a second time: at once
            raise KeyboardInterrupt
        asked.append(number)

    def callback(step: "Step") -> None:
        bar(step)
        if asked:
            if checkpoint is not None:
                checkpoint.write(step.state)
            raise KeyboardInterrupt

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with bar.running():
            yield callback
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
