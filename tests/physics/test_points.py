"""Points of a domain: within it, on the side that is asked for, and spread evenly."""

import numpy as np
import pytest

from ligeia.core import InputError
from ligeia.physics import points_in
from ligeia.signals import Axis, Grid

GRID = Grid((Axis(name="x", size=4, extent=(0.0, 2.0)), Axis(name="depth", size=4, extent=(5.0, -1.0))))


def test_points_fill_the_domain_evenly() -> None:
    points = points_in(GRID, 8000, generator=np.random.default_rng(0))
    counts, _, _ = np.histogram2d(*points.T, bins=4, range=[[0, 2], [-1, 5]])
    assert counts.sum() == 8000
    assert np.abs(counts - 500).max() < 5 * 500**0.5


def test_an_axis_that_is_named_stays_at_its_place() -> None:
    points = points_in(GRID, 50, generator=np.random.default_rng(0), depth=-1.0)
    assert np.all(points[:, 1] == -1.0)
    assert len(np.unique(points[:, 0])) == 50


def test_places_that_are_not_in_the_domain_are_refused() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(InputError, match="expected places on axes x, depth, got y"):
        points_in(GRID, 5, generator=generator, y=0.0)
    with pytest.raises(InputError, match="expected a place from 5 to -1 on depth, got 6"):
        points_in(GRID, 5, generator=generator, depth=6.0)
