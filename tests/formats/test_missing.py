"""Missing samples in files of every family: found, and back as they were. Oracles: the masks that were put in."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

import ligeia as lg
from ligeia.core import SampleError
from ligeia.files import decode
from ligeia.formats import PointColumns, read_signal
from ligeia.signals import missing_in

SHAPE = (12, 16)
HOLES = np.hypot(*np.indices(SHAPE) - np.array([6, 8])[:, None, None]) > 6


def with_holes(fill: float, dtype: str) -> np.ndarray:
    values = (100 + 20 * np.sin(np.arange(12)[:, None] / 3) + np.arange(16)).astype(dtype)
    values[HOLES] = fill
    return values


def tiff(path: Path, values: np.ndarray, nodata: str | None) -> None:
    tags = [] if nodata is None else [(42113, "s", 0, nodata, True)]
    tifffile.imwrite(path, values, extratags=tags, metadata=None, photometric="minisblack")


def nifti(path: Path, values: np.ndarray, _: str | None) -> None:
    nibabel = pytest.importorskip("nibabel")
    nibabel.save(nibabel.Nifti1Image(values.T[..., None], np.eye(4)), path)


def npy(path: Path, values: np.ndarray, _: str | None) -> None:
    np.save(path, values)


def stored(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".tif":
        return tifffile.imread(path)
    nibabel = pytest.importorskip("nibabel")
    return np.asarray(nibabel.load(path).dataobj)[..., 0].T


@pytest.mark.parametrize(
    ("name", "write", "fill", "dtype", "nodata", "asked"),
    [
        ("a.tif", tiff, np.nan, "f4", None, None),
        ("a.tif", tiff, np.nan, "f4", "nan", None),
        ("a.tif", tiff, -9999, "f4", "-9999", None),
        ("a.tif", tiff, -9999, "i2", "-9999\0", None),
        ("a.tif", tiff, -3.4028234663852886e38, "f4", "-3.40282346638529e+38", None),
        ("a.tif", tiff, 0, "u1", "0", None),
        ("a.tif", tiff, -9999, "f4", "-32768", -9999.0),
        ("a.nii", nifti, np.nan, "f4", None, None),
        ("a.nii", nifti, -1000, "i2", None, -1000.0),
        ("a.npy", npy, np.nan, "f4", None, None),
        ("a.npy", npy, -1, "i4", None, -1.0),
    ],
)
def test_missing_samples_are_found_and_come_back(
    tmp_path: Path, name: str, write: Any, fill: float, dtype: str, nodata: str | None, asked: float | None
) -> None:
    values = with_holes(fill, dtype)
    write(tmp_path / name, values, nodata)
    signal = read_signal(tmp_path / name, missing=asked)
    assert signal.missing is not None
    assert_array_equal(signal.missing.mask().reshape(SHAPE), HOLES)
    assert signal.channels[0].low == values[~HOLES].min()
    field = lg.fit(signal, stop=lg.passes(2), hidden_features=8)
    lg.save(field, tmp_path / "a.lig")
    field = lg.load(tmp_path / "a.lig")
    assert field.missing == signal.missing
    decode(field, tmp_path / f"b{(tmp_path / name).suffix}")
    again = stored(tmp_path / f"b{(tmp_path / name).suffix}")
    assert again.dtype == values.dtype
    assert_array_equal(again[HOLES], values[HOLES])
    assert np.isfinite(again[~HOLES]).all()
    both = read_signal(tmp_path / f"b{(tmp_path / name).suffix}", missing=asked).missing
    assert both is not None
    assert_array_equal(both.mask(), signal.missing.mask())


def test_what_a_user_says_is_stronger_than_what_the_file_says(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", with_holes(-9999, "f4"), "-9999")
    assert read_signal(tmp_path / "a.tif", missing="none").missing is None
    assert read_signal(tmp_path / "a.tif", missing=float("nan")).missing is None
    tiff(tmp_path / "b.tif", with_holes(np.nan, "f4"), None)
    with pytest.raises(SampleError, match="are NaN or infinite"):
        read_signal(tmp_path / "b.tif", missing="none")


def test_a_color_is_missing_where_all_of_its_channels_are() -> None:
    values = np.array([[[0, 0, 0], [0, 5, 0]]], np.uint8)
    found = missing_in(values, 0.0)
    assert found is not None
    assert found.mask().tolist() == [True, False]
    real = missing_in(np.array([[[0.0, np.nan], [-9.0, 1.0], [1.0, 2.0]]]), -9.0)
    assert real is not None
    assert real.mask().tolist() == [True, True, False]


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "n/a", "null"])
def test_rows_without_a_number_are_left_out_and_counted(tmp_path: Path, cell: str) -> None:
    rows = [f"{x},{x * x % 7},{cell if x % 4 == 0 else x}" for x in range(12)]
    (tmp_path / "a.csv").write_text("x,y,w\n" + "\n".join(rows))
    columns = PointColumns(coordinates=("x", "y"), values=("w",))
    with pytest.warns(UserWarning, match=r"a\.csv: 3 of 12 rows without a number were left out"):
        signal = read_signal(tmp_path / "a.csv", columns=columns)
    assert sorted(signal.values[:, 0]) == [x for x in range(12) if x % 4]
    if cell == "NaN":
        with pytest.raises(SampleError, match="3 of 12 in w are NaN"):
            read_signal(tmp_path / "a.csv", columns=columns, missing="none")
