"""What is behind a scene: a color that the edges of photographs have in common."""

from typing import Final

import numpy as np
from jaxtyping import Float

from ligeia.field import Background
from ligeia.signals import Views

_CLOSE: Final = 0.03  # colors that count as one
_MOST_EDGES: Final = 0.8  # of the pixels on the edges that have it


def backdrop(views: Views) -> Background | None:
    """Return the one color, from 0 to 1, of the edges of nearly all opaque photographs; None where they differ."""
    edges = edge_colors(views)
    if not len(edges):
        return None
    color = np.median(edges, axis=0)
    is_close = np.abs(edges - color).max(axis=1) < _CLOSE
    if is_close.mean() < _MOST_EDGES:
        return None
    red, green, blue = (float(each) for each in color)
    return red, green, blue


def edge_colors(views: Views) -> Float[np.ndarray, "n 3"]:
    """Return the colors, from 0 to 1, of all known pixels along the four sides of photographs."""
    return np.concatenate([_edge(views, number) for number in range(len(views.cameras))])


def _edge(views: Views, number: int) -> Float[np.ndarray, "n 3"]:
    is_edge = np.ones(views.cameras[number].shape, bool)
    is_edge[1:-1, 1:-1] = False
    mask = views.masks[number]
    if mask is not None:
        is_edge &= ~mask
    return views.rgba(number)[is_edge][:, :3]
