"""`compress`: any signal to a small file, by a network that is fitted as the file will hold it."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, final

import numpy as np
import torch

from ligeia import codec, fitting
from ligeia.codec import CodedMoments, CodedWeights, FieldRecord, QuantizedTensor
from ligeia.core import InputError, check_writable, write_whole
from ligeia.field import Field
from ligeia.fitting import (
    Adam,
    Callback,
    Checkpointer,
    Cooling,
    Objective,
    Recipe,
    Report,
    State,
    Stop,
    TakeStep,
    Values,
)
from ligeia.kernels import borrowed
from ligeia.networks import Architecture, LatentGrid, NetworkConfig, SirenConfig
from ligeia.signals import Signal, SoundSource

from ._compress_picture import PictureJob, TooSmall, is_picture, picture_of_quality, picture_of_size, steps_of
from ._compress_sizes import (
    NARROWEST,
    OMEGA_0,
    empty_record,
    least_bytes,
    other_config,
    siren_of,
    smallest_bytes,
    width_of,
)
from ._configurations import Configuration, fast
from ._deadline import Deadline
from ._fit import AT_ONCE, WORKING_SET, meet_constant, new_field, to_signal, with_snr
from ._sizing import num_coefficients

USUAL_EFFORT = 5
_PASSES = {effort: 45 * 2 ** (effort - 1) for effort in range(1, 10)}
_MOST_SAMPLES = 768 * 512  # a larger signal takes as many steps as one of these, not as many passes
_BATCH = 4096
_LEAST_STEPS = 2000
_LEAST_BATCH = 64  # points of a batch of the optimizer ...
_LEAST_BATCHES = 16  # ... and such batches in a pass of a small signal
_RATE = 0.06  # over the width
_RATE_WIDTH = 64
_BETAS = (0.9, 0.99)
_NEAR_DB = 0.2  # a quality asked for is met if it is missed by no more
_MOST_TRIES = 6
_MOST_COEFFICIENTS = 0.9  # of all: a quality that needs more is no field's
_MOST_FACTOR = 4.0  # between the sizes of two tries
_BRACKET = 1.03  # sizes as near as this are one
_DB_PER_DOUBLING = 2.5  # of the bytes
_FIRST_BITS_PER_COEFFICIENT = 6.0
_CONSTANT_BITS = (22, 14, 6)
_MOST_AVERAGED = 1 << 16  # samples
_FIELD_BYTES = (400,)  # of fields that a lossless file is tried with, beside the smallest


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """A signal as a file."""

    data: bytes
    """The file."""
    record: FieldRecord
    """What it says, read back from it."""
    report: Report
    """How the fit went, and the quality of the function that was read back."""
    num_samples: int

    @property
    def num_bytes(self) -> int:
        """Size of the file."""
        return len(self.data)

    @property
    def bits_per_sample(self) -> float:
        """Size of the file in bits over the number of samples; of a picture: bits per pixel."""
        return 8 * len(self.data) / self.num_samples

    @property
    def psnr_db(self) -> float:
        """Quality of what is read back."""
        return self.report.psnr_db


def compress(
    source: Path | str | np.ndarray | torch.Tensor | Signal,
    output: Path | str | None = None,
    *,
    bits_per_pixel: float | None = None,
    bits_per_sample: float | None = None,
    most_bytes: int | None = None,
    psnr_db: float | None = None,
    snr_db: float | None = None,
    lossless: bool = False,
    effort: int = USUAL_EFFORT,
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    checkpoint: Checkpointer | None = None,
    configuration: Configuration | None = None,
    network: Architecture | Literal["siren"] | None = None,
    working_set: int = WORKING_SET,
) -> Compressed:
    """Make a file of a given size, or a given quality, of any signal; written to ``output`` if that is given.

    One of ``bits_per_sample`` (of a picture also called ``bits_per_pixel``; a sample has all channels), ``most_bytes``,
    ``psnr_db`` and ``snr_db`` (of sound) says what is wanted. A size is never exceeded; a quality is missed by 0.2 dB
    at most, and takes several fits, of which no ``checkpoint`` is kept. ``lossless`` files give back integer samples
    bit for bit; little depends on their field, so that it is fitted shortly. ``effort`` 1 to 9 is how long to work
    otherwise: each step takes about twice as long. Time of pictures goes with their pixels, else with the size of the
    file and, up to 393,216 of them, the number of samples; where a file of a given size is foretold to take more than
    ``seconds``, an early `InputError` says which effort would not. What is returned was read back from the file's
    bytes.

    Pictures from files are latent grids, whose integers are coded; all else, and they too with ``network="siren"``,
    with a ``configuration``, or without loss, is a sine network, whose weights are. Another architecture is made as
    large as the file needs, and fitted by Adam alone. ``configuration`` says how networks are fitted instead of
    `compact`: by `codec.CodedWeights`, whose size is set here and whose learning rate is that of a network 64 features
    wide.

    >>> made = compress(np.arange(4096, dtype=np.uint8).reshape(64, 64), most_bytes=600, effort=1)
    >>> made.num_bytes <= 600
    True
    """
    if effort not in _PASSES:
        raise InputError(f"an effort of 1 to 9 was wanted, got {effort!r}.")
    if output is not None and Path(output).suffix.lower() != ".lig":
        raise InputError(f"{output}: a field is written as .lig; name the file so.")
    if output is not None:
        check_writable(Path(output))
    signal = to_signal(source, working_set=working_set)
    asked = (bits_per_pixel, bits_per_sample, most_bytes, psnr_db, snr_db)
    _check_wanted(asked, lossless=lossless)
    grids = network in (None, LatentGrid()) and configuration is None and not lossless and is_picture(signal)
    if seconds is not None:
        if lossless or psnr_db is not None or snr_db is not None:
            raise InputError("a deadline goes with a size; a quality, or a lossless file, takes as long as it takes.")
        lengths = {each: steps_of(each, signal.grid.num_samples) if grids else _PASSES[each] for each in _PASSES}
        callbacks = [*callbacks, Deadline(seconds, effort, lengths)]
    picture = PictureJob(signal, effort, seed, tuple(callbacks), checkpoint) if grids else None
    other = None if grids or network == "siren" else network
    job = _Job(signal, _PASSES[effort], seed, tuple(callbacks), checkpoint, configuration or compact(), other, picture)
    if most_bytes is None:
        bits = (bits_per_pixel or 0.0) + (bits_per_sample or 0.0)
        most_bytes = math.floor(bits * signal.grid.num_samples / 8)
    if lossless:
        made = _exact(job._replace(checkpoint=None, passes=_PASSES[1]))
    elif psnr_db is not None:
        made = _of_quality(job._replace(checkpoint=None), psnr_db)
    elif snr_db is not None:
        snr = fitting.snr(snr_db).in_psnr(signal.snr_offset_db)
        made = _of_quality(job._replace(checkpoint=None), snr.target_db or 0.0)
    else:
        made = _of_size(job, most_bytes)
    if output is not None:
        write_whole(Path(output), made.data)
    return made


class _Job(NamedTuple):
    signal: Signal
    passes: float
    seed: int
    callbacks: tuple[Callback, ...]
    checkpoint: Checkpointer | None
    configuration: Configuration
    network: Architecture | None
    picture: PictureJob | None
    """The same as a picture, if it is to be latent grids."""


def _check_wanted(asked: Sequence[float | None], *, lossless: bool) -> None:
    given = [each for each in asked if each is not None]
    if lossless and given:
        raise InputError("a lossless file is as small as it gets; leave out the size or the quality.")
    if not lossless and len(given) != 1:
        raise InputError(f"one size or one quality was wanted (bits, bytes, PSNR or SNR), got {len(given)} of them.")
    if not all(math.isfinite(each) and each > 0 for each in given):
        raise InputError(f"a finite size or quality above 0 was wanted, got {given[0]}.")


def _exact(job: _Job) -> Compressed:
    """Return the smallest of some files that give back the samples themselves."""
    signal = job.signal
    if not np.issubdtype(signal.values.dtype, np.integer) and signal.values.dtype != np.bool_:
        advice = "; FLAC is for sounds" if isinstance(signal.source, SoundSource) else ""
        raise InputError(f"lossless files are of integer samples, these are read as {signal.values.dtype}{advice}.")
    least = smallest_bytes(signal)
    made = [_of_size(job._replace(network=None, picture=None), least)]
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


def _of_size(job: _Job, num_bytes: int) -> Compressed:
    """Return the best file of so many bytes."""
    signal = job.signal
    if num_bytes < (smallest := smallest_bytes(signal)):
        bits = 8 * smallest / signal.grid.num_samples
        raise InputError(
            f"{num_bytes} bytes were asked for; the smallest file of this signal has {smallest}, {bits:.3g} bits per "
            "sample."
        )
    if job.picture is not None and not _is_constant(signal):
        try:
            return _of_picture(job, *picture_of_size(job.picture, num_bytes))
        except TooSmall:  # for grids: a sine network of a few weights is less
            pass
    turns = [found.omega for found in job.configuration.first_frequencies(signal, OMEGA_0)]
    if job.network is None:
        config = siren_of(signal, width_of(signal, num_bytes))
    else:
        config = other_config(signal, job.network, turns, num_bytes)
        turns = [config.architecture.fineness * each for each in turns]
    field = new_field(signal, config, turns, seed=job.seed)
    objective = Values(signal, seed=job.seed)
    is_constant = meet_constant(field, objective)
    kept = _kept_tensors(field)
    room = num_bytes - codec.bytes_beside_weights(empty_record(signal, config))
    room = max(1, room - sum(1 + each.nbytes for each in kept.values()))
    recipe = _recipe_for(job.configuration, config, objective.num_points, room)
    state = State(field, recipe, objective.num_points)
    callbacks = job.callbacks
    if job.checkpoint is not None:
        job.checkpoint.begin(state, f"{signal.digest()} {config} {recipe} {job.passes} passes, seed {job.seed}")
        callbacks = (*callbacks, job.checkpoint)
    num_points = objective.num_points
    usual = job.passes * min(1.0, _MOST_SAMPLES / num_points)
    least = _LEAST_STEPS * min(recipe.batch_size or num_points, num_points) / num_points
    stop = fitting.passes(AT_ONCE if is_constant else max(usual, least))
    with coded_steps(field, objective, recipe, stop) as take_step:
        report = fitting.fit(
            field, objective, recipe, stop, seed=job.seed, callbacks=callbacks, state=state, take_step=take_step
        )
    if is_constant:
        return _constant(signal, objective, num_bytes, replace(report, stopped_by="exact"))
    moments = state.moments
    assert isinstance(moments, CodedMoments)
    fitted = iter(moments.trim(room))
    tensors = [kept[number] if number in kept else next(fitted) for number in range(len(field.network.tensors()))]
    record = replace(empty_record(signal, config), tensors=tuple(tensors))
    candidates = (codec.encode(each) for each in (record, codec.without_idle_neurons(record)))
    made = _read_back(signal, min(candidates, key=len), report, objective)
    if made.psnr_db >= objective.constant_db:
        return made
    constant = _constant(signal, objective, num_bytes, replace(report, learned_nothing=True))
    return max(made, constant, key=lambda each: each.psnr_db)


def _is_constant(signal: Signal) -> bool:
    return bool((signal.values == signal.values[:1, :1]).all())


def _of_picture(job: _Job, data: bytes, report: Report) -> Compressed:
    record = codec.decode(data)
    return Compressed(data=data, record=record, report=report, num_samples=job.signal.grid.num_samples)


def _constant(signal: Signal, objective: Values, num_bytes: int, report: Report) -> Compressed:
    """Return the smallest file that gives each channel's mean, as exactly as it can be in the bytes."""
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
    """Return the tensors that a fit does not change, by their numbers, in float16 where that holds them."""
    found = {}
    for number, tensor in enumerate(field.network.tensors()):
        if not tensor.requires_grad:
            values = tensor.numpy()
            half = values.astype(np.float16)
            found[number] = half if np.array_equal(half, values) else values
    return found


