"""The training loop. It knows no task: tasks are objectives; checkpoints, progress bars and viewers are callbacks."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import final

from ligeia.field import Field, Report

from ._objective import Objective
from ._progress import Progress
from ._recipe import Recipe
from ._state import FitState, State
from ._step import TakeStep, stepping
from ._stop import Stop

_PROBE = 1 << 12  # points on which the quality is monitored during a fit
_MEASUREMENTS = 16  # per stage, or per known budget, ...
_LEAST_BETWEEN = 8  # ... if this many times as many points were fitted between: a twentieth of the time at most
_DOUBT_DB = 0.1  # measure the whole signal if the monitored points exceed the target by this much, ...
_HOPE_DB = 0.3  # ... or miss it by no more at the end of a stage: the next one would cost more than measuring

_LEAST_LEARNED_DB = 0.1  # above the best constant: a network below that is dead, or has not started to learn


@final
@dataclass(frozen=True, slots=True)
class Step:
    """The argument of callbacks, after each step."""

    state: FitState
    position: float
    """Completed share of the current stage, or of the whole budget if it is known."""


Callback = Callable[[Step], bool | None]
"""Called after every step; True ends the fit."""


def fit(
    field: Field,
    objective: Objective,
    recipe: Recipe,
    stop: Stop,
    *,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    state: State | None = None,
    take_step: TakeStep | None = None,
) -> Report:
    """Fit a field to an objective in place, and report how it went.

    With a `passes` or `psnr` stop the weights depend only on ``seed``, device, thread count and version; with a
    `seconds` stop also on the clock. ``state`` continues an earlier fit. After a divergence the fit returns to the last
    good state at a lower rate, which the report lists; `DivergenceError` if that never helps.
    """
    state = State(field, recipe, objective.num_points) if state is None else state
    batches = objective.batches(recipe.batch_size, seed)
    began = time.perf_counter() - state.progress.seconds
    reason = stop.reason(state.progress)  # a checkpoint may be of the last step
    opened = stepping(field, objective, recipe.optimizer) if take_step is None else nullcontext(take_step)
    with opened as step:  # limits torch to one thread, so only opened where it is used
        while reason is None:
            progress = state.progress
            before = recipe.position(progress, stop)
            state.learning_rate = recipe.rate(progress, stop)
            indices = batches[progress.steps]
            loss = step(state, objective, indices)
            progress.advance(len(indices), loss, time.perf_counter() - began)
            position = recipe.position(progress, stop)
            # if the last step of a stage diverged, the stage ends with a later one
            if not state.recover() and _is_due(progress, stop, before, position):
                _measure(state, objective, recipe, stop, stage_ended=position >= 1)
            votes = [callback(Step(state, position)) for callback in callbacks]  # every callback runs
            reason = stop.reason(progress) or ("callback" if any(votes) else None)
    return _report(state, objective, recipe, reason, seed)


def _is_due(progress: Progress, stop: Stop, before: float, position: float) -> bool:
    """Return whether to measure now: at the end and every sixteenth of a stage, and when a target seems to be met."""
    if position >= 1 or not progress.curve:
        return position >= 1 or int(position * _MEASUREMENTS) > 0
    probe = min(_PROBE, progress.num_points)
    since = progress.point_steps - progress.curve[-1].point_steps
    if stop.target_db is not None and progress.expected_db >= stop.target_db:
        return since >= probe
    return since >= _LEAST_BETWEEN * probe and int(position * _MEASUREMENTS) > int(before * _MEASUREMENTS)


def _measure(state: State, objective: Objective, recipe: Recipe, stop: Stop, *, stage_ended: bool) -> None:
    progress = state.progress
    quality = objective.quality(state.field, most_points=_PROBE)
    exactly = objective.num_points <= _PROBE
    if not exactly and stop.target_db is not None:
        doubt_db = progress.probe_bias_db
        if doubt_db is None:
            doubt_db = -_HOPE_DB if stage_ended else _DOUBT_DB
        if quality.psnr_db - doubt_db >= stop.target_db:
            seen_db = quality.psnr_db
            quality, exactly = objective.quality(state.field), True
            progress.probe_bias_db = seen_db - quality.psnr_db
    if math.isnan(quality.psnr_db):  # the loss was measured before the step
        progress.loss = math.nan
        state.recover()
        return
    before_db = progress.curve[-1].psnr_db if progress.curve else -math.inf
    progress.record(quality.psnr_db, quality.num_measured, exactly=exactly)
    if quality.psnr_db > objective.constant_db + _LEAST_LEARNED_DB:
        state.keep()
    elif quality.psnr_db < before_db + _LEAST_LEARNED_DB:  # one that came from far below is still learning
        state.restart_if_collapsed()
    if stage_ended:
        progress.stage_db.append(progress.psnr_db)
        state.end_stage(recipe.next_stage(progress, stop))


def _report(state: State, objective: Objective, recipe: Recipe, stopped_by: str, seed: int) -> Report:
    progress = state.progress
    while not progress.is_measured:
        quality = objective.quality(state.field)
        if math.isnan(quality.psnr_db):
            progress.loss = math.nan
            state.recover()
        else:
            progress.record(quality.psnr_db, quality.num_measured, exactly=True)
    return Report(
        recipe=recipe.name,
        stopped_by=stopped_by,
        psnr_db=progress.psnr_db,
        num_points=progress.num_points,
        num_measured=progress.num_measured,
        seconds=progress.seconds,
        steps=progress.steps,
        passes=progress.passes,
        point_steps=progress.point_steps,
        parameters=sum(parameter.numel() for parameter in state.field.network.parameters()),
        curve=tuple(progress.curve),
        restarts=tuple(progress.restarts),
        seed=seed,
        learned_nothing=progress.psnr_db <= objective.constant_db + _LEAST_LEARNED_DB,
    )
