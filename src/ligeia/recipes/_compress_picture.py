"""Pictures as latent grids: `compress` of what has two axes and the channels of a picture."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ligeia import codec, fitting
from ligeia.codec import CodedLatents, FieldRecord, LatentMoments, LatentTarget, picture_network
from ligeia.core import InputError
from ligeia.fitting import Callback, Checkpointer, Cooling, Objective, Recipe, Report, State, Step, Values
from ligeia.networks import NetworkConfig
from ligeia.signals import ImageSource, Signal

from ._fit import new_field

_STEPS = {effort: 100 * 2 ** (effort - 1) for effort in range(1, 10)}
_USUAL_PIXELS = 1 << 20  # of larger pictures the steps are fewer, by the root of how much larger
_MOST_PIXELS = 1 << 26  # some 220 bytes of memory each
_LEAST_STEPS = _STEPS[1]
_NEAR_DB = 0.2
_MOST_TRIES = 3
_MEASUREMENTS = 16  # of a fit, as in `fitting.fit`


class PictureJob(NamedTuple):
    """What a picture file is to be made of, and how."""

    signal: Signal
    effort: int
    seed: int
    callbacks: tuple[Callback, ...]
    checkpoint: Checkpointer | None


def steps_of(effort: int, num_points: int) -> int:
    """Return the steps of a fit of so many pixels."""
    return max(_LEAST_STEPS, round(_STEPS[effort] * min(1.0, math.sqrt(_USUAL_PIXELS / num_points))))


class TooSmall(Exception):
    """No grids fit into so few bytes."""


def is_picture(signal: Signal) -> bool:
    """Tell whether a signal is a picture that grids can hold: of an image file, its samples values at points."""
    return (
        isinstance(signal.source, ImageSource)
        and signal.grid.num_axes == 2
        and signal.grid.num_inputs == 2
        and signal.grid.align == "centers"
        and not signal.grid.is_averaged
        and 1 <= signal.num_channels <= 4
        and signal.missing is None
        and signal.grid.num_samples <= _MOST_PIXELS
        and not any(axis.ticks for axis in signal.grid.axes)
    )


def picture_of_size(job: PictureJob, num_bytes: int) -> tuple[bytes, Report]:
    """Return the best file of so many bytes at most; `TooSmall` where there is none."""
    signal = job.signal
    config = _config(signal)
    room = num_bytes - _bytes_beside(signal, config)
    if room < 1 or codec.num_cells(config) > codec.most_cells(room):
        raise TooSmall
    return _fitted(job, config, LatentTarget(num_bytes=room), num_bytes)


def picture_of_quality(job: PictureJob, psnr_db: float) -> tuple[bytes, Report]:
    """Return a small file of a quality, which is missed by 0.2 dB at most."""
    config, aim_db = _config(job.signal), psnr_db
    best: tuple[bytes, Report] | None = None
    nearest_db = -math.inf
    for _ in range(_MOST_TRIES):
        made = _fitted(job, config, LatentTarget(error=4 * 10 ** (-aim_db / 10)), None)
        missed_db = psnr_db - made[1].psnr_db
        nearest_db = max(nearest_db, made[1].psnr_db)
        if missed_db <= _NEAR_DB and (best is None or len(made[0]) < len(best[0])):
            best = made
        if abs(missed_db) <= _NEAR_DB or math.isinf(missed_db):
            break
        aim_db += missed_db
    if best is None:
        raise InputError(
            f"{psnr_db:g} dB were not reached in {_MOST_TRIES} tries, {nearest_db:.2f} were; ask for less, for more "
            "effort, or for a lossless file."
        )
    return best


def _config(signal: Signal) -> NetworkConfig:
    rows, columns = signal.grid.shape
    return picture_network((rows, columns), signal.num_channels)


def _bytes_beside(signal: Signal, config: NetworkConfig) -> int:
    """Return the bytes of a file that are not of its grids and networks."""
    empty = codec.no_latents(config)
    return len(codec.encode(_record(signal, config, empty))) - codec.latents_bytes(empty)


def _record(signal: Signal, config: NetworkConfig, latents: codec.Latents) -> FieldRecord:
    return FieldRecord(config, signal.grid, signal.channels, signal.source, (), signal.missing, None, latents)


def _fitted(
    job: PictureJob, config: NetworkConfig, target: LatentTarget, num_bytes: int | None
) -> tuple[bytes, Report]:
    signal, num_points = job.signal, job.signal.grid.num_samples
    steps = steps_of(job.effort, num_points)
    objective = Values(signal, seed=job.seed)
    samples = signal.normalized(np.arange(num_points))
    picture = np.ascontiguousarray(samples.T, np.float32).reshape(-1, *signal.grid.shape)
    coded = CodedLatents(network=config, picture=picture, target=target, num_steps=steps)
    recipe = Recipe(name="latents", optimizer=coded, batch_size=None, cooling=Cooling(), spike=None)
    field = new_field(signal, config, [1.0, 1.0], seed=job.seed)
    state = State(field, recipe, num_points)
    moments = state.moments
    assert isinstance(moments, LatentMoments)
    callbacks: Sequence[Callback] = job.callbacks
    if job.checkpoint is not None:
        job.checkpoint.begin(state, f"{signal.digest()} {config} {recipe} {steps} steps, seed {job.seed}")
        callbacks = (*callbacks, job.checkpoint)
    stop = fitting.passes(steps)

    def take_step(state: State, objective: Objective, indices: np.ndarray) -> float:
        before, number = recipe.position(state.progress, stop), state.progress.steps
        error = moments.take(before, number + job.seed * 0x9E3779B1, slower=state.progress.rate_factor)
        if int((number + 1) * _MEASUREMENTS / steps) > int(number * _MEASUREMENTS / steps):
            moments.show()
        return error

    report = fitting.fit(
        field, objective, recipe, stop, seed=job.seed, callbacks=callbacks, state=state, take_step=take_step
    )
    if job.checkpoint is not None:
        job.checkpoint.write(state)

    def watch() -> None:
        for callback in job.callbacks:
            callback(Step(state, 1.0))

    latents = moments.finish(watch)
    data = codec.encode(_record(signal, config, latents))
    is_too_large = num_bytes is not None and len(data) > num_bytes
    if is_too_large or codec.num_cells(config) > latents.most_cells:
        if job.checkpoint is not None:
            job.checkpoint.close()
        raise TooSmall
    quality = objective.quality(codec.from_record(codec.decode(data)))
    report = replace(
        report,
        psnr_db=quality.psnr_db,
        num_measured=quality.num_measured,
        learned_nothing=quality.psnr_db < objective.constant_db,
    )
    return data, report
