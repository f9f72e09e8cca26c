"""Pictures as latent grids: `compress` for signals with two axes and the channels of a picture."""

import math

import numpy as np

from ligeia import codec, fitting
from ligeia.codec import FieldRecord, picture_network
from ligeia.core import InputError
from ligeia.field import from_record
from ligeia.fitting import Values
from ligeia.networks import NetworkConfig
from ligeia.recipes import new_field
from ligeia.signals import ImageSource, Signal

from ._job import Compressed, Job
from ._latent_settings import LatentTarget
from ._latent_trainer import LatentTrainer

_STEPS = {effort: 100 * 2 ** (effort - 1) for effort in range(1, 10)}
_USUAL_PIXELS = 1 << 20  # larger pictures take fewer steps, in proportion to the inverse root of their size
_MOST_PIXELS = 1 << 26  # some 220 bytes of memory each
_LEAST_STEPS = _STEPS[1]
_NEAR_DB = 0.2
_MOST_TRIES = 3


def steps_of(effort: int, num_points: int) -> int:
    """Return the number of steps for a picture of ``num_points`` pixels."""
    return max(_LEAST_STEPS, round(_STEPS[effort] * min(1.0, math.sqrt(_USUAL_PIXELS / num_points))))


def is_picture(signal: Signal) -> bool:
    """Return whether grids can represent a signal: it is from an image file, with values at points."""
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


def picture_of_size(job: Job, num_bytes: int) -> Compressed | None:
    """Return the best file of at most ``num_bytes`` bytes; None if no grids fit into it."""
    config = _config(job.signal)
    room = num_bytes - _bytes_beside(job.signal, config)
    if room < 1 or codec.num_cells(config) > codec.most_cells(room):
        return None
    made = _fitted(job, config, LatentTarget(num_bytes=room))
    if made is not None and made.num_bytes <= num_bytes:
        return made
    if job.checkpoint is not None:
        job.checkpoint.close()
    return None


def picture_of_quality(job: Job, psnr_db: float) -> Compressed | None:
    """Return a small file of a quality, missed by 0.2 dB at most; None if its bytes suffice for no grids."""
    config, aim_db = _config(job.signal), psnr_db
    best: Compressed | None = None
    nearest_db = -math.inf
    for _ in range(_MOST_TRIES):
        made = _fitted(job, config, LatentTarget(error=4 * 10 ** (-aim_db / 10)))
        if made is None:
            return None
        missed_db = psnr_db - made.psnr_db
        nearest_db = max(nearest_db, made.psnr_db)
        if missed_db <= _NEAR_DB and (best is None or made.num_bytes < best.num_bytes):
            best = made
        if abs(missed_db) <= _NEAR_DB or math.isinf(missed_db):
            break
        aim_db += missed_db
    if best is None:
        raise InputError(
            f"could not reach {psnr_db:g} dB in {_MOST_TRIES} tries, got {nearest_db:.2f}; ask for less, allow more "
            "effort, or make a lossless file."
        )
    return best


def _config(signal: Signal) -> NetworkConfig:
    rows, columns = signal.grid.shape
    return picture_network((rows, columns), signal.num_channels)


def _bytes_beside(signal: Signal, config: NetworkConfig) -> int:
    """Return the bytes of a file without its grids and networks."""
    empty = codec.no_latents(config)
    return len(codec.encode(_record(signal, config, empty))) - codec.latents_bytes(empty)


def _record(signal: Signal, config: NetworkConfig, latents: codec.Latents) -> FieldRecord:
    return FieldRecord(config, signal.grid, signal.channels, signal.source, (), signal.missing, None, latents)


def _fitted(job: Job, config: NetworkConfig, target: LatentTarget) -> Compressed | None:
    """Return the file of a fit towards a target; None if its bytes suffice for fewer grids than it has."""
    signal, num_points = job.signal, job.signal.grid.num_samples
    steps = steps_of(job.effort, num_points)
    objective = Values(signal, seed=job.seed)
    samples = signal.normalized(np.arange(num_points))
    picture = np.ascontiguousarray(samples.T, np.float32).reshape(-1, *signal.grid.shape)
    field = new_field(signal, config, [1.0, 1.0], seed=job.seed)
    trainer = LatentTrainer(field, config, picture, target, steps, seed=job.seed)
    if job.checkpoint is not None:
        data = fitting.samples_part(signal.digest(), signal.grid, signal.channels)
        network = fitting.network_part(config)
        job.checkpoint.begin(
            trainer, fitting.identity("picture", data=data, network=network, trainer=trainer.identity())
        )
    latents = trainer.run(objective, callbacks=job.callbacks, checkpoint=job.checkpoint)
    if codec.num_cells(config) > latents.most_cells:
        return None
    data = codec.encode(_record(signal, config, latents))
    record = codec.decode(data)
    quality = objective.quality(from_record(record))
    learned_nothing = quality.psnr_db < objective.constant_db
    report = trainer.report(quality.psnr_db, quality.num_measured, learned_nothing=learned_nothing)
    return Compressed(data=data, record=record, report=report, num_samples=num_points)
