"""Oracles: closed forms, ``np.linspace``, and nested loops over every sample."""

import itertools
import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ligeia.core import InputError, ShapeError
from ligeia.signals import Alignment, Axis, Grid

SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=6).map(tuple)
ALIGNMENTS = st.sampled_from(["centers", "corners"])
WEATHER = Grid(
    (
        Axis(name="time", size=7, extent=(0.0, 3600.0), unit="s"),
        Axis(name="latitude", size=5, extent=(90.0, -90.0), unit="degrees"),
        Axis(name="level", size=1, extent=(1000.0, 1013.25), unit="hPa"),
    )
)


def position(index: int, size: int, align: str) -> float:
    if align == "centers":
        return (2 * index + 1) / size - 1
    return 2 * index / (size - 1) - 1 if size > 1 else 0.0


@settings(deadline=None)
@given(SHAPES, ALIGNMENTS)
def test_every_point_is_where_its_closed_form_says_last_axis_fastest(shape: tuple[int, ...], align: Alignment) -> None:
    expected = [
        [position(index, size, align) for index, size in zip(indices, shape, strict=True)]
        for indices in itertools.product(*map(range, shape))
    ]
    points = Grid.of(shape, align=align).points()
    assert points.dtype == np.float32
    assert np.array_equal(points, np.array(expected, dtype=np.float32))


@pytest.mark.parametrize("size", [2, 3, 10, 1001, 70_000])
def test_corners_are_the_linspace_of_the_paper(size: int) -> None:
    measured = Grid.of((size,), align="corners").coordinates(0)
    np.testing.assert_allclose(measured, np.linspace(-1, 1, size), rtol=0, atol=3e-16)
    assert (measured[0], measured[-1]) == (-1.0, 1.0)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1001, 70_000])
def test_centers_halve_the_edges_of_their_cells(size: int) -> None:
    edges = np.linspace(-1, 1, size + 1)
    measured = Grid.of((size,)).coordinates(0)
    np.testing.assert_allclose(measured, (edges[1:] + edges[:-1]) / 2, rtol=0, atol=3e-16)


@pytest.mark.parametrize("align", ["centers", "corners"])
def test_the_only_sample_of_an_axis_sits_at_zero(align: Alignment) -> None:
    grid = Grid.of((1, 3, 1), align=align)
    assert not grid.points()[:, [0, 2]].any()
    assert np.array_equal(grid.coordinates(0), [0.0])


@settings(deadline=None)
@given(SHAPES, st.integers(1, 4), st.data())
def test_an_enlarged_grid_averages_to_the_coarse_one(shape: tuple[int, ...], scale: int, data: Any) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    coarse = Grid.of(shape)
    fine = coarse.resampled([scale * size for size in shape])
    blocks = fine.coordinates(axis).reshape(shape[axis], scale)
    np.testing.assert_allclose(blocks.mean(axis=1), coarse.coordinates(axis), rtol=0, atol=1e-15)


