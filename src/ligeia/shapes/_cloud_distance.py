"""The signed distance of an oriented point cloud, near its points and far from them.

Near, it is the implicit moving least squares of Kolluri 2008 (doi 10.1145/1361192.1361195, eq. 1): the mean of the
distances from the tangent planes of neighbors, with Gaussian weights. Far, it is the distance to the nearest point,
minus a correction for the surface between the points, with the sign of the winding number (Barill et al. 2018).
"""

from typing import Any, final

import numpy as np
from jaxtyping import Float

from ._winding import CloudWinding

_NEIGHBORS = 12
_WIDTH = 0.7  # of the Gaussian, in spacings
_NEAR = 2.0  # spacings from the nearest point: planes are more accurate within, points beyond
_GAP = 0.35  # spacings between the nearest point and the nearest place of the surface, as a root mean square
_SURE = 0.2  # a winding number farther than this from both 0 and 1 leaves the side undecided


@final
class CloudDistance:
    """The signed distance from the surface of a cloud, in the coordinates of its points.

    ``spacings`` of the points, and their median ``spacing``, are those of a square of each point's share of the area.
    """

    def __init__(self, points: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"]) -> None:
        from scipy.spatial import KDTree

        self._points, self._normals = points, normals
        self._low, self._high = points.min(axis=0), points.max(axis=0)
        self._winding = CloudWinding(points, normals)
        self.spacings = np.sqrt(self._winding.areas)
        self.spacing = float(np.median(self.spacings))
        self._tree: Any = KDTree(points)

    def at(self, places: Float[np.ndarray, "m 3"]) -> Float[np.ndarray, " m"]:
        """Return the distance at places, negative inside; NaN where the side is undecided, as behind a hole."""
        count = min(_NEIGHBORS, len(self._points))
        distances, neighbors = self._tree.query(places, count, workers=-1)
        nearest = distances[:, 0]
        spacings = self.spacings[neighbors[:, 0]]
        weights = np.exp(-(distances**2 - nearest[:, None] ** 2) / np.square(_WIDTH * spacings)[:, None])
        planes = np.empty_like(distances)
        for column in range(count):  # column by column: all at once is (m, 12, 3)
            each = neighbors[:, column]
            planes[:, column] = np.einsum("ij,ij->i", places - self._points[each], self._normals[each])
        near = (weights * planes).sum(axis=1) / weights.sum(axis=1)
        winding = self._winding.at(places)
        is_sure = np.minimum(np.abs(winding), np.abs(winding - 1)) < _SURE
        length = np.sqrt(np.maximum(nearest**2 - (_GAP * spacings) ** 2, 0.0))
        far = np.where(is_sure, np.where(winding > 0.5, -length, length), np.nan)
        beyond = np.any((places < self._low) | (places > self._high), axis=1)  # of all points: outside without a doubt
        far[beyond] = length[beyond]
        return np.where(nearest < _NEAR * spacings, near, far)
