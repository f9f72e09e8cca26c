import importlib.util
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ligeia.codec._container import (
    SIGNATURE,
    ChecksumError,
    ChunkOrderError,
    FieldRecord,
    SignatureError,
    TensorError,
    TrailingBytesError,
    TruncationError,
    UnknownChunkError,
    VersionError,
    decode,
    encode,
)
from ligeia.codec.records._bytes import RecordError, varint_bytes
from ligeia.core import FormatError
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import (
    ArraySource,
    Axis,
    Channel,
    Grid,
    GriddedSource,
    ImageSource,
    Missing,
    PointsSource,
    SurfaceSource,
)

ROOT = Path(__file__).parents[2]
# the run-time type checks look at a random item of each tuple, which is harmless inside strategies
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")


def _load_benchmark() -> ModuleType:
    path = ROOT / "benchmarks" / "container_mutations.py"
    spec = importlib.util.spec_from_file_location("container_mutations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mutations = _load_benchmark()
finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=30)


@st.composite
def networks(draw: st.DrawFn) -> NetworkConfig:
    hidden_layers, outermost_linear = draw(st.integers(0, 3)), draw(st.booleans())
    count = hidden_layers + (1 if outermost_linear else 2)
    omega = st.floats(1e-300, 1e300)
    return NetworkConfig(
        SirenArchitecture(
            hidden_features=draw(st.integers(1, 9)),
            hidden_layers=hidden_layers,
            outermost_linear=outermost_linear,
            omegas=draw(st.one_of(omega.map(lambda each: (each,) * count), st.tuples(*[omega] * count))),
        ),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 4)),
    )


@st.composite
def grids(draw: st.DrawFn, num_axes: int) -> Grid:
    names = draw(st.lists(texts, min_size=num_axes, max_size=num_axes, unique=True))
    extents = st.one_of(st.just((-1.0, 1.0)), st.tuples(finite, finite).filter(lambda ends: ends[0] != ends[1]))
    axes = tuple(
        Axis(
            name=name,
            size=draw(st.integers(1, 2**15)),
            extent=draw(extents),
            unit=draw(texts),
            is_periodic=draw(st.booleans()),
            calendar=draw(texts),
        )
        for name in names
    )
    if draw(st.booleans()):
        ticks = tuple(sorted(draw(st.lists(finite, min_size=1, max_size=9, unique=True))))
        if len(ticks) > 1:
            axes = (*axes[:-1], replace(axes[-1], size=len(ticks), extent=(ticks[0], ticks[-1]), ticks=ticks))
    return Grid(axes, draw(st.sampled_from(["centers", "corners"])))


@st.composite
def missing_of(draw: st.DrawFn, grid: Grid) -> Missing | None:
    if grid.num_samples < 2 or draw(st.booleans()):
        return None
    return Missing(grid.num_samples, draw(st.integers(1, grid.num_samples - 1)), draw(st.binary(max_size=30)))


scales = st.tuples(finite, finite).filter(lambda ends: 0 < abs(ends[1] - ends[0]) < float("inf")).map(sorted)
sources = st.one_of(
    st.builds(ArraySource, dtype=st.sampled_from(["|u1", "<f4", ">i2", "|b1"]), has_channel_axis=st.booleans()),
    st.builds(
        ImageSource,
        format=texts,
        mode=texts,
        dtype=st.sampled_from(["bool", "uint8", "uint16", "float32"]),
        bits=st.integers(1, 64),
        orientation=st.integers(1, 8),
        icc_profile=st.binary(max_size=300),
        palette=st.binary(max_size=20),
        palette_mode=texts,
    ),
    st.builds(
        GriddedSource,
        format=st.sampled_from(["NETCDF3", "NETCDF4", "ZARR"]),
        name=texts,
        dtype=st.sampled_from(["|u1", "<f4", ">i2"]),
        metadata=st.binary(max_size=40),
    ),
    st.builds(PointsSource, dtype=st.sampled_from(["<f4", "<f8"])),
    st.builds(SurfaceSource, format=texts, dtype=st.sampled_from(["<f4", "<f8"]), is_cloud=st.booleans()),
)


@st.composite
def channels_of(draw: st.DrawFn, count: int) -> tuple[Channel, ...]:
    low, high = draw(scales)
    shared = draw(st.booleans())
    result = []
    for _ in range(count):
        if not shared:
            low, high = draw(scales)
        result.append(Channel(name=draw(texts), low=low, high=high, unit="" if shared else draw(texts)))
    return tuple(result)


