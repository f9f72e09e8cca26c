import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ligeia.core import DivergenceError
from ligeia.field import Field
from ligeia.fitting import (
    Adam,
    LRSchedule,
    Objective,
    Recipe,
    State,
    Values,
    autograd_step,
    fit,
    passes,
    plateau,
)
from ligeia.signals import Signal

pytest_plugins = ["support.fixtures"]
Build = Callable[..., Field]
QUICK = Recipe(name="quick", optimizer=Adam(learning_rate=2e-3), batch_size=30, schedule=LRSchedule(warmup_steps=5))


class Poisoned:
    """A step that spoils the weights after some steps, and gives NaN or the loss from before."""

    def __init__(self, *steps: int, tells: bool) -> None:
        self.steps = steps
        self.tells = tells
        self.taken = 0

    def __call__(self, state: State, objective: Objective, indices: np.ndarray) -> float:
        loss = autograd_step(state, objective, indices)
        self.taken += 1
        if self.taken not in self.steps:
            return loss
        with torch.no_grad():
            for parameter in state.field.network.parameters():
                parameter.fill_(math.nan)
        return math.nan if self.tells else loss


def is_finite(field: Field) -> bool:
    return all(bool(parameter.isfinite().all()) for parameter in field.network.parameters())


def test_a_loss_that_is_not_finite_goes_back_to_the_last_good_state_at_half_the_rate(
    signal: Signal, build: Build
) -> None:
    field = build(signal)
    report = fit(field, Values(signal), QUICK, passes(50), take_step=Poisoned(33, tells=True))
    assert [(each.steps, each.rate_factor) for each in report.restarts] == [(33, 0.5)]
    assert report.restarts[0].reason == "the loss was not finite"
    assert is_finite(field)
    assert report.psnr_db > 25
    assert report.steps == 200


@pytest.mark.parametrize("step", [1, 2, 5, *range(17, 22), 40, 79, 80])
def test_spoiled_weights_are_never_kept_wherever_they_come(signal: Signal, build: Build, step: int) -> None:
    field = build(signal)
    report = fit(field, Values(signal), QUICK, passes(20), take_step=Poisoned(step, tells=False))
    assert len(report.restarts) == 1
    assert is_finite(field)
    assert math.isfinite(report.psnr_db)
    assert report.steps == 80


@pytest.mark.parametrize("tells", [False, True])
def test_a_stage_whose_last_step_diverged_still_ends(signal: Signal, build: Build, tells: bool) -> None:
    field = build(signal)
    recipe = replace(QUICK, schedule=LRSchedule(warmup_steps=5, first_stage=20))
    report = fit(
        field,
        Values(signal),
        recipe,
        plateau(1e-9, most_steps=140),
        take_step=Poisoned(20, tells=tells),
    )
    assert len(report.restarts) == 1
    assert is_finite(field)
    # 140 steps of three stages: a stage that never ended would leave the rate at 0 and the quality where it was
    assert report.curve[-1].psnr_db > report.curve[0].psnr_db + 1


def test_a_fit_that_stays_lost_says_so(signal: Signal, build: Build) -> None:
    def lost(*_: object) -> float:
        return math.nan

    with pytest.raises(DivergenceError, match=r"not finite after 9 steps and 8 restarts .* lower omega_0"):
        fit(build(signal), Values(signal), QUICK, passes(200), take_step=lost)


def test_a_loss_that_rises_high_above_its_lowest_counts_as_divergence(signal: Signal, build: Build) -> None:
    taken = 0

    def jumps(state: State, objective: Objective, indices: np.ndarray) -> float:
        nonlocal taken
        taken += 1
        loss = autograd_step(state, objective, indices)
        return 1e3 if taken == 120 else loss

    report = fit(build(signal), Values(signal), QUICK, passes(100), take_step=jumps)
    assert [each.steps for each in report.restarts] == [120]
    assert report.restarts[0].reason == "the loss rose 3 times above its lowest"


def test_a_spike_is_no_divergence_where_the_recipe_says_so(signal: Signal, build: Build) -> None:
    def jumps(*_: object) -> float:
        return float(np.random.default_rng().choice([1.0, 1e6]))

    report = fit(build(signal), Values(signal), replace(QUICK, divergence_threshold=None), passes(50), take_step=jumps)
    assert report.restarts == ()


def test_a_learning_rate_far_too_high_ends_finite_and_no_worse_than_a_constant(signal: Signal, build: Build) -> None:
    field = build(signal)
    wild = replace(QUICK, optimizer=Adam(learning_rate=1.0))
    report = fit(field, Values(signal), wild, passes(100))
    assert is_finite(field)
    constant_db = 20 * math.log10(255 / float(np.std(signal.values)))  # what the mean value alone would score
    assert report.psnr_db > constant_db - 1
