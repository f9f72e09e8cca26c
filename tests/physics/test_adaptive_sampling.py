"""Points are drawn as often as their residuals are large."""

import numpy as np
import pytest
from torch import Tensor

import ligeia as lg
from ligeia.calculus import PointFunction
from ligeia.core import InputError, random_stream
from ligeia.physics import Constraint, residual_adaptive

FIELD = lg.Field(lg.Siren(1, 8, 0, 1, generator=random_stream(0, "test")), lg.Grid.of((16,)))


def step(u: PointFunction, points: Tensor, height: Tensor) -> Tensor:
    return 0 * u(points) + height * (points > 0.5)


def test_points_are_as_likely_as_one_plus_their_share_of_the_residual() -> None:
    points = np.linspace(-1, 1, 40_000)[:, None]
    constraint = Constraint(step, points, (np.full((40_000, 1), 3.0),), weight=2.0)
    chosen = residual_adaptive(FIELD, constraint, 4000, generator=np.random.default_rng(0))
    assert chosen.weight == 2.0
    assert len(chosen.points) == len(chosen.known[0]) == len(np.unique(chosen.points)) == 4000
    # a fourth of the points has four times the mean residual: 1 + 4 beside 1
    assert (chosen.points > 0.5).mean() == pytest.approx(5 / (5 + 3), abs=0.03)


def test_a_residual_of_zero_leaves_all_points_alike() -> None:
    constraint = Constraint(step, np.linspace(-1, 1, 1000)[:, None], (np.zeros((1000, 1)),))
    chosen = residual_adaptive(FIELD, constraint, 500, generator=np.random.default_rng(0))
    assert (chosen.points > 0.5).mean() == pytest.approx(0.25, abs=0.05)
    with pytest.raises(InputError, match="1 to 1000 of the constraint's points"):
        residual_adaptive(FIELD, constraint, 1001, generator=np.random.default_rng(0))
