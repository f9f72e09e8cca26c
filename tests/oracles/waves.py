"""The wave equation by the leapfrog scheme: second order in time and place, 0 at the edges of a square."""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import RectBivariateSpline

Map = Callable[[np.ndarray], np.ndarray]


def leapfrog(
    size: int, displacement: Map, velocity: Map, speed: Map, *, half: float, duration: float
) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``u`` at the end as a function of places in ``[-half, half]^2``; ``size`` cells along a side."""
    nodes = np.linspace(-half, half, size + 1)
    places = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    step = nodes[1] - nodes[0]
    squared = speed(places).reshape(size + 1, size + 1) ** 2
    count = int(np.ceil(duration * np.sqrt(squared.max()) / (0.5 * step)))
    time = duration / count

    def acceleration(u: np.ndarray) -> np.ndarray:
        result = np.zeros_like(u)
        sides = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        result[1:-1, 1:-1] = squared[1:-1, 1:-1] * (sides - 4 * u[1:-1, 1:-1]) / step**2
        return result

    before = displacement(places).reshape(size + 1, size + 1)
    now = before + time * velocity(places).reshape(size + 1, size + 1) + time**2 / 2 * acceleration(before)
    for _ in range(count - 1):
        before, now = now, 2 * now - before + time**2 * acceleration(now)
    spline = RectBivariateSpline(nodes, nodes, now, kx=5, ky=5)
    return lambda at: spline.ev(*at.T)
