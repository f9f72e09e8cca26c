"""The axes of gridded data: coordinate variables by the CF conventions, evenly spaced or not, periodic or not."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, SampleError
from ligeia.signals import Alignment, Axis

_EVEN = 1e-4  # of a step: samples closer than that to even places count as evenly spaced
_LONGITUDE = re.compile(r"degrees?_?(east|E)")
_TURN = 360.0


def axis_of(name: str, coordinates: Float[np.ndarray, " n"], attributes: Mapping[str, Any], align: Alignment) -> Axis:
    """Return the axis of a coordinate variable; a longitude that goes all around is periodic."""
    ticks = coordinates
    unit, calendar = str(attributes.get("units", "")), str(attributes.get("calendar", ""))
    if not np.isfinite(ticks).all():
        raise SampleError(f"expected finite coordinates along {name}, some are NaN or infinite.")
    around = attributes.get("standard_name") == "longitude" or bool(_LONGITUDE.fullmatch(unit))
    if around:
        ticks = np.unwrap(ticks, period=_TURN)  # ..., 179, -179, ... goes one way
    steps = np.diff(ticks)
    if not ((steps > 0).all() or (steps < 0).all()):
        wrong = int(np.flatnonzero(steps * np.sign(ticks[-1] - ticks[0] or 1) <= 0)[0]) + 1
        what = "a duplicate" if ticks[wrong] == ticks[wrong - 1] else "out of order"
        raise InputError(
            f"expected coordinates that rise or fall along {name}, {ticks[wrong]:g} at index {wrong} is {what}; "
            f"sort the samples by {name} or drop some first."
        )
    axis = _placed(name, ticks, align)
    if around and _goes_around(ticks):
        axis = _turning(name, ticks, _TURN)
    return replace(axis, unit=unit[:80], calendar=calendar)


def _placed(name: str, ticks: np.ndarray, align: Alignment) -> Axis:
    size, first, last = len(ticks), float(ticks[0]), float(ticks[-1])
    if size == 1:
        return Axis(name=name, size=1, extent=(first - 0.5, first + 0.5))
    at_corners = align == "corners"
    step = (last - first) / (size - 1)
    if bool(np.all(np.abs(ticks - np.linspace(first, last, size)) <= _EVEN * abs(step))):
        half = 0.0 if at_corners else step / 2
        return Axis(name=name, size=size, extent=(first - half, last + half))
    before, after = (0.0, 0.0) if at_corners else (ticks[1] - first, last - ticks[-2])
    extent = (first - float(before) / 2, last + float(after) / 2)
    return Axis(name=name, size=size, extent=extent, ticks=tuple(map(float, ticks)))


def _goes_around(ticks: np.ndarray) -> bool:
    reach = abs(float(ticks[-1] - ticks[0]))
    widest = float(np.abs(np.diff(ticks)).max()) if len(ticks) > 1 else 0.0
    return len(ticks) > 2 and reach <= _TURN * (1 + 1e-6) and _TURN - reach <= widest * (1 + 1e-3)


def _turning(name: str, ticks: np.ndarray, period: float) -> Axis:
    size, first, last = len(ticks), float(ticks[0]), float(ticks[-1])
    sign = 1 if last > first else -1
    gap = max(0.0, period - abs(last - first))
    extent = (first - sign * gap / 2, first - sign * gap / 2 + sign * period)
    even = extent[0] + (np.arange(size) + 0.5) * (sign * period / size)
    is_even = bool(np.all(np.abs(ticks - even) <= _EVEN * period / size))
    ends = np.clip(ticks, min(extent), max(extent))  # rounding
    return Axis(name=name, size=size, extent=extent, ticks=() if is_even else tuple(map(float, ends)), is_periodic=True)
