"""Random points of a domain and of its border, at which equations are enforced."""

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError
from ligeia.signals import Grid


def points_in(
    grid: Grid, num_points: int, *, generator: np.random.Generator, **places: float
) -> Float[np.ndarray, "n d"]:
    """Return random points of a domain, in the unit of each axis; named axes are fixed at one place.

    >>> from ligeia.signals import Axis
    >>> rod = Grid((Axis(name="x", size=64, extent=(0, 2)), Axis(name="t", size=64, extent=(0, 5))))
    >>> points_in(rod, 3, generator=np.random.default_rng(0), x=2.0)
    array([[2.        , 1.3489...],
           [2.        , 0.0826...],
           [2.        , 4.5637...]])
    """
    names = [axis.name for axis in grid.axes]
    if unknown := sorted(set(places) - set(names)):
        raise InputError(f"expected places on axes {', '.join(names)}, got {', '.join(unknown)}.")
    low, high = np.array([axis.extent for axis in grid.axes], np.float64).T
    points = low + (high - low) * generator.random((num_points, grid.num_axes))
    for name, place in places.items():
        axis = names.index(name)
        if not min(low[axis], high[axis]) <= place <= max(low[axis], high[axis]):
            raise InputError(f"expected a place from {low[axis]:g} to {high[axis]:g} on {name}, got {place:g}.")
        points[:, axis] = place
    return points
