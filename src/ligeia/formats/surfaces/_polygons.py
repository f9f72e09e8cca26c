"""Polygons to triangles."""

import numpy as np
from jaxtyping import Int


def fans(corners: Int[np.ndarray, " k"], lengths: Int[np.ndarray, " n"]) -> Int[np.ndarray, "m 3"]:
    """Return the triangles of polygons, given one after another: the first corner with each side that it is not on.

    A polygon of fewer than 3 corners has none. What is not convex may be covered wrongly, as by every such fan.

    >>> fans(np.array([4, 5, 6, 7, 0, 1, 2]), np.array([4, 3])).tolist()
    [[4, 5, 6], [4, 6, 7], [0, 1, 2]]
    """
    if len(lengths) and (lengths == 3).all():
        return corners.reshape(-1, 3).astype(np.int64, copy=False)
    counts = np.maximum(lengths - 2, 0)
    first = np.repeat(np.cumsum(lengths) - lengths, counts)
    step = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.stack([first, first + step + 1, first + step + 2], axis=1)
    return corners[places].astype(np.int64, copy=False)
