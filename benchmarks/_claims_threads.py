"""Whether a fit uses every thread: how many are at work at a time, and its speed with two threads against one.

A thread is at work while it runs or waits for a processor, which Linux counts for each. Other programs make a fit
slower, but take no work from its threads: the figure is the same on a busy machine, where a clock says nothing, and one
thread is one thread although a pool may hand its work around. Ratios of speeds are refused where cores are not free.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import torch
from _claims import CannotMeasureError

from ligeia import fitting, recipes
from ligeia.core import random_stream
from ligeia.experiments import camera
from ligeia.field import Field
from ligeia.fitting import Adam, Recipe, Step, Values
from ligeia.networks import Finer, NetworkConfig, SirenArchitecture
from ligeia.signals import Signal

Found = TypeVar("Found")

_TASKS: Final = Path("/proc/self/task")
_MOST_OTHERS: Final = 0.3  # cores that other programs may use while speeds are compared
_ATTEMPTS: Final = 3
_STEPS: Final = Recipe(
    name="steps", optimizer=Adam(learning_rate=1e-4), batch_size=1024, schedule=None, divergence_threshold=None
)
"""Nothing but steps: a stage's measurements are made on all threads even where steps are not."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch, and so ligeia, have ``count`` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _wanted_seconds() -> float:
    """Return the seconds that threads of this process have run or waited for a processor so far, in all."""
    nanoseconds = 0
    for task in _TASKS.iterdir():
        try:
            ran, waited, _ = map(int, (task / "schedstat").read_text().split())
        except OSError:  # it ended meanwhile
            continue
        nanoseconds += ran + waited
    return nanoseconds / 1e9


def threads_at_work(make: Callable[[Signal], Field], passes: float, *, count: int) -> float:
    """Return how many threads want a processor at a time, on average, while a fit takes its steps."""
    if not (_TASKS / str(os.getpid()) / "schedstat").exists() or not _wanted_seconds():
        raise CannotMeasureError("what threads want is read from Linux's /proc/self/task")
    signal = camera(size=128, align="centers")
    field = make(signal)
    seen: list[tuple[float, float]] = []  # after each step: the threads of a pool are gone when the fit ends

    def look(step: Step) -> None:
        seen.append((_wanted_seconds(), time.perf_counter()))

    with threads(count):
        fitting.fit(field, Values(signal), _STEPS, fitting.passes(passes), callbacks=[look])
    first, last = seen[0], seen[-1]  # not before the first step: the loop measures the fresh network there
    return (last[0] - first[0]) / (last[1] - first[1])


def _compiled(signal: Signal) -> Field:
    config = NetworkConfig(SirenArchitecture(), 2, 1)
    return Field(config.build(generator=random_stream(0, "initial weights")), signal.grid, signal.channels)


def _plain(signal: Signal) -> Field:
    config = NetworkConfig(Finer(hidden_features=128), 2, 1)
    return Field(config.build(generator=random_stream(0, "initial weights")), signal.grid, signal.channels)


def both_at_work(count: int = 2) -> tuple[float, float]:
    """Return the threads at work in a compiled fit and in one in plain torch, each given ``count`` threads."""
    return threads_at_work(_compiled, 8, count=count), threads_at_work(_plain, 4, count=count)


def _busy_seconds() -> float:
    """Return the seconds that all programs have used on all processors since the machine started."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split(maxsplit=4)[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def on_free_cores(measure: Callable[[], float]) -> float:
    """Return what ``measure`` finds while other programs leave two cores free, in three attempts at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if cores < 2 or not Path("/proc/stat").exists():
        raise CannotMeasureError("needs two cores, and Linux's /proc/stat to see whether they are free")
    for _ in range(_ATTEMPTS):
        before = _used_by_others(lambda: time.sleep(0.5))[0]
        if before <= _MOST_OTHERS or cores - before >= 2:
            during, found = _used_by_others(measure)
            if during <= _MOST_OTHERS or cores - during >= 2:
                return found
    raise CannotMeasureError("needs two free cores, and other programs use them")


def _used_by_others(run: Callable[[], Found]) -> tuple[float, Found]:
    """Return how many cores other programs used while something ran, and what that gave."""
    busy, own, began = _busy_seconds(), time.process_time(), time.perf_counter()
    found = run()
    used = _busy_seconds() - busy - (time.process_time() - own)
    return used / (time.perf_counter() - began), found


def times_faster_on_two() -> tuple[float]:
    """Return how many times faster a fit is on two threads than on one, in turns: medians of five."""
    signal = camera(size=128, align="centers")

    def one_fit(count: int) -> float:
        with threads(count):
            report = recipes.fit(signal, stop=fitting.passes(4)).report
        assert report is not None
        return report.seconds

    def ratio() -> float:
        times = [(one_fit(1), one_fit(2)) for _ in range(5)]
        one, two = (statistics.median(each) for each in zip(*times, strict=True))
        return one / two

    return (on_free_cores(ratio),)
