"""Oracles: coordinates, means and listings worked out by hand; the same table through every kind of file."""

import itertools
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings, strategies as st

from ligeia.core import FormatError, InputError, SampleError, ShapeError
from ligeia.formats import PointColumns, read_columns, read_points, read_signal, write_columns
from ligeia.signals import PointsSource, from_points

X = np.array([0.0, 4.0, 2.0, 1.0, 3.5])
Y = np.array([10.0, 12.0, 11.0, 10.5, 12.0])
W = np.array([1.0, -2.0, 0.5, 0.25, 8.0])
RANDOM = np.random.default_rng(0)


def write_table(path: Path) -> Path:
    """Write x, y and w as the kind of file that the name says."""
    if path.suffix == ".npz":
        np.savez(path, x=X[:, None], y=Y[None], w=W, other=np.zeros((3, 4)), words=np.array(["a"]))
    elif path.name == "new.mat":
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, column in (("x", X), ("y", Y), ("w", W)):
                file[name] = column[:, None]
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + bytes([0, 2]) + b"IM")
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"x": X[None], "y": Y[:, None], "w": W[None]})
    else:
        delimiter = {"comma.csv": ",", "semicolon.csv": ";", "a.tsv": "\t", "spaces.txt": "  "}[path.name]
        rows = [map(repr, map(float, row)) for row in zip(X, Y, W, strict=True)]
        lines = ["# made by hand", delimiter.join(["x", "y", "w"]), *(delimiter.join(row) for row in rows), ""]
        path.write_text("\n".join(lines), encoding="utf-8-sig")
    return path


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    if path.suffix == ".npz":
        np.savez(path, allow_pickle=False, **arrays)
    else:
        scipy.io.savemat(path, arrays)


@pytest.mark.parametrize("name", ["comma.csv", "semicolon.csv", "a.tsv", "spaces.txt", "a.npz", "old.mat", "new.mat"])
def test_every_kind_of_file_gives_the_same_signal(name: str, tmp_path: Path) -> None:
    signal = read_points(write_table(tmp_path / name), ["x", "y"], ["w"])
    assert signal.points is not None
    assert signal.points.dtype == np.float32
    assert np.allclose(signal.points, np.stack([X / 2 - 1, Y - 11], axis=1), atol=1e-7)
    assert np.array_equal(signal.values[:, 0], W)
    assert [axis.name for axis in signal.grid.axes] == ["x", "y"]
    assert [axis.extent for axis in signal.grid.axes] == [(0.0, 4.0), (10.0, 12.0)]
    assert [(each.name, each.low, each.high) for each in signal.channels] == [("w", -2.0, 8.0)]
    assert signal.source == PointsSource(dtype="<f8")


def test_columns_may_come_in_any_order_and_some_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"time, s",station,p,u\n1,"north, upper",5,7\n2,south,6,8 # late\n\n')
    found = read_columns(tmp_path / "a.csv", ["u", "time, s"])
    assert [(column.name, column.numbers.tolist()) for column in found] == [("u", [7, 8]), ("time, s", [1, 2])]


