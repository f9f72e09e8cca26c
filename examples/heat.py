"""Your own linear equation: heat in a rod, u_t = a u_xx, its start and its cold ends as further residuals."""

import math

import numpy as np
from torch import Tensor

import ligeia as lg
from ligeia.equations import solve_linear
from ligeia.field import PhysicalField
from ligeia.physics import Constraint, points_in
from ligeia.signals import Axis, Grid

DIFFUSIVITY = 0.1
ROD = Grid((Axis(name="x", size=64, extent=(0.0, 1.0)), Axis(name="t", size=64, extent=(0.0, 1.0))))


def heat(u: PhysicalField, points: Tensor) -> Tensor:
    """Return what should be 0 within the rod."""
    in_time, bend = lg.derivatives(u, points, "t", "xx")
    return in_time - DIFFUSIVITY * bend


def value(u: PhysicalField, points: Tensor, known: Tensor) -> Tensor:
    """Return what should be 0 where the temperature is known."""
    return u(points) - known


def exact(points: np.ndarray) -> np.ndarray:
    """Return the closed form: two waves that fade away."""
    x, t = math.pi * points[:, :1], math.pi**2 * DIFFUSIVITY * points[:, 1:]
    return np.exp(-t) * np.sin(x) + 0.5 * np.exp(-9 * t) * np.sin(3 * x)


def main(num_points: int = 2000) -> float:
    """Solve, and compare with the closed form; return the relative error."""
    draw = np.random.default_rng(0)
    inside, start = points_in(ROD, num_points, generator=draw), points_in(ROD, 200, generator=draw, t=0.0)
    ends = np.concatenate([points_in(ROD, 100, generator=draw, x=x) for x in (0.0, 1.0)])
    solved = solve_linear(
        [
            Constraint(heat, inside),
            Constraint(value, start, (exact(start),)),
            Constraint(value, ends, (0 * ends[:, :1],)),
        ],
        ROD,
    )
    places = points_in(ROD, 5000, generator=draw)
    found = solved.field.values_at(ROD.from_physical(places))
    error = float(np.linalg.norm(found - exact(places)) / np.linalg.norm(exact(places)))
    print(f"heat in a rod: {error:.1e} from the closed form, in {solved.seconds:.1f} s")
    return error


if __name__ == "__main__":
    main()
