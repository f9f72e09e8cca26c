"""CF's packing. Oracle: xarray's own decoding."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import ligeia as lg
from ligeia.files import decode, render
from ligeia.formats import read_signal

xarray = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")

STORED = np.arange(-8, 12).reshape(4, 5) * 1000


def written(path: Path, stored: np.ndarray, attrs: dict[str, Any], **axes: Any) -> Path:
    data = xarray.Dataset({"v": (("y", "x"), stored, attrs)}, coords=axes)
    for name in data.variables:
        data[name].encoding = {} if "_FillValue" in data[name].attrs else {"_FillValue": None}
    data.to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.parametrize(
    ("dtype", "attrs"),
    [
        ("i2", {}),
        ("i2", {"scale_factor": 0.5}),
        ("i2", {"scale_factor": np.float32(5e-4), "add_offset": 3.0, "_FillValue": np.int16(-1000)}),
        ("i2", {"_Unsigned": "true", "scale_factor": 5e-4, "_FillValue": np.int16(-1000)}),
        ("i2", {"_Unsigned": "true", "_FillValue": np.int16(-8000)}),
        ("i1", {"_Unsigned": "true", "scale_factor": 2.0}),
        ("u1", {"_Unsigned": "false", "scale_factor": 2.0}),
        ("i4", {"missing_value": np.int32(5000), "scale_factor": 0.1}),
        ("i2", {"missing_value": np.array([2000, 3000], np.int16)}),
        ("f4", {"_FillValue": np.float32(5000)}),
        ("f4", {"missing_value": np.float64(1e20)}),
        ("f8", {"_FillValue": np.float64(np.nan)}),
    ],
)
def test_samples_are_those_of_xarray_and_come_back(tmp_path: Path, dtype: str, attrs: dict[str, Any]) -> None:
    stored = (STORED // (100 if dtype.endswith("1") else 1)).astype(np.int64).astype(dtype)
    path = written(tmp_path / "a.nc", stored, attrs)
    signal = read_signal(path)
    with warnings.catch_warnings(action="ignore"), xarray.open_dataset(path) as data:
        expected = data.v.values.astype(np.float64)
    gone = np.isnan(expected)
    missing = np.zeros(gone.shape, bool) if signal.missing is None else signal.missing.mask().reshape(gone.shape)
    assert_array_equal(missing, gone)
    assert_allclose(signal.values[..., 0][~gone], expected[~gone], rtol=1e-6)
    field = lg.fit(signal, stop=lg.passes(1), hidden_features=8)
    decode(field, tmp_path / "b.nc")
    with xarray.open_dataset(tmp_path / "b.nc", decode_cf=False) as data:
        assert data.v.dtype == stored.dtype
        assert np.isin(data.v.values[gone], stored[gone]).all()  # one of several fill values
        assert str(data.v.attrs.get("_Unsigned")) == str(attrs.get("_Unsigned"))


@pytest.mark.parametrize(
    "fill", [{"_FillValue": np.float64("nan")}, {"missing_value": np.float32(1e20)}, {"missing_value": -0.5}]
)
def test_a_fill_value_that_the_samples_cannot_have_marks_none(tmp_path: Path, fill: dict[str, Any]) -> None:
    data = xarray.Dataset({"v": (("y", "x"), np.arange(-10, 10, dtype=np.int16).reshape(4, 5), fill)})
    data.v.encoding = {}
    with warnings.catch_warnings(action="ignore"):
        data.to_netcdf(tmp_path / "a.nc", engine="scipy", format="NETCDF3_64BIT")
    assert read_signal(tmp_path / "a.nc").missing is None


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"valid_range": "-3000, 4000"}, (STORED < -3000) | (STORED > 4000)),
        ({"valid_range": np.array([-3000, 4000], np.int16)}, (STORED < -3000) | (STORED > 4000)),
        ({"valid_min": "-3000"}, STORED < -3000),
        ({"valid_max": np.int16(4000), "scale_factor": 0.5}, STORED > 4000),  # of the packed numbers
        ({"valid_max": np.float32(2000), "scale_factor": np.float32(0.5)}, STORED > 4000),  # of the unpacked ones
        ({"valid_range": "no numbers"}, np.zeros(STORED.shape, bool)),
    ],
)
def test_what_is_outside_of_the_valid_range_is_missing(
    tmp_path: Path, limits: dict[str, Any], expected: np.ndarray
) -> None:
    signal = read_signal(written(tmp_path / "a.nc", STORED.astype(np.int16), limits))
    missing = np.zeros(expected.shape, bool) if signal.missing is None else signal.missing.mask()
    assert_array_equal(missing.reshape(expected.shape), expected)


def test_packed_coordinates_are_places(tmp_path: Path) -> None:
    y = ("y", np.arange(4, dtype="i2"), {"scale_factor": -5.6e-5, "add_offset": 0.1265, "units": "rad"})
    path = written(tmp_path / "a.nc", STORED.astype(np.float32), {}, y=y)
    signal = read_signal(path)
    with xarray.open_dataset(path) as data:
        assert_allclose(signal.grid.sampling().physical(0), data.y.values)
    field = lg.fit(signal, stop=lg.passes(1), hidden_features=8)
    decode(field, tmp_path / "b.nc")
    with xarray.open_dataset(tmp_path / "b.nc", decode_cf=False) as data:
        assert data.y.dtype == np.int16
        assert_array_equal(data.y, np.arange(4))
    render(field, tmp_path / "c.nc", shape=(7, 5))
    with xarray.open_dataset(tmp_path / "c.nc") as data:
        assert_allclose(data.y[[0, -1]], [0.1265, 0.1265 - 3 * 5.6e-5], atol=4e-5)