def test_names_may_stand_in_the_comment_before_the_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# of a run\n# x y w\n1 2 3\n4 5 6\n")
    assert read_columns(tmp_path / "a.txt", ["w"])[0].numbers.tolist() == [3, 6]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x,y,w\n1,2,3\n4,five,6\n", "line 3, column 'y': expected a number, got 'five'"),
        ("x,y,w\n1,2,3\n4,5\n", "line 3: expected 3 columns, got 2"),
        ("x,y,w\n1,2,3\n4,5,6,7\n", "line 3: expected 3 columns, got 4"),
        ("x;y;w\n1,5;2;3\n", "line 2, column 'x': expected a number, got '1,5'"),
        ("1,2,3\n4,5,6\n", "expected a line with the names of the columns before the numbers"),
        ("# nothing\n", "a line with the names of the columns"),
        ("x,y\n1,2\n", "expected a column 'w', the file holds: x, y"),
        ("x,y,w,w\n1,2,3,4\n", "expected one column only 'w', the file holds: x, y, w, w"),
        ("x,y,w\n1,2,nan\n3,4,5\n5,inf,6\n", "1 of 3 in y are NaN or infinite, the first at index 2"),
        ("x,y,w\n1,2,3\n", "expected points at 2 different places or more, got 1"),
        ("x,y,w\n1,2,3\n1,2,3\n", "expected points that differ along every axis, all have x = 1"),
        ("x,y,w\n1,2,3\n4,2,3\n", "all have y = 2; leave that column out"),
        ("x,y,w\n", "expected points at 2 different places or more, got 0"),
        ("x,y,w\n1,2,1e39\n3,4,1e40\n", "a range that single precision can hold"),
    ],
)
def test_a_bad_text_file_is_refused_with_the_place_of_the_fault(text: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=re.escape(wanted)):
        read_points(tmp_path / "a.csv", ["x", "y"], ["w"])


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x,y\n\xff\xfe,2\n")
    with pytest.raises(FormatError, match="no UTF-8 text"):
        read_points(tmp_path / "a.csv", ["x"], ["y"])


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_arrays_that_are_no_columns_are_refused_with_their_shapes(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    arrays = {"x": X, "short": X[:3], "cube": np.zeros((2, 2, 2)), "wide": np.zeros((2, 99)), "z": X * 1j}
    write_arrays(path, arrays)
    for names, wanted in [
        (["x", "short"], "expected columns of one length, got x 5, short 3"),
        (["x", "cube"], "cube is 2 x 2 x 2; flatten or transpose it"),
        (["wide"], "wide is 2 x 99; flatten or transpose it"),
        (["z"], "expected real numbers, z holds complex128"),
        (["w"], "expected a column 'w', the file holds: "),
        (["x", "x"], "expected different columns, got x twice"),
    ]:
        with pytest.raises(InputError, match=re.escape(wanted)):
            read_columns(path, names)


@pytest.mark.parametrize("name", ["a.npz", "old.mat", "new.mat"])
@pytest.mark.parametrize("keep", [10, 200, -40])
def test_a_damaged_file_is_refused(name: str, keep: int, tmp_path: Path) -> None:
    path = write_table(tmp_path / name)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FormatError, match="not a readable"):
        read_points(path, ["x", "y"], ["w"])


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_an_array_of_several_columns_is_named_once_or_column_by_column(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    arrays = {"places": np.stack([X, Y], axis=1), "velocity": np.stack([W, -W], axis=1), "p1": W}
    write_arrays(path, arrays)
    signal = read_points(path, ["places"], ["velocity", "p1"])
    assert [axis.name for axis in signal.grid.axes] == ["places0", "places1"]
    assert [channel.name for channel in signal.channels] == ["velocity0", "velocity1", "p1"]
    assert np.array_equal(signal.values, np.stack([W, -W, W], axis=1))
    assert read_columns(path, ["places1"])[0].numbers.tolist() == Y.tolist()


def test_columns_of_an_array_whose_name_ends_in_a_digit_are_numbered(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).random((30, 3))
    np.savez(tmp_path / "a.npz", rows)  # NumPy calls it arr_0
    signal = read_points(tmp_path / "a.npz", ["arr_00", "arr_01"], ["arr_02"])
    assert sorted(signal.values[:, 0]) == sorted(rows[:, 2])


def test_the_only_array_of_a_matlab_file_needs_no_name(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5, 7))
    scipy.io.savemat(tmp_path / "a.mat", {"u": values})
    assert np.array_equal(read_signal(tmp_path / "a.mat").values[..., 0], values)


def test_one_array_of_a_matlab_file_is_a_signal_on_a_grid(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"u": np.arange(12.0).reshape(3, 4), "x": X})
    assert np.array_equal(read_signal(path, variable="u").values[..., 0], np.arange(12.0).reshape(3, 4))
    with pytest.raises(InputError, match=r"the file holds: u \(3 x 4\), x \(1 x 5\); name columns of scattered"):
        read_signal(path)
    with pytest.raises(InputError, match="expected an array 'v'"):
        read_signal(path, variable="v")


