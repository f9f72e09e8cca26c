"""Signals of scattered samples: values at points, with a box around them as the domain."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped

from ligeia.core import InputError, SampleError, ShapeError

from ._arrays import value_range_of
from ._axis import Alignment, Axis
from ._channel import Channel
from ._grid import Grid
from ._signal import Signal
from ._sources import PointsSource

Bounds = Sequence[tuple[float, float]]
"""The lowest and the highest physical coordinate of a domain, per axis."""

_MOST_UNEQUAL = 10.0  # extents: beyond that they are taken to be of different kinds, such as meters and seconds
_EDGE = 1e-6  # of the box: rounding


def from_points(
    points: Shaped[np.ndarray, "..."],
    values: Shaped[np.ndarray, "..."],
    *,
    names: Sequence[str] | None = None,
    channels: Sequence[str] | None = None,
    box: Bounds | None = None,
    align: Alignment = "centers",
) -> Signal:
    """Return the signal of values, ``(n,)`` or ``(n, c)``, at points ``(n, d)`` in physical coordinates.

    The domain is ``box``, by default the box that the points span; those outside of ``box`` are left out, with a
    warning that counts them. Points at one place, in single precision of the domain, become one with the mean of
    their values; where these differ a warning says by how much. The grid has about as many samples as there are
    points: in square cells where the extents are alike, else as many along each axis.
    """
    points, values = np.asarray(points, np.float64), np.asarray(values)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or points.ndim != 2 or len(points) != len(values):
        raise ShapeError(f"expected points (n, d) and values (n, c), got {points.shape} and {values.shape}.")
    if values.dtype.kind not in "buif" or not np.isfinite(values).all() or not np.isfinite(points).all():
        raise SampleError("expected finite real coordinates and values; leave other points out.")
    names = _checked_names(names, ("x", "y", "z"), points.shape[1])
    channels = _checked_names(channels, ("value",), values.shape[1])
    if box is not None:
        points, values = _within(points, values, box, names)
    extents = _extents(points, box, names)
    places = (points - extents[:, 0]) / ((extents[:, 1] - extents[:, 0]) / 2) - 1
    merged, values = _merged(places.clip(-1, 1).astype(np.float32) + np.float32(0), values)  # -0 and 0 are one place
    if len(merged) < 2:
        raise ShapeError(f"expected points at 2 different places or more, got {len(merged)}.")
    axes = [
        Axis(name=name, size=size, extent=(float(low), float(high)))
        for name, size, (low, high) in zip(names, _sizes(extents, len(merged)), extents, strict=True)
    ]
    found = []
    for number, name in enumerate(channels):
        low, high = value_range_of(values[:, number : number + 1], words_are_filled=False)
        found.append(Channel(name=name, low=low, high=high))
    source = PointsSource(dtype=values.dtype.str)
    return Signal(grid=Grid(tuple(axes), align), values=values, channels=tuple(found), source=source, points=merged)


def _checked_names(names: Sequence[str] | None, usual: Sequence[str], count: int) -> list[str]:
    if names is None:
        return list(usual[:count]) if count <= len(usual) else [f"{usual[0]}{number}" for number in range(count)]
    if len(names) != count:
        raise ShapeError(f"expected {count} names, one per column, got {', '.join(names)}.")
    return list(names)


def _within(
    points: Float[np.ndarray, "n d"], values: Shaped[np.ndarray, "n c"], box: Bounds, names: Sequence[str]
) -> tuple[Float[np.ndarray, "k d"], Shaped[np.ndarray, "k c"]]:
    if len(box) != len(names) or not all(low < high and math.isfinite(high - low) for low, high in box):
        ranges = ",".join(f"{low:g}:{high:g}" for low, high in box)
        raise InputError(f"expected a box of an interval low:high for each of {', '.join(names)}, got {ranges}.")
    low, high = np.array(box, np.float64).T
    beyond = (high - low) * _EDGE
    inside = ((points >= low - beyond) & (points <= high + beyond)).all(axis=1)
    if not inside.any():
        spans = ", ".join(
            f"{name} {least:g}:{most:g}"
            for name, least, most in zip(names, points.min(axis=0), points.max(axis=0), strict=True)
        )
        raise InputError(f"expected points in the box, all {len(points)} lie outside; they span {spans}.")
    if not inside.all():
        outside = int(np.count_nonzero(~inside))
        warnings.warn(f"{outside:,} of {len(points):,} points lie outside of the box, and are left out.", stacklevel=3)
    return points[inside], values[inside]


def _extents(points: Float[np.ndarray, "n d"], box: Bounds | None, names: Sequence[str]) -> Float[np.ndarray, "d two"]:
    if len(points) < 2:
        raise ShapeError(f"expected points at 2 different places or more, got {len(points)}.")
    low, high = points.min(axis=0), points.max(axis=0)
    for name, least, most in zip(names, low, high, strict=True):
        if least == most:
            raise InputError(
                f"expected points that differ along every axis, all have {name} = {least:g}; leave that column out."
            )
    return np.stack([low, high], axis=1) if box is None else np.array(box, np.float64)


def _sizes(extents: Float[np.ndarray, "d two"], count: int) -> list[int]:
    """Return samples per axis that make some ``count`` in all."""
    sides = extents[:, 1] - extents[:, 0]
    if sides.max() > _MOST_UNEQUAL * sides.min():
        sides = np.ones_like(sides)
    cell = math.exp((np.log(sides).sum() - math.log(count)) / len(sides))
    return [max(2, round(float(side) / cell)) for side in sides]


def _merged(
    places: Float[np.ndarray, "n d"], values: Shaped[np.ndarray, "n c"]
) -> tuple[Float[np.ndarray, "k d"], Shaped[np.ndarray, "k c"]]:
    """Return points of which no two share a place, in the order of their first ones, and their mean values."""
    _, first, group, counts = np.unique(places, axis=0, return_index=True, return_inverse=True, return_counts=True)
    if len(first) == len(places):
        return places, values
    order = np.argsort(first)
    group = np.argsort(order)[group.reshape(-1)]  # numbered in the order of the first ones
    first, counts = first[order], counts[order]
    low = np.full((len(first), values.shape[1]), np.inf)
    high = -low
    total = np.zeros_like(low)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    np.add.at(total, group, values)
    if np.array_equal(low, high):
        return places[first], values[first]
    warnings.warn(
        f"{int(np.count_nonzero(counts > 1)):,} places come more than once, with values up to {(high - low).max():.3g} "
        "apart; each is taken once, with the mean.",
        stacklevel=3,
    )
    mean = total / counts[:, None]
    return places[first], mean.astype(values.dtype) if values.dtype.kind == "f" else mean
