"""Your own domain: Laplace's equation in an L, whose inner corner makes the slope of the solution r^(-1/3)."""

import numpy as np
from torch import Tensor

import ligeia as lg
from ligeia.equations import solve_linear
from ligeia.field import PhysicalField
from ligeia.physics import Constraint, points_in
from ligeia.signals import Axis, Grid

SQUARE = Grid((Axis(name="x", size=64), Axis(name="y", size=64)))
CORNERS = np.array([[0, 0], [1, 0], [1, -1], [-1, -1], [-1, 1], [0, 1]])


def laplace(u: PhysicalField, points: Tensor) -> Tensor:
    """Return what should be 0 within the L."""
    return lg.derivatives(u, points, "xx+yy")[0]


def value(u: PhysicalField, points: Tensor, known: Tensor) -> Tensor:
    """Return what should be 0 on its border."""
    return u(points) - known


def within(num_points: int, draw: np.random.Generator) -> np.ndarray:
    """Return points of the square but for the quarter that is missing."""
    points = points_in(SQUARE, num_points, generator=draw)
    return points[(points < 0).any(axis=1)]


def border(num_points: int, draw: np.random.Generator) -> np.ndarray:
    """Return points between one corner and the next."""
    sides = zip(CORNERS, np.roll(CORNERS, -1, axis=0), strict=True)
    return np.concatenate([a + (b - a) * draw.random((num_points // len(CORNERS), 1)) for a, b in sides])


def exact(points: np.ndarray) -> np.ndarray:
    """Return r^(2/3) sin(2/3 angle), where the angle starts at the side along y."""
    x, y = points.T
    angle = (np.arctan2(y, x) - np.pi / 4) % (2 * np.pi) - np.pi / 4
    return (np.hypot(x, y) ** (2 / 3) * np.sin(2 / 3 * angle))[:, None]


def main(num_points: int = 4000) -> float:
    """Solve, and compare with the closed form; return the relative error."""
    draw = np.random.default_rng(0)
    sides = border(1200, draw)
    known = Constraint(value, sides, (exact(sides),))
    solved = solve_linear([Constraint(laplace, within(num_points, draw)), known], SQUARE)
    places = within(5000, draw)
    found = solved.field.values_at(places)
    error = float(np.linalg.norm(found - exact(places)) / np.linalg.norm(exact(places)))
    print(f"an L: {error:.1%} from the closed form, in {solved.seconds:.1f} s")
    return error


if __name__ == "__main__":
    main()
