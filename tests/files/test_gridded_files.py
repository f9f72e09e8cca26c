"""A gridded file through fit, decode and render, and what a field says in physical units."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray
from PIL import Image

import ligeia as lg
from ligeia.core import InputError, SampleError
from ligeia.files import compare, decode, render
from ligeia.formats import read_signal
from ligeia.reports import draw_report
from ligeia.signals import Axis, Grid, from_array

ATTRIBUTES = {"units": "degrees_east", "standard_name": "longitude"}
AXES = (
    Axis(name="time", size=3, extent=(0.0, 90.0), unit="days since 2001-1-1", calendar="360_day"),
    Axis(name="lat", size=9, extent=(-90.0, 90.0)),
    Axis(name="lon", size=16, extent=(0.0, 360.0), is_periodic=True),
)


@pytest.fixture(scope="module")
def sea(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smooth sea between two continents, as a NetCDF file."""
    lat, lon = np.linspace(-80, 80, 17), np.arange(5.0, 360, 10)
    values = 290 - 20 * np.abs(lat[:, None] / 90) + 3 * np.cos(np.radians(lon - 40))
    values = np.stack([values, values + 1]).astype(np.float32)
    values[:, 3:9, 4:12] = np.nan
    data = xarray.Dataset(
        {"sst": (("time", "lat", "lon"), values, {"units": "K"})},
        coords={
            "time": ("time", [0.0, 30.0], {"units": "days since 2001-01-01"}),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, ATTRIBUTES),
        },
    )
    path = tmp_path_factory.mktemp("sea") / "sea.nc"
    data.to_netcdf(path, engine="h5netcdf")
    return path


@pytest.fixture(scope="module")
def fitted(sea: Path) -> lg.Field:
    return lg.fit(sea, stop=lg.passes(300), hidden_features=32)


def random_field(seed: int = 0) -> lg.Field:
    network = lg.Siren(4, 24, 2, 2, generator=torch.Generator().manual_seed(seed)).double()
    return lg.Field(network, Grid(AXES))


def test_decode_gives_back_gaps_coordinates_and_attributes(sea: Path, fitted: lg.Field, tmp_path: Path) -> None:
    lg.save(fitted, tmp_path / "sea.lig")
    decode(lg.load(tmp_path / "sea.lig"), tmp_path / "again.nc")
    with xarray.open_dataset(sea) as wanted, xarray.open_dataset(tmp_path / "again.nc") as got:
        assert np.array_equal(np.isnan(wanted.sst.values), np.isnan(got.sst.values))
        assert np.nanmax(np.abs(wanted.sst.values - got.sst.values)) < 0.3
        assert wanted.sst.attrs == got.sst.attrs
        assert wanted.lon.identical(got.lon)
    assert fitted.report is not None
    assert fitted.report.num_points == 2 * (17 * 36 - 48)
    measured = compare(sea, tmp_path / "again.nc")
    assert measured.psnr_db == pytest.approx(fitted.report.psnr_db, abs=0.01)
    assert compare(sea, tmp_path / "sea.lig").psnr_db == pytest.approx(fitted.report.psnr_db, abs=0.01)


def test_a_finer_rendering_has_coordinates_between_and_the_same_land(fitted: lg.Field, tmp_path: Path) -> None:
    render(fitted, tmp_path / "fine.nc", shape=(2, 34, 72))
    with xarray.open_dataset(tmp_path / "fine.nc") as fine:
        assert fine.sizes == {"time": 2, "lat": 34, "lon": 72}
        np.testing.assert_allclose(fine.lon.values, np.arange(2.5, 360, 5), rtol=1e-6)
        assert np.isnan(fine.sst.values).sum() == 2 * 4 * 48
        one = fitted.sel(time=30, lat=float(fine.lat[5]), lon=float(fine.lon[60]))
        assert float(fine.sst[1, 5, 60]) == pytest.approx(float(one), abs=1e-3)
    render(fitted, tmp_path / "part.nc", region={"lon": (-30.0, 30.0), "lat": 10.0, "time": 30.0})
    with xarray.open_dataset(tmp_path / "part.nc") as part:
        np.testing.assert_allclose(part.lon.values, np.arange(-25.0, 30, 10), atol=1e-4)
        np.testing.assert_allclose(part.lat.values, [10.0], atol=1e-6)
    with pytest.raises(InputError, match=r"slope.nc: expected axes of one unit for the gradient, got time \(days"):
        render(fitted, tmp_path / "slope.nc", quantity="gradient")
    at = fitted.grid.sampling().physical(2)[7]
    for name, power in (("gradient", 1), ("laplacian", 2)):
        render(fitted, tmp_path / f"{name}.nc", quantity=name, region={"time": "2001-01-31"})  # type: ignore[arg-type]
        with xarray.open_dataset(tmp_path / f"{name}.nc") as slope:
            assert "units" not in slope.sst.attrs
            assert np.isnan(slope.sst.values).sum() == 48
            found = float(slope.sst[0, 1, 7])
        double = fitted.double()
        place = torch.tensor([[30.0, -70.0, float(at)]], dtype=torch.float64)
        slopes = lg.jacobian(double.physical, place).detach()[0, 0, 1:]
        second = lg.hessian(double.physical, place).detach()[0, 0].diagonal()[1:]
        wanted = float(slopes.norm() if power == 1 else second.sum())
        fitted.float()
        assert found == pytest.approx(wanted, rel=2e-3, abs=1e-5)
    render(fitted, tmp_path / "slice.npy", region={"time": 0.0})
    assert np.isnan(np.load(tmp_path / "slice.npy")).sum() == 48
    render(fitted, tmp_path / "map.png", region={"time": 0.0})
    picture = np.asarray(Image.open(tmp_path / "map.png"))
    assert not picture[3:9, 4:12].any()
    assert (picture == 0).sum() < 60


