"""Where a scene is: the box that the cameras look at, and the hull of what is opaque in their pictures."""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError
from ligeia.signals import Views

_COARSEST: Final = 8  # cells along a side where the search for the hull begins
_BEYOND: Final = 0.87  # of a cell's side: from its middle to a corner


def scene_box(views: Views) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    """Return the corners of the cube that all cameras look at.

    Its middle is where their viewing directions come closest to each other, its half side what the narrowest of the
    pictures covers there. `InputError` if they look away from each other.
    """
    eyes = np.stack([camera.eye for camera in views.cameras])
    ahead = -np.stack([camera.axes()[2] for camera in views.cameras])
    across = np.eye(3) - ahead[:, :, None] * ahead[:, None, :]
    total = across.sum(axis=0)
    middle = np.linalg.lstsq(total, (across @ eyes[:, :, None]).sum(axis=0)[:, 0], rcond=None)[0]
    distances = ((middle - eyes) * ahead).sum(axis=1)
    if np.median(distances) <= 0:
        raise InputError("expected cameras that look at one place, these look outward; give the scene's box (--box).")
    halves = [
        max(distance, 0.0)
        * min(camera.shape[1] / camera.focal_lengths[0], camera.shape[0] / camera.focal_lengths[1])
        / 2
        for distance, camera in zip(distances, views.cameras, strict=True)
    ]
    half = float(np.median(halves))
    return middle - half, middle + half


def visual_hull(
    views: Views, low: Float[np.ndarray, " 3"], high: Float[np.ndarray, " 3"], cells: int
) -> Bool[np.ndarray, "x y z"]:
    """Return the cells of a cube that no view shows to be empty, by alpha; from coarse cells to fine ones.

    There are ``cells`` along a side, or the next power of two.

    A cell stays if in each view it lies outside of the picture, or a pixel that it may cover is ignored or not empty.
    """
    from scipy.ndimage import maximum_filter

    seen = []
    for number, mask in enumerate(views.masks):
        opaque = np.asarray(views.rgba(number)[..., 3] > 0)
        seen.append(opaque if mask is None else np.logical_or(opaque, mask))
    if not any(opaque.any() for opaque in seen):
        raise InputError("expected something opaque in the pictures, all are empty; check their alpha.")
    count = _COARSEST
    index = np.indices((count,) * 3).reshape(3, -1).T
    while True:
        side = (high - low) / count
        places = (index + 0.5) * side + low
        for camera, opaque in zip(views.cameras, seen, strict=True):
            where, depth = camera.project(places)
            nearest = max(float(depth[depth > 0].min(initial=np.inf)), float(side.max()))
            reach = int(np.ceil(max(camera.focal_lengths) * _BEYOND * side.max() / nearest))
            rows, columns = camera.shape
            with np.errstate(invalid="ignore"):
                is_inside: np.ndarray = np.all((where >= 0) & (where < camera.shape), axis=1)
            pixel = np.where(is_inside[:, None], where, 0).astype(np.int64)
            widened = maximum_filter(opaque, 2 * min(reach, max(rows, columns)) + 1)
            keep = np.logical_or(~is_inside, widened[pixel[:, 0], pixel[:, 1]])
            places, index = places[keep], index[keep]
        if not len(index):
            raise InputError("expected a place where all views see something, there is none; check the poses.")
        if count >= cells:
            break
        count *= 2
        index = (2 * index[:, None] + np.indices((2, 2, 2)).reshape(3, -1).T).reshape(-1, 3)
    found = np.zeros((count,) * 3, bool)
    found[tuple(index.T)] = True
    return found
