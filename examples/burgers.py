"""Your own nonlinear equation: Burgers', u_t + u u_x = nu u_xx, a wave that steepens to a shock; held at its border."""

import math

import numpy as np
import torch
from torch import Tensor

import ligeia as lg
from ligeia import fitting
from ligeia.field import PhysicalField
from ligeia.physics import Constraint, Constraints, HardConstraint, points_in
from ligeia.signals import Axis, Grid

VISCOSITY = 0.01 / math.pi
DOMAIN = Grid((Axis(name="t", size=64, extent=(0.0, 1.0)), Axis(name="x", size=256)))


def held(u: PhysicalField) -> HardConstraint:
    """Return -sin(pi x) + t (1 - x^2) u: the start and the ends are right whatever u is."""
    return HardConstraint(u, lambda at: -torch.sin(math.pi * at[:, 1:]), lambda at: at[:, :1] * (1 - at[:, 1:] ** 2))


def burgers(u: PhysicalField, points: Tensor) -> Tensor:
    """Return what should be 0 everywhere."""
    now, in_time, slope, bend = lg.derivatives(held(u), points, "", "t", "x", "xx")
    return in_time + now * slope - VISCOSITY * bend


def exact(points: np.ndarray) -> np.ndarray:
    """Return the closed form of Cole and Hopf, its integrals by Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite.hermgauss(200)
    sources = points[:, 1:] - np.sqrt(4 * VISCOSITY * points[:, :1]) * nodes
    weights = weights * np.exp(-(1 + np.cos(math.pi * sources)) / (2 * math.pi * VISCOSITY))
    return -(weights * np.sin(math.pi * sources)).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)


def main(num_steps: int = 4000, num_points: int = 40_000, batch_size: int = 1024) -> float:
    """Fit, and compare with the closed form; return the relative error."""
    draw = np.random.default_rng(0)
    objective = Constraints([Constraint(burgers, points_in(DOMAIN, num_points, generator=draw))])
    generator = torch.Generator().manual_seed(0)
    network = lg.Siren(2, 64, 2, 1, first_omega_0=10.0, hidden_omega_0=10.0, generator=generator)
    field = lg.Field(network, DOMAIN)
    soap = fitting.Soap(learning_rate=3e-3)
    recipe = fitting.Recipe(name="burgers", optimizer=soap, batch_size=batch_size, schedule=fitting.LRSchedule())
    report = fitting.fit(field, objective, recipe, lg.passes(num_steps * batch_size / num_points))
    places = points_in(DOMAIN, 5000, generator=draw)
    found = held(field.physical)(torch.from_numpy(places).float()).detach().numpy()
    error = float(np.linalg.norm(found - exact(places)) / np.linalg.norm(exact(places)))
    print(f"Burgers' equation: {error:.2%} from the closed form, in {report.seconds:.0f} s")
    return error


if __name__ == "__main__":
    main()
