"""Oracles: xarray's own decoding of the same file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from ligeia.core import FormatError, InputError
from ligeia.formats import read_signal, write_gridded
from ligeia.signals import GriddedSource, Signal

pytestmark = pytest.mark.filterwarnings("ignore:Consolidated metadata")
LON = ("lon", np.arange(0.5, 360, 5), {"units": "degrees_east", "standard_name": "longitude"})


def dataset(**changes: Any) -> xarray.Dataset:
    rng = np.random.default_rng(0)
    lat = np.array([-80.0, -60, -45, -20, 0, 20, 45, 60, 85])
    values = (280 + 10 * rng.random((3, 9, 72))).astype(np.float32)
    values[:, 2, 10:30] = np.nan
    data = xarray.Dataset(
        {"tas": (("time", "lat", "lon"), values, {"units": "K", "long_name": "air temperature"})},
        coords={
            "time": ("time", [15.0, 45.0, 75.0], {"units": "days since 2001-01-01", "calendar": "360_day"}),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": LON,
        },
        attrs={"title": "weather", "numbers": np.array([1, 2, 3])},
    )
    return data.assign_coords(changes) if changes else data


def written(data: xarray.Dataset, path: Path, kind: Any = "NETCDF4", **encoding: Any) -> Path:
    if path.suffix == ".zarr":
        data.to_zarr(path, encoding=encoding or None)
    else:
        engine = "scipy" if kind.startswith("NETCDF3") else "h5netcdf"
        data.to_netcdf(path, engine=engine, format=kind, encoding=encoding or None)
    return path


def again(signal: Signal, path: Path) -> xarray.Dataset:
    """Write the signal's own samples, and return what xarray makes of the file."""
    assert isinstance(signal.source, GriddedSource)
    flat = np.nan_to_num(signal.values.reshape(-1, signal.num_channels)).astype(np.float32)
    missing = None if signal.missing is None else signal.missing.mask().reshape(signal.grid.shape)
    write_gridded(path, signal.grid.sampling(), [(0, len(flat), flat)], signal.source, missing)
    with xarray.open_dataset(path, decode_times=False, engine="zarr" if path.is_dir() else None) as data:
        return data.load()


@pytest.mark.parametrize("kind", ["NETCDF3_64BIT", "NETCDF4", "zarr"])
def test_a_file_comes_back_with_coordinates_attributes_and_gaps(tmp_path: Path, kind: str) -> None:
    ending = "zarr" if kind == "zarr" else "nc"
    path = written(dataset(), tmp_path / f"a.{ending}", kind)
    with xarray.open_dataset(path, decode_times=False, engine="zarr" if kind == "zarr" else None) as data:
        original = data.load()
    signal = read_signal(path)
    assert signal.grid.shape == (3, 9, 72)
    assert signal.missing is not None
    assert signal.missing.num_missing == 3 * 20
    assert signal.channels[0].unit == "K"
    assert (signal.channels[0].low, signal.channels[0].high) == (
        float(original.tas.min()),
        float(original.tas.max()),
    )
    time, lat, lon = signal.grid.axes
    assert (time.extent, time.unit, time.calendar) == ((0.0, 90.0), "days since 2001-01-01", "360_day")
    assert lat.ticks == tuple(original.lat.values)
    assert lat.extent == (-90.0, 97.5)
    assert lon.is_periodic
    assert lon.extent == (-2.0, 358.0)
    xarray.testing.assert_identical(again(signal, tmp_path / f"b.{ending}"), original)


def test_packed_samples_are_read_in_their_unit_and_packed_again(tmp_path: Path) -> None:
    encoding = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 285.0, "_FillValue": -32768}
    path = written(dataset(), tmp_path / "a.nc", tas=encoding)
    with xarray.open_dataset(path, decode_times=False) as data:
        decoded = data.load()
    with xarray.open_dataset(path, decode_times=False, mask_and_scale=False) as data:
        raw = data.tas.values
    signal = read_signal(path)
    np.testing.assert_allclose(signal.values[..., 0], decoded.tas.values, rtol=1e-6)
    again(signal, tmp_path / "b.nc")
    with xarray.open_dataset(tmp_path / "b.nc", decode_times=False, mask_and_scale=False) as data:
        assert data.tas.dtype == np.int16
        assert np.array_equal(data.tas.values, raw)
        assert data.tas.attrs["scale_factor"] == 0.01


def test_valid_ranges_and_other_fill_values_are_missing(tmp_path: Path) -> None:
    values = np.array([[1, 2, 3, 400], [-5, 6, 7, 99]], np.int32)
    attrs = {"valid_range": np.array([0, 100], np.int32), "missing_value": np.int32(99)}
    written(xarray.Dataset({"n": (("y", "x"), values, attrs)}), tmp_path / "a.nc")
    missing = read_signal(tmp_path / "a.nc").missing
    assert missing is not None
    assert missing.mask().reshape(2, 4).tolist() == [[False, False, False, True], [True, False, False, True]]


