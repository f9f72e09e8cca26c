import math
from typing import Any

import pytest

from ligeia.core import InputError
from ligeia.fitting import Adam, LRSchedule, Progress, Recipe, passes, plateau, psnr

NEVER = 1e300  # point-steps: no slow fall


def recipe(schedule: LRSchedule | None) -> Recipe:
    return Recipe(name="test", optimizer=Adam(learning_rate=0.1), batch_size=10, schedule=schedule)


def progress(**changes: Any) -> Progress:
    values: dict[str, Any] = {"num_points": 100, **changes}
    return Progress(**values)


def test_without_cooling_the_rate_is_constant() -> None:
    constant = recipe(None)
    for seen in (0, 50, 1000):
        assert constant.rate(progress(steps=seen, point_steps=seen), passes(10)) == 0.1
        assert constant.rate(progress(steps=seen, point_steps=seen, stage_lengths=[128]), psnr(40)) == 0.1


def test_the_rate_rises_linearly_over_the_first_steps() -> None:
    warm = recipe(LRSchedule(warmup_steps=4, slow_after=NEVER))
    rates = [warm.rate(progress(steps=steps), passes(10)) for steps in range(6)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_over_a_known_budget_the_rate_is_a_straight_line_to_zero(share: float) -> None:
    cooled = recipe(LRSchedule(warmup_steps=1, slow_after=NEVER))
    rate = cooled.rate(progress(steps=99, point_steps=round(share * 1000)), passes(10))
    assert rate == pytest.approx(0.1 * (1 - share), abs=1e-12)


def test_a_stage_cools_down_to_zero() -> None:
    staged = recipe(LRSchedule(warmup_steps=1, slow_after=NEVER))
    for done, share in ((0, 1.0), (20_000, 0.5), (40_000, 0.0)):
        running = progress(steps=3000 + done, stage_started=3000, stage_lengths=[1000, 2000, 40_000])
        assert staged.rate(running, plateau()) == pytest.approx(0.1 * share, abs=1e-12)


def test_towards_a_plateau_each_stage_is_twice_as_long_as_the_last() -> None:
    staged = recipe(LRSchedule(first_stage=1000))
    assert staged.first_stage == 1000
    ended = progress(stage_lengths=[1000, 2000], stage_db=[30.0, 31.0])
    assert staged.next_stage(ended, plateau()) == 4000


@pytest.mark.parametrize(
    ("stage_db", "target_db", "growth"),
    [
        ([30.0], 34.3, 2.0),  # 4.5 dB per doubling until more is known, and 0.2 dB to spare
        ([30.0, 34.0], 37.8, 2.0),  # 4 dB per doubling
        ([28.0, 31.0], 34.8, 2 ** (4 / 3)),
        ([28.0, 31.0], 31.1, 1.1),  # a little is done at the least, ...
        ([30.0, 30.5], 60.0, 6.0),  # ... and not too much at once
        ([35.0, 34.0], 35.8, 2.0),  # a loss counts as 2 dB per doubling
    ],
)
def test_towards_a_quality_the_steps_in_all_are_as_many_as_earlier_stages_foretell(
    stage_db: list[float], target_db: float, growth: float
) -> None:
    ended = progress(stage_lengths=[1000, 1000][: len(stage_db)], stage_db=stage_db)
    steps = 1000 * len(stage_db)
    assert recipe(LRSchedule()).next_stage(ended, psnr(target_db)) == pytest.approx((growth - 1) * steps, abs=1)


def test_no_stage_is_empty() -> None:
    assert recipe(LRSchedule()).next_stage(progress(stage_lengths=[1], stage_db=[30.0]), psnr(30)) == 1


@pytest.mark.parametrize(("length", "share"), [(40000, 1.0), (4000, 0.6), (2000, 0.3), (500, 0.15)])
def test_a_stage_begins_at_a_rate_that_goes_with_the_steps_before_it(length: int, share: float) -> None:
    staged = recipe(LRSchedule(warmup_steps=1, slow_after=NEVER))
    begun = progress(steps=2000, stage_started=2000, stage_lengths=[2000, length])
    assert staged.rate(begun, psnr(40)) == pytest.approx(0.1 * share)


def test_every_stage_warms_up() -> None:
    staged = recipe(LRSchedule(warmup_steps=4, slow_after=NEVER))
    begun = progress(steps=1000, stage_started=1000, stage_lengths=[1000, 40_000])
    assert staged.rate(begun, psnr(40)) == pytest.approx(0.025)


def test_a_budget_beside_an_open_end_cools_down_too() -> None:
    staged = recipe(LRSchedule(warmup_steps=1, first_stage=10**6, slow_after=NEVER))
    nearly_out_of_passes = progress(steps=99, point_steps=900, stage_lengths=[10**6])
    assert staged.position(nearly_out_of_passes, psnr(40) | passes(10)) == 0.9


def test_the_rate_falls_slowly_with_the_work_done() -> None:
    slow = recipe(LRSchedule(warmup_steps=1, slow_after=1000.0, slow_power=0.5))
    begun = progress(steps=3000, stage_started=3000, stage_lengths=[3000, 60_000])
    assert slow.rate(begun, plateau()) == pytest.approx(0.1 / math.sqrt(1 + 3000 / 1000))


def test_restarts_lower_the_rate() -> None:
    assert recipe(None).rate(progress(rate_factor=0.125), passes(1)) == pytest.approx(0.0125)


def test_without_cooling_an_open_end_still_has_stages_to_be_measured_in() -> None:
    constant = recipe(None)
    length = constant.first_stage
    assert constant.position(progress(steps=length // 2, stage_lengths=[length]), psnr(40)) == 0.5


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_not_above_zero_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match=f"expected a learning rate above 0, got {rate}"):
        Adam(learning_rate=rate)
