import math
import subprocess
import sys
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ligeia.codec import (
    FieldRecord,
    Residual,
    decode,
    encode,
    exact_samples,
    smallest_lossless,
    with_samples,
)
from ligeia.codec._container import SIGNATURE, ChecksumError, ChunkOrderError, SignatureError, TruncationError
from ligeia.codec.entropy._ans import DigestError, StreamError
from ligeia.codec.entropy._lanes import LaneDecoder, Run, bit_runs, encode_lanes
from ligeia.codec.lossless._exact_field import MARGIN, InexactError, choose_offset, cut, in_steps, walk
from ligeia.codec.records._bytes import RecordError, number_bytes, varint_bytes
from ligeia.codec.residual._order import BLOCK, Neighborhood, passes
from ligeia.codec.residual._stream import DTYPES
from ligeia.core import FormatError, InputError, SampleError, ShapeError
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import ArraySource, Axis, Channel, Grid
from oracles.lossless_reader import read_lossless

NAMED = (
    ChecksumError,
    DigestError,
    RecordError,
    SignatureError,
    StreamError,
    TruncationError,
)
RANDOM = np.random.default_rng(0)


def field_for(
    samples: np.ndarray, *, weights: float = 0.3, low: float = 0.0, high: float = 255.0, width: int = 4
) -> FieldRecord:
    """Return a smooth field on the grid of samples, which says little about them."""
    *shape, num_channels = samples.shape
    network = NetworkConfig(
        SirenArchitecture(hidden_features=width, hidden_layers=1, omegas=(3.0, 2.0)), len(shape), num_channels
    )
    rng = np.random.default_rng(1)
    tensors = tuple(rng.normal(0, weights, each).astype(np.float32) for each in network.tensor_shapes())
    names = ("red", "green", "blue", "alpha")
    channels = tuple(Channel(name=names[number % 4], low=low, high=high) for number in range(num_channels))
    return FieldRecord(network, Grid.of(tuple(shape)), channels, ArraySource(dtype="|u1"), tensors)


def assert_kept(record: FieldRecord, samples: np.ndarray) -> FieldRecord:
    kept = with_samples(record, samples)
    data = encode(kept)
    back = decode(data)
    found = exact_samples(back)
    assert found.dtype == samples.dtype
    assert np.array_equal(found, samples)
    assert encode(back) == data
    return kept