def test_several_variables_are_listed_and_become_channels_when_named(tmp_path: Path) -> None:
    wind = {name: (("y", "x"), np.full((4, 6), number, np.float32)) for number, name in enumerate("uvw")}
    path = written(xarray.Dataset({**wind, "p": (("y", "x"), np.zeros((4, 6)))}), tmp_path / "wind.nc")
    with pytest.raises(InputError, match=r"the file holds: u \(y 4 x x 6 float32\); v .*; name one with --variable"):
        read_signal(path)
    with pytest.raises(InputError, match=r"expected the variable 'q', the file holds: u"):
        read_signal(path, variable="q")
    with pytest.raises(InputError, match=r"expected variables of one shape and type, p differs from u"):
        read_signal(path, variable="u,p")
    signal = read_signal(path, variable="u, v,w")
    assert [channel.name for channel in signal.channels] == ["u", "v", "w"]
    assert signal.values[1, 2].tolist() == [0.0, 1.0, 2.0]
    assert list(again(signal, tmp_path / "again.nc").data_vars) == ["u", "v", "w"]


@pytest.mark.parametrize(
    ("lon", "extent", "even"),
    [
        (np.arange(0.0, 360, 2), (-1.0, 359.0), True),
        (np.arange(-180.0, 181, 45), (-180.0, 180.0), False),  # both ends
        (np.concatenate([np.arange(0.0, 180, 45), np.arange(-180.0, 0, 45)]), (-22.5, 337.5), True),
        (np.arange(350.0, -10, -10), (355.0, -5.0), True),
        (np.array([0.0, 100, 170, 290]), (-35.0, 325.0), False),
    ],
)
def test_a_longitude_that_goes_around_is_periodic(
    tmp_path: Path, lon: np.ndarray, extent: tuple[float, float], even: bool
) -> None:
    data = xarray.Dataset({"v": (("lon",), np.arange(len(lon), dtype=float))}, coords={"lon": ("lon", lon, LON[2])})
    axis = read_signal(written(data, tmp_path / "a.nc")).grid.axes[0]
    assert axis.is_periodic
    assert axis.extent == pytest.approx(extent)
    assert (not axis.ticks) == even


def test_a_part_of_a_circle_is_no_circle(tmp_path: Path) -> None:
    data = xarray.Dataset({"v": (("lon",), np.arange(30.0))}, coords={"lon": ("lon", np.arange(30.0), LON[2])})
    assert not read_signal(written(data, tmp_path / "a.nc")).grid.axes[0].is_periodic


def test_zarr_of_format_2_stays_so(tmp_path: Path) -> None:
    dataset().to_zarr(tmp_path / "a.zarr", zarr_format=2)
    again(read_signal(tmp_path / "a.zarr"), tmp_path / "b.zarr")
    assert (tmp_path / "b.zarr" / ".zgroup").exists()


def test_times_are_no_samples(tmp_path: Path) -> None:
    times = xarray.Dataset({"t": (("x",), np.array(["2001-01-01", "2001-02-01"], "datetime64[ns]"))})
    with pytest.raises(InputError, match="t: expected samples, these are times"):
        read_signal(written(times, tmp_path / "a.nc"))


@pytest.mark.parametrize(
    ("lat", "message"),
    [
        (
            [0.0, 1, 1, 3],
            r"expected coordinates that rise or fall along lat, 1 at index 2 is a duplicate; sort the samples by lat",
        ),
        ([0.0, 2, 1, 3], r"expected coordinates that rise or fall along lat, 1 at index 2 is out of order"),
        ([0.0, 1, np.nan, 3], "expected finite coordinates along lat"),
    ],
)
def test_coordinates_that_do_not_go_one_way_are_refused(tmp_path: Path, lat: list[float], message: str) -> None:
    data = xarray.Dataset({"v": (("lat",), np.arange(4.0))}, coords={"lat": ("lat", np.array(lat))})
    with pytest.raises(InputError, match=message):
        read_signal(written(data, tmp_path / "a.nc"))


def test_broken_and_empty_files_are_refused(tmp_path: Path) -> None:
    whole = written(dataset(), tmp_path / "a.nc", "NETCDF3_64BIT").read_bytes()
    for number, data in enumerate((whole[:3000], whole[:40], b"\x89HDF\r\n\x1a\n" + bytes(100))):
        (tmp_path / f"{number}.nc").write_bytes(data)
        with pytest.raises(FormatError, match="not readable gridded data"):
            read_signal(tmp_path / f"{number}.nc")
    gone = xarray.Dataset({"v": (("x",), np.full(5, np.nan))})
    with pytest.raises(InputError, match="v: all 5 samples are missing; choose another variable"):
        read_signal(written(gone, tmp_path / "gone.nc"))
    text = xarray.Dataset({"v": (("x",), np.array(["a", "b"]))})
    with pytest.raises(InputError, match="expected one variable of numbers, the file holds: none"):
        read_signal(written(text, tmp_path / "text.nc"))
    (tmp_path / "folder.zarr").mkdir()
    with pytest.raises(InputError, match="expected a file, this is a directory"):
        read_signal(tmp_path / "folder.zarr")
