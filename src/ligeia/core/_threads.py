"""Threads of our own: they meet once per piece of work, where torch's meet in every operation.

On a busy machine the latter, which wait for each other by spinning, come to a near standstill (design/threads.md).
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def thread_pool() -> Iterator[ThreadPoolExecutor | None]:
    """Open a pool of as many threads as torch has now, while torch itself has one; None if that is one already."""
    num_threads = torch.get_num_threads()
    if num_threads == 1:
        yield None
        return
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(num_threads) as pool:
            yield pool
    finally:
        torch.set_num_threads(num_threads)


def map_on_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return ``function`` of each item, in order, worked out on as many threads as torch has."""
    if len(items) < 2:
        return [function(item) for item in items]
    with thread_pool() as pool:
        return list(map(function, items) if pool is None else pool.map(function, items))
