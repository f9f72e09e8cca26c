"""Signals whose samples go around along an axis."""

from collections.abc import Iterable
from dataclasses import replace

from ligeia.core import InputError

from ._grid import Grid
from ._signal import Signal


def declare_periodic(signal: Signal, names: Iterable[str]) -> Signal:
    """Return a signal whose named axes have ends that are the same place; their extent is one period."""
    unknown = sorted(set(names) - {axis.name for axis in signal.grid.axes})
    if unknown:
        known = ", ".join(axis.name for axis in signal.grid.axes)
        raise InputError(f"the axes are {known}; {', '.join(unknown)} cannot be made periodic.")
    axes = tuple(replace(axis, is_periodic=axis.is_periodic or axis.name in names) for axis in signal.grid.axes)
    return replace(signal, grid=Grid(axes, signal.grid.align))