def _tensor(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Every finite bit pattern is equally likely: subnormal numbers and -0.0 are among them."""
    dtype = np.float32 if rng.integers(2) else np.float16
    values = np.frombuffer(rng.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape).copy()
    values[~np.isfinite(values)] = -0.0
    return values


@st.composite
def records(draw: st.DrawFn) -> FieldRecord:
    network = draw(networks())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    grid = draw(grids(network.in_features))
    network = replace(network, in_features=grid.num_inputs)
    return FieldRecord(
        network,
        grid,
        draw(channels_of(network.out_features)),
        draw(sources),
        tuple(_tensor(shape, rng) for shape in network.tensor_shapes()),
        draw(missing_of(grid)),
    )


def _small() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=2, hidden_layers=0), 1, 1)
    tensors = tuple(np.full(shape, 0.25, np.float32) for shape in network.tensor_shapes())
    channels = (Channel(name="value", low=0.0, high=1.0),)
    return FieldRecord(network, Grid.of((10,)), channels, ArraySource(dtype="<f4"), tensors)


def _with_chunks(*chunks: tuple[bytes, bytes], head: bytes = SIGNATURE + b"\1") -> bytes:
    """Return a file of chunks whose checksums are right."""
    parts, checksum = [head], zlib.crc32(head)
    for kind, payload in chunks:
        body = kind + varint_bytes(len(payload)) + payload
        checksum = zlib.crc32(body, checksum)
        parts += [body, checksum.to_bytes(4, "little")]
    return b"".join(parts)


def _chunks() -> list[tuple[bytes, bytes]]:
    return [(each.kind, each.payload) for each in mutations.split(encode(_small()))]


def _floats(record: FieldRecord) -> list[np.ndarray]:
    arrays = [tensor for tensor in record.tensors if isinstance(tensor, np.ndarray)]
    assert len(arrays) == len(record.tensors)
    return arrays


@given(records())
@settings(deadline=None, max_examples=80)
def test_a_record_is_read_back_bit_for_bit(record: FieldRecord) -> None:
    data = encode(record)
    read = decode(data)
    assert (read.network, read.grid, read.channels) == (record.network, record.grid, record.channels)
    assert (read.source, read.missing) == (record.source, record.missing)
    for ours, theirs in zip(_floats(read), _floats(record), strict=True):
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())
        assert ours.flags.writeable
    assert encode(read) == data


def test_the_file_in_the_specification_is_read_and_written_again() -> None:
    page = (ROOT / "spec" / "container.md").read_text(encoding="utf-8")
    data = b""
    for offset, stored in re.findall(r"^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", page, re.MULTILINE):
        assert int(offset, 16) == len(data)
        data += bytes.fromhex(stored)
    record = decode(data)
    assert [tensor.item() for tensor in _floats(record)] == [1.0, 0.5, -2.0, 0.0]
    assert np.signbit(_floats(record)[-1])
    assert (record.grid, record.source) == (Grid.of((100,)), ArraySource(dtype="<f4"))
    assert encode(record) == data


def test_the_specification_names_every_error() -> None:
    page = (ROOT / "spec" / "container.md").read_text(encoding="utf-8")
    module = sys.modules["ligeia.codec._container"]
    errors = {name for name, each in vars(module).items() if isinstance(each, type) and issubclass(each, FormatError)}
    assert errors - {"FormatError"} == set(re.findall(r"`(\w+Error)` \|$", page, re.MULTILINE))


def test_what_is_not_a_weight_takes_few_bytes() -> None:
    network = NetworkConfig(SirenArchitecture(hidden_features=32, hidden_layers=2), 2, 3)
    record = FieldRecord(
        network,
        Grid.of((512, 768)),
        tuple(Channel(name=name, low=0.0, high=255.0) for name in ("red", "green", "blue")),
        ImageSource(format="PNG", mode="RGB", dtype="uint8"),
        tuple(np.zeros(shape, np.float16) for shape in network.tensor_shapes()),
    )
    weights = sum(tensor.nbytes for tensor in _floats(record))
    assert len(encode(record)) - weights == 205


def test_a_grid_of_two_to_the_forty_samples_is_read_at_no_cost() -> None:
    record = _small()
    huge = FieldRecord(record.network, Grid.of((2**40,)), record.channels, record.source, record.tensors)
    assert decode(encode(huge)).grid.num_samples == 2**40


def test_a_mask_stands_behind_the_source_once_and_fits_the_grid() -> None:
    chunks, mask = _chunks(), varint_bytes(3) + zlib.compress(b"\xe0\0")
    inserted = [*chunks[:4], (b"miss", mask), *chunks[4:]]
    missing = decode(_with_chunks(*inserted)).missing
    assert missing is not None
    assert np.flatnonzero(missing.mask()).tolist() == [0, 1, 2]
    assert encode(decode(_with_chunks(*inserted))) == _with_chunks(*inserted)
    for place in (0, 1, 2, 3, 5, 6, 7):
        with pytest.raises(ChunkOrderError, match=r"expected a .{4} chunk before byte"):
            decode(_with_chunks(*chunks[:place], (b"miss", mask), *chunks[place:]))
    with pytest.raises(ChunkOrderError, match="expected a TENS chunk before byte"):
        decode(_with_chunks(*inserted[:5], (b"miss", mask), *inserted[5:]))
    for count in (0, 10, 11):
        with pytest.raises(RecordError, match=rf"expected 1 to 9 missing samples, got {count} of 10"):
            decode(_with_chunks(*chunks[:4], (b"miss", varint_bytes(count) + mask[1:]), *chunks[4:]))
    with pytest.raises(RecordError, match="expected a mask of 10 samples, got one of 11"):
        replace(_small(), missing=Missing(11, 3, mask[1:]))


def test_unknown_ancillary_chunks_are_skipped_anywhere() -> None:
    note = (b"nOTE", b"any bytes")
    chunks = [each for chunk in _chunks() for each in (note, chunk)]
    assert encode(decode(_with_chunks(*chunks))) == encode(_small())


def test_refusal_1_another_signature() -> None:
    with pytest.raises(SignatureError, match="a ligeia file begins with"):
        decode(b"\x89PNG\r\n\x1a\n" + encode(_small())[8:])


@pytest.mark.parametrize(
    ("version", "message"),
    [(2, "of version 2, this ligeia reads version 1; upgrade"), (0, "of version 0, which never existed")],
)
def test_refusal_2_another_version(version: int, message: str) -> None:
    with pytest.raises(VersionError, match=message):
        decode(_with_chunks(*_chunks(), head=SIGNATURE + bytes([version])))


def test_refusal_3_every_truncation() -> None:
    data = encode(_small())
    for length in range(len(data)):
        with pytest.raises(TruncationError, match=r"expected \d+ more bytes at byte .* get the file again"):
            decode(data[:length])


def test_refusal_3_a_chunk_longer_than_the_file() -> None:
    with pytest.raises(TruncationError, match="expected 2147483648 more bytes"):
        decode(SIGNATURE + b"\1NETW" + varint_bytes(2**31) + bytes(80))


def test_refusal_4_any_bit_flipped_after_the_version() -> None:
    data = encode(_small())
    allowed = (ChecksumError, TruncationError, RecordError)  # a flipped length may also overrun the file
    for bit in range(8 * 9, 8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(allowed, match=r"should have checksum|more bytes|more bytes than it needs"):
            decode(bytes(damaged))


def test_refusal_4_chunks_exchanged_with_their_checksums() -> None:
    data = encode(_small())
    chunks = mutations.split(data)
    chunks[5], chunks[7] = chunks[7], chunks[5]
    with pytest.raises(ChecksumError, match="should have checksum"):
        decode(mutations.join(data[:9], chunks, recompute=False))


def test_refusal_5_an_unknown_critical_chunk() -> None:
    with pytest.raises(UnknownChunkError, match="the critical chunk PRUN is of an unknown type; upgrade"):
        decode(_with_chunks(_chunks()[0], (b"PRUN", b""), *_chunks()[1:]))


def test_refusal_5_a_type_that_is_not_letters() -> None:
    with pytest.raises(UnknownChunkError, match="four ASCII letters"):
        decode(_with_chunks((b"ab\0d", b""), *_chunks()))


def test_refusal_6_a_chunk_missing_doubled_or_moved() -> None:
    chunks = _chunks()
    for number in (0, 1, 2, 3, len(chunks) - 2):  # tensors in the middle would differ in size first
        doubled = [*chunks[: number + 1], *chunks[number:]]
        for wrong in (chunks[:number] + chunks[number + 1 :], doubled):
            with pytest.raises(ChunkOrderError, match=r"expected a .{4} chunk before byte"):
                decode(_with_chunks(*wrong))
    with pytest.raises(ChunkOrderError, match=r"expected a NETW chunk .* got GRID"):
        decode(_with_chunks(chunks[1], chunks[0], *chunks[2:]))


def test_refusal_9_a_last_chunk_that_is_not_empty() -> None:
    with pytest.raises(RecordError, match="the DONE chunk must be empty"):
        decode(_with_chunks(*_chunks()[:-1], (b"DONE", b"\0")))


def test_refusal_12_sizes_that_contradict_each_other() -> None:
    small = _small()
    with pytest.raises(RecordError, match="takes 1 coordinates, the grid has 2"):
        FieldRecord(small.network, Grid.of((2, 2)), small.channels, small.source, small.tensors)
    with pytest.raises(RecordError, match="returns 1 values, there are 2 channels"):
        FieldRecord(small.network, small.grid, small.channels * 2, small.source, small.tensors)
    chunks = _chunks()
    chunks[0] = (b"NETW", chunks[0][1].replace(b"\1\3\1", b"\1\3\2", 1))
    with pytest.raises(RecordError, match="takes 2 coordinates, the grid has 1"):
        decode(_with_chunks(*chunks))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "tensor 0 has dtype tag -1"),
        (b"\2" + bytes(8), r"tensor 0 has dtype tag 2, known are \[0, 1\]; upgrade"),
        (b"\0" + bytes(4), r"tensor 0 of shape \(2, 1\) takes 8 bytes, got 4"),
        (b"\0" + bytes(12), r"tensor 0 of shape \(2, 1\) takes 8 bytes, got 12"),
        (b"\1" + bytes(8), r"tensor 0 of shape \(2, 1\) takes 4 bytes, got 8"),
        (b"\1" + b"\0\x7e" * 2, "tensor 0 holds NaN or infinite weights"),
        (b"\0" + b"\0\0\x80\x7f" * 2, "tensor 0 holds NaN or infinite weights"),
    ],
)
def test_refusals_13_to_15_a_tensor_that_does_not_fit(payload: bytes, message: str) -> None:
    chunks = _chunks()
    chunks[4] = (b"TENS", payload)
    with pytest.raises(TensorError, match=message):
        decode(_with_chunks(*chunks))


@pytest.mark.parametrize(
    ("number", "tensor", "message"),
    [
        (0, np.zeros((1, 2), np.float32), r"tensor 0 must be \(2, 1\) for this network, got \(1, 2\)"),
        (1, np.zeros(2, np.float64), "tensor 1 must be float32 or float16, got float64"),
        (1, np.array([0, np.nan], np.float32), "tensor 1 holds NaN or infinite weights"),
        (3, np.array([-np.inf], np.float16), "tensor 3 holds NaN or infinite weights"),
    ],
)
def test_writing_refuses_a_tensor_that_does_not_fit(number: int, tensor: np.ndarray, message: str) -> None:
    small = _small()
    tensors = (*small.tensors[:number], tensor, *small.tensors[number + 1 :])
    with pytest.raises(TensorError, match=message):
        FieldRecord(small.network, small.grid, small.channels, small.source, tensors)


def test_writing_refuses_a_missing_tensor_and_one_spoiled_since() -> None:
    small = _small()
    with pytest.raises(TensorError, match="expected 4 tensors for this network, got 3"):
        FieldRecord(small.network, small.grid, small.channels, small.source, small.tensors[:3])
    _floats(small)[2][:] = np.nan
    with pytest.raises(TensorError, match="tensor 2 holds NaN"):
        encode(small)


def test_refusal_20_trailing_bytes() -> None:
    data = encode(_small())
    with pytest.raises(TrailingBytesError, match=f"should end at byte {len(data)}, 3 more follow"):
        decode(data + b"abc")


@pytest.mark.no_cover
def test_mutated_files_are_refused_or_read_as_valid_records() -> None:
    row = mutations.run(1000, seed=1, traced_count=50)
    assert len(row["seed_file_bytes"]) == 12  # three of them quantized, two of coded grids, two scenes
    reached = {*row["checksums_kept"], *row["checksums_recomputed"]}
    assert reached >= {"ChecksumError", "ChunkOrderError", "RecordError", "TensorError", "UnknownChunkError"}
    assert row["resident_growth_mib"] < 100


@given(record=records(), seed=st.integers(0, 2**32), recompute=st.booleans())
@settings(deadline=None, max_examples=120)
def test_mutations_of_any_file_are_refused_or_read(record: FieldRecord, seed: int, recompute: bool) -> None:
    data = encode(record)
    mutated = mutations.mutate(data, np.random.default_rng(seed), recompute=recompute)
    assert mutations.outcome_of(mutated, data, recompute=recompute)


@given(st.lists(st.tuples(st.sampled_from([b"NETW", b"GRID", b"CHAN", b"SRCE", b"TENS"]), st.binary(max_size=40))))
@settings(deadline=None)
def test_random_payloads_raise_nothing_but_format_errors(chunks: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(FormatError, match=r"\S"):
        decode(_with_chunks(*chunks))


def test_decoding_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from ligeia.codec._container import decode, encode\n"
        "data = sys.stdin.buffer.read()\n"
        "assert encode(decode(data)) == data\n"
        "assert not any(name.startswith('torch.') for name in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], input=encode(_small()), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