def smooth(shape: tuple[int, ...], most: int) -> np.ndarray:
    places = np.meshgrid(*(np.linspace(0, 3, size) for size in shape[:-1]), indexing="ij")
    wave = np.mean([np.sin(place + number) for number, place in enumerate(places)], axis=0)
    noise = RANDOM.normal(0, 0.01, shape)
    return np.clip((wave[..., None] * 0.4 + 0.5 + noise) * most, 0, most)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (9, 1), (2, 2), (5, 7), (33, 20), (17,), (1,), (3, 4, 5), (2, 3, 2, 3)]
)
def test_passes_visit_every_sample_but_the_first_once(shape: tuple[int, ...]) -> None:
    seen = np.zeros(math.prod(shape), int)
    seen[0] = 1
    for one in passes(shape):
        known = seen.copy()
        for start in one.block_starts():
            around = Neighborhood(one, start)
            for neighbors in (*around.near, *around.far, *around.corners):
                assert known[neighbors].all()
            np.add.at(seen, around.places, 1)
    assert (seen == 1).all()
    for num_channels in (1, 3, 6):
        samples = smooth((*shape, num_channels), 255).astype(np.uint8)
        assert_kept(field_for(samples), samples)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    shape = tuple(draw(st.lists(st.integers(1, 12), min_size=1, max_size=3)))
    dtype = DTYPES[draw(st.integers(0, 8))]
    shape = (*shape, draw(st.integers(1, 4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if dtype.kind == "b":
        return rng.random(shape) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    limits = np.iinfo(dtype)
    lowest, highest = max(limits.min, -(2**31)), min(limits.max, 2**31 - 1 if limits.min < 0 else 2**32 - 1)
    kind = draw(st.sampled_from(["full", "ends", "few", "walk"]))
    if kind == "full":
        return rng.integers(lowest, highest, shape, dtype=np.int64, endpoint=True).astype(dtype)
    if kind == "ends":
        return rng.choice(np.array([lowest, highest], np.int64), shape).astype(dtype)
    if kind == "few":
        return np.clip(rng.integers(-3, 4, shape), lowest, highest).astype(dtype)
    return np.clip(np.cumsum(rng.integers(-9, 10, shape), axis=0) + 60, lowest, highest).astype(dtype)


@pytest.mark.no_cover
@given(arrays())
@settings(deadline=None, max_examples=60)
def test_integers_of_any_kind_and_shape_come_back(samples: np.ndarray) -> None:
    assert_kept(field_for(samples), samples)


@pytest.mark.no_cover
@given(arrays())
@settings(deadline=None, max_examples=10)
def test_a_reader_written_from_the_page_alone_finds_the_same_samples(samples: np.ndarray) -> None:
    for weights in (0.3, 0.0):
        data = encode(with_samples(field_for(samples, weights=weights), samples))
        assert read_lossless(data) == [int(each) for each in samples.reshape(-1)]


def test_samples_beyond_the_range_of_the_channels_come_back() -> None:
    samples = RANDOM.integers(-300, 900, (20, 30, 2)).astype(np.int16)
    assert_kept(field_for(samples, low=0.0, high=100.0), samples)


def test_byte_order_does_not_matter() -> None:
    samples = RANDOM.integers(0, 60000, (6, 5, 1)).astype(">u2")
    found = exact_samples(with_samples(field_for(samples), samples))
    assert np.array_equal(found, samples)
    assert found.dtype == np.uint16


def test_large_int64_that_lie_close_to_each_other_come_back() -> None:
    samples = RANDOM.integers(2**51, 2**51 + 1000, (6, 5, 1))
    assert_kept(field_for(samples), samples)


def test_periodic_axes_and_corners_come_back() -> None:
    samples = RANDOM.integers(0, 9, (7, 8, 1)).astype(np.uint8)
    record = field_for(samples[..., None].transpose(0, 1, 3, 2)[..., 0, :], high=9.0)
    axes = (Axis(name="a", size=7, is_periodic=True), Axis(name="b", size=8))
    network = replace(record.network, in_features=3)
    tensors = (np.full((4, 3), 0.2, np.float32), *record.tensors[1:])
    assert_kept(replace(record, network=network, tensors=tensors, grid=Grid(axes, "corners")), samples)


def test_a_field_whose_rounding_is_the_samples_costs_some_ten_bytes_more() -> None:
    record = field_for(np.zeros((60, 50, 1)))
    values = in_steps(walk(record)[:, 0], record, 0, 0, 0)
    samples = np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(60, 50, 1)
    kept = assert_kept(record, samples)
    assert kept.residual is not None
    assert kept.residual.num_bytes <= 14
    assert len(encode(kept)) <= len(encode(record)) + 14 + 9


def test_a_field_that_says_much_is_looked_at_and_one_that_says_nothing_is_not() -> None:
    record = field_for(np.zeros((64, 64, 1)), weights=2.0, width=12)
    values = in_steps(walk(record)[:, 0], record, 0, 0, 0).reshape(64, 64, 1)
    samples = np.clip(np.rint(values + RANDOM.normal(0, 1, values.shape)), 0, 255).astype(np.uint8)
    other = field_for(np.zeros((64, 64, 1)), weights=0.0)
    looked, not_looked = assert_kept(record, samples), assert_kept(other, samples)
    assert looked.residual is not None
    assert not_looked.residual is not None
    assert looked.residual.packed[1] == 3
    assert looked.residual.num_bytes < 0.8 * not_looked.residual.num_bytes
    chosen, data = smallest_lossless([other, record], samples)
    assert data == encode(chosen) == min([encode(looked), encode(not_looked)], key=len)


def test_a_smooth_picture_takes_less_than_png() -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    samples = smooth((128, 128, 3), 255).astype(np.uint8)
    kept = assert_kept(field_for(samples), samples)
    assert kept.residual is not None
    assert kept.residual.num_bytes < 0.8 * len(imagecodecs.png_encode(samples, level=9))


def test_a_constant_picture_costs_next_to_nothing() -> None:
    kept = assert_kept(field_for(np.zeros((100, 100, 3))), np.full((100, 100, 3), 7, np.uint8))
    assert kept.residual is not None
    assert kept.residual.num_bytes < 40


def test_more_samples_than_a_block_and_lanes_come_back() -> None:
    samples = RANDOM.integers(0, 65536, (4 * BLOCK, 1)).astype(np.uint16)
    kept = assert_kept(field_for(samples, high=65535.0), samples)
    assert kept.residual is not None
    assert kept.residual.num_bytes < 1.02 * samples.nbytes


def test_offsets_keep_all_values_away_from_a_change() -> None:
    values = RANDOM.uniform(-5, 260, 5000)
    offset = choose_offset(values, 255, 1e-12)
    inside = values[(values > -2) & (values < 257)]
    assert np.abs(np.mod(inside + offset + 0.5, 1) - 0.5).min() >= MARGIN
    for moved in (values - MARGIN / 2, values + MARGIN / 2):
        assert np.array_equal(cut(moved, offset, 255), cut(values, offset, 255))
    with pytest.raises(InexactError, match=r"expected values of a field that stay .* away from some cut"):
        choose_offset(values, 255, 1e-3)
    with pytest.raises(InexactError, match="expected a field of finite values"):
        cut(np.array([math.nan]), 0.0, 3)
    assert choose_offset(np.array([1e300, -math.inf, math.inf]), 255, 0.0) == 0.0


def test_an_absurd_field_is_not_looked_at() -> None:
    samples = RANDOM.integers(0, 9, (9, 8, 1)).astype(np.uint8)
    record = field_for(samples)
    tensors = tuple(np.full(each.shape, 3e38, np.float32) for each in record.tensors)
    kept = assert_kept(replace(record, tensors=tensors), samples)
    assert kept.residual is not None
    assert kept.residual.packed[1] == 2


def test_what_cannot_be_kept_is_refused_in_one_line() -> None:
    record = field_for(np.zeros((4, 5, 1)))
    with pytest.raises(SampleError, match="expected integer samples, got float32"):
        with_samples(record, np.zeros((4, 5, 1), np.float32))
    with pytest.raises(ShapeError, match=r"expected samples of shape \(4, 5, 1\) for this field, got \(5, 4, 1\)"):
        with_samples(record, np.zeros((5, 4, 1), np.uint8))
    wide = np.zeros((4, 5, 1), np.int64)
    for value in (2**32, 2**60, -(2**53), -(2**63)):
        wide[0] = value
        with pytest.raises(RecordError, match="integers of a channel that differ by less than"):
            with_samples(record, wide)
    huge = np.full((4, 5, 1), 2**64 - 1, np.uint64)
    with pytest.raises(RecordError, match="integers of a channel that differ by less than"):
        with_samples(record, huge)
    with pytest.raises(InputError, match="this one holds a field alone"):
        exact_samples(record)
    with pytest.raises(InputError, match="expected at least one field"):
        smallest_lossless([], wide)


def small() -> tuple[FieldRecord, np.ndarray]:
    samples = smooth((6, 7, 2), 255).astype(np.uint8)
    return with_samples(field_for(samples), samples), samples


def outcome(data: bytes) -> np.ndarray | None:
    try:
        record = decode(data)
        return None if record.residual is None else exact_samples(record)
    except NAMED:
        return None


def test_truncation_at_every_byte_is_refused() -> None:
    data = encode(small()[0])
    assert all(outcome(data[:size]) is None for size in range(len(data)))


@pytest.mark.no_cover
def test_no_change_of_the_chunk_passes_as_good_though_its_checksums_are_right() -> None:
    kept, samples = small()
    assert kept.residual is not None
    packed = kept.residual.packed
    for place in range(len(packed)):
        for change in (1, 64):
            broken = bytearray(packed)
            broken[place] ^= change
            try:
                record = replace(kept, residual=Residual(bytes(broken)))
            except NAMED:
                continue
            found = outcome(encode(record))
            assert found is None or np.array_equal(found, samples)
    for size in range(len(packed)):
        with pytest.raises(NAMED, match=r"."):
            exact_samples(replace(kept, residual=Residual(packed[:size])))
    with pytest.raises(NAMED, match=r"."):
        exact_samples(replace(kept, residual=Residual(packed + b"\0")))


def test_another_field_under_the_same_residual_has_another_digest() -> None:
    record = field_for(np.zeros((20, 20, 1)))
    values = in_steps(walk(record)[:, 0], record, 0, 0, 0)
    kept = with_samples(record, np.clip(np.rint(values), 0, 255).astype(np.uint8).reshape(20, 20, 1))
    moved = tuple(each + np.float32(0.1) if isinstance(each, np.ndarray) else each for each in kept.tensors)
    with pytest.raises(DigestError, match=r"the samples read have the digest .*, those written had"):
        exact_samples(replace(kept, tensors=moved))


def head(tag: int = 1, flags: int = 2, low: int = 0, reach: int = 1, rest: bytes = bytes(4)) -> bytes:
    return bytes([tag, flags, low]) + varint_bytes(reach) + rest


LOOKS = bytes([1, 1, 0, 1])


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (head(tag=9), "expected samples of a type from 0 to 8, got 9"),
        (head(flags=0), "expected a field to look at or a stream"),
        (head(flags=4), "reserved bits must be zero"),
        (head(reach=256), "samples from 0 to 256 are no uint8"),
        (head(tag=0, reach=2), "samples from 0 to 2 are no bool"),
        (head(low=1), "samples from -1 to 0 are no uint8"),
        (head(tag=8, reach=1 << 32), "are beyond what is coded"),
        (LOOKS + bytes([1, 0]) + bytes(4), "1 bits of fraction are too many"),
        (bytes([1, 3, 0, 1, 9, 0]) + bytes(4), "9 bits of fraction are too many"),
        (LOOKS + b"\0" + number_bytes(1.0) + bytes(4), "expected offsets from 0 to 1"),
        (LOOKS + b"\0" + number_bytes(-0.0) + bytes(4), "expected offsets from 0 to 1"),
        (LOOKS + b"\0\0" + bytes(5), "1 bytes follow the last value"),
        (LOOKS + b"\0\0" + bytes(3), "expected 4 more bytes"),
    ],
)
def test_a_wrong_head_is_refused_when_the_file_is_read(packed: bytes, says: str) -> None:
    with pytest.raises(RecordError, match=says):
        replace(field_for(np.zeros((2, 1))), residual=Residual(packed))


@pytest.mark.parametrize(
    ("rest", "says", "error"),
    [
        (b"\x0b", r"expected at most 2\*\*10 lanes", RecordError),
        (b"\0\1", "expected every channel once", RecordError),
        (b"\0\0\2", "the first sample lies outside", RecordError),
        (b"\0\0\0\1", "expected a way to predict of 0, 2 or, after another, 1, got 1", RecordError),
        (b"\0\0\0\3", "expected a way to predict of 0, 2 or, after another, 1, got 3", RecordError),
        (b"\0\0\0\2\0", "3 weights end inside a value", RecordError),
        (b"\0\0\0\2\0\0" + varint_bytes(1 << 16) + bytes(9), "expected weights up to 32767", RecordError),
        (b"\0\0\0\2\0\0\0" + bytes(8), "expected 9 more bytes", RecordError),
        (b"\0\0\0\0" + bytes(7), "a stream of 1 lanes has 8 bytes and words, got 7", StreamError),
        (b"\0\0\0\0" + bytes(8), r"a lane of the stream begins below 2\*\*32", StreamError),
        (
            b"\0\0\0\0" + bytes(3) + b"\1" + bytes(8),
            "a stream of 1 lanes has 8 bytes and words, got 12|does not",
            StreamError,
        ),
        (b"\0\0\0\0" + bytes(3) + b"\1" + bytes(4), "the stream ends before its last symbol", StreamError),
    ],
)
def test_a_wrong_body_is_refused_when_the_samples_are_asked_for(
    rest: bytes, says: str, error: type[FormatError]
) -> None:
    record = replace(field_for(np.zeros((2, 1))), residual=Residual(head() + rest))
    with pytest.raises(error, match=says):
        exact_samples(record)


def test_the_chunk_stands_after_the_weights() -> None:
    data = encode(small()[0])
    chunks, place = [], 9
    while place < len(data):
        size, shift, at = 0, 0, place + 4
        while True:
            size |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                break
        chunks.append((data[place : place + 4], data[at : at + size]))
        place = at + size + 4
    assert [kind for kind, _ in chunks][-2:] == [b"RSID", b"DONE"]
    chunks.insert(4, chunks.pop(-2))
    result = SIGNATURE + b"\1"
    checksum = zlib.crc32(result)
    for kind, payload in chunks:
        body = kind + varint_bytes(len(payload)) + payload
        checksum = zlib.crc32(body, checksum)
        result += body + checksum.to_bytes(4, "little")
    with pytest.raises(ChunkOrderError, match="expected a TENS chunk"):
        decode(result)


@given(st.integers(0, 2**32), st.integers(0, 5), st.lists(st.integers(0, 70), max_size=5))
@settings(deadline=None, max_examples=50)
def test_lanes_give_back_runs_of_any_length(seed: int, lanes_log2: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    tables = np.array([[0, 1, 1 << 20, (1 << 24) - 1], [0, 5, 6, 1 << 23]])
    ends = np.append(tables[:, 1:], [[1 << 24]] * 2, axis=1)
    runs, wanted = [], []
    for size in sizes:
        rows, symbols = rng.integers(0, 2, size), rng.integers(0, 4, size)
        bits = rng.integers(0, 33, size)
        values = rng.integers(0, 1 << 32, size) & (1 << bits) - 1
        wanted.append((rows, symbols, bits, values))
        starts = tables[rows, symbols]
        runs += [Run(starts, ends[rows, symbols] - starts), *bit_runs(values, bits)]
    stream = encode_lanes(runs, lanes_log2)
    decoder = LaneDecoder(stream, lanes_log2)
    for rows, symbols, bits, values in wanted:
        assert np.array_equal(decoder.take(rows, tables), symbols)
        assert np.array_equal(decoder.take_bits(bits), values)
    decoder.check_end()
    with pytest.raises(StreamError, match="does not end with its last symbol"):
        LaneDecoder(stream + bytes(4), lanes_log2).check_end()


@pytest.mark.no_cover
def test_memory_stays_a_small_multiple_of_the_samples() -> None:
    samples = RANDOM.integers(0, 256, (200, 300, 3)).astype(np.uint8)
    kept = with_samples(field_for(samples, width=8), samples)
    exact_samples(kept)
    tracemalloc.start()
    try:
        exact_samples(kept)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * samples.nbytes + (24 << 20)


def test_samples_come_back_without_torch_and_without_constriction(tmp_path: Path) -> None:
    kept, samples = small()
    (tmp_path / "a.lig").write_bytes(encode(kept))
    np.save(tmp_path / "a.npy", samples)
    program = (
        "import sys, numpy as np; sys.modules['torch'] = None; sys.modules['constriction'] = None\n"
        "from pathlib import Path; from ligeia.codec import exact_samples, read_record\n"
        "assert np.array_equal(exact_samples(read_record(Path('a.lig'))), np.load('a.npy'))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)
