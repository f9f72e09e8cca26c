"""Balanced constraints: the mean square of a residual's slopes along the output layer is one over its weight."""

import numpy as np
import torch
from torch import Tensor

import ligeia as lg
from ligeia.core import random_stream
from ligeia.field import PhysicalField
from ligeia.physics import Constraint, balance_weights
from ligeia.signals import Axis, Grid


def test_constraints_count_alike_for_the_waves_of_a_field() -> None:
    network = lg.Siren(2, 12, 0, 1, generator=random_stream(0, "test"))
    grid = Grid((Axis(name="x", size=8, extent=(0.0, 3.0)), Axis(name="y", size=8)))
    field = lg.Field(network, grid).double()
    places = np.random.default_rng(0).uniform(size=(100, 2))

    def bend(u: PhysicalField, points: Tensor) -> Tensor:
        return lg.derivatives(u, points, "xx+yy")[0] - 7.0

    def value(u: PhysicalField, points: Tensor) -> Tensor:
        return 3 * u(points) + 1.0

    def slopes(residual: object) -> np.ndarray:
        output, points, columns = network.linears()[-1], torch.from_numpy(places), []
        for parameter in (output.weight, output.bias):
            for number in range(parameter.numel()):
                found = []
                for change in (-1.0, 1.0):
                    with torch.no_grad():
                        parameter.view(-1)[number] += change
                        found.append(residual(field.physical, points).numpy())  # type: ignore[operator]
                        parameter.view(-1)[number] -= change
                columns.append((found[1] - found[0]) / 2)
        return np.concatenate(columns, axis=1)

    found = balance_weights([Constraint(bend, places, weight=2.0), Constraint(value, places)], field)
    for constraint, weight in zip(found, (2.0, 1.0), strict=True):
        wanted = weight / np.square(slopes(constraint.residual)).mean()
        assert np.isclose(constraint.weight, wanted, rtol=1e-6)
