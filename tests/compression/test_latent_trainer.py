"""The trainer of pictures: honest counts, settings instead of patches, and a way back from divergence."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from skimage import data

from ligeia.codec import latents_bytes, picture_network
from ligeia.compression import LatentSettings, LatentTarget, LatentTrainer
from ligeia.core import DivergenceError
from ligeia.fitting import Step, Values
from ligeia.recipes import new_field
from ligeia.signals import Signal, from_array

CAT = data.chelsea()[100:124, 100:132]
NUM_STEPS = 30


def signal_of(pixels: np.ndarray) -> Signal:
    """Return a picture of three channels."""
    return from_array(pixels, channels=True)


def trainer_of(signal: Signal, target: LatentTarget, settings: LatentSettings | None = None) -> LatentTrainer:
    """Return a fit of a picture that has not begun."""
    config = picture_network((signal.grid.shape[0], signal.grid.shape[1]), signal.num_channels)
    picture = np.ascontiguousarray(signal.normalized(np.arange(signal.grid.num_samples)).T, np.float32)
    field = new_field(signal, config, [1.0, 1.0], seed=0)
    return LatentTrainer(
        field, config, picture.reshape(-1, *signal.grid.shape), target, NUM_STEPS, settings=settings, seed=3
    )


def without_landings() -> LatentSettings:
    """Return settings with no steps after a fit that missed its target."""
    return replace(LatentSettings(), landing=replace(LatentSettings().landing, most=0))


def test_callbacks_see_every_step_and_the_report_counts_it() -> None:
    signal = signal_of(CAT)
    trainer = trainer_of(signal, LatentTarget(num_bytes=500))
    seen: list[tuple[int, float, float]] = []
    kept: list[dict[str, Any]] = []

    def watch(step: Step) -> None:
        assert step.state is trainer
        seen.append((step.state.progress.steps, step.position, step.state.progress.seconds))
        if step.state.progress.steps > NUM_STEPS:
            kept.append(step.state.to_plain())

    made = trainer.run(Values(signal), callbacks=[watch])
    assert latents_bytes(made) <= 500
    steps, positions, seconds = zip(*seen, strict=True)
    assert steps == tuple(range(1, len(seen) + 1))
    assert len(seen) > NUM_STEPS  # it landed
    assert positions == tuple(min(1.0, step / NUM_STEPS) for step in steps)
    assert all(one <= other for one, other in itertools.pairwise(seconds))
    assert {plain["progress"]["steps"] for plain in kept} == {NUM_STEPS}  # what a checkpoint keeps
    report = trainer.report(31.0, 768, learned_nothing=False)
    assert (report.steps, report.passes, report.stopped_by, report.seed) == (len(seen), len(seen), "passes", 3)
    assert (report.psnr_db, report.curve[-1].psnr_db, report.seconds) == (31.0, 31.0, seconds[-1])
    assert len(report.curve) > 2


def test_settings_say_how_a_fit_goes() -> None:
    signal = signal_of(CAT)
    trainer = trainer_of(signal, LatentTarget(num_bytes=500), without_landings())
    trainer.run(Values(signal))
    assert trainer.progress.steps == NUM_STEPS


def test_a_callback_ends_a_fit() -> None:
    signal = signal_of(CAT)
    trainer = trainer_of(signal, LatentTarget(error=1e-2), without_landings())
    trainer.run(Values(signal), callbacks=[lambda step: step.state.progress.steps == 4])
    report = trainer.report(20.0, 768, learned_nothing=False)
    assert (report.steps, report.stopped_by) == (4, "callback")


def spoiling(trainer: LatentTrainer, at: set[int]) -> Any:
    """Return a callback after which, at some steps, the point network holds no numbers."""

    def spoil(step: Step) -> None:
        if step.state.progress.steps in at:
            trainer._latents._vectors[2][:] = np.nan

    return spoil


def test_a_fit_that_diverges_goes_back_at_half_the_rates() -> None:
    signal = signal_of(CAT)
    trainer = trainer_of(signal, LatentTarget(error=1e-2), without_landings())
    trainer.run(Values(signal), callbacks=[spoiling(trainer, {7, 20})])
    report = trainer.report(20.0, 768, learned_nothing=False)
    assert [(each.steps, each.rate_factor) for each in report.restarts] == [(8, 0.5), (21, 0.25)]
    assert math.isfinite(trainer.progress.loss)


def test_a_fit_that_diverges_for_ever_ends_with_an_error() -> None:
    signal = signal_of(CAT)
    trainer = trainer_of(signal, LatentTarget(error=1e-2), without_landings())
    with pytest.raises(DivergenceError, match="not finite after 10 steps and 8 restarts"):
        trainer.run(Values(signal), callbacks=[spoiling(trainer, set(range(NUM_STEPS)))])
