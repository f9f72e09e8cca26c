"""Threads of our own: order, results and torch's own thread count."""

import threading

import pytest
import torch

from ligeia.core import map_on_threads, num_threads, thread_pool

pytest_plugins = ["support.fixtures"]


@pytest.mark.usefixtures("two_threads")
def test_results_come_in_the_order_of_the_items() -> None:
    assert map_on_threads(lambda number: number**2, range(50)) == [number**2 for number in range(50)]


@pytest.mark.usefixtures("two_threads")
def test_torch_has_one_thread_while_a_pool_is_open_and_as_many_as_before_after_it() -> None:
    with thread_pool() as pool:
        assert pool is not None
        assert list(pool.map(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_work_within_an_open_pool_is_done_on_all_of_its_threads() -> None:
    barrier = threading.Barrier(2)
    with thread_pool() as pool:
        assert num_threads() == 2
        map_on_threads(lambda _: barrier.wait(timeout=60), [1, 2])  # one thread alone would wait for ever
        with thread_pool() as inner:
            assert inner is pool
        assert pool is not None
        assert pool.submit(num_threads).result() == 1  # so that shares of shares are not waited for
        assert num_threads() == 2
    assert num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_a_thread_reaches_the_caller_and_the_thread_count_is_put_back() -> None:
    with pytest.raises(ZeroDivisionError, match="modulo"):
        map_on_threads(lambda number: 1 % number, [1, 0])
    assert torch.get_num_threads() == 2


def test_one_thread_needs_no_pool() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with thread_pool() as pool:
        assert pool is None
    assert map_on_threads(str, [1, 2]) == ["1", "2"]
    torch.set_num_threads(before)
