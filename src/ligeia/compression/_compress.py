"""`compress`: any signal to a small file, by a network that is fitted in its quantized form."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import numpy as np
import torch

from ligeia import codec, fitting
from ligeia.codec import QuantizedTensor, check_field_output
from ligeia.core import InputError, check_writable, filled, write_whole
from ligeia.field import Field, Report, from_record
from ligeia.fitting import Adam, Callback, Checkpointer, LRSchedule, Objective, Recipe, State, Stop, TakeStep, Values
from ligeia.kernels import workspace
from ligeia.networks import LatentGrid, NetworkConfig, SirenArchitecture
from ligeia.recipes import (
    AT_ONCE,
    Configuration,
    SignalLike,
    fast,
    meet_constant,
    new_field,
    num_coefficients,
    to_signal,
    with_snr,
)
from ligeia.signals import Signal, SoundSource

from ._deadline import Deadline
from ._job import Compressed, Job
from ._picture import is_picture, picture_of_quality, picture_of_size, steps_of
from ._pruning import without_idle_neurons
from ._request import CompressOptions, CompressRequest
from ._sizes import NARROWEST, OMEGA_0, empty_record, least_bytes, other_config, siren_of, smallest_bytes, width_of
from ._weights import CodedState, CodedWeights, bytes_beside_weights

_PASSES = {effort: 45 * 2 ** (effort - 1) for effort in range(1, 10)}
_MOST_SAMPLES = 768 * 512  # a larger signal takes as many steps as one of these, not as many passes
_BATCH = 4096
_LEAST_STEPS = 2000
_LEAST_BATCH = 64  # points of a batch of the optimizer ...
_LEAST_BATCHES = 16  # ... and such batches in a pass of a small signal
_RATE = 0.06  # over the width
_RATE_WIDTH = 64
_BETAS = (0.9, 0.99)
_NEAR_DB = 0.2  # a target quality counts as met if it is missed by no more than this
_MOST_TRIES = 6
_MOST_COEFFICIENTS = 0.9  # of all: a quality that needs more is out of reach of a field
_MOST_FACTOR = 4.0  # between the sizes of two tries
_BRACKET = 1.03  # sizes within this ratio count as equal
_DB_PER_DOUBLING = 2.5  # of the bytes
_FIRST_BITS_PER_COEFFICIENT = 6.0
_CONSTANT_BITS = (22, 14, 6)
_MOST_AVERAGED = 1 << 16  # samples
_FIELD_BYTES = (400,)  # sizes of fields to try for a lossless file, besides the smallest


def compress(
    source: SignalLike,
    output: Path | str | None = None,
    request: CompressRequest | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
    **options: Unpack[CompressOptions],
) -> Compressed:
    """Compress any signal to a file of a given size or quality; write it to ``output`` if given.

    ``options`` are the fields of `CompressRequest`, which says what they mean: they change those of ``request``.
    Exactly one of them is the target: ``bits_per_pixel`` or ``bits_per_sample``, ``most_bytes``, ``psnr_db``,
    ``snr_db`` or ``lossless``. The result is decoded from the file's bytes.

    Pictures from files become latent grids with coded integers. Everything else becomes a sine network with coded
    weights; so do pictures that are ``lossless``, have a ``configuration``, or are given
    ``network=SirenArchitecture()``.

    >>> made = compress(np.arange(4096, dtype=np.uint8).reshape(64, 64), most_bytes=600, effort=1)
    >>> made.num_bytes <= 600
    True
    """
    asked = filled(CompressRequest, request, options)
    if output is not None:
        check_field_output(Path(output))
        check_writable(Path(output))
    signal = to_signal(source, working_set=asked.working_set)
    made = _made(_job_of(signal, asked, tuple(callbacks), checkpoint), asked)
    if output is not None:
        write_whole(Path(output), made.data)
    return made


def _job_of(
    signal: Signal, asked: CompressRequest, callbacks: tuple[Callback, ...], checkpoint: Checkpointer | None
) -> Job:
    is_usual = asked.network in (None, LatentGrid()) and asked.configuration is None
    grids = is_usual and not asked.lossless and is_picture(signal)
    if asked.seconds is not None:
        lengths = {each: steps_of(each, signal.grid.num_samples) if grids else _PASSES[each] for each in _PASSES}
        callbacks = (*callbacks, Deadline(asked.seconds, asked.effort, lengths))
    other = None if grids or asked.network == SirenArchitecture() else asked.network
    configuration = asked.configuration or compact()
    return Job(signal, asked.effort, asked.seed, callbacks, checkpoint, configuration, other, grids)


def _made(job: Job, asked: CompressRequest) -> Compressed:
    """Return the file that meets the target."""
    if asked.lossless:
        return _exact(job._replace(checkpoint=None, effort=1))
    if asked.psnr_db is not None:
        return _of_quality(job._replace(checkpoint=None), asked.psnr_db)
    if asked.snr_db is not None:
        snr = fitting.snr(asked.snr_db).in_psnr(job.signal.snr_offset_db)
        return _of_quality(job._replace(checkpoint=None), snr.target_db or 0.0)
    if asked.most_bytes is not None:
        return _of_size(job, asked.most_bytes)
    bits = (asked.bits_per_pixel or 0.0) + (asked.bits_per_sample or 0.0)
    return _of_size(job, math.floor(bits * job.signal.grid.num_samples / 8))


def _exact(job: Job) -> Compressed:
    """Return the smallest of several lossless files."""
    signal = job.signal
    if not np.issubdtype(signal.values.dtype, np.integer) and signal.values.dtype != np.bool_:
        advice = "; FLAC is for sounds" if isinstance(signal.source, SoundSource) else ""
        raise InputError(f"expected integer samples for a lossless file, got {signal.values.dtype}{advice}.")
    least = smallest_bytes(signal)
    made = [_of_size(job._replace(network=None), least)]
    for num_bytes in _FIELD_BYTES:
        if num_bytes >= max(least, least_bytes(signal, job.network)):
            made.append(_of_size(job, num_bytes))
    samples = np.asarray(signal.values)
    coded = [(codec.smallest_lossless([each.record], samples)[1], each.report) for each in made]
    data, report = min(coded, key=lambda each: len(each[0]))
    record = codec.decode(data)
    if not np.array_equal(codec.exact_samples(record), samples):
        raise AssertionError("a lossless file does not give back its samples.")
    report = with_snr(replace(report, psnr_db=math.inf, learned_nothing=False), signal)
    return Compressed(data=data, record=record, report=report, num_samples=signal.grid.num_samples)


def _of_size(job: Job, num_bytes: int) -> Compressed:
    """Return the best file of at most ``num_bytes`` bytes."""
    signal = job.signal
    if num_bytes < (smallest := smallest_bytes(signal)):
        bits = 8 * smallest / signal.grid.num_samples
        raise InputError(
            f"expected at least {smallest} bytes, the smallest file of this signal ({bits:.3g} bits per sample), got "
            f"{num_bytes}."
        )
    if job.as_grids and not _is_constant(signal):
        made = picture_of_size(job, num_bytes)
        if made is not None:
            return made  # otherwise a sine network of a few weights is smaller
    turns = [found.omega for found in job.configuration.first_frequencies(signal, OMEGA_0)]
    if job.network is None:
        config = siren_of(signal, width_of(signal, num_bytes))
    else:
        config = other_config(signal, job.network, turns, num_bytes)
        turns = [config.architecture.frequency_scale * each for each in turns]
    field = new_field(signal, config, turns, seed=job.seed)
    objective = Values(signal, seed=job.seed)
    is_constant = meet_constant(field, objective)
    kept = _kept_tensors(field)
    room = num_bytes - bytes_beside_weights(empty_record(signal, config))
    room = max(1, room - sum(1 + each.nbytes for each in kept.values()))
    recipe = _recipe_for(job.configuration, config, objective.num_points, room)
    state = State(field, recipe, objective.num_points)
    callbacks = job.callbacks
    if job.checkpoint is not None:
        job.checkpoint.begin(state, _identity(job, config, recipe))
        callbacks = (*callbacks, job.checkpoint)
    num_points = objective.num_points
    usual = _PASSES[job.effort] * min(1.0, _MOST_SAMPLES / num_points)
    least = _LEAST_STEPS * min(recipe.batch_size or num_points, num_points) / num_points
    stop = fitting.passes(AT_ONCE if is_constant else max(usual, least))
    with coded_steps(field, objective, recipe, stop) as take_step:
        report = fitting.fit(
            field, objective, recipe, stop, seed=job.seed, callbacks=callbacks, state=state, take_step=take_step
        )
    if is_constant:
        return _constant(signal, objective, num_bytes, replace(report, stopped_by="exact"))
    moments = state.optimizer_state
    assert isinstance(moments, CodedState)
    fitted = iter(moments.trim(room))
    tensors = [kept[number] if number in kept else next(fitted) for number in range(len(field.network.tensors()))]
    record = replace(empty_record(signal, config), tensors=tuple(tensors))
    pruned = without_idle_neurons(record)
    candidates = [record] if pruned is record else [record, pruned]
    made = _read_back(signal, min(map(codec.encode, candidates), key=len), report, objective)
    if made.psnr_db >= objective.constant_db:
        return made
    constant = _constant(signal, objective, num_bytes, replace(report, learned_nothing=True))
    return max(made, constant, key=lambda each: each.psnr_db)


def _identity(job: Job, config: NetworkConfig, recipe: Recipe) -> str:
    """Return what tells a fit of coded weights from others: a checkpoint of another one is refused."""
    coded = recipe.optimizer
    assert isinstance(coded, CodedWeights)
    optimizer: dict[str, fitting.Part] = {
        "kind": "coded",
        "adam": fitting.optimizer_part(coded.optimizer),
        "num_bytes": coded.num_bytes,
        "batch_size": coded.batch_size,
        "priced_from": coded.priced_from,
        "small_by": coded.small_by,
        "rounded_from": coded.rounded_from,
        "muon": coded.muon,
        "longest": coded.longest,
    }
    return fitting.identity(
        "weights",
        data=fitting.samples_part(job.signal.digest(), job.signal.grid, job.signal.channels),
        network=fitting.network_part(config),
        recipe=fitting.recipe_part(recipe, optimizer),
        passes=_PASSES[job.effort],
        seed=job.seed,
    )


def _is_constant(signal: Signal) -> bool:
    return bool((signal.values == signal.values[:1, :1]).all())


def _constant(signal: Signal, objective: Values, num_bytes: int, report: Report) -> Compressed:
    """Return the smallest file that gives each channel's mean, as precisely as the bytes allow."""
    chosen = np.unique(np.linspace(0, objective.num_points - 1, _MOST_AVERAGED, dtype=np.int64))
    value = objective.batch(chosen, torch.device("cpu"))[1].double().mean(dim=0).numpy()
    empty = empty_record(signal, siren_of(signal, NARROWEST))
    data = codec.encode(empty)
    for bits in _CONSTANT_BITS:
        step = codec.nearest_step(max(float(np.abs(value).max()), 1e-6) / 2**bits)
        bias = QuantizedTensor(np.rint(value / step).astype(np.int32), step)
        found = codec.encode(replace(empty, tensors=(*empty.tensors[:-1], bias)))
        if len(found) <= num_bytes:
            data = found
            break
    return _read_back(signal, data, report, objective)


