import math
from typing import Any

import pytest

from ligeia.core import InputError
from ligeia.fitting import Adam, Cooling, Progress, Recipe, passes, plateau, psnr

NEVER = 1e300  # point-steps: no slow fall


def recipe(cooling: Cooling | None) -> Recipe:
    return Recipe(name="test", optimizer=Adam(learning_rate=0.1), batch_size=10, cooling=cooling)


def progress(**changes: Any) -> Progress:
    values: dict[str, Any] = {"num_points": 100, **changes}
    return Progress(**values)


def test_without_cooling_the_rate_is_constant() -> None:
    constant = recipe(None)
    for seen in (0, 50, 1000):
        assert constant.rate(progress(steps=seen, point_steps=seen), passes(10)) == 0.1
        assert constant.rate(progress(steps=seen, point_steps=seen), psnr(40)) == 0.1


def test_the_rate_rises_linearly_over_the_first_steps() -> None:
    warm = recipe(Cooling(warmup_steps=4, slow_after=NEVER))
    rates = [warm.rate(progress(steps=steps), passes(10)) for steps in range(6)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_over_a_known_budget_the_rate_is_half_a_cosine_to_zero(share: float) -> None:
    cooled = recipe(Cooling(warmup_steps=1, slow_after=NEVER))
    rate = cooled.rate(progress(steps=99, point_steps=round(share * 1000)), passes(10))
    assert rate == pytest.approx(0.1 * math.cos(math.pi * share / 2) ** 2, abs=1e-12)


def test_each_stage_is_twice_as_long_as_the_last_and_cools_down() -> None:
    staged = recipe(Cooling(warmup_steps=1, first_stage=1000, slow_after=NEVER))
    assert [staged.stage_length(stage) for stage in range(4)] == [1000, 2000, 4000, 8000]
    begun = progress(steps=3000, stage=2, stage_started=3000)
    halfway = progress(steps=5000, stage=2, stage_started=3000)
    ended = progress(steps=7000, stage=2, stage_started=3000)
    assert staged.rate(begun, plateau()) == pytest.approx(0.1)
    assert staged.rate(halfway, plateau()) == pytest.approx(0.05)
    assert staged.rate(ended, plateau()) == pytest.approx(0.0, abs=1e-12)


def test_a_budget_beside_an_open_end_cools_down_too() -> None:
    staged = recipe(Cooling(warmup_steps=1, first_stage=10**6, slow_after=NEVER))
    nearly_out_of_passes = progress(steps=99, point_steps=900)
    assert staged.position(nearly_out_of_passes, psnr(40) | passes(10)) == 0.9


def test_the_rate_falls_slowly_with_the_work_done() -> None:
    slow = recipe(Cooling(warmup_steps=1, slow_after=1000.0, slow_power=0.5))
    begun = progress(steps=3000, stage=1, stage_started=3000)
    assert slow.rate(begun, plateau()) == pytest.approx(0.1 / math.sqrt(1 + 3000 / 1000))


def test_restarts_lower_the_rate() -> None:
    assert recipe(None).rate(progress(rate_factor=0.125), passes(1)) == pytest.approx(0.0125)


def test_without_cooling_an_open_end_still_has_stages_to_be_measured_in() -> None:
    constant = recipe(None)
    length = constant.stage_length(0)
    assert constant.position(progress(steps=length // 2), psnr(40)) == 0.5


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_not_above_zero_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match=f"a learning rate above 0 was wanted, got {rate}"):
        Adam(learning_rate=rate)
