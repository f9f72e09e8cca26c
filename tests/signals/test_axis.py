"""Oracles: closed forms of evenly spaced axes, and `np.interp` by hand for others."""

import datetime

import numpy as np
import pytest

from ligeia.core import InputError, ShapeError
from ligeia.signals import Axis, Grid

LEVELS = Axis(name="level", size=4, extent=(1075.0, 175.0), unit="hPa", ticks=(1000.0, 850.0, 500.0, 250.0))
TURN = Axis(name="lon", size=180, extent=(0.0, 360.0), unit="degrees_east", is_periodic=True)
TIME = Axis(name="time", size=24, extent=(0.0, 720.0), unit="days since 2001-1-1", calendar="360_day")


def test_ticks_are_where_they_say() -> None:
    grid = Grid((LEVELS,))
    assert np.array_equal(grid.sampling().physical(0), [1000, 850, 500, 250])
    np.testing.assert_allclose(grid.to_physical(grid.points())[:, 0], [1000, 850, 500, 250], rtol=1e-6)
    np.testing.assert_allclose(grid.coordinates(0), 2 * (np.array(LEVELS.ticks) - 1075) / -900 - 1, atol=1e-15)


def test_twice_as_many_samples_of_an_uneven_axis_lie_between_its_ticks() -> None:
    fine = Grid((LEVELS,)).resampled((8,))
    # quarters of the way from sample to sample; the first and last lie halfway from a sample to the end
    wanted = [1037.5, 962.5, 887.5, 762.5, 587.5, 437.5, 312.5, 212.5]
    np.testing.assert_allclose(fine.axes[0].ticks, wanted, rtol=1e-12)
    np.testing.assert_allclose(Grid((LEVELS,)).sampling((8,)).physical(0), wanted, rtol=1e-12)


@pytest.mark.parametrize("axis", [LEVELS, TURN, TIME, Axis(name="x", size=5, extent=(2.0, -3.0))])
@pytest.mark.parametrize("align", ["centers", "corners"])
def test_positions_and_coordinates_are_inverse(axis: Axis, align: str) -> None:
    low, high = axis.extent
    values = np.linspace(low, high, 23)[1:-1]
    if align == "corners" and axis.ticks:
        values = np.linspace(axis.ticks[0], axis.ticks[-1], 23)
        axis = Axis(name="level", size=4, extent=(1000.0, 250.0), ticks=LEVELS.ticks)
        low, high = axis.extent
    positions = axis.positions_of(values, align)  # type: ignore[arg-type]
    again = low + (axis.coordinates_at(positions, align) + 1) * (high - low) / 2  # type: ignore[arg-type]
    np.testing.assert_allclose(again, values, rtol=1e-12)


def test_a_periodic_axis_goes_on_behind_its_ends() -> None:
    uneven = Axis(name="lon", size=3, extent=(-60.0, 300.0), ticks=(0.0, 90.0, 240.0), is_periodic=True)
    for axis in (TURN, uneven):
        values = np.array([-30.0, 15.0, 200.0])
        positions = axis.positions_of(values, "centers")
        np.testing.assert_allclose(axis.positions_of(values + 360, "centers"), positions + axis.size, rtol=1e-12)
        np.testing.assert_allclose(
            axis.coordinates_at(positions + axis.size, "centers"), axis.coordinates_at(positions, "centers") + 2
        )


def test_the_samples_of_a_periodic_axis_are_centers_under_any_alignment() -> None:
    assert np.array_equal(Grid((TURN,), "corners").points(), Grid((TURN,), "centers").points())
    np.testing.assert_allclose(Grid((TURN,), "corners").sampling().physical(0), np.arange(1.0, 360, 2))


def test_physical_regions_and_slices() -> None:
    grid = Grid((TIME, LEVELS, TURN))
    sampling = grid.sampling(region={"level": (900.0, 400.0), "time": 45.0, "lon": (-30.0, 30.0)})
    assert sampling.shape == (1, 2, 30)
    np.testing.assert_allclose(sampling.physical(0), [45.0])
    assert 400 < sampling.physical(1)[1] < sampling.physical(1)[0] < 900
    np.testing.assert_allclose(sampling.physical(2), np.arange(-29.0, 30, 2), atol=1e-9)
    corners = Grid((Axis(name="z", size=11, extent=(0.0, 10.0)),), "corners")
    np.testing.assert_allclose(corners.sampling(region={"z": (2.5, 4.5)}).physical(0), [2.5, 3.5, 4.5])
    np.testing.assert_allclose(corners.sampling(region={"z": 2.5}).physical(0), [2.5])
    np.testing.assert_allclose(corners.sampling((4,), {"z": (1.0, 4.0)}).physical(0), [1, 2, 3, 4])
    with pytest.raises(InputError, match=r"the axes are \(z\), got a region of depth"):
        corners.sampling(region={"depth": 3.0})
    with pytest.raises(InputError, match="axis 'z' goes from 0 to 10, got 12"):
        corners.sampling(region={"z": (3.0, 12.0)})


def test_dates_are_numbers_of_the_calendar() -> None:
    assert TIME.numbers("2001-02-30") == 59.0  # which the usual calendar does not have
    assert TIME.numbers(["2001-01-01", "2002-01-01T12:00"]).tolist() == [0.0, 360.5]
    assert TIME.numbers(np.datetime64("2001-03-01")) == 60.0
    assert TIME.numbers(datetime.datetime(2001, 3, 1, 6)) == 60.25
    assert TIME.numbers(12.5) == 12.5
    with pytest.raises(InputError, match="a date of the calendar 360_day such as 2001-02-28"):
        TIME.numbers("2001-02-31")
    with pytest.raises(InputError, match="expected numbers along axis 'lon', got 'Greenwich'"):
        TURN.numbers("Greenwich")


@pytest.mark.parametrize(
    ("ticks", "message"),
    [
        ((1.0, 2.0), "axis 'x' of 3 samples needs as many ticks, got 2"),
        ((1.0, 2.0, 2.0), "axis 'x' needs ticks that go one way, from 0 to 4"),
        ((3.0, 2.0, 1.0), "axis 'x' needs ticks that go one way, from 0 to 4"),
        ((1.0, 2.0, 5.0), "axis 'x' needs ticks between its ends 0 and 4, got 1 to 5"),
        ((1.0, 2.0, float("nan")), "axis 'x' needs finite ticks"),
    ],
)
def test_wrong_ticks_are_refused(ticks: tuple[float, ...], message: str) -> None:
    with pytest.raises((InputError, ShapeError), match=message):
        Axis(name="x", size=3, extent=(0.0, 4.0), ticks=ticks)
