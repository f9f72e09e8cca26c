"""Views of a radiance field by NumPy alone, in float64: the arithmetic of spec/scenes.md."""

from itertools import product
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64

from ligeia.core import InputError
from ligeia.kernels import EMPTY, GAINS, HEAD_HIDDEN, HEAD_INPUTS, LEAST, ROW, VoxelGrid
from ligeia.networks import Voxels
from ligeia.signals import Camera

from .._container import FieldRecord

_RAYS: Final = 1 << 10  # at a time
_ALONG_A_SIDE: Final = 1e-12  # a direction component is at least this


class _Weights(NamedTuple):
    """What rays see: raw density, features, and the parts of the head."""

    raw: Float[np.ndarray, " rows"]
    features: Float[np.ndarray, "rows f"]
    first: Float[np.ndarray, "inputs hidden"]
    bias: Float[np.ndarray, " hidden"]
    color: Float[np.ndarray, "3 hidden"]
    color_bias: Float[np.ndarray, " 3"]


def plain_view(
    record: FieldRecord, camera: Camera, *, background: tuple[float, float, float] = (1.0, 1.0, 1.0), side: int = 2
) -> Float[np.ndarray, "rows columns 3"]:
    """Return what a camera sees of a radiance field in a box, each pixel the mean over ``side**2`` rays; slowly.

    `Field.render` is the same in compiled code. `InputError` for another field, or one of contracted space.
    """
    voxels = record.network.architecture
    if not isinstance(voxels, Voxels):
        raise InputError(f"expected a field of voxels for views of a scene, got a network {voxels.name}.")
    if voxels.is_contracted:
        raise InputError("expected a scene in a box, this one holds all of space; `Field.render` shows it.")
    low, high = zip(*(axis.extent for axis in record.grid.axes), strict=True)
    grid = voxels.grid(low, high)
    density, features, head = (each.astype(np.float64) for each in record.float_tensors())
    parts = np.split(head * GAINS[2], np.cumsum([HEAD_INPUTS * HEAD_HIDDEN, HEAD_HIDDEN, 3 * HEAD_HIDDEN]))
    weights = _Weights(
        density * GAINS[0],
        features * GAINS[1],
        parts[0].reshape(HEAD_INPUTS, HEAD_HIDDEN),
        parts[1],
        parts[2].reshape(3, HEAD_HIDDEN),
        parts[3],
    )
    rows, columns = camera.shape
    y, x = (each.ravel() + 0.5 for each in np.indices((rows, columns)))
    total = np.zeros((rows * columns, 3))
    for down, right in product((np.arange(side) + 0.5) / side - 0.5, repeat=2):
        for start in range(0, len(x), _RAYS):
            some = slice(start, start + _RAYS)
            eye, heading = _headings(camera, np.column_stack([y[some], x[some]]), down, right)
            color, opacity = _seen(grid, weights, eye, heading)
            total[some] += color + (1 - opacity)[:, None] * background
    return (total / side**2).reshape(rows, columns, 3)


def _headings(
    camera: Camera, middles: Float[np.ndarray, "n 2"], down: float, right: float
) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, "n 3"]]:
    """Return unit directions beside the middles of pixels: they change linearly over one."""
    eye, heading = camera.rays(middles)
    for step, share in ((np.array([0.5, 0.0]), down), (np.array([0.0, 0.5]), right)):
        heading = heading + share * (camera.rays(middles + step)[1] - camera.rays(middles - step)[1])
    return eye, heading / np.linalg.norm(heading, axis=1, keepdims=True)


def _seen(
    grid: VoxelGrid, weights: _Weights, eye: Float[np.ndarray, " 3"], heading: Float[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
    """Return color, before black, and opacity of rays."""
    begins, step = (eye - grid.low) * grid.per_unit, heading * grid.per_unit
    step = np.where(np.abs(step) < _ALONG_A_SIDE, _ALONG_A_SIDE, step)
    near, far = -begins / step, (grid.cells - begins) / step
    first = np.minimum(near, far).max(axis=1).clip(min=0)
    last = np.maximum(near, far).min(axis=1)
    distance = first[:, None] + (np.arange(grid.most_samples) + 0.5) * grid.step
    places = begins + distance[..., None] * step[:, None]
    cell = np.clip(places.astype(np.int64), 0, np.array(grid.cells) - 1)
    is_sample = (distance < last[:, None]) & grid.occupied[tuple(np.moveaxis(cell, -1, 0))]
    thickness = np.zeros(distance.shape)
    thickness[is_sample] = np.logaddexp(0, _raw_density(grid, weights, places[is_sample], cell[is_sample]))
    left = np.exp(-grid.step * grid.scale * thickness)
    passing = np.cumprod(np.column_stack([np.ones(len(left)), left[:, :-1]]), axis=1)
    weight = np.where(is_sample & (passing >= LEAST), passing * (1 - left), 0.0)
    opacity = weight.sum(axis=1)
    is_seen: Bool[np.ndarray, "n samples"] = weight >= LEAST
    gathered = np.zeros((len(heading), ROW))
    found = weight[is_seen][:, None] * _features(grid, weights, places[is_seen], cell[is_seen])
    np.add.at(gathered, np.nonzero(is_seen)[0], found)
    return _head_color(weights, opacity, gathered, heading), opacity


def _raw_density(
    grid: VoxelGrid, weights: _Weights, places: Float[np.ndarray, "n 3"], cell: Int64[np.ndarray, "n 3"]
) -> Float[np.ndarray, " n"]:
    """Return the quadratic B-spline of the 27 nodes around places in cells from the box's corner."""
    nearest = cell + (places - cell >= 0.5)
    t = places - nearest
    shares = np.stack([(0.5 - t) ** 2 / 2, 0.75 - t * t, (0.5 + t) ** 2 / 2])
    result = np.zeros(len(places))
    for node in np.ndindex(3, 3, 3):
        row = grid.row[tuple((nearest + node).T)]
        value = np.where(row < 0, EMPTY, weights.raw[row])
        result += np.prod([shares[part, :, axis] for axis, part in enumerate(node)], axis=0) * value
    return result


def _features(
    grid: VoxelGrid, weights: _Weights, places: Float[np.ndarray, "n 3"], cell: Int64[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n f"]:
    """Return what lies linearly between the eight corners of cells."""
    within = places - cell
    result = np.zeros((len(places), ROW))
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, within, 1 - within), axis=1)
        result += share[:, None] * weights.features[grid.row[tuple((cell + corner + 1).T)]]
    return result


def _head_color(
    weights: _Weights,
    opacity: Float[np.ndarray, " n"],
    features: Float[np.ndarray, "n f"],
    heading: Float[np.ndarray, "n 3"],
) -> Float[np.ndarray, "n 3"]:
    """Return the color of rays: what they gathered, and what a sine layer makes of it and of their direction."""
    x, y, z = heading.T
    root3, root15 = 3**0.5, 15**0.5
    second = [x * y, y * z, (3 * z * z - 1) / 12**0.5, x * z, (x * x - y * y) / 2]
    directions = np.stack([np.ones_like(x), root3 * y, root3 * z, root3 * x, *(root15 * each for each in second)], 1)
    given = np.column_stack([opacity, features, opacity[:, None] * directions])
    turned = np.sin(given @ weights.first + weights.bias) @ weights.color.T + weights.color_bias
    return features[:, :3] + opacity[:, None] * (0.5 + turned)
