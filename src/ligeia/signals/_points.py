"""Signals of scattered samples: values at points, with a box around them as the domain."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from ligeia.core import InputError, SampleError, ShapeError

from ._arrays import value_range_of
from ._axis import Alignment, Axis
from ._grid import Grid
from ._signal import Channel, PointsSource, Signal
from ._tables import column_listing, read_columns

Bounds = Sequence[tuple[float, float]]
"""The lowest and the highest physical coordinate of a domain, per axis."""

_MOST_UNEQUAL = 10.0  # extents: beyond that they are taken to be of different kinds, such as meters and seconds
_EDGE = 1e-6  # of the box: rounding


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PointColumns:
    """Which columns of a file are coordinates and which are values, and the box that is the domain, if not theirs."""

    coordinates: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    box: tuple[tuple[float, float], ...] | None = None


def read_points(
    path: Path,
    coordinates: Sequence[str],
    values: Sequence[str],
    *,
    box: Bounds | None = None,
    align: Alignment = "centers",
) -> Signal:
    """Read scattered samples from named columns of a ``.csv``, ``.npz`` or ``.mat`` file; see `from_points`.

    `InputError` with the columns of the file where either list is empty or holds an unknown name.
    """
    if not coordinates or not values:
        raise InputError(
            f"{path}: columns of coordinates and of values were wanted, the file holds: {column_listing(path)}; "
            "name them, as in --coordinates x,y --values w."
        )
    columns = read_columns(path, [*coordinates, *values])
    of_places = [column for column in columns if column.asked in coordinates]
    of_values = [column for column in columns if column.asked in values]
    for column in columns:
        bad = ~np.isfinite(column.numbers)
        if bad.any():
            raise SampleError(
                f"{path}: finite numbers were wanted, {int(bad.sum())} of {len(bad)} in {column.name} are NaN or "
                f"infinite, the first at index {int(bad.argmax())}; leave those points out."
            )
    try:
        return from_points(
            np.stack([column.numbers.astype(np.float64) for column in of_places], axis=1),
            np.stack([column.numbers for column in of_values], axis=1),
            names=[column.name for column in of_places],
            channels=[column.name for column in of_values],
            box=box,
            align=align,
        )
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error


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
        raise ShapeError(f"points (n, d) and values (n, c) were wanted, got {points.shape} and {values.shape}.")
    if values.dtype.kind not in "buif" or not np.isfinite(values).all() or not np.isfinite(points).all():
        raise SampleError("finite real coordinates and values were wanted; leave other points out.")
    names = _checked_names(names, ("x", "y", "z"), points.shape[1])
    channels = _checked_names(channels, ("value",), values.shape[1])
    if box is not None:
        points, values = _within(points, values, box, names)
    extents = _extents(points, box, names)
    places = (points - extents[:, 0]) / ((extents[:, 1] - extents[:, 0]) / 2) - 1
    merged, values = _merged(places.clip(-1, 1).astype(np.float32) + np.float32(0), values)  # -0 and 0 are one place
    if len(merged) < 2:
        raise ShapeError(f"points at 2 different places or more were wanted, got {len(merged)}.")
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
        raise ShapeError(f"{count} names were wanted, one per column, got {', '.join(names)}.")
    return list(names)


def _within(
    points: Float[np.ndarray, "n d"], values: Shaped[np.ndarray, "n c"], box: Bounds, names: Sequence[str]
) -> tuple[Float[np.ndarray, "k d"], Shaped[np.ndarray, "k c"]]:
    if len(box) != len(names) or not all(low < high and math.isfinite(high - low) for low, high in box):
        ranges = ",".join(f"{low:g}:{high:g}" for low, high in box)
        raise InputError(f"a box of an interval low:high for each of {', '.join(names)} was wanted, got {ranges}.")
    low, high = np.array(box, np.float64).T
    beyond = (high - low) * _EDGE
    inside = ((points >= low - beyond) & (points <= high + beyond)).all(axis=1)
    if not inside.any():
        spans = ", ".join(
            f"{name} {least:g}:{most:g}"
            for name, least, most in zip(names, points.min(axis=0), points.max(axis=0), strict=True)
        )
        raise InputError(f"points in the box were wanted, all {len(points)} lie outside; they span {spans}.")
    if not inside.all():
        outside = int(np.count_nonzero(~inside))
        warnings.warn(f"{outside:,} of {len(points):,} points lie outside of the box, and are left out.", stacklevel=3)
    return points[inside], values[inside]


def _extents(points: Float[np.ndarray, "n d"], box: Bounds | None, names: Sequence[str]) -> Float[np.ndarray, "d two"]:
    if len(points) < 2:
        raise ShapeError(f"points at 2 different places or more were wanted, got {len(points)}.")
    low, high = points.min(axis=0), points.max(axis=0)
    for name, least, most in zip(names, low, high, strict=True):
        if least == most:
            raise InputError(
                f"points that differ along every axis were wanted, all have {name} = {least:g}; leave that column out."
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
