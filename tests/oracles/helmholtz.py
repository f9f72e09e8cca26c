"""Helmholtz's equation by finite differences of fourth order on a staggered grid, and one sparse factorization."""

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.interpolate import RectBivariateSpline
from scipy.sparse.linalg import splu

Slowness = Callable[[np.ndarray], np.ndarray]


def waves(
    size: int,
    wavenumber: float,
    slowness: Slowness,
    source: Slowness,
    *,
    thickness: float,
    strength: float,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the solution of (laplacian + (k slowness)^2) u = -source on [-1, 1]^2 as a function of points.

    Written anew from the equation: multiplied by e_x e_y, u = 0 at the border, ``size`` cells along a side.
    """
    step = 2 / size
    nodes, between = -1 + step * np.arange(1, size), -1 + step * (np.arange(size) + 0.5)

    def stretch(x: np.ndarray) -> np.ndarray:
        return 1 - 1j * strength * (np.maximum(abs(x) - 1 + thickness, 0) / thickness) ** 2

    taps = np.array([-1, 27, -27, 1]) / 24 / step  # d/dx halfway between nodes
    slope = sparse.csr_array((size, size - 1))
    for offset, tap in zip((1, 0, -1, -2), taps, strict=True):
        slope = slope + tap * sparse.eye_array(size, size - 1, k=offset)
    bend = -slope.T @ sparse.diags(1 / stretch(between)) @ slope
    along = sparse.diags(stretch(nodes))
    points = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    both = np.outer(stretch(nodes), stretch(nodes)).ravel()
    reaction = sparse.diags(both * (wavenumber * slowness(points)) ** 2)
    matrix = sparse.kron(bend, along) + sparse.kron(along, bend) + reaction
    solver = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0)
    found = solver.solve(-source(points).astype(complex)).reshape(size - 1, size - 1)
    parts = [RectBivariateSpline(nodes, nodes, part, kx=5, ky=5) for part in (found.real, found.imag)]
    return lambda at: parts[0].ev(*at.T) + 1j * parts[1].ev(*at.T)
