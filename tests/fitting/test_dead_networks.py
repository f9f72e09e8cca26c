"""A network that gives a constant goes back to where it began, at half the rate."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from ligeia.field import Field
from ligeia.fitting import Adam, LRSchedule, Objective, Recipe, State, Values, autograd_step, fit, passes
from ligeia.signals import Signal, from_array
from support.sines import siren_of

pytest_plugins = ["support.fixtures"]
Build = Callable[..., Field]
QUICK = Recipe(name="quick", optimizer=Adam(learning_rate=2e-3), batch_size=30, schedule=LRSchedule(warmup_steps=3))


class Killed:
    """Steps of which the first ``steps`` leave the output layer at 0."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self, state: State, objective: Objective, indices: np.ndarray) -> float:
        loss = autograd_step(state, objective, indices)
        if self.left > 0:
            self.left -= 1
            with torch.no_grad():
                siren_of(state.field).linears()[-1].weight.zero_()
        return loss


def test_a_dead_network_is_revived_at_half_the_rate(signal: Signal, build: Build) -> None:
    field = build(signal)
    report = fit(field, Values(signal), QUICK, passes(60), take_step=Killed(90))
    assert [restart.reason for restart in report.restarts] == ["the network gave a constant"]
    assert report.restarts[0].rate_factor == 0.5
    assert report.psnr_db > Values(signal).constant_db + 1


@pytest.mark.no_cover
def test_what_cannot_be_learned_is_tried_three_times(signal: Signal, build: Build) -> None:
    report = fit(build(signal), Values(signal), QUICK, passes(200), take_step=Killed(10**6))
    assert len(report.restarts) == 3
    assert report.psnr_db < Values(signal).constant_db + 0.1


def test_the_reference_recipe_is_left_alone(signal: Signal, build: Build) -> None:
    reference = Recipe(
        name="r", optimizer=Adam(learning_rate=1e-4), batch_size=None, schedule=None, divergence_threshold=None
    )
    assert fit(build(signal), Values(signal), reference, passes(120), take_step=Killed(10**6)).restarts == ()


def test_noise_is_not_taken_for_a_dead_network(build: Build) -> None:
    noise = from_array(np.random.default_rng(0).integers(0, 256, (12, 10), dtype=np.uint8))
    assert fit(build(noise), Values(noise), QUICK, passes(60)).restarts == ()


@pytest.mark.usefixtures("two_threads", "single_precision")
def test_a_batch_shared_by_two_threads_has_the_gradient_of_one(build: Build) -> None:
    signal = from_array(np.random.default_rng(1).integers(0, 256, (30, 20), dtype=np.uint8))
    recipe = Recipe(name="full", optimizer=Adam(learning_rate=1e-4), batch_size=None, schedule=None)
    shared, alone = build(signal), build(signal)
    fit(shared, Values(signal), recipe, passes(3))
    fit(alone, Values(signal), recipe, passes(3), take_step=autograd_step)
    for one, other in zip(shared.parameters(), alone.parameters(), strict=True):
        assert_allclose(one.detach(), other.detach(), rtol=0, atol=1e-6)
