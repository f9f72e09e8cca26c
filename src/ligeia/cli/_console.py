"""What every command shares: its common options, its output, its progress bar."""

import json
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, final

import typer

from ligeia.core import InputError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ligeia.fitting import Checkpointer, Evaluation, Step
    from ligeia.signals import Place, Region

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors and JSON.")]
MediumCircle = Annotated[
    str | None, typer.Option("--circle", metavar="X,Y,R,C", help="Waves C times as fast within a circle of radius R.")
]
Seed = Annotated[int, typer.Option(min=0, help="Fixes every random number.")]
# every command takes the common options, so that a script need not know which of them matter where
NoSeed = Annotated[int, typer.Option("--seed", min=0, hidden=True)]
NoDevice = Annotated[str, typer.Option("--device", hidden=True)]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Crf = Annotated[
    int | None, typer.Option(min=0, max=63, metavar="N", help="Video: the encoder's constant quality, 0 its best.")
]
Numpy = Annotated[bool, typer.Option("--numpy", help="Evaluate by NumPy alone, as where there is no torch.")]
AllowLarge = Annotated[bool, typer.Option("--allow-large", help="Let the output have more than 2**33 values.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="File to write.")]

_REDRAW_S = 0.2


def say(text: str, *, quiet: bool = False) -> None:
    """Write a line for people, on standard error."""
    if not quiet:
        sys.stderr.write(text + "\n")


def emit(result: Mapping[str, Any], summary: str, *, as_json: bool, quiet: bool) -> None:
    """Print the outcome of a command: one JSON object, or a summary for people.

    JSON has no infinity: an exact reproduction has ``"psnr_db": null``.
    """
    if as_json:
        plain = {name: _finite(value) for name, value in result.items()}
        sys.stdout.write(json.dumps(plain, default=str) + "\n")
    elif not quiet:
        sys.stdout.write(summary + "\n")
    sys.stdout.flush()


def check_field_output(output: Path) -> None:
    """Refuse a name that no field is written under."""
    if output.suffix.lower() != ".lig":
        raise InputError(f"{output}: a field is written as .lig; name the output so.")


def decibels(value: float) -> str:
    """Return a PSNR or SNR as people read it."""
    return "exact" if value == math.inf else f"{value:.2f} dB"


def parse_scale(text: str) -> tuple[float | None, tuple[int, int] | None]:
    """Return the factor of ``2`` or ``1.7``, or rows and columns of ``1920x1080`` (width x height)."""
    if "x" in text.lower():
        sizes = text.lower().split("x")
        if len(sizes) == 2 and all(size.isdecimal() and 0 < int(size) < 1 << 31 for size in sizes):
            return None, (int(sizes[1]), int(sizes[0]))
    else:
        try:
            return float(text), None
        except ValueError:
            pass
    raise InputError(f"a factor such as 2 or 1.7, or a width x height such as 1920x1080, was wanted, got {text!r}.")


def parse_shape(text: str | None) -> tuple[int, ...] | None:
    """Return the sizes of ``768x1024`` (rows x columns)."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if not all(len(part) < 19 and part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"a shape such as 768x1024 (rows x columns, above 0) was wanted, got {text!r}.")
    return tuple(int(part) for part in parts)


def parse_region(text: str | None) -> "Region | None":
    """Return the ranges of ``0:100,50:150`` (rows, columns), or the physical ones of ``z=-40:60,y=12.5``."""
    if text is None:
        return None
    if "=" not in text:
        return _parse_ranges(text)
    region: dict[str, Place | tuple[Place, Place]] = {}
    for part in text.split(","):
        name, _, ends = part.partition("=")
        places = [_place(end, text) for end in ends.split(":")]
        if not name.strip() or len(places) > 2:
            raise _no_region(text)
        region[name.strip()] = places[0] if len(places) == 1 else (places[0], places[1])
    return region


def _place(text: str, region: str) -> "Place":
    """Return a number, or a date as it is: its axis knows the calendar."""
    try:
        number = float(text)
    except ValueError:
        if "-" in text[1:] and text.strip()[-1:].isdigit():
            return text.strip()
        raise _no_region(region) from None
    if not math.isfinite(number):
        raise _no_region(region)
    return number


def _no_region(text: str) -> InputError:
    return InputError(f"a region such as z=-40:60,y=12.5 or time=2001-06-16 was wanted, got {text!r}.")


def _parse_ranges(text: str) -> tuple[tuple[int, int], ...]:
    ranges = [part.split(":") for part in text.split(",")]
    if not all(len(ends) == 2 and all(len(end) < 19 and end.strip().isdecimal() for end in ends) for ends in ranges):
        raise InputError(f"a region such as 0:100,50:150 (rows, columns) or z=-40:60,y=12.5 was wanted, got {text!r}.")
    return tuple((int(start), int(stop)) for start, stop in ranges)


def parse_frames(text: str | None) -> tuple[int, int] | None:
    """Return the range of ``0:60``."""
    if text is None:
        return None
    ranges = _parse_ranges(text)
    if len(ranges) != 1 or not ranges[0][0] < ranges[0][1]:
        raise InputError(f"a range of frames such as 0:60 was wanted, got {text!r}.")
    return ranges[0]


def parse_numbers(text: str, wanted: str = "numbers such as 30 or 30,60.5") -> list[float]:
    """Return the numbers of ``30,60.5``."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{wanted} were wanted, got {text!r}.") from None


def parse_tuple(text: str, count: int, example: str) -> list[float]:
    """Return ``count`` numbers of ``0,0,0.05``; ``example`` is an option with as many."""
    found = parse_numbers(text, f"{count} numbers as in {example}")
    if len(found) != count:
        raise InputError(f"{count} numbers as in {example} were wanted, got {text!r}.")
    return found


def parse_names(text: str | None) -> tuple[str, ...]:
    """Return the names of ``x,y``."""
    return () if text is None else tuple(name for part in text.split(",") if (name := part.strip()))


def parse_box(text: str | None) -> tuple[tuple[float, float], ...] | None:
    """Return the intervals of ``-5:15,-5:5``."""
    if text is None:
        return None
    try:
        found = [tuple(float(end) for end in part.split(":")) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(len(ends) == 2 for ends in found):
        raise InputError(f"a box such as -5:15,-5:5 (low:high, per coordinate) was wanted, got {text!r}.")
    return tuple((ends[0], ends[1]) for ends in found)


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


@final
class _Bar:
    """A callback that shows PSNR (less ``offset_db``: the SNR of a sound), points per second and time left."""

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
        if self._first is None:  # a resumed fit has steps behind it that took no time here
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
    """Show a progress bar of so many tiles done, of so many."""
    with _counted("tiles", quiet=quiet) as (progress, task):
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def watched_layers(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar of so many layers of cells done, of so many."""
    with _counted("layers", quiet=quiet) as (progress, task):
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
    """Show a progress bar, and let Ctrl-C end the fit between two steps, with a checkpoint of that moment.

    ``remark`` says more of a step than its quality.
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


def reading_options(
    variable: str | None, frames: str | None, periodic: str | None, working_set_mib: int
) -> dict[str, Any]:
    """Return what `recipes.to_signal` needs to know of how a file is read."""
    return {
        "variable": variable,
        "frames": parse_frames(frames),
        "periodic": parse_names(periodic),
        "working_set": working_set_mib << 20,
    }


def open_checkpoint(output: Path, *, resume: bool, quiet: bool) -> "Checkpointer":
    """Open the checkpoint beside an output, and say what becomes of one that is there."""
    from ligeia.fitting import Checkpointer

    checkpoint = Checkpointer(output.with_name(output.name + ".checkpoint"), resume=resume)
    if checkpoint.path.exists() and not resume:
        say(f"ligeia: {checkpoint.path} of an earlier fit is written over; --resume would go on from it.", quiet=quiet)
    if resume and not checkpoint.path.exists() and output.exists():
        raise InputError(
            f"{output} is there and no checkpoint of it is: that fit has ended; leave --resume out to fit it anew."
        )
    if resume and not checkpoint.path.exists():
        say(f"ligeia: no checkpoint {checkpoint.path} to resume from; starting afresh.", quiet=quiet)
    return checkpoint


@contextmanager
def keeping(checkpoint: "Checkpointer | None") -> Iterator[None]:
    """Say at an interruption that the checkpoint is kept."""
    try:
        yield
    except KeyboardInterrupt:
        if checkpoint is None or not checkpoint.path.exists():
            raise
        say(f"ligeia: stopped; the checkpoint {checkpoint.path} is kept: repeat the command with --resume to go on.")
        raise typer.Exit(1) from None


def discard(checkpoint: "Checkpointer | None", *, quiet: bool) -> None:
    """Delete the checkpoint of a fit that is done, and say if one could not be written."""
    if checkpoint is None:
        return
    if checkpoint.path.is_file():
        checkpoint.path.unlink()
    if checkpoint.problem is not None:
        say(f"ligeia: a checkpoint could not be written on the way: {checkpoint.problem}", quiet=quiet)