def test_the_report_leaves_the_gaps_white(sea: Path, fitted: lg.Field, tmp_path: Path) -> None:
    draw_report(fitted, read_signal(sea), tmp_path / "report.png")
    picture = np.asarray(Image.open(tmp_path / "report.png"))[..., :3]
    corner = picture[30:300, 30:450]  # of the first of three pictures in a row
    assert (corner == 255).all(axis=-1).mean() > 48 / 17 / 36 / 2
    assert (corner < 200).all(axis=-1).any()


def test_a_field_of_something_else_is_no_gridded_file(tmp_path: Path) -> None:
    field = lg.Field(lg.Siren(2, 8, 1, 1), Grid.of((4, 4)))
    with pytest.raises(InputError, match="gridded data need a field that came from them"):
        render(field, tmp_path / "a.nc")


def test_other_gaps_are_not_compared(sea: Path, tmp_path: Path) -> None:
    with xarray.open_dataset(sea) as data:
        other = data.load().copy(deep=True)
    other.sst[0, 0, 0] = np.nan
    other.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(SampleError, match="1 samples are missing in one of the two files only"):
        compare(sea, tmp_path / "other.nc")
    other.sst[...] = 1.0
    other.to_netcdf(tmp_path / "full.nc", engine="h5netcdf")
    with pytest.raises(SampleError, match="expected the same missing samples in both files, one of them has none"):
        compare(sea, tmp_path / "full.nc")


def test_both_ends_of_a_periodic_axis_are_the_same_place() -> None:
    field = random_field()
    ends = torch.tensor([[0.2, -0.3, -1.0], [0.2, -0.3, 1.0], [0.2, -0.3, 3.0]], dtype=torch.float64)
    values = field(ends)
    assert torch.equal(values[0], values[1])
    assert torch.equal(values[0], values[2])
    assert torch.equal(field.sel(time=3, lat=10, lon=0), field.sel(time=3, lat=10, lon=360))
    torch.testing.assert_close(field.sel(time=3, lat=10, lon=-30), field.sel(time=3, lat=10, lon=330))


def test_derivatives_along_a_periodic_axis_agree_with_automatic_ones() -> None:
    field = random_field()
    points = torch.rand(50, 3, dtype=torch.float64) * 2 - 1
    jet = field.jet(points)
    jacobian = lg.jacobian(field, points)
    torch.testing.assert_close(jet.jacobian, jacobian)
    torch.testing.assert_close(jet.laplacian, lg.laplacian(field, points))
    torch.testing.assert_close(jet.value, field(points))
    steps = torch.eye(3, dtype=torch.float64) * 1e-5
    differences = torch.stack([(field(points + step) - field(points - step)) / 2e-5 for step in steps], dim=-1)
    torch.testing.assert_close(jacobian, differences, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(field.sample(quantity="gradient").view(-1, 2)[:50], jet_norm(field)[:50])


def jet_norm(field: lg.Field) -> torch.Tensor:
    return field.jet(torch.from_numpy(field.grid.points()).double()).jacobian.norm(dim=-1)


def test_sel_combines_places_as_xarray_does_and_derives_in_physical_units() -> None:
    field = random_field(1)
    found = field.sel(lat=[10.0, 20.0], time="2001-02-01")
    assert found.shape == (2, 16, 2)
    one = field.sel(lat=20.0, time=30.0, lon=float(field.grid.sampling().physical(2)[5]))
    assert one.shape == (2,)
    torch.testing.assert_close(found[1, 5], one, rtol=0, atol=1e-5)
    step, at = 1e-3, {"time": 40.0, "lat": 12.0, "lon": 77.0}
    for name in at:
        ahead, behind = ({**at, name: at[name] + sign * step} for sign in (1, -1))
        difference = (field.physical(points_of(ahead)) - field.physical(points_of(behind))) / (2 * step)
        torch.testing.assert_close(field.sel(derivative=name, **at), difference[0], rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="axes of this field are time, lat, lon; got depth, x"):
        field.sel(depth=3, derivative="x")
    with pytest.raises(InputError, match="axis 'lat' goes from -90 to 90, got 95"):
        field.sel(lat=95)


def points_of(places: dict[str, float]) -> torch.Tensor:
    return torch.tensor([[places["time"], places["lat"], places["lon"]]], dtype=torch.float64)


def test_masked_samples_are_neither_fitted_nor_measured(tmp_path: Path) -> None:
    clean = np.linspace(0, 1, 30 * 20).reshape(30, 20).astype(np.float32)
    mask = np.zeros((30, 20), bool)
    mask[5:9, 3:11] = True
    fields = []
    for wrong in (1e20, np.nan):
        array = np.where(mask, np.float32(wrong), clean)
        fields.append(lg.fit(np.ma.MaskedArray(array, mask), stop=lg.passes(20), hidden_features=16))  # type: ignore[arg-type]
    first, second = (field.sample() for field in fields)
    assert torch.equal(first, second)
    assert fields[0].report is not None
    assert fields[0].report.num_points == 600 - 32
    error = (first[..., 0].numpy().clip(0, 1) - clean)[~mask]
    assert fields[0].report.psnr_db == pytest.approx(-10 * np.log10(np.mean(error**2)), abs=1e-3)
    decode(fields[0], tmp_path / "again.npy")
    assert np.array_equal(np.isnan(np.load(tmp_path / "again.npy")), mask)
    whole = from_array(np.ma.MaskedArray(clean, np.zeros_like(mask)))
    assert whole.missing is None