def _recipe_for(
    configuration: Configuration, config: SirenConfig | NetworkConfig, num_points: int, num_bytes: int
) -> Recipe:
    """Return a recipe for a network and a size; a small signal has smaller batches, the rate goes with their root."""
    coded = configuration.recipe.optimizer
    if not isinstance(coded, CodedWeights):
        raise InputError(f"compressing wants weights fitted by CodedWeights, this recipe has {type(coded).__name__}.")
    batch_size = min(coded.batch_size, max(_LEAST_BATCH, num_points // _LEAST_BATCHES))
    rate = coded.learning_rate * math.sqrt(batch_size / coded.batch_size) * _RATE_WIDTH
    if isinstance(config, SirenConfig):
        rate /= config.widest
    else:  # Muon's rate and the bound of the norms are a sine network's
        rate *= config.architecture.rate / config.architecture.num_features
        coded = replace(coded, muon=0.0, longest=math.inf)
    optimizer = replace(coded.optimizer, learning_rate=rate)
    together = max(1, (configuration.recipe.batch_size or num_points) // coded.batch_size)  # in a step of the fit
    coded = replace(coded, optimizer=optimizer, batch_size=batch_size, num_bytes=num_bytes)
    return replace(configuration.recipe, optimizer=coded, batch_size=together * batch_size)


def _of_quality(job: _Job, psnr_db: float) -> Compressed:
    """Return a small file of a quality, between one that is too bad and one that is larger."""
    signal = job.signal
    least = smallest_bytes(signal)
    if job.picture is not None and not _is_constant(signal):
        try:
            return _of_picture(job, *picture_of_quality(job.picture, psnr_db))
        except TooSmall:
            job = job._replace(picture=None)
    coefficients = num_coefficients(signal, psnr_db)
    if coefficients > _MOST_COEFFICIENTS * signal.values.size:
        raise InputError(
            f"{psnr_db:g} dB take about as many numbers as there are samples, {signal.values.size:,}; ask for less, or "
            "for a lossless file."
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
        raise InputError(f"{psnr_db:g} dB were not reached in {_MOST_TRIES} tries; ask for less, or for more effort.")
    return best


def _next_size(below: tuple[int, float] | None, above: tuple[int, float] | None, psnr_db: float) -> int:
    """Return the bytes to try next, from bytes and quality of the best file that is too bad and the smallest other."""
    if below is not None and above is not None:
        share = min(max(0.1, (psnr_db - below[1]) / (above[1] - below[1])), 0.9)
        return round(below[0] * (above[0] / below[0]) ** share)
    num_bytes, reached_db = below or above or (0, 0.0)
    factor = 2 ** ((psnr_db - reached_db) / _DB_PER_DOUBLING)
    return round(num_bytes * min(max(1 / _MOST_FACTOR, factor), _MOST_FACTOR))


@contextmanager
def coded_steps(field: Field, objective: Values, recipe: Recipe, stop: Stop) -> Iterator[TakeStep]:
    """Open the steps of a fit of `CodedWeights`, which are told how much of the fit is done."""
    shape = fitting.fused_shape(field, objective)
    with fitting.gradients_of(field, objective) as gradients:

        def take_step(state: State, objective: Objective, indices: np.ndarray) -> float:
            moments = state.moments
            assert isinstance(moments, CodedMoments)
            assert isinstance(objective, Values)
            position = recipe.position(state.progress, stop)
            moments.begin(position)
            done, error = 0, 0.0
            if shape is not None:
                points, samples = objective.batch(indices, torch.device("cpu"))
                low = shape.bfloat16 and not moments.is_rounded
                with borrowed(shape._replace(bfloat16=low)) as network:
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
            if math.isfinite(error):  # the loop goes back otherwise
                moments.end(error, state.learning_rate, position)
            return error

        yield take_step


def compact() -> Configuration:
    """Return how the networks of small files are fitted: many small batches, and a first layer for few weights."""
    adam = Adam(learning_rate=_RATE / _RATE_WIDTH, betas=_BETAS)
    recipe = Recipe(
        name="compact",
        optimizer=CodedWeights(optimizer=adam, num_bytes=0),
        batch_size=_BATCH,
        cooling=Cooling(warmup_steps=10, slow_power=0.0),
        spike=2.0,
        retreat=0.75,
    )
    return replace(fast(), recipe=recipe, first_layer_scale=2.0)


def _read_back(signal: Signal, data: bytes, report: Report, objective: Values) -> Compressed:
    """Return a file that was read back, with the quality of what it says."""
    record = codec.decode(data)
    quality = objective.quality(codec.from_record(record))
    report = replace(report, psnr_db=quality.psnr_db, num_measured=quality.num_measured)
    return Compressed(data=data, record=record, report=with_snr(report, signal), num_samples=signal.grid.num_samples)