def test_columns_are_refused_of_a_file_that_has_none(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(InputError, match=r"scattered samples come from a .csv, .npz or .mat file"):
        read_signal(tmp_path / "a.npy", columns=PointColumns(coordinates=("x",), values=("w",)))
    (tmp_path / "a.csv").write_text("x,w\n1,2\n3,4\n")
    with pytest.raises(InputError, match="the file holds: x, w; name them, as in --coordinates x,y --values w"):
        read_signal(tmp_path / "a.csv")


def test_points_outside_of_the_box_are_left_out_and_counted() -> None:
    with pytest.warns(UserWarning, match="2 of 5 points lie outside of the box, and are left out"):
        signal = from_points(np.stack([X, Y], axis=1), W, box=[(-1.0, 3.0), (9.0, 12.0)])
    assert [axis.extent for axis in signal.grid.axes] == [(-1.0, 3.0), (9.0, 12.0)]
    assert signal.values[:, 0].tolist() == [1.0, 0.5, 0.25]
    assert signal.points is not None
    assert np.allclose(signal.points, [[-0.5, -1 / 3], [0.5, 1 / 3], [0, 0]], atol=1e-7)
    with pytest.raises(InputError, match="all 5 lie outside; they span x 0:4, y 10:12"):
        from_points(np.stack([X, Y], axis=1), W, box=[(5.0, 6.0), (9.0, 12.0)])
    with pytest.raises(InputError, match=r"expected a box of an interval low:high for each of x, y, got 3:1,9:12"):
        from_points(np.stack([X, Y], axis=1), W, box=[(3.0, 1.0), (9.0, 12.0)])


def test_the_ends_of_the_box_hold_points_up_to_rounding() -> None:
    signal = from_points(np.array([[0.1 + 0.2], [0.9]]), np.array([1.0, 2.0]), box=[(0.3, 0.9)])
    assert signal.points is not None
    assert signal.points.tolist() == [[-1.0], [1.0]]


def test_equal_points_with_equal_values_become_one_without_a_word() -> None:
    twice = np.concatenate([np.stack([X, Y], axis=1)] * 2)
    signal = from_points(twice, np.concatenate([W, W]).astype(np.float32))
    assert signal.values[:, 0].tolist() == W.tolist()
    assert signal.values.dtype == np.float32


def test_equal_points_with_different_values_become_their_mean() -> None:
    points = np.array([[3.0], [1.0], [3.0 + 1e-12], [2.0], [1.0], [3.0]])
    with pytest.warns(UserWarning, match="2 places come more than once, with values up to 6 apart"):
        signal = from_points(points, np.array([1, 10, 4, 20, 11, 7]))
    assert signal.values[:, 0].tolist() == [4.0, 10.5, 20.0]
    assert signal.points is not None
    assert np.allclose(signal.points[:, 0], [1.0, -1.0, 0.0], atol=1e-7)


@pytest.mark.parametrize(
    ("sides", "count", "shape"),
    [
        ((4.0, 2.0), 5000, (100, 50)),
        ((1.0, 1.0, 8.0), 8000, (10, 10, 80)),
        ((1.0, 1000.0), 400, (20, 20)),
        ((7.0,), 123, (123,)),
        ((1.0, 1.0, 1.0), 3, (2, 2, 2)),
    ],
)
def test_the_grid_has_about_as_many_samples_as_points(
    sides: tuple[float, ...], count: int, shape: tuple[int, ...]
) -> None:
    points = RANDOM.uniform(0, sides, (count, len(sides)))
    points[0], points[1] = 0, sides
    assert from_points(points, np.arange(count)).grid.shape == shape


def test_arrays_of_other_shapes_are_refused() -> None:
    points = np.stack([X, Y], axis=1)
    with pytest.raises(ShapeError, match=r"expected points \(n, d\) and values \(n, c\), got \(5, 2\) and \(3, 1\)"):
        from_points(points, W[:3])
    with pytest.raises(ShapeError, match="expected 2 names, one per column, got x"):
        from_points(points, W, names=["x"])
    with pytest.raises(SampleError, match="expected finite real coordinates and values"):
        from_points(points, W * np.nan)
    with pytest.raises(InputError, match="the axes of a grid need different names"):
        from_points(points, W, names=["x", "x"])


COLUMNS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9)


@settings(max_examples=15, deadline=None)  # each writes four files to the disk
@given(column=COLUMNS)
def test_what_is_written_is_read_back(column: list[float], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("columns")
    wide, narrow = np.array(column), np.array(column).clip(-1e38, 1e38).astype(np.float32)
    for suffix, order in itertools.product([".csv", ".npz"], [("a, b", "file"), ("file", "a, b")]):
        arrays = dict(zip(order, (wide, narrow), strict=True))
        write_columns(folder / f"out{suffix}", arrays)
        for each in read_columns(folder / f"out{suffix}", order):
            assert np.array_equal(each.numbers.astype(arrays[each.name].dtype), arrays[each.name])


def test_columns_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"columns are written as .csv or .npz"):
        write_columns(tmp_path / "a.xyz", {"x": X})


def test_columns_of_a_larger_table_are_its_samples() -> None:
    table = RANDOM.uniform(-1, 1, (300, 4))
    signal = from_points(table[:, :2], table[:, 2])  # views with gaps between their numbers
    assert np.array_equal(signal.samples(np.array([0, 299, 7])), table[[0, 299, 7], 2:3])
