"""Samples on disk are those of the plain array, whatever the file and its blocks."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from numpy.testing import assert_array_equal

from ligeia.core import FormatError, InputError, SampleError
from ligeia.formats import read_signal
from ligeia.signals import Blocks, BoxBlocks, FileBlocks, Missing, Signal, from_array, rms_frequencies

RANDOM = np.random.default_rng(0)
Save = Callable[[Path, np.ndarray], Path]


def as_npy(folder: Path, array: np.ndarray) -> Path:
    np.save(folder / "a.npy", array)
    return folder / "a.npy"


def as_fortran(folder: Path, array: np.ndarray) -> Path:
    return as_npy(folder, np.asfortranarray(array))


def as_zarr(folder: Path, array: np.ndarray) -> Path:
    chunks = tuple(max(1, size // 3) for size in array.shape)
    zarr.create_array(folder / "a.zarr", data=array, chunks=chunks)
    return folder / "a.zarr"


def as_old_zarr(folder: Path, array: np.ndarray) -> Path:
    zarr.create_array(folder / "a.zarr", data=array, chunks=tuple(size // 4 + 1 for size in array.shape), zarr_format=2)
    return folder / "a.zarr"


ARRAYS = [
    RANDOM.normal(size=(41, 30, 20)).astype(np.float32),
    RANDOM.integers(0, 256, (90, 70, 3), dtype=np.uint8),
    RANDOM.normal(size=50_000),
    RANDOM.integers(-900, 900, (9, 8, 7, 60), dtype=np.int16),
]


@pytest.fixture(params=range(len(ARRAYS)), ids=lambda each: "x".join(map(str, ARRAYS[each].shape)))
def array(request: pytest.FixtureRequest) -> np.ndarray:
    return ARRAYS[request.param]


@pytest.fixture(params=[as_npy, as_fortran, as_zarr, as_old_zarr])
def save(request: pytest.FixtureRequest) -> Save:
    return request.param


@pytest.fixture
def both(array: np.ndarray, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Signal, Signal]:
    monkeypatch.setattr("ligeia.signals._blocks._BOX_BYTES", 2000)
    monkeypatch.setattr("ligeia.signals._blocks._LEAST_BOXES", 16)
    monkeypatch.setattr("ligeia.signals._blocks._PIECE_BYTES", 3000)
    on_disk = read_signal(save(tmp_path, array), working_set=8000)
    return on_disk, from_array(array)


def test_samples_at_any_indices_are_those_of_the_array(both: tuple[Signal, Signal]) -> None:
    on_disk, plain = both
    assert isinstance(on_disk.values, Blocks)
    assert isinstance(plain.values, np.ndarray)
    indices = np.concatenate([RANDOM.integers(0, plain.num_samples, 1000), [0, plain.num_samples - 1]])
    assert_array_equal(on_disk.normalized(indices), plain.normalized(indices))
    assert_array_equal(on_disk.values.take(indices[:0]), plain.samples(indices[:0]))
    assert_array_equal(np.asarray(on_disk.values), plain.values)


def test_grid_channels_source_and_measures_are_those_of_the_array(both: tuple[Signal, Signal]) -> None:
    on_disk, plain = both
    assert (on_disk.grid, on_disk.channels, on_disk.source) == (plain.grid, plain.channels, plain.source)
    assert on_disk.snr_offset_db() == pytest.approx(plain.snr_offset_db(), abs=1e-9)
    assert rms_frequencies(on_disk) == pytest.approx(rms_frequencies(plain))


def test_every_sample_is_in_one_block_at_the_place_that_is_told(both: tuple[Signal, Signal]) -> None:
    blocks, plain = both[0].values, both[1]
    assert isinstance(blocks, Blocks)
    assert blocks.num_blocks >= 3
    assert blocks.largest == blocks.sizes.max()
    seen = []
    for number in range(blocks.num_blocks):
        offsets = np.arange(blocks.sizes[number])
        indices = blocks.place(np.full(len(offsets), number), offsets)
        numbers, again = blocks.locate(indices)
        assert_array_equal(numbers, number)
        assert_array_equal(again, offsets)
        assert_array_equal(blocks.read(number), plain.samples(indices))
        seen.append(indices)
    assert_array_equal(np.sort(np.concatenate(seen)), np.arange(plain.num_samples))


def test_parts_are_those_of_the_array(tmp_path: Path) -> None:
    blocks = read_signal(as_npy(tmp_path, ARRAYS[0]), working_set=8000).values
    plain = ARRAYS[0][..., None]
    for key in [(3,), (3, 4, 5), (slice(2, 9, 3), -1), (1, slice(None), slice(4, 6)), (slice(None), 2, 3, 0), ()]:
        assert_array_equal(blocks[key], plain[key])
    for wrong, message in [
        ((41,), "expected an index within 41 samples, got 41"),
        ((0, 0, 0, 0, 0), "expected whole numbers and slices of 4 axes, got"),
        ((None,), "expected whole numbers and slices of 4 axes, got"),
    ]:
        with pytest.raises(IndexError, match=message):
            blocks[wrong]


@pytest.mark.no_cover
def test_a_memory_map_is_read_from_its_file_wherever_it_begins(tmp_path: Path) -> None:
    mapped = np.load(as_npy(tmp_path, ARRAYS[0]), mmap_mode="r+")
    part = mapped[5:]
    mapped[7] = 4.5
    on_disk = from_array(part, working_set=1000)
    assert isinstance(on_disk.values, FileBlocks)
    assert_array_equal(np.asarray(on_disk.values)[..., 0], part)
    turned = from_array(mapped.T, working_set=1000)
    assert isinstance(turned.values, BoxBlocks)
    assert_array_equal(np.asarray(turned.values)[..., 0], mapped.T)
    for plain in (mapped[:, ::2], np.load(tmp_path / "a.npy", mmap_mode="c"), ARRAYS[0]):
        assert isinstance(from_array(plain, working_set=1000).values, np.ndarray)


def test_what_fits_into_the_working_set_is_a_plain_array(tmp_path: Path) -> None:
    for path in (as_npy(tmp_path, ARRAYS[0]), as_zarr(tmp_path, ARRAYS[0])):
        for working_set in (None, ARRAYS[0].nbytes):
            assert isinstance(read_signal(path, working_set=working_set).values, np.ndarray)
        assert isinstance(read_signal(path, working_set=ARRAYS[0].nbytes - 1).values, Blocks)


def test_the_digest_tells_samples_and_working_sets_apart(tmp_path: Path) -> None:
    first = read_signal(as_npy(tmp_path, ARRAYS[0]), working_set=8000).digest()
    assert read_signal(tmp_path / "a.npy", working_set=8000).digest() == first
    assert read_signal(tmp_path / "a.npy", working_set=9000).digest() != first
    changed = ARRAYS[0].copy()
    changed[-1, -1, -1] += 1e-3
    assert read_signal(as_npy(tmp_path, changed), working_set=8000).digest() != first


@pytest.mark.parametrize("save_as", [as_npy, as_zarr])
def test_samples_that_are_not_finite_are_counted_and_the_first_is_named(save_as: Save, tmp_path: Path) -> None:
    array = ARRAYS[0].copy()
    array[7, 3, 2], array[30, 1, 1], array[7, 3, 5] = np.nan, np.inf, -np.inf
    with pytest.raises(SampleError, match=r"a.*: expected finite samples, 3 of 24600 .* at index \(7, 3, 2, 0\)"):
        read_signal(save_as(tmp_path, array), working_set=8000)


def test_masks_of_missing_samples_are_refused(tmp_path: Path) -> None:
    signal = read_signal(as_npy(tmp_path, ARRAYS[0]), working_set=8000)
    missing = Missing.of(ARRAYS[0] > 0)
    with pytest.raises(
        InputError, match=r"expected samples on a grid, none of them missing, of an array larger than the working set"
    ):
        Signal(grid=signal.grid, values=signal.values, channels=signal.channels, source=signal.source, missing=missing)


def test_a_file_that_was_cut_meanwhile_is_told_of(tmp_path: Path) -> None:
    signal = read_signal(as_npy(tmp_path, ARRAYS[0]), working_set=8000)
    with (tmp_path / "a.npy").open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(FormatError, match="the file ends; was it cut meanwhile"):
        signal.samples(np.array([20_000]))


def test_a_zarr_array_that_is_damaged_or_has_no_variables_is_refused(tmp_path: Path) -> None:
    path = as_zarr(tmp_path, ARRAYS[0])
    with pytest.raises(InputError, match="one zarr array, so 'u' cannot be chosen"):
        read_signal(path, variable="u")
    chunk = next(each for each in sorted((path / "c").rglob("*")) if each.is_file())
    chunk.write_bytes(b"nonsense")
    for working_set in (None, 8000):
        with pytest.raises(FormatError, match="not a readable zarr array"):
            read_signal(path, working_set=working_set)
    (path / "zarr.json").write_text('{"node_type": "array"}')
    with pytest.raises(FormatError, match="not a readable zarr array"):
        read_signal(path)


def test_arrays_that_are_no_signal_are_refused_as_in_memory(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "c.zarr", data=np.zeros((9, 9), np.complex64))
    with pytest.raises(SampleError, match=r"c\.zarr: expected real samples"):
        read_signal(tmp_path / "c.zarr", working_set=10)


def test_many_blocks_are_made_larger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ligeia.signals._blocks._MOST_BLOCKS", 3)
    monkeypatch.setattr("ligeia.signals._blocks._LEAST_BOXES", 0.01)
    for save_as in (as_npy, as_fortran, as_zarr):
        blocks = read_signal(save_as(tmp_path, ARRAYS[0]), working_set=8000).values
        assert isinstance(blocks, Blocks)
        assert blocks.num_blocks <= 4
        assert blocks.sizes.sum() == math.prod(ARRAYS[0].shape)
