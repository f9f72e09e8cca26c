import math
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from ligeia.field import Field, Report
from ligeia.fitting import (
    Adam,
    LRSchedule,
    Quality,
    Recipe,
    Step,
    Stop,
    Values,
    _loop,
    _step,
    fit,
    passes,
    plateau,
    psnr,
    seconds,
)
from ligeia.recipes import paper
from ligeia.signals import Signal, from_array

pytest_plugins = ["support.fixtures"]
Build = Callable[..., Field]
QUICK = Recipe(name="quick", optimizer=Adam(learning_rate=2e-3), batch_size=25, schedule=LRSchedule(warmup_steps=5))


def weights(field: Field) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in field.network.parameters()]


def run(field: Field, signal: Signal, stop: Stop, recipe: Recipe = QUICK, *, seed: int = 0) -> Report:
    return fit(field, Values(signal, seed=seed), recipe, stop, seed=seed)


def test_the_paper_recipe_is_a_plain_loop_of_full_batches(build: Build) -> None:
    row, column = np.mgrid[:16, :16]
    pixels = ((row * column) % 97 + row * 9).astype(np.uint8)
    signal = from_array(pixels, align="corners")
    field, plain = build(signal, width=32), build(signal, width=32).network
    report = run(field, signal, passes(20), paper().recipe)

    # as anyone would write it, with nothing of the library but the network
    axis = torch.linspace(-1, 1, 16)
    points = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)
    wanted = torch.from_numpy(pixels).reshape(-1, 1) / 255 * 2 - 1
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-4)
    for _ in range(20):
        optimizer.zero_grad()
        ((plain(points) - wanted) ** 2).mean().backward()
        optimizer.step()
    with torch.no_grad():
        error = float(((plain(points).clamp(-1, 1) - wanted) ** 2).mean())
    assert report.steps == 20
    assert report.psnr_db == pytest.approx(10 * math.log10(4 / error), abs=1e-3)


def test_a_batch_in_pieces_gives_the_same_weights(
    signal: Signal, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, pieces = build(signal), build(signal)
    first = run(whole, signal, passes(1), paper().recipe)
    monkeypatch.setattr(_step, "_PIECE", 7)
    second = run(pieces, signal, passes(1), paper().recipe)
    # Adam's first step divides a gradient by its size, so that only those near 0 could differ
    assert_close(weights(pieces), weights(whole), rtol=0, atol=1e-6)
    assert second.curve[-1].loss == pytest.approx(first.curve[-1].loss, rel=1e-6)


def test_one_seed_gives_the_same_bits_and_another_does_not(signal: Signal, build: Build) -> None:
    fields = [build(signal) for _ in range(3)]
    for field, seed in zip(fields, (4, 4, 5), strict=True):
        run(field, signal, passes(6), seed=seed)
    first, again, other = map(weights, fields)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not any(torch.equal(one, two) for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize("recipe", [QUICK, Recipe(name="c", optimizer=QUICK.optimizer, batch_size=25, schedule=None)])
def test_a_psnr_stop_has_the_quality_that_it_says(signal: Signal, build: Build, recipe: Recipe) -> None:
    field = build(signal)
    report = run(field, signal, psnr(20) | passes(5000), recipe)
    error = np.mean((field.sample().numpy().astype(np.float64).clip(0, 255) - signal.values) ** 2)
    assert report.stopped_by == "psnr"
    assert report.psnr_db >= 20
    assert report.psnr_db == pytest.approx(10 * math.log10(255**2 / error), abs=1e-2)


def test_a_psnr_seen_on_a_sample_is_checked_on_the_whole_signal(
    signal: Signal, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_loop, "_PROBE", 10)
    field = build(signal)
    report = run(field, signal, psnr(20) | passes(5000))
    assert report.stopped_by == "psnr"
    assert report.num_measured == 120
    assert Values(signal).quality(field).psnr_db >= 20


def test_a_sample_that_flatters_deceives_once(signal: Signal, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_loop, "_PROBE", 10)
    whole: list[float] = []
    quality = Values.quality

    def flattered(self: Values, field: Field, *, most_points: int | None = None) -> Quality:
        found = quality(self, field)
        if most_points is not None:
            return replace(found, psnr_db=found.psnr_db + 3)
        whole.append(found.psnr_db)
        return found

    monkeypatch.setattr(Values, "quality", flattered)
    report = run(build(signal), signal, psnr(20) | passes(5000))
    assert len(whole) == 2
    assert whole[0] < 20 <= whole[1] == report.psnr_db


def test_a_target_is_noticed_between_the_regular_measurements(signal: Signal, build: Build) -> None:
    recipe = replace(QUICK, schedule=LRSchedule(warmup_steps=5, first_stage=1000))
    ends = {run(build(signal), signal, psnr(target) | passes(5000), recipe).steps for target in (48, 51, 54, 57)}
    assert ends - {math.ceil(1000 / 16 * part) for part in range(17)}


def test_passes_end_exactly(signal: Signal, build: Build) -> None:
    report = run(build(signal), signal, passes(3))
    assert report.stopped_by == "passes"
    assert report.steps == 15
    assert report.point_steps == 360
    assert report.passes == 3.0
    assert report.curve[-1].steps == 15


def test_a_plateau_ends_a_fit_of_something_simple(build: Build) -> None:
    signal = from_array(np.full((6, 6), 100, np.uint8))
    recipe = Recipe(
        name="t", optimizer=QUICK.optimizer, batch_size=36, schedule=LRSchedule(warmup_steps=5, first_stage=60)
    )
    report = run(build(signal), signal, plateau(finest_db=Values(signal).finest_db), recipe)
    assert report.stopped_by == "plateau"
    assert report.psnr_db > 45
    assert report.passes < 2000


def test_a_plateau_ends_after_the_most_work(signal: Signal, build: Build) -> None:
    recipe = replace(QUICK, schedule=LRSchedule(warmup_steps=5, first_stage=10))
    report = run(build(signal), signal, plateau(1e-9, most_steps=30), recipe)
    assert (report.stopped_by, report.steps) == ("plateau", 10 + 20)


def test_seconds_end_a_fit(signal: Signal, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))  # a second for each step
    report = run(build(signal), signal, seconds(6))
    assert (report.stopped_by, report.steps, report.seconds) == ("seconds", 6, 6.0)


def test_callbacks_see_every_step_and_any_of_them_ends_the_fit(signal: Signal, build: Build) -> None:
    seen: list[tuple[int, float]] = []

    def ends(step: Step) -> bool:
        return step.state.progress.steps == 7

    def watches(step: Step) -> None:
        seen.append((step.state.progress.steps, step.position))

    report = fit(build(signal), Values(signal), QUICK, passes(2), callbacks=[ends, watches])
    assert report.stopped_by == "callback"
    assert report.steps == 7
    assert [steps for steps, _ in seen] == list(range(1, 8))
    assert [position for _, position in seen] == pytest.approx([steps / 10 for steps in range(1, 8)])


def test_a_report_counts_the_weights_and_its_curve_rises_in_steps(signal: Signal, build: Build) -> None:
    report = run(build(signal), signal, passes(40))
    assert report.parameters == (2 * 16 + 16) + (16 * 16 + 16) + (16 + 1)
    assert report.recipe == "quick"
    steps = [each.steps for each in report.curve]
    assert steps == sorted(steps)
    assert report.curve[-1].psnr_db == report.psnr_db
