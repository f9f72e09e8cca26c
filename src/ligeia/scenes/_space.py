"""All of space in a box: where its cells are, and which of them a capture shows."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError
from ligeia.kernels import contracted_cells
from ligeia.signals import Views

from ._refinement import with_neighbors

_FEWEST_VIEWS: Final = 2  # that see a cell: what one alone sees may be anywhere along its rays
_NEAREST: Final = 0.1  # of the distance from a camera to the middle of the scene


def uncontracted(places: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Return where in space contracted places are, both in half sides of the scene from its middle.

    The inverse of MERF's contraction (Reiser et al. 2023, arXiv:2302.12249), of coordinates below 2 in magnitude.
    """
    magnitude = np.abs(places)
    largest = magnitude.max(axis=1, keepdims=True)
    r = 1 / (2 - np.maximum(largest, 1))
    return np.where((magnitude == largest) & (largest > 1), np.sign(places), places) * r


def seen_cells(
    views: Views, low: Float[np.ndarray, " 3"], high: Float[np.ndarray, " 3"], cells: int
) -> Bool[np.ndarray, "x y z"]:
    """Return the cells of contracted space that two cameras see or more, with those around them; not next to a camera.

    ``low`` and ``high`` are the corners of contracted space, whose middle half is the scene, and there are ``cells``
    along a side. What is closer to a camera than a tenth of its distance from the middle of the scene is taken to be
    air: nothing else tells what is close to one camera alone.
    """
    within = contracted_cells((cells, cells, cells))
    index = np.argwhere(within)
    half, middle = (high - low) / 4, (low + high) / 2
    places = uncontracted((index + 0.5) * 4 / cells - 2) * half + middle
    count = np.zeros(len(index), np.int64)
    is_near = np.zeros(len(index), bool)
    for camera in views.cameras:
        where, _ = camera.project(places)
        with np.errstate(invalid="ignore"):
            count += np.all((where >= 0) & (where < camera.shape), axis=1)
        nearest = _NEAREST * np.linalg.norm(camera.eye - middle)
        is_near |= np.linalg.norm(places - camera.eye, axis=1) < nearest
    seen = np.zeros(within.shape, bool)
    seen[tuple(index.T)] = count >= _FEWEST_VIEWS
    seen = with_neighbors(seen) & within
    seen[tuple(index[is_near].T)] = False
    if not seen.any():
        raise InputError("expected a place that two cameras see, there is none; check the poses.")
    return seen
