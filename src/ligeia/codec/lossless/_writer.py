"""A field and the samples it was fitted to in one file: the residual is coded without loss.

The writer's choices may change, because readers accept any of them: the weights (by least squares, relative to the
expected errors), whether the field is used, and the number of interleaved streams.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from ligeia.core import InputError, SampleError, ShapeError

from .._container import FieldRecord, encode
from ..entropy._lanes import Run
from ..records._bytes import ByteReader, RecordError
from ..residual._order import Neighborhood, Pass
from ..residual._prediction import DEFAULT_FEATURES, NUM_FEATURES, WEIGHT_BITS, Counts, Planes, Weights, classes_of
from ..residual._stream import (
    DTYPES,
    LARGEST_TAP,
    MEAN,
    NEW,
    SAME,
    Model,
    Residual,
    ResidualHead,
    block_runs,
    check_digest,
    check_samples,
    digest_of,
    pack_head,
    pack_model,
    pack_samples,
    plane_dtype,
    read_head,
    unpack_samples,
    walk_blocks,
)
from ._exact_field import InexactError, choose_offset, cut, exact_offset, in_steps, rounding_error, walk

_FEWEST_PER_TAP: Final = 8  # samples, for weights to be looked for
_MOST_FITTED: Final = 24  # blocks of a pass that weights are fitted to
_WANTED_BITS: Final = 6  # of the field's integers, at least, where samples have few
_FLOOR: Final = 0.3  # of an expected error, in steps

Planar = list[Int[np.ndarray, " n"]]


def with_samples(record: FieldRecord, samples: Shaped[np.ndarray, "*shape channels"]) -> FieldRecord:
    """Return a record that holds samples exactly: the field, and the residual of the samples.

    ``samples`` are integers or booleans of shape ``(*grid.shape, channels)``, those of a `Signal`. The field's weights
    are not changed. A field that does not help costs no more than its own bytes. Raises `SampleError`
    for samples of other kinds, `ShapeError` for another shape.

    >>> from ligeia.networks import NetworkConfig, SirenArchitecture
    >>> from ligeia.signals import ArraySource, Channel, Grid
    >>> network = NetworkConfig(SirenArchitecture(hidden_features=1, hidden_layers=0, omegas=2.0), 1, 1)
    >>> tensors = tuple(np.zeros(shape, np.float32) for shape in network.tensor_shapes())
    >>> channels = (Channel(name="value", low=0.0, high=255.0),)
    >>> record = FieldRecord(network, Grid.of((4,)), channels, ArraySource(dtype="|u1"), tensors)
    >>> exact_samples(with_samples(record, np.array([[127], [128], [0], [255]], np.uint8))).ravel()
    array([127, 128,   0, 255], dtype=uint8)
    """
    dtype = samples.dtype.newbyteorder("=")
    if dtype not in DTYPES.values():
        raise SampleError(
            f"expected integer samples, got {samples.dtype}: floats are not kept without loss; round them first."
        )
    if samples.shape != (wanted := (*record.grid.shape, len(record.channels))):
        raise ShapeError(f"expected samples of shape {wanted} for this field, got {samples.shape}.")
    if dtype.kind == "b":
        samples = np.where(samples, np.True_, np.False_)  # a bool that a decoder made may be any byte
    lows, ranges = check_samples(samples)
    flat = samples.reshape(-1, samples.shape[-1])
    planes = [_above(flat[:, number], low, ranges) for number, low in enumerate(lows)]
    head = ResidualHead(dtype, tuple(lows), tuple(ranges), digest_of(samples))
    exact, looking = _looks(record, head, planes)
    if exact is not None:
        return replace(record, residual=Residual(pack_head(exact)))
    order = _order(record)
    best = _Plan(planes, [], head, order, record.grid.shape)
    if looking is not None:
        plan = _Plan(planes, looking[1], looking[0], order, record.grid.shape)
        best = min(best, plan, key=lambda each: each.num_bits)
    return replace(record, residual=Residual(best.payload()))


def exact_samples(record: FieldRecord) -> Shaped[np.ndarray, "*shape channels"]:
    """Return the samples of a record that `with_samples` made, in their own dtype.

    Takes memory as the samples do. Raises `InputError` for a record without a residual, `StreamError`, `RecordError` or
    `DigestError` where its bytes do not give what was written.
    """
    if record.residual is None:
        raise InputError("expected a file that keeps its samples without loss, this one holds a field alone.")
    reader = ByteReader(record.residual.packed, "RSID chunk")
    head = read_head(reader, len(record.channels))
    try:
        field = _cut_field(record, head) if head.offsets else []
    except InexactError as error:
        raise RecordError(f"RSID chunk: {error}") from error
    planes = unpack_samples(reader, head, record.grid, field) if head.has_stream else field
    reader.close()
    result = np.empty((record.grid.num_samples, len(planes)), head.dtype)
    for number, (plane, low) in enumerate(zip(planes, head.lows, strict=True)):
        result[:, number] = plane.astype(np.int64) + low
    check_digest(result, head.digest)
    return result.reshape(*record.grid.shape, len(planes))


def smallest_lossless(
    records: Iterable[FieldRecord], samples: Shaped[np.ndarray, "*shape channels"]
) -> tuple[FieldRecord, bytes]:
    """Return, of fields of the same samples, the record that makes the smallest file, and the file."""
    coded = [(each, encode(each)) for each in (with_samples(record, samples) for record in records)]
    if not coded:
        raise InputError("expected at least one field.")
    return min(coded, key=lambda each: len(each[1]))


def _above(samples: Shaped[np.ndarray, " n"], low: int, ranges: Sequence[int]) -> Int[np.ndarray, " n"]:
    return (samples.astype(np.int64) - low).astype(
        plane_dtype(ranges)
    )  # beyond 2**63 there are none: they were checked


def _order(record: FieldRecord) -> list[int]:
    """Return the order of channels: green first, which predicts the others best."""
    names = [each.name for each in record.channels]
    order = list(range(len(names)))
    return [1, 0, *order[2:]] if names[:3] == ["red", "green", "blue"] else order


def _cut_field(record: FieldRecord, head: ResidualHead) -> Planar:
    values = walk(record)
    return [
        cut(in_steps(values[:, number], record, number, low, head.field_bits), offset, reach << head.field_bits).astype(
            plane_dtype([reach << head.field_bits])
        )
        for number, (low, reach, offset) in enumerate(zip(head.lows, head.ranges, head.offsets, strict=True))
    ]


def _looks(
    record: FieldRecord, head: ResidualHead, planes: Planar
) -> tuple[ResidualHead | None, tuple[ResidualHead, Planar] | None]:
    """Return the head of a field whose rounding is the samples; or how else it is looked at, unless it cannot be."""
    values, error = walk(record), rounding_error(record)
    halves = [each.half_range for each in record.channels]
    pairs = list(enumerate(zip(head.lows, head.ranges, strict=True)))
    fits = [
        exact_offset(in_steps(values[:, number], record, number, low, 0), planes[number], reach, error * halves[number])
        for number, (low, reach) in pairs
    ]
    offsets = [each for each in fits if each is not None]
    if len(offsets) == len(fits):
        return head._replace(offsets=tuple(offsets), has_stream=False), None
    bits = max(0, _WANTED_BITS - max(head.ranges).bit_length())
    chosen, field = [], []
    try:
        for number, (low, reach) in pairs:
            steps, most = in_steps(values[:, number], record, number, low, bits), reach << bits
            chosen.append(choose_offset(steps, most, error * halves[number] * 2**bits))
            field.append(cut(steps, chosen[-1], most).astype(plane_dtype([most])))
    except InexactError:
        return None, None
    return None, (head._replace(field_bits=bits, offsets=tuple(chosen)), field)


class _Plan:
    """How samples are coded: every model, every run, and about how many bits that takes."""

    def __init__(
        self, samples: Planar, field: Planar, head: ResidualHead, order: Sequence[int], shape: Sequence[int]
    ) -> None:
        self._head, self._order = head, order
        ordered_field = [field[number] for number in order] if field else []
        ranges = [head.ranges[number] for number in order]
        self._planes = Planes([samples[number] for number in order], ordered_field, ranges, head.field_bits)
        self._models: list[Model] = []
        self._runs = []
        self._counts = Counts()
        self._last: dict[tuple[int, int], Weights] = {}
        self.num_bits = 0.0
        for one, channel in walk_blocks(shape, len(order)):
            model = self._choose(one, channel)
            self._last[one.axis, channel] = model.weights
            self._models.append(model)
            self.num_bits += 8 * len(pack_model(model))
            for start in one.block_starts():
                self._code(Neighborhood(one, start), channel, model.weights)

    def payload(self) -> bytes:
        """Return the payload of the chunk."""
        first = [int(each[0]) for each in self._planes.samples]
        return pack_head(self._head) + pack_samples(self._order, first, self._models, self._runs, self.num_bits)

    def _code(self, around: Neighborhood, channel: int, weights: Weights) -> None:
        planes = self._planes
        predicted = planes.predict(channel, *planes.taps(channel, around), weights)
        classes = classes_of(planes.features(channel, around, predicted), weights)
        samples = planes.samples[channel][around.places].astype(np.int64)
        runs, tokens = block_runs(samples - predicted, classes, samples, self._counts, planes.ranges[channel])
        planes.errors[channel][around.places] = np.abs(samples - predicted)
        self._counts.add(classes, tokens)
        self._runs += [Run._make(each.astype(np.uint32) for each in run) for run in runs]
        self.num_bits += sum(float((24 - np.log2(run.widths)).sum()) for run in runs)

    def _choose(self, one: Pass, channel: int) -> Model:
        """Return the model that takes the fewest bits, by Laplace's law around each prediction."""
        starts = one.block_starts()
        chosen = sorted({starts[int(each)] for each in np.linspace(0, len(starts) - 1, _MOST_FITTED)})
        blocks = [Neighborhood(one, start) for start in chosen]
        given = [self._planes.taps(channel, each) for each in blocks]
        mean, taps = (np.concatenate([each[part] for each in given]) for part in (0, 1))
        trial = _Trial(self._planes, channel, blocks, mean, taps)
        candidates = [Model(Weights((), DEFAULT_FEATURES), MEAN)]
        if (last := self._last.get((one.axis, channel))) is not None:
            candidates.append(Model(last, SAME))
        if len(mean) >= _FEWEST_PER_TAP * taps.shape[1]:
            candidates += [Model(each, NEW) for each in trial.fitted()]
        more = int(np.prod(one.counts(), dtype=np.int64)) / len(mean)
        return min(candidates, key=lambda each: more * trial.num_bits(each.weights) + 8 * len(pack_model(each)))


