import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ligeia.fitting import ShuffledBatches


@pytest.mark.parametrize(("num_points", "batch_size"), [(100, 7), (64, 16), (10, 9), (5, 1), (1, 1), (3, 10)])
def test_every_pass_sees_each_point_once(num_points: int, batch_size: int) -> None:
    batches = ShuffledBatches(num_points, batch_size, seed=3)
    for number in range(3):
        steps = range(number * batches.num_per_pass, (number + 1) * batches.num_per_pass)
        seen = np.concatenate([batches[step] for step in steps])
        assert_array_equal(np.sort(seen), np.arange(num_points))


@pytest.mark.parametrize(("num_points", "batch_size"), [(100, 7), (1000, 999), (65, 64), (12, 5)])
def test_sizes_differ_by_one_at_most_and_never_exceed_the_one_asked_for(num_points: int, batch_size: int) -> None:
    batches = ShuffledBatches(num_points, batch_size, seed=0)
    sizes = [len(batches[step]) for step in range(batches.num_per_pass)]
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= batch_size


def test_any_step_can_be_asked_for_in_any_order() -> None:
    in_order = ShuffledBatches(50, 8, seed=1)
    wanted = [in_order[step].copy() for step in range(30)]
    jumping = ShuffledBatches(50, 8, seed=1)
    for step in np.random.default_rng(0).permutation(30):
        assert_array_equal(jumping[int(step)], wanted[step])


def test_passes_and_seeds_are_shuffled_differently() -> None:
    batches = ShuffledBatches(1000, 500, seed=0)
    first, next_pass = batches[0].copy(), batches[2].copy()
    assert not np.array_equal(first, next_pass)
    assert not np.array_equal(first, ShuffledBatches(1000, 500, seed=1)[0])


@pytest.mark.parametrize("batch_size", [None, 20, 21, 1000])
def test_a_batch_of_all_points_is_in_order(batch_size: int | None) -> None:
    batches = ShuffledBatches(20, batch_size, seed=0)
    assert batches.num_per_pass == 1
    for step in (0, 1, 7):
        assert_array_equal(batches[step], np.arange(20))
