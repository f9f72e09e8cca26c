"""Axis: the places of samples along one direction, as coordinates in [-1, 1] and in physical units.

A *position* counts samples: sample ``i`` is at position ``i``, the edges of its cell at ``i - 1/2`` and ``i + 1/2``.
"""

import itertools
import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError, optional

from ._footprint import POINT, Footprint

Alignment = Literal["centers", "corners"]

_DATE = re.compile(r"(-?\d{1,5})-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d*)?)?)?)?Z?")
_WITHIN = 1e-9  # of the domain: rounding


def steps_between_ends(size: int, align: Alignment) -> int:
    """Return how many steps from sample to sample fit between the ends of an axis; at least 1."""
    return size - 1 if align == "corners" and size > 1 else size


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One axis of a grid.

    ``size`` samples fill the physical interval ``extent``, whose ends are the outer edges of the first and last
    cell for ``align="centers"`` and the first and last sample themselves for ``align="corners"``.
    """

    name: str
    size: int
    extent: tuple[float, float] = (-1.0, 1.0)
    """Physical ends, in ``unit``; a descending axis has ``extent[0] > extent[1]``."""
    unit: str = ""
    ticks: tuple[float, ...] = ()
    """Physical place of each sample if they are unevenly spaced, in the direction of ``extent``; else empty."""
    is_periodic: bool = False
    """Whether the ends are the same place, as 0 and 360 degrees are. Its samples are centers under any alignment."""
    calendar: str = ""
    """CF name of the calendar of an axis in units such as "days since 2001-01-01"; empty is the standard one."""
    footprint: Footprint = POINT
    """Footprint of a sample along this axis: the value at its place, or a mean around it."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ShapeError(f"axis {self.name!r} must have at least one sample, got {self.size}.")
        low, high = self.extent
        if not (math.isfinite(low) and math.isfinite(high) and low != high):
            raise InputError(f"axis {self.name!r} needs two different finite ends, got {self.extent}.")
        if self.ticks:
            _check_ticks(self)

    def aligned(self, align: Alignment) -> Alignment:
        """Return how the samples of this axis lie in a grid of such an alignment."""
        return "centers" if self.is_periodic or self.size == 1 else align  # a single sample sits at 0 either way

    def coordinates_at(self, positions: Float[np.ndarray, " n"], align: Alignment) -> Float[np.ndarray, " n"]:
        """Return the coordinates of positions, which need not be whole numbers; float64."""
        if not self.ticks:
            if self.aligned(align) == "corners":
                return 2 * positions / (self.size - 1) - 1
            return (2 * positions + 1) / self.size - 1
        turns = np.floor((positions + 0.5) / self.size) if self.is_periodic else 0.0
        known, coordinates = _knots(self)
        return np.interp(positions - turns * self.size, known, coordinates) + 2 * turns

    def positions_of(self, values: Float[np.ndarray, " n"], align: Alignment) -> Float[np.ndarray, " n"]:
        """Return the positions of physical values; `InputError` for one that is beyond the ends."""
        low, high = self.extent
        coordinates = (np.asarray(values, np.float64) - low) / ((high - low) / 2) - 1
        if not self.is_periodic and not (np.abs(coordinates) <= 1 + _WITHIN).all():  # NaN as well
            wrong = values[~(np.abs(coordinates) <= 1 + _WITHIN)][0]
            unit = f" {self.unit}" if self.unit else ""
            raise InputError(f"axis {self.name!r} goes from {low:g} to {high:g}{unit}, got {wrong:g}.")
        if not self.ticks:
            if self.aligned(align) == "corners":
                return (coordinates + 1) * (self.size - 1) / 2
            return ((coordinates + 1) * self.size - 1) / 2
        turns = np.floor((coordinates + 1) / 2) if self.is_periodic else 0.0
        known, places = _knots(self)
        return np.interp(coordinates - 2 * turns, places, known) + turns * self.size

    def numbers(self, places: Any) -> Float[np.ndarray, "..."]:
        """Return places along this axis, numbers or dates, as numbers in its unit.

        Dates are datetime objects, `numpy.datetime64` or ISO text; `MissingExtraError` without the package cftime.
        """
        given = np.asarray(places)
        if given.dtype.kind in "iuf":
            return given.astype(np.float64)
        if given.dtype.kind == "M":
            given = np.datetime_as_string(given, unit="s")
        if " since " not in self.unit:
            raise InputError(f"expected numbers along axis {self.name!r}, got {places!r}.")
        cftime = optional("cftime", extra="science", needed_for="a date")
        calendar = self.calendar or "standard"
        try:
            parts = [_date_parts(str(each)) for each in given.reshape(-1)]
            dates = [cftime.datetime(*each, calendar=calendar) for each in parts]
            numbers = cftime.date2num(dates, self.unit, calendar)
        except ValueError as error:
            raise InputError(
                f"expected a date of the calendar {calendar} such as 2001-02-28 along axis {self.name!r}, got "
                f"{places!r} ({error})."
            ) from error
        return np.asarray(numbers, np.float64).reshape(given.shape)

    def resized(self, size: int, align: Alignment) -> "Axis":
        """Return an axis of another number of samples between the same ends; uneven ones stay as dense as they were."""
        if not self.ticks or size == self.size:
            return replace(self, size=size)
        ends = (0.0, float(self.size))
        coordinates = self.coordinates_at(spread(ends, np.arange(size), size, self.aligned(align)), align)
        low, high = self.extent
        ticks = low + (coordinates + 1) * (high - low) / 2
        return replace(self, size=size, ticks=tuple(map(float, ticks)))