class _Trial:
    """Samples of a pass, to which weights are fitted and by which they are compared."""

    def __init__(
        self,
        planes: Planes,
        channel: int,
        blocks: Sequence[Neighborhood],
        mean: Int[np.ndarray, " n"],
        taps: Int[np.ndarray, "n taps"],
    ) -> None:
        self._planes, self._channel, self._blocks, self._mean, self._taps = planes, channel, blocks, mean, taps
        self._samples = np.concatenate([planes.samples[channel][each.places] for each in blocks]).astype(np.int64)

    def num_bits(self, weights: Weights) -> float:
        """Return about how many bits the samples take."""
        predicted = self._planes.predict(self._channel, self._mean, self._taps, weights)
        expected = self._features(predicted) @ np.array(weights.features) / 128 + _FLOOR
        errors = np.abs(self._samples - predicted)
        return float((np.log2(2 * expected) + errors / expected / np.log(2)).sum())

    def fitted(self) -> list[Weights]:
        """Return weights that make the errors, over what is expected of each, smaller and smaller."""
        taps, wanted = self._taps.astype(np.float64), (self._samples - self._mean).astype(np.float64)
        importance = 1 / (1 + np.abs(taps[:, :3]).mean(axis=1)) ** 2
        result = []
        for _ in range(3):
            solution = _least_squares(taps, wanted, importance)
            scaled = np.clip(np.rint(solution * (1 << WEIGHT_BITS)), -LARGEST_TAP, LARGEST_TAP)
            weights = Weights(tuple(int(each) for each in scaled))
            predicted = self._planes.predict(self._channel, self._mean, self._taps, weights)
            features = self._features(predicted).astype(np.float64)
            shares = _non_negative(features, np.abs(self._samples - predicted).astype(np.float64), importance)
            whole = np.clip(np.rint(shares * 128), 0, 255)
            result.append(Weights(weights.taps, tuple(int(each) for each in whole)))
            importance = 1 / (features @ shares + _FLOOR) ** 2
        return result

    def _features(self, predicted: Int[np.ndarray, " n"]) -> Int[np.ndarray, "n features"]:
        ends = np.cumsum([len(each.places) for each in self._blocks])[:-1]
        pairs = zip(self._blocks, np.split(predicted, ends), strict=True)
        return np.concatenate([self._planes.features(self._channel, around, each) for around, each in pairs])


def _least_squares(
    columns: Float[np.ndarray, "n taps"], wanted: Float[np.ndarray, " n"], importance: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " taps"]:
    weighted = (columns * importance[:, None]).T
    square = weighted @ columns
    square += (1e-6 * np.trace(square) / len(square) + 1e-9) * np.eye(len(square))
    return np.linalg.solve(square, weighted @ wanted)


def _non_negative(
    columns: Float[np.ndarray, "n features"], wanted: Float[np.ndarray, " n"], importance: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " features"]:
    """Return least squares without negative solutions: those that come out so are left out."""
    kept: Bool[np.ndarray, " features"] = np.abs(columns).max(axis=0) > 0
    result = np.zeros(NUM_FEATURES)
    while kept.any():
        solution = _least_squares(columns[:, kept], wanted, importance)
        if (solution >= 0).all():
            result[kept] = solution
            break
        kept[np.flatnonzero(kept)[solution < 0]] = False
    return result
