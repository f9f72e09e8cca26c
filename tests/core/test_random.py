"""Frozen numbers: a seed must draw the same weights and batches in every later release."""

import pytest
import torch

from ligeia.core import random_stream


def draws(seed: int, purpose: str, index: int = 0, count: int = 4) -> list[int]:
    return torch.randint(2**31, (count,), generator=random_stream(seed, purpose, index)).tolist()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0, "batches", 0), [698767096, 821469391, 216551469, 624164753]),
        ((0, "batches", 1), [660244471, 581597404, 909102571, 1134952878]),
        ((1, "batches", 0), [1808236165, 1918357146, 344047049, 790338831]),
        ((-1, "batches", 0), [2097269072, 1751364342, 1136364854, 613000083]),
        ((2**70, "initial weights", 0), [537410941, 964070020, 516646348, 311117536]),
    ],
)
def test_a_stream_draws_its_frozen_numbers(arguments: tuple[int, str, int], expected: list[int]) -> None:
    assert draws(*arguments) == expected
    assert draws(*arguments) == expected


@pytest.mark.parametrize("other", [(1, "batches", 0), (0, "initial weights", 0), (0, "batches", 1), (-1, "batches", 0)])
def test_seed_purpose_and_index_each_open_another_stream(other: tuple[int, str, int]) -> None:
    assert not set(draws(0, "batches", count=50)) & set(draws(*other, count=50))


def test_streams_of_two_purposes_are_uncorrelated() -> None:
    first, second = (torch.randn(20_000, generator=random_stream(0, purpose)) for purpose in ("batches", "batches "))
    correlation = float(torch.corrcoef(torch.stack([first, second]))[0, 1])
    assert abs(correlation) < 5 / 20_000**0.5


def test_an_open_stream_is_untouched_by_another_and_by_the_global_one() -> None:
    alone = draws(0, "batches", count=8)
    stream = random_stream(0, "batches")
    first = torch.randint(2**31, (4,), generator=stream).tolist()
    torch.rand(3, generator=random_stream(0, "initial weights"))
    torch.rand(3)
    before = torch.random.get_rng_state()
    assert first + torch.randint(2**31, (4,), generator=stream).tolist() == alone
    assert torch.equal(torch.random.get_rng_state(), before)


def test_any_integer_is_a_seed_and_near_ones_differ() -> None:
    seeds = [0, 1, -1, 2**31 - 1, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**30]
    assert len({tuple(draws(seed, "batches")) for seed in seeds}) == len(seeds)
