from collections.abc import Callable
from typing import Any

import pytest

from ligeia.core import InputError
from ligeia.fitting import Progress, Stop, passes, plateau, psnr, seconds


def progress(**changes: Any) -> Progress:
    values: dict[str, Any] = {"num_points": 10, **changes}
    return Progress(**values)


def test_passes_end_when_that_many_points_were_seen() -> None:
    stop = passes(2.5)
    assert stop.reason(progress(point_steps=24)) is None
    assert stop.reason(progress(point_steps=25)) == "passes"
    assert stop.spent(progress(point_steps=5)) == 0.2
    assert stop.spent(progress(point_steps=50)) == 1.0


def test_seconds_end_when_the_time_is_over() -> None:
    stop = seconds(4)
    assert stop.reason(progress(seconds=3.99)) is None
    assert stop.reason(progress(seconds=4.0)) == "seconds"
    assert stop.spent(progress(seconds=1.0)) == 0.25


def test_psnr_ends_only_on_a_measurement_of_the_whole_signal() -> None:
    stop = psnr(30)
    assert stop.reason(progress(psnr_db=31.0, measured_exactly=False)) is None
    assert stop.reason(progress(psnr_db=29.9, measured_exactly=True)) is None
    assert stop.reason(progress(psnr_db=30.0, measured_exactly=True)) == "psnr"


DOUBLING = [100, 200, 400, 800, 1600]


def test_a_plateau_is_judged_after_the_fourth_stage() -> None:
    stop = plateau(1.0)
    assert stop.reason(progress(stage_db=[30.0, 30.1, 30.2], stage_lengths=DOUBLING)) is None
    assert stop.reason(progress(stage_db=[30.0, 30.1, 30.2, 31.3], stage_lengths=DOUBLING)) is None
    assert stop.reason(progress(stage_db=[30.0, 30.1, 30.2, 31.1], stage_lengths=DOUBLING)) == "plateau"


def test_a_plateau_is_judged_over_a_doubling_of_the_work() -> None:
    stop, lengths = plateau(1.0), [100, 50, 70, 100, 120, 440, 500]
    found = [30.0, 30.6, 31.2, 31.8, 32.4, 32.5]
    assert stop.reason(progress(stage_db=found[:5], stage_lengths=lengths[:6])) is None
    assert stop.reason(progress(stage_db=found, stage_lengths=lengths)) == "plateau"


def test_a_plateau_ends_at_the_finest_quality_and_after_the_most_work() -> None:
    assert plateau(finest_db=50.0).reason(progress(stage_db=[50.0], stage_lengths=DOUBLING)) == "plateau"
    assert plateau(most_steps=700).reason(progress(stage_db=[1.0, 2.0], stage_lengths=DOUBLING)) is None
    assert plateau(most_steps=700).reason(progress(stage_db=[1.0, 2.0, 3.0], stage_lengths=DOUBLING)) == "plateau"


def test_the_first_rule_reached_ends_a_fit_and_names_it() -> None:
    stop = psnr(30) | seconds(5) | passes(2)
    assert stop.reason(progress(seconds=5.0)) == "seconds"
    assert stop.reason(progress(point_steps=20)) == "passes"
    assert stop.reason(progress(point_steps=20, seconds=6.0, psnr_db=40.0, measured_exactly=True)) == "psnr"
    assert stop.reason(progress()) is None


def test_the_most_spent_budget_counts() -> None:
    stop = psnr(30) | seconds(10) | passes(4)
    assert stop.spent(progress(seconds=1.0, point_steps=20)) == 0.5
    assert stop.spent(progress(seconds=9.0, point_steps=20)) == 0.9
    assert psnr(30).spent(progress()) is None


def test_a_stop_is_open_ended_if_some_rule_is() -> None:
    assert not (passes(1) | seconds(1)).is_open_ended
    assert (passes(1) | psnr(30)).is_open_ended
    assert plateau().is_open_ended


def test_the_target_is_the_lowest_one_named() -> None:
    assert (psnr(40) | psnr(30) | passes(1)).target_db == 30.0
    assert passes(1).target_db is None


@pytest.mark.parametrize("value", [0, -3, float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("rule", "wanted"),
    [(psnr, "a PSNR"), (seconds, "a number of seconds"), (passes, "a number of passes"), (plateau, "a gain")],
)
def test_a_limit_that_is_not_above_zero_is_refused(rule: Callable[[float], Stop], wanted: str, value: float) -> None:
    with pytest.raises(InputError, match=f"expected {wanted}.* above 0 as a stop rule, got {value}"):
        rule(value)


def test_a_plateau_without_work_is_refused() -> None:
    with pytest.raises(InputError, match="a number of steps above 0"):
        plateau(most_steps=0)
