"""Our own threads: they synchronize once per piece of work, torch's in every operation.

On a busy machine torch's threads, which spin while they wait for each other, nearly stop (design/threads.md).
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Open(NamedTuple):
    pool: ThreadPoolExecutor
    num_threads: int


_of_this_thread = threading.local()
"""The pool that this thread has opened. The threads of a pool have none: they do not wait for each other."""


def num_threads() -> int:
    """Return how many threads the caller may use: those of its open pool, otherwise torch's.

    Call this instead of asking torch, which has one thread while a pool is open.
    """
    opened = _opened()
    return torch.get_num_threads() if opened is None else opened.num_threads


@contextmanager
def thread_pool() -> Iterator[ThreadPoolExecutor | None]:
    """Open a pool of as many threads as torch has now, and give torch one meanwhile; None if torch has only one.

    If this thread has a pool open already, that one is returned.
    """
    opened = _opened()
    if opened is not None:
        yield opened.pool
        return
    count = torch.get_num_threads()
    if count == 1:
        yield None
        return
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(count) as pool:
            _of_this_thread.opened = _Open(pool, count)
            yield pool
    finally:
        _of_this_thread.opened = None
        torch.set_num_threads(count)


def map_on_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return ``function`` of each item, in order, computed on as many threads as torch has."""
    if len(items) < 2:
        return [function(item) for item in items]
    with thread_pool() as pool:
        return list(map(function, items) if pool is None else pool.map(function, items))


def _opened() -> _Open | None:
    return getattr(_of_this_thread, "opened", None)