def spread(ends: tuple[float, float], index: np.ndarray, count: int, align: Alignment) -> Float[np.ndarray, " n"]:
    """Return the positions of samples ``index`` of ``count`` that fill samples ``ends[0]`` to ``ends[1]`` (exclusive).

    Aligned at corners, the first of them is the first sample and the last the last. Equal ends are a single place.
    """
    start, stop = ends
    if align == "corners":
        last = stop - 1
        return start + index * (last - start) / (count - 1) if count > 1 else np.full(len(index), (start + last) / 2)
    return start + (index + 0.5) * (stop - start) / count - 0.5


def _date_parts(text: str) -> list[int]:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError("expected year-month-day, and hour:minute:second if need be")
    return [int(part) for part in found.groups() if part is not None]


@lru_cache(maxsize=64)  # a batch asks for them thousands of times a second
def _knots(axis: Axis) -> tuple[np.ndarray, np.ndarray]:
    """Return positions whose coordinates are known, and these: the ends and the samples."""
    low, high = axis.extent
    ends = np.array([low, *axis.ticks, high])
    return np.array([-0.5, *range(axis.size), axis.size - 0.5]), 2 * ((ends - low) / (high - low)) - 1


def _check_ticks(axis: Axis) -> None:
    low, high = axis.extent
    sign = 1 if high > low else -1
    if len(axis.ticks) != axis.size:
        raise ShapeError(f"axis {axis.name!r} of {axis.size} samples needs as many ticks, got {len(axis.ticks)}.")
    if not all(math.isfinite(tick) for tick in axis.ticks):
        raise InputError(f"axis {axis.name!r} needs finite ticks.")
    if any(sign * (after - before) <= 0 for before, after in itertools.pairwise(axis.ticks)):
        raise InputError(f"axis {axis.name!r} needs ticks that go one way, from {low:g} to {high:g}; sort them.")
    if sign * (axis.ticks[0] - low) < 0 or sign * (high - axis.ticks[-1]) < 0:
        raise InputError(
            f"axis {axis.name!r} needs ticks between its ends {low:g} and {high:g}, "
            f"got {axis.ticks[0]:g} to {axis.ticks[-1]:g}."
        )