@settings(deadline=None)
@given(SHAPES, ALIGNMENTS, st.integers(1, 50))
def test_a_grid_walked_in_pieces_is_the_whole(shape: tuple[int, ...], align: Alignment, piece: int) -> None:
    grid = Grid.of(shape, align=align)
    starts = range(0, grid.num_samples, piece)
    pieces = [grid.points(start=start, stop=min(start + piece, grid.num_samples)) for start in starts]
    assert np.array_equal(np.concatenate(pieces), grid.points())
    assert np.array_equal(grid.points(start=grid.num_samples // 2), grid.points()[grid.num_samples // 2 :])


@settings(deadline=None)
@given(SHAPES, ALIGNMENTS, st.data())
def test_chosen_indices_are_rows_of_the_whole_in_any_order(shape: tuple[int, ...], align: Alignment, data: Any) -> None:
    grid = Grid.of(shape, align=align)
    chosen = data.draw(st.lists(st.integers(0, grid.num_samples - 1), max_size=20))
    indices = np.array(chosen, dtype=data.draw(st.sampled_from([np.int32, np.int64])))
    assert np.array_equal(grid.points(indices), grid.points()[indices])


@pytest.mark.parametrize("align", ["centers", "corners"])
def test_long_axes_are_placed_as_short_ones_are(align: Alignment, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid.of((6, 5), align=align)
    points, coordinates = grid.points(), grid.coordinates(1)
    monkeypatch.setattr("ligeia.signals._sampling._MAX_TABLE", 5)
    assert np.array_equal(grid.points(), points)
    monkeypatch.setattr("ligeia.signals._sampling._MAX_TABLE", 0)
    assert np.array_equal(grid.points(), points)
    assert np.array_equal(grid.coordinates(1), coordinates)


def test_a_huge_grid_costs_nothing_to_describe_to_walk_or_to_cut() -> None:
    tracemalloc.start()
    try:
        for shape in [(2**40,), (2**20, 2**20), (2**62,)]:
            grid = Grid.of(shape).resampled(shape)
            assert grid.num_samples == math.prod(shape)
            first, last = grid.points(start=0, stop=1), grid.points(np.array([grid.num_samples - 1]))
            np.testing.assert_allclose(first, [[1 / size - 1 for size in shape]], rtol=1e-6)
            np.testing.assert_allclose(last, [[1 - 1 / size for size in shape]], rtol=1e-6)
            assert grid.region([(0, size // 2) for size in shape]) == ((-1.0, 0.0),) * len(shape)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_coordinates_of_one_grid_cannot_be_changed_for_all() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Grid.of((4, 4)).coordinates(0)[0] = 5.0


@settings(deadline=None)
@given(SHAPES, st.data())
def test_a_region_of_centers_spans_the_edges_of_its_cells(shape: tuple[int, ...], data: Any) -> None:
    bounds = [data.draw(st.tuples(st.integers(0, size - 1), st.integers(1, size))) for size in shape]
    bounds = [(start, max(stop, start + 1)) for start, stop in bounds]
    for edges, (start, stop), size in zip(Grid.of(shape).region(bounds), bounds, shape, strict=True):
        assert edges == pytest.approx((2 * start / size - 1, 2 * stop / size - 1), abs=1e-15)


def test_a_region_of_corners_ends_at_its_samples() -> None:
    grid = Grid.of((5, 3, 1), align="corners")
    assert grid.region([(1, 4), (1, 2), (0, 1)]) == ((-0.5, 0.5), (0.0, 0.0), (-1.0, 1.0))


@settings(deadline=None)
@given(SHAPES, ALIGNMENTS)
def test_the_region_of_everything_is_the_domain(shape: tuple[int, ...], align: Alignment) -> None:
    whole = Grid.of(shape, align=align).region([(0, size) for size in shape])
    assert whole == ((-1.0, 1.0),) * len(shape)


@settings(deadline=None)
@given(SHAPES, ALIGNMENTS, st.data())
def test_the_samples_of_a_region_fill_it_like_a_grid(shape: tuple[int, ...], align: Alignment, data: Any) -> None:
    grid = Grid.of(shape, align=align)
    axis = data.draw(st.integers(0, len(shape) - 1))
    start = data.draw(st.integers(0, shape[axis] - 1))
    stop = data.draw(st.integers(start + 1, shape[axis]))
    low, high = grid.region([(start, stop) if a == axis else (0, size) for a, size in enumerate(shape)])[axis]
    inner = Grid.of((stop - start,), align=align).coordinates(0)
    np.testing.assert_allclose(
        low + (inner + 1) * (high - low) / 2, grid.coordinates(axis)[start:stop], rtol=0, atol=1e-15
    )


@pytest.mark.parametrize("bounds", [(-1, 3), (0, 5), (2, 2), (3, 1), (4, 5)])
def test_a_region_outside_the_grid_or_without_a_sample_is_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(ShapeError, match=r"the region .* must be within 0:4 on axis 'column' and hold a sample"):
        Grid.of((3, 4)).region([(0, 3), bounds])


def test_a_region_needs_one_range_per_axis() -> None:
    with pytest.raises(ShapeError, match=r"expected a region of 2 ranges \(row, column\), got 1"):
        Grid.of((3, 4)).region([(0, 3)])


def test_resampling_keeps_names_extents_units_and_alignment() -> None:
    grid = Grid(WEATHER.axes, "corners").resampled((3, 9, 2))
    assert grid.shape == (3, 9, 2)
    assert grid.align == "corners"
    for old, new in zip(WEATHER.axes, grid.axes, strict=True):
        assert (new.name, new.extent, new.unit) == (old.name, old.extent, old.unit)
    assert grid.resampled(WEATHER.shape) == Grid(WEATHER.axes, "corners")


def test_resampling_refuses_another_number_of_axes_and_empty_axes() -> None:
    with pytest.raises(ShapeError, match=r"expected a shape of 3 sizes \(time, latitude, level\), got \(4, 4\)"):
        WEATHER.resampled((4, 4))
    with pytest.raises(ShapeError, match="axis 'latitude' must have at least one sample, got 0"):
        WEATHER.resampled((4, 0, 1))


def test_physical_coordinates_follow_their_extents_also_downward() -> None:
    ends = np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    expected = [[0.0, 90.0, 1000.0], [3600.0, -90.0, 1013.25], [1800.0, 0.0, 1006.625]]
    np.testing.assert_allclose(WEATHER.to_physical(ends), expected)
    np.testing.assert_allclose(WEATHER.from_physical(np.array(expected)), ends, atol=1e-13)
    np.testing.assert_allclose(WEATHER.physical_scale(), [1800.0, -90.0, 6.625])


def test_sample_positions_in_physical_units() -> None:
    latitudes = WEATHER.to_physical(WEATHER.points())[:5, 1]
    np.testing.assert_allclose(latitudes, [72.0, 36.0, 0.0, -36.0, -72.0], atol=1e-5)
    cornered = Grid(WEATHER.axes, "corners")
    latitudes = cornered.to_physical(cornered.points())[:5, 1]
    np.testing.assert_allclose(latitudes, [90.0, 45.0, 0.0, -45.0, -90.0], atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.booleans(), st.floats(-3, 3))
def test_to_and_from_physical_undo_each_other(low: float, length: float, descending: bool, at: float) -> None:
    high = low + length
    grid = Grid((Axis(name="x", size=4, extent=(high, low) if descending else (low, high)),))
    points = np.array([[at]])
    back = grid.from_physical(grid.to_physical(points))
    np.testing.assert_allclose(back, points, rtol=0, atol=1e-15 * (10 + 10 * abs(low) / length))


def test_a_grid_of_one_two_or_three_axes_gets_the_usual_names() -> None:
    names = [[axis.name for axis in Grid.of((2,) * count).axes] for count in range(1, 5)]
    assert names == [["time"], ["row", "column"], ["z", "y", "x"], ["axis0", "axis1", "axis2", "axis3"]]


def test_a_grid_is_a_value() -> None:
    assert Grid.of((2, 3)) == Grid.of((2, 3))
    assert hash(Grid.of((2, 3))) == hash(Grid.of((2, 3)))
    assert Grid.of((2, 3)) != Grid.of((2, 3), align="corners")
    assert (Grid.of((2, 3)).num_axes, Grid.of((2, 3)).num_samples) == (2, 6)


def test_a_grid_that_cannot_be_is_refused() -> None:
    with pytest.raises(ShapeError, match="a grid needs at least one axis"):
        Grid.of(())
    with pytest.raises(ShapeError, match="axis 'row' must have at least one sample, got 0"):
        Grid.of((0, 3))
    with pytest.raises(ShapeError, match=r"at most 2\*\*62 samples"):
        Grid.of((2**32, 2**31))
    with pytest.raises(InputError, match=r"different names, got \['x', 'x'\]"):
        Grid((Axis(name="x", size=2), Axis(name="x", size=3)))


@pytest.mark.parametrize("extent", [(1.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_an_axis_without_two_finite_ends_is_refused(extent: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="axis 'x' needs two different finite ends"):
        Axis(name="x", size=2, extent=extent)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (0, 7), (4, 3), (7, 7)])
def test_samples_outside_the_grid_are_refused(start: int, stop: int) -> None:
    with pytest.raises(ShapeError, match="are not within 0 to 6"):
        Grid.of((2, 3)).points(start=start, stop=stop)


@pytest.mark.parametrize("indices", [[-1, 2], [0, 6]])
def test_indices_outside_the_grid_are_refused(indices: list[int]) -> None:
    with pytest.raises(ShapeError, match=r"sample indices must lie in \[0, 6\), got"):
        Grid.of((2, 3)).points(np.array(indices))


def test_points_with_a_column_too_few_are_not_spread_over_the_axes() -> None:
    with pytest.raises(ShapeError, match=r"points must be \(n, 3\), one column per axis, got \(4, 1\)"):
        WEATHER.to_physical(np.zeros((4, 1)))
    with pytest.raises(ShapeError, match=r"points must be \(n, 3\)"):
        WEATHER.from_physical(np.zeros((4, 1)))
