"""The coded grids of pictures: what is written is read, in compiled code and in NumPy, and nothing else is believed."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ligeia import kernels
from ligeia.codec import (
    FieldRecord,
    Latents,
    NumpyField,
    decode,
    encode,
    no_latents,
    num_cells,
    picture_network,
    preview_of,
)
from ligeia.codec._container import ChecksumError
from ligeia.codec.entropy._ans import StreamError
from ligeia.codec.latents import _model as _latent_model
from ligeia.codec.latents._layout import Steps, layout
from ligeia.codec.latents._model import MEAN_BITS, ScaleTables, waves
from ligeia.codec.latents._networks import NetworksError, learned, sizes_for
from ligeia.codec.latents._stream import changed, coded_levels
from ligeia.codec.weights._quantized import QuantizedTensor, TensorError
from ligeia.core import FormatError, InputError
from ligeia.networks import NetworkConfig
from ligeia.signals import Channel, Grid, ImageSource

STEPS = Steps(30, 4, 2)


def latents_of(config: NetworkConfig, *, spread: float = 1.5, seed: int = 0) -> tuple[Latents, list[np.ndarray]]:
    """Return coded grids, and the integers in them: many small ones, some that are beyond every table."""
    rng = np.random.default_rng(seed)
    integers = []
    for grid in layout(config):
        found = np.rint(rng.standard_t(2, grid.shape) * spread).clip(-(2.0**29), 2.0**29).astype(np.int32)
        integers.append(found)
    integers[-1].flat[0] = 5_000_000
    changes = []
    for size in sizes_for(config):
        values = np.rint(rng.standard_t(3, size) * 0.6).astype(np.int32)
        changes.append(QuantizedTensor(values, 2.0**-6))
    three = (changes[0], changes[1], changes[2])
    networks = changed(learned(1).networks_for(1, config), three)
    levels = layout(config)[0].level + 1
    split = [levels - 2, 2] if levels > 2 else [levels]
    return Latents(1, 1, STEPS, three, coded_levels(config, integers, networks, 1, split)), integers


def record_of(config: NetworkConfig, latents: Latents, shape: tuple[int, int]) -> FieldRecord:
    """Return the record of a picture."""
    names = ("red", "green", "blue", "alpha")[: config.out_features]
    channels = tuple(Channel(name=name, low=0.0, high=255.0) for name in names)
    source = ImageSource(format="PNG", mode="RGB", dtype="uint8")
    return FieldRecord(config, Grid.of(shape), channels, source, latents=latents)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 200), (37, 50), (64, 64)])
@pytest.mark.parametrize("num_channels", [1, 2, 3, 4])
def test_what_is_written_is_read_in_compiled_code_and_in_numpy(shape: tuple[int, int], num_channels: int) -> None:
    config = picture_network(shape, num_channels)
    latents, integers = latents_of(config)
    data = encode(record_of(config, latents, shape))
    for path in ("auto", "torch"):  # torch: no compiled code, so NumPy
        with kernels.using(path):
            record = decode(data)
            assert record.latents is not None
            found = record.latents.integers(config)
        assert all(np.array_equal(one, other) for one, other in zip(found, integers, strict=True))
    assert encode(record) == data


def test_tables_are_laplace_distributions() -> None:
    tables = learned(1).tables
    for scale in (0, 40, 72, 120, 168):
        size = math.exp(-4.5 + scale / 16)
        for fraction in (-8, 0, 3, 7):
            table = np.array(tables.cumulative(scale, fraction)) / 2.0**24
            assert (np.diff(table) > 0).all()
            assert (table[0], table[-1]) == (0, 1)
            edges = np.arange(-tables.reaches[scale], tables.reaches[scale] + 2) - 0.5 - fraction / 16
            expected = np.where(edges < 0, 0.5 * np.exp(edges / size), 1 - 0.5 * np.exp(-edges / size))
            assert np.abs(table[1:-1] - expected).max() < 2e-3


def test_intervals_are_those_of_the_tables() -> None:
    tables = learned(1).tables
    scales, fractions, offsets = (each.ravel() for each in np.meshgrid([0, 60, 168], [-8, 5], [-300, -2, 0, 1, 400]))
    starts, widths = tables.intervals(scales, fractions, offsets)
    for start, width, scale, fraction, offset in zip(starts, widths, scales, fractions, offsets, strict=True):
        table, reach = tables.cumulative(int(scale), int(fraction)), tables.reaches[scale]
        symbol = min(max(offset, -reach - 1), reach + 1) + reach + 1
        assert (start, start + width) == (table[symbol], table[symbol + 1])


def test_scales_that_never_fall_have_bounded_tables() -> None:
    assert max(ScaleTables([2**32 - 1] * 169).reaches) == 255
    assert MEAN_BITS == 4


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (4, 20)])
def test_waves_visit_each_cell_once_and_after_those_it_depends_on(shape: tuple[int, int]) -> None:
    time = np.full(shape, -1)
    for number, (y, x) in enumerate(waves(shape)):
        assert (time[y, x] == -1).all()
        time[y, x] = number
    assert (time >= 0).all()
    for dy, dx in ((0, -1), (-1, 2), (-2, 1), (-1, -2), (-2, 0)):
        for y in range(shape[0]):
            for x in range(shape[1]):
                if y + dy >= 0 and 0 <= x + dx < shape[1]:
                    assert time[y + dy, x + dx] < time[y, x]


def test_a_preview_reads_the_coarse_levels_alone() -> None:
    config = picture_network((40, 50), 3)
    latents, integers = latents_of(config)
    record = decode(encode(record_of(config, latents, (40, 50))))
    broken = replace(latents, chunks=(latents.chunks[0], latents.chunks[1]._replace(stream=b"\1" * 9)))
    for each in (record, record_of(config, broken, (40, 50))):
        coarse = preview_of(each)
        assert coarse.latents is not None
        found = coarse.latents.integers(config)
        for grid, one, other in zip(layout(config), found, integers, strict=True):
            assert np.array_equal(one, other if grid.level >= 2 else np.zeros_like(other))
    assert NumpyField(preview_of(record)).sample((10, 13)).shape == (10, 13, 3)
    with pytest.raises(InputError, match="preview"):
        preview_of(FieldRecord(config, record.grid, record.channels, record.source, tuple(record.float_tensors())))


def test_a_version_of_the_networks_that_is_not_there_is_named() -> None:
    config = picture_network((8, 8), 1)
    latents, _ = latents_of(config)
    for wrong, reason in ((replace(latents, version=77), "version 77"), (replace(latents, index=9), "begins with 9")):
        record = decode(encode(record_of(config, wrong, (8, 8))))
        with pytest.raises(NetworksError, match=reason):
            NumpyField(record)


@pytest.mark.no_cover
@pytest.mark.parametrize("path", ["auto", "torch"])
def test_changed_streams_are_not_believed(path: str) -> None:
    config = picture_network((12, 10), 3)
    latents, _ = latents_of(config)
    data = encode(record_of(config, latents, (12, 10)))
    rng = np.random.default_rng(0)
    for _ in range(150):
        mutated = bytearray(data)
        mutated[rng.integers(9, len(data))] ^= 1 << rng.integers(8)
        with pytest.raises(FormatError):
            decode(bytes(mutated))
        *others, chunk = latents.chunks
        stream = bytearray(chunk.stream)
        stream[rng.integers(len(stream))] ^= 1 << rng.integers(8)
        wrong = replace(latents, chunks=(*others, chunk._replace(stream=bytes(stream).lstrip(b"\0"))))
        with kernels.using(path), pytest.raises(FormatError):
            wrong.integers(config)


def test_a_cut_stream_is_refused() -> None:
    config = picture_network((12, 10), 1)
    latents, _ = latents_of(config)
    for stream in (b"", latents.chunks[0].stream[:-4], latents.chunks[0].stream + b"\1\2\3\4"):
        wrong = replace(latents, chunks=(latents.chunks[0]._replace(stream=stream), *latents.chunks[1:]))
        with pytest.raises((StreamError, FormatError)):
            wrong.integers(config)
    assert issubclass(ChecksumError, FormatError)


def test_few_bytes_do_not_pay_for_many_integers() -> None:
    shape = (3000, 4000)
    config = picture_network(shape, 3)
    data = encode(record_of(config, no_latents(config), shape))
    assert len(data) < 300
    with pytest.raises(TensorError, match="at most 16,777,216 integers in this many bytes, got 23,997,633"):
        decode(data)
    latents = no_latents(config)
    assert latents.most_cells < num_cells(config)
    paid = replace(latents, chunks=(latents.chunks[0]._replace(stream=b"\1" * 120),))
    assert paid.most_cells == (1 << 24) + 120 * (1 << 16) >= num_cells(config)


def test_an_escape_of_too_many_bits_is_refused_on_every_path(monkeypatch: pytest.MonkeyPatch) -> None:
    config = picture_network((24, 24), 1)
    integers = [np.full(grid.shape, -40, np.int32) for grid in layout(config)]  # so that the last one's mean is below 0
    integers[-1][-1, -1] = 1 << 28
    usual = _latent_model._escape

    def too_long(excess: int) -> list[tuple[int, int]]:
        parts = ((30, 5), (0, 16), (0, 14))
        return usual(excess) if excess < 1 << 20 else [_latent_model._plain(*each) for each in parts]

    monkeypatch.setattr(_latent_model, "_escape", too_long)
    changes = latents_of(config)[0].changes
    networks = changed(learned(1).networks_for(1, config), changes)
    latents = Latents(1, 1, STEPS, changes, coded_levels(config, integers, networks, 1, [layout(config)[0].level + 1]))
    data = encode(record_of(config, latents, (24, 24)))
    for path in kernels.available():
        with kernels.using(path):
            record = decode(data)
            assert record.latents is not None
            with pytest.raises(StreamError, match="30 bits"):
                record.latents.integers(config)
