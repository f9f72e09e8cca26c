import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from ligeia.codec import FieldRecord, NumpyField, read_plain, write_record
from ligeia.core import InputError, ShapeError, random_stream
from ligeia.field import Field, from_record, to_record
from ligeia.networks import Siren
from ligeia.signals import Axis, Bicubic, Box, Channel, Gaussian, Grid, Missing, PointsSource, Sampled

TOLERANCE = 1e-5  # of half a channel's range
LONGITUDES = Axis(name="lon", size=9, extent=(0.0, 360.0), is_periodic=True, footprint=Box())
GRIDS = {
    "centers": Grid.of((9, 7)),
    "corners": Grid.of((9, 7), align="corners"),
    "periodic": Grid((Axis(name="lat", size=7, extent=(90.0, -90.0)), LONGITUDES)),
    "ticks": Grid((Axis(name="z", size=4, extent=(0.0, 8.0), ticks=(0.0, 1.0, 3.0, 8.0)), Axis(name="x", size=6))),
    "volume": Grid.of((4, 3, 5)),
    "sound": Grid.of((200,)),
}


def field_on(grid: Grid, *, hidden_layers: int = 2, outermost_linear: bool = True) -> Field:
    network = Siren(
        grid.num_inputs,
        24,
        hidden_layers,
        2,
        outermost_linear=outermost_linear,
        first_omega_0=12.0,
        hidden_omega_0=[30.0, 20.0, 25.0, 15.0][: hidden_layers + (not outermost_linear)],
        generator=random_stream(0, "initial weights"),
    )
    channels = [Channel(name="u", low=-40.0, high=200.0), Channel(name="v", low=0.0, high=1e-3)]
    return Field(network, grid, channels)


def assert_close(got: np.ndarray, wanted: np.ndarray, field: Sampled) -> None:
    half_ranges = np.array([(channel.high - channel.low) / 2 for channel in field.channels])
    assert got.dtype == np.float32
    assert_allclose(got / half_ranges, wanted / half_ranges, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("outermost_linear", [True, False])
def test_values_are_those_of_torch(name: str, outermost_linear: bool) -> None:
    field = field_on(GRIDS[name], outermost_linear=outermost_linear)
    plain = NumpyField(to_record(field))
    assert isinstance(plain, Sampled)
    assert isinstance(field, Sampled)
    assert_close(plain.sample(), field.sample().numpy(), field)
    points = np.random.default_rng(0).uniform(-1, 1, (5000, field.grid.num_axes)).astype(np.float32)
    assert_close(plain(points), field(torch.from_numpy(points)).detach().numpy(), field)
    assert_array_equal(plain.values_at(points), plain(points))


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("hidden_layers", [0, 2])
@pytest.mark.parametrize("footprint", [Box(), Gaussian(0.4), Bicubic()], ids=["box", "gaussian", "bicubic"])
def test_means_are_those_of_torch(name: str, hidden_layers: int, footprint: Box) -> None:
    field = field_on(GRIDS[name], hidden_layers=hidden_layers)
    plain = NumpyField(to_record(field))
    shape = tuple(size // 2 + 1 for size in field.grid.shape)
    got, wanted = (each.sample(shape, footprints=[footprint]) for each in (plain, field))
    assert_close(np.asarray(got), np.asarray(wanted), field)


def test_a_region_and_another_shape_are_as_in_a_field() -> None:
    field = field_on(GRIDS["periodic"])
    region = {"lat": (-40.0, 60.0), "lon": 12.5}
    assert_close(
        NumpyField(to_record(field)).sample((6, 1), region=region), field.sample((6, 1), region=region).numpy(), field
    )


def test_the_mean_of_a_single_wave_is_the_closed_form() -> None:
    field = field_on(Grid.of((6,)), hidden_layers=0)
    fine = NumpyField(to_record(field)).sample((6 * 512,)).astype(np.float64).reshape(6, 512, 2).mean(axis=1)
    means = NumpyField(to_record(field)).sample(footprints=[Box()])
    assert_allclose(means[:, 0] / 120, fine[:, 0] / 120, atol=0.02)  # two places a sample stand for the integral
    assert_close(means, field.sample(footprints=[Box()]).numpy(), field)


def test_half_precision_weights_are_used_as_they_are() -> None:
    record = to_record(field_on(GRIDS["centers"]))
    halves = tuple(tensor.astype(np.float16) for tensor in record.float_tensors())
    record = FieldRecord(record.network, record.grid, record.channels, record.source, halves)
    field = from_record(record)
    assert_close(NumpyField(record).sample(), field.sample().numpy(), field)


def test_pieces_follow_each_other_and_stay_small() -> None:
    plain = NumpyField(to_record(field_on(Grid.of((700, 500)))))
    bounds = [(start, stop) for start, stop, _ in plain.pieces(plain.grid.sampling())]
    assert bounds[0][0] == 0
    assert bounds[-1][1] == 350_000
    assert all(one[1] == other[0] for one, other in itertools.pairwise(bounds))
    assert max(stop - start for start, stop in bounds) <= 1 << 16


def test_a_file_says_what_the_record_says(tmp_path: Path) -> None:
    field = field_on(GRIDS["centers"])
    mask = np.zeros((9, 7), bool)
    mask[2, 3] = True
    record = to_record(Field(field.network, field.grid, field.channels, PointsSource(dtype="<f4"), Missing.of(mask)))
    assert write_record(record, tmp_path / "a.lig") == (tmp_path / "a.lig").stat().st_size
    plain = read_plain(tmp_path / "a.lig")
    assert (plain.grid, plain.channels, plain.source) == (record.grid, record.channels, record.source)
    assert plain.missing == record.missing
    with pytest.raises(InputError, match=r"a\.png: a field is written as \.lig"):
        write_record(record, tmp_path / "a.png")


def test_what_numpy_cannot_do_is_said() -> None:
    plain = NumpyField(to_record(field_on(GRIDS["centers"])))
    with pytest.raises(InputError, match="the laplacian needs torch, NumPy alone gives the value"):
        next(plain.pieces(plain.grid.sampling(), quantity="laplacian"))
    with pytest.raises(ShapeError, match=r"points must be \(n, 2\) for this 2-axis field, got \(4, 3\)"):
        plain(np.zeros((4, 3), np.float32))


def test_weights_that_overflow_give_nan_without_a_warning() -> None:
    record = to_record(field_on(GRIDS["centers"]))
    huge = tuple(np.full_like(tensor, 3e38) for tensor in record.tensors)
    field = NumpyField(FieldRecord(record.network, record.grid, record.channels, record.source, huge))
    assert np.isnan(field.sample()).all()
