"""Oracles: NumPy's own reader and writer, and ranges worked out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as numpy_strategies

from ligeia.core import FormatError, InputError, LigeiaError, OutputError, SampleError, ShapeError
from ligeia.formats import read_array, read_signal, write_archive, write_array
from ligeia.signals import ArraySource, cast_samples, from_array, value_range_of

DTYPES = ["?", "u1", "<u2", ">u2", "i1", "<i4", ">i4", "<i8", "<u8", "<f2", "<f4", ">f4", "<f8"]


def saved(path: Path, array: np.ndarray) -> Path:
    with path.open("wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=True)
    return path


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_keep_the_dtype_that_they_have_on_disk(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    signal = from_array(array)
    assert signal.values.dtype == np.dtype(dtype)
    assert signal.source == ArraySource(dtype=np.dtype(dtype).str)
    assert np.array_equal(signal.values[..., 0], array)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("?", (0.0, 1.0)), ("u1", (0.0, 255.0))]
    + [(dtype, (2.0, 70.0)) for dtype in ("<u2", ">u2", "i1", "<i2", "<i4", ">i4", "<u4", "<i8", "<f2", "<f4", "<f8")],
)
def test_the_range_is_that_of_the_samples_unless_they_use_a_small_unsigned_type(
    dtype: str, expected: tuple[float, float]
) -> None:
    array = np.array([3, 2, 70]).astype(dtype)
    assert value_range_of(array) == expected
    (channel,) = from_array(array).channels
    assert (channel.low, channel.high) == expected


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([0, 1], np.uint8), (0, 1)),  # a mask
        (np.array([0, 19], np.uint8), (0, 19)),  # labels
        (np.array([10, 74], np.uint8), (0, 255)),  # a dark photograph
        (np.array([100, 4095], np.uint16), (100, 4095)),  # a microscope of 12 bits
        (np.array([0, 16383], "<u2"), (0, 16383)),
        (np.array([7, 60000], ">u2"), (0, 65535)),
        (np.array([7, 7], np.uint16), (0, 65535)),  # says nothing of what it uses
    ],
)
def test_samples_that_do_not_use_their_type_have_a_range_of_their_own(
    samples: np.ndarray, expected: tuple[int, int]
) -> None:
    assert value_range_of(samples) == expected
    signal = from_array(samples)
    held = (0.0, float(np.iinfo(samples.dtype).max))
    assert signal.held_range == held


@pytest.mark.parametrize("value", [0.0, 5.0, -5.0, 1e-3, 1e6, -(2.0**40)])
def test_a_constant_signal_sits_in_the_middle_of_a_range(value: float) -> None:
    signal = from_array(np.full((3, 4), value))
    low, high = signal.channels[0].low, signal.channels[0].high
    assert high - low == max(abs(value), 1.0)
    assert np.abs(signal.normalized(np.arange(12))).max() < 1e-6


def test_all_channels_share_a_range_and_the_caller_may_state_it() -> None:
    array = np.arange(8.0).reshape(4, 2)
    shared = {(channel.low, channel.high) for channel in from_array(array, channels=True).channels}
    assert shared == {(0.0, 7.0)}
    stated = {(channel.low, channel.high) for channel in from_array(array, value_range=(-10, 10)).channels}
    assert stated == {(-10.0, 10.0)}
    with pytest.raises(SampleError, match=r"needs a finite range low < high, got 1\.0 to 0\.0"):
        from_array(array, value_range=(1.0, 0.0))


@pytest.mark.parametrize(
    ("shape", "channels", "grid_shape", "names"),
    [
        ((5,), None, (5,), ["value"]),
        ((5, 2), None, (5, 2), ["value"]),
        ((5, 2), True, (5,), ["channel0", "channel1"]),
        ((5, 6, 1), None, (5, 6), ["value"]),
        ((5, 6, 3), None, (5, 6), ["red", "green", "blue"]),
        ((5, 6, 4), None, (5, 6), ["red", "green", "blue", "alpha"]),
        ((5, 6, 3), False, (5, 6, 3), ["value"]),
        ((5, 6, 5), None, (5, 6, 5), ["value"]),
        ((5, 6, 5), True, (5, 6), [f"channel{number}" for number in range(5)]),
        ((4, 5, 6, 3), None, (4, 5, 6, 3), ["value"]),
        ((4, 5, 6, 3), True, (4, 5, 6), ["red", "green", "blue"]),
    ],
)
def test_the_last_axis_of_an_image_holds_channels(
    shape: tuple[int, ...], channels: bool | None, grid_shape: tuple[int, ...], names: list[str]
) -> None:
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    signal = from_array(array, channels=channels)
    assert signal.grid.shape == grid_shape
    assert [channel.name for channel in signal.channels] == names
    assert signal.source == ArraySource(dtype="<f8", has_channel_axis=signal.values.shape == shape)
    assert np.array_equal(signal.values.reshape(shape), array)


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros(3, complex), SampleError, "expected real samples, the array is complex128; stack its real and"),
        (np.zeros(3, object), SampleError, "expected an array of numbers, got dtype object"),
        (np.array(["a", "b"]), SampleError, "expected an array of numbers, got dtype <U1"),
        (np.zeros(3, "M8[s]"), SampleError, "expected an array of numbers, got dtype datetime64"),
        (np.zeros(3, [("x", "f4"), ("y", "f4")]), SampleError, "expected an array of numbers"),
        (np.zeros((4, 0)), ShapeError, r"expected at least one sample, the array is empty: shape \(4, 0\)"),
        (np.array(5.0), ShapeError, "expected an array with at least one axis, got a single number"),
        (np.full(4, np.inf), SampleError, r"4 of 4 are NaN or infinite, the first at index \(0, 0\)"),
        (np.full(4, np.nan), SampleError, "expected samples, all 4 of them are missing"),
        (np.array([1.0, -np.inf, np.inf]), SampleError, r"2 of 3 are NaN or infinite, the first at index \(1, 0\)"),
    ],
)
def test_an_array_that_is_no_signal_is_refused(array: np.ndarray, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        from_array(array)


def test_one_axis_cannot_be_positions_and_channels_at_once() -> None:
    with pytest.raises(ShapeError, match=r"an array with channels needs at least two axes, got shape \(5,\)"):
        from_array(np.zeros(5), channels=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7,), (4, 5), (4, 5, 3)])
def test_a_written_array_reads_back_the_same(tmp_path: Path, dtype: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 2 if dtype == "?" else 100, shape).astype(dtype)
    signal = from_array(array)
    flat = signal.values.reshape(-1, signal.num_channels)
    cut = len(flat) // 3
    pieces = [(start, stop, flat[start:stop]) for start, stop in ((0, cut), (cut, len(flat)))]
    path = tmp_path / "a.npy"
    write_array(path, shape, np.dtype(dtype), pieces)
    assert path.read_bytes() == saved(tmp_path / "numpy.npy", array).read_bytes()
    back = read_array(path)
    assert back.values.dtype == np.dtype(dtype)
    assert back.digest() == signal.digest()


def test_a_file_of_columns_first_reads_as_any_other(tmp_path: Path) -> None:
    array = np.arange(12.0).reshape(3, 4)
    signal = read_array(saved(tmp_path / "a.npy", np.asfortranarray(array)))
    assert np.array_equal(signal.values[..., 0], array)
    assert signal.digest() == from_array(array).digest()


def test_a_failure_while_writing_leaves_the_old_array(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.arange(3))

    def pieces() -> Any:
        yield 0, 1, np.zeros((1, 1))
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"a\.npy: writing failed \(No space left on device\); nothing was changed"):
        write_array(path, (2,), np.dtype("<f8"), pieces())
    assert np.load(path).tolist() == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kept", [1, 6, 20, 127, 128, 200])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = saved(tmp_path / "a.npy", np.arange(20.0))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(FormatError, match=r"a\.npy: "):
        read_array(path)


def test_pickled_objects_are_refused_and_never_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (ran,)

    path = saved(tmp_path / "a.npy", np.array([Trap()], dtype=object))
    with pytest.raises(FormatError, match=r"a\.npy: not a readable \.npy file of numbers"):
        read_array(path)
    (tmp_path / "b.npy").write_bytes(path.read_bytes()[128:])
    with pytest.raises(FormatError, match=r"b\.npy: expected an \.npy file of one array"):
        read_array(tmp_path / "b.npy")
    assert not ran.exists()


@pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", b"\x80\x04K\x01.", b"not an array", b"\x93NUMPX"])
def test_other_bytes_under_the_name_of_an_array_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.npy: expected an \.npy file of one array"):
        read_array(tmp_path / "a.npy")


def test_an_archive_of_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", first=np.zeros(3), second=np.zeros(3))
    with pytest.raises(FormatError, match=r"a\.npz: expected an \.npy file of one array"):
        read_array(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros((0, 3)), InputError, r"a\.npy: .*empty"),
        (np.array(3.0), ShapeError, r"a\.npy: expected an array with at least one axis"),
        (np.zeros(3, complex), SampleError, r"a\.npy: expected real samples"),
        (np.array([0.0, np.inf]), SampleError, r"a\.npy: expected finite samples, 1 of 2"),
    ],
)
def test_a_file_that_holds_no_signal_is_named(
    tmp_path: Path, array: np.ndarray, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_array(saved(tmp_path / "a.npy", array))


@pytest.mark.filterwarnings("ignore:Reading `.npy` or `.npz` file required additional header parsing:UserWarning")
def test_damaged_headers_raise_no_other_error(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npy", np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    letters = np.frombuffer(b"0123456789(),'-LjO <>fc\x00\xff", dtype=np.uint8)
    messages: list[str] = []
    for _ in range(500):
        damaged = np.frombuffer(whole, dtype=np.uint8).copy()
        places = rng.integers(0, 128, rng.integers(1, 4))
        damaged[places] = rng.choice(letters, len(places))
        path.write_bytes(damaged.tobytes())
        try:
            read_array(path)
        except LigeiaError as error:
            messages.append(str(error))
    assert len(messages) > 150
    assert all(message.startswith(f"{path}: ") for message in messages)


@settings(deadline=None)
@given(
    numpy_strategies.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e6, 1e6)),
    st.sampled_from(["u1", "<u2", "i1", "<i2", "<i4", "<i8", "<u4", "<u8"]),
)
def test_casting_to_integers_rounds_and_clips(values: np.ndarray, dtype: str) -> None:
    limits = np.iinfo(dtype)
    expected = [min(max(round(value), limits.min), limits.max) for value in values.tolist()]
    assert cast_samples(values, np.dtype(dtype)).tolist() == expected


@pytest.mark.parametrize("dtype", ["<i4", "<u4", "<i8", "<u8"])
def test_casting_far_values_stays_at_the_ends(dtype: str) -> None:
    low, high = cast_samples(np.array([-1e30, 1e30]), np.dtype(dtype)).tolist()
    assert low == np.iinfo(dtype).min
    assert np.iinfo(dtype).max - 2048 <= high <= np.iinfo(dtype).max


def test_casting_to_bool_compares_with_a_half_and_to_floats_keeps_values() -> None:
    values = np.array([-1.0, 0.49, 0.5, 2.0])
    assert cast_samples(values, np.dtype(bool)).tolist() == [False, False, True, True]
    for dtype in ("<f2", "<f4", "<f8"):
        assert np.array_equal(cast_samples(values, np.dtype(dtype)), values.astype(dtype))


def archive(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "a.npz", allow_pickle=True, **arrays)  # type: ignore[arg-type]
    return folder / "a.npz"


def test_the_only_array_of_numbers_in_an_archive_is_read(tmp_path: Path) -> None:
    wanted = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    signal = read_signal(archive(tmp_path, volume=wanted, note=np.array("text"), step=np.float64(0.5)))
    assert signal.source == ArraySource(dtype="<u2", has_channel_axis=True, name="volume")
    assert np.array_equal(signal.values, wanted)
    write_archive(tmp_path / "b.npz", "volume", wanted)
    assert read_signal(tmp_path / "b.npz").source == signal.source


def test_one_of_several_arrays_is_chosen_by_name(tmp_path: Path) -> None:
    path = archive(tmp_path, u=np.zeros((4, 5)), v=np.ones((4, 5), np.float32), objects=np.array([{}]))
    assert read_signal(path, variable="v").values.dtype == np.float32
    for variable, wanted in (
        (None, "one array of numbers"),
        ("w", "the array 'w'"),
        ("objects", "the array 'objects'"),
    ):
        with pytest.raises(InputError, match=rf"a.npz: expected {wanted}, the file holds: u \(4 x 5 float64\); v"):
            read_signal(path, variable=variable)


def test_archives_without_numbers_and_other_zip_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the file holds: none; name one with --variable"):
        read_signal(archive(tmp_path, note=np.array("text")))
    (tmp_path / "b.npz").write_bytes(archive(tmp_path, values=np.zeros(1000)).read_bytes()[:500])
    with pytest.raises(FormatError, match=r"b.npz: not a readable .npz file"):
        read_signal(tmp_path / "b.npz")
    with pytest.raises(SampleError, match=r"a.npz, values: .* all 3 of them are missing"):
        read_signal(archive(tmp_path, values=np.full(3, np.nan)))


def test_a_file_of_one_signal_has_no_variables(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(4))
    with pytest.raises(InputError, match=r"a.npy: this kind of file holds one signal, so 'u' cannot be chosen"):
        read_signal(tmp_path / "a.npy", variable="u")