def _kept_tensors(field: Field) -> dict[int, np.ndarray]:
    """Return the tensors that are not trained, by their numbers, in float16 if that is exact."""
    found = {}
    for number, tensor in enumerate(field.network.tensors()):
        if not tensor.requires_grad:
            values = tensor.numpy()
            half = values.astype(np.float16)
            found[number] = half if np.array_equal(half, values) else values
    return found


def _recipe_for(configuration: Configuration, config: NetworkConfig, num_points: int, num_bytes: int) -> Recipe:
    """Return a recipe for a network and a size; small signals have smaller batches, the rate scales with their root."""
    coded = configuration.recipe.optimizer
    if not isinstance(coded, CodedWeights):
        raise InputError(f"expected a recipe with CodedWeights for compressing, got {type(coded).__name__}.")
    batch_size = min(coded.batch_size, max(_LEAST_BATCH, num_points // _LEAST_BATCHES))
    rate = coded.learning_rate * math.sqrt(batch_size / coded.batch_size) * _RATE_WIDTH
    architecture = config.architecture
    if architecture.takes_muon:
        rate /= architecture.max_width
    else:  # the bound of the norms is for sine networks, too
        rate *= architecture.rate / architecture.num_features
        coded = replace(coded, muon=0.0, longest=math.inf)
    optimizer = replace(coded.optimizer, learning_rate=rate)
    together = max(1, (configuration.recipe.batch_size or num_points) // coded.batch_size)  # in a step of the fit
    coded = replace(coded, optimizer=optimizer, batch_size=batch_size, num_bytes=num_bytes)
    return replace(configuration.recipe, optimizer=coded, batch_size=together * batch_size)


def _of_quality(job: Job, psnr_db: float) -> Compressed:
    """Return a small file of a quality, by bisection between a file that is too bad and a larger one."""
    signal = job.signal
    least = smallest_bytes(signal)
    if job.as_grids and not _is_constant(signal):
        made = picture_of_quality(job, psnr_db)
        if made is not None:
            return made
        job = job._replace(as_grids=False)
    coefficients = num_coefficients(signal, psnr_db)
    if coefficients > _MOST_COEFFICIENTS * signal.values.size:
        raise InputError(
            f"expected a quality that a field can reach, {psnr_db:g} dB take about as many numbers as there are "
            f"samples, {signal.values.size:,}; ask for less, or for a lossless file."
        )
    num_bytes = max(2 * least, round(_FIRST_BITS_PER_COEFFICIENT * coefficients / 8))
    best: Compressed | None = None
    below: tuple[int, float] | None = None
    for _ in range(_MOST_TRIES):
        made = _of_size(job, num_bytes)
        if made.psnr_db < psnr_db - _NEAR_DB:
            if below is None or made.psnr_db > below[1]:
                below = (num_bytes, made.psnr_db)
        elif best is None or made.num_bytes < best.num_bytes:
            best = made
        if abs(made.psnr_db - psnr_db) <= _NEAR_DB:
            break
        above = None if best is None else (best.num_bytes, best.psnr_db)
        if below is not None and above is not None and above[0] <= _BRACKET * below[0]:
            break
        num_bytes = max(least, _next_size(below, above, psnr_db))
    if best is None:
        raise InputError(f"could not reach {psnr_db:g} dB in {_MOST_TRIES} tries; ask for less, or allow more effort.")
    return best


def _next_size(below: tuple[int, float] | None, above: tuple[int, float] | None, psnr_db: float) -> int:
    """Return the size to try next, from size and quality of the best file below and the smallest above the target."""
    if below is not None and above is not None:
        share = min(max(0.1, (psnr_db - below[1]) / (above[1] - below[1])), 0.9)
        return round(below[0] * (above[0] / below[0]) ** share)
    num_bytes, reached_db = below or above or (0, 0.0)
    factor = 2 ** ((psnr_db - reached_db) / _DB_PER_DOUBLING)
    return round(num_bytes * min(max(1 / _MOST_FACTOR, factor), _MOST_FACTOR))


@contextmanager
def coded_steps(field: Field, objective: Values, recipe: Recipe, stop: Stop) -> Iterator[TakeStep]:
    """Open the steps of a fit of `CodedWeights`; each passes on which share of the fit is done."""
    shape = fitting.fused_shape(field, objective)
    with fitting.gradients_of(field, objective) as gradients:

        def take_step(state: State, objective: Objective, indices: np.ndarray) -> float:
            moments = state.optimizer_state
            assert isinstance(moments, CodedState)
            assert isinstance(objective, Values)
            position = recipe.position(state.progress, stop)
            moments.begin(position)
            done, error = 0, 0.0
            if shape is not None:
                points, samples = objective.batch(indices, torch.device("cpu"))
                low = shape.bfloat16 and not moments.is_rounded
                with workspace(shape._replace(bfloat16=low)) as network:
                    done, error = moments.take_fused(network, points, samples, objective.weights, state.learning_rate)
            num_batches = moments.num_batches(len(indices))
            for number in range(done, num_batches):
                ends = (len(indices) * each // num_batches for each in (number, number + 1))
                batch = indices[slice(*ends)]
                moments.evaluate()
                loss, found = gradients(batch)
                error += loss * len(batch) / len(indices)
                moments.take(found, state.learning_rate, 1 / num_batches)
            if done < num_batches:  # compiled steps leave the weights rounded
                moments.round()
            if math.isfinite(error):  # otherwise the loop returns to the last good state
                moments.end(error, state.learning_rate, position)
            return error

        yield take_step


def compact() -> Configuration:
    """Return the configuration for networks of small files: many small batches, a first layer for few weights."""
    adam = Adam(learning_rate=_RATE / _RATE_WIDTH, betas=_BETAS)
    recipe = Recipe(
        name="compact",
        optimizer=CodedWeights(optimizer=adam, num_bytes=0),
        batch_size=_BATCH,
        schedule=LRSchedule(warmup_steps=10, slow_power=0.0),
        divergence_threshold=2.0,
        backoff=0.75,
    )
    return replace(fast(), recipe=recipe, first_layer_scale=2.0)


def _read_back(signal: Signal, data: bytes, report: Report, objective: Values) -> Compressed:
    """Decode a file, and return it with the quality of the decoded field."""
    record = codec.decode(data)
    quality = objective.quality(from_record(record))
    report = replace(report, psnr_db=quality.psnr_db, num_measured=quality.num_measured)
    return Compressed(data=data, record=record, report=with_snr(report, signal), num_samples=signal.grid.num_samples)
