"""Frequencies of a signal along each axis, for the first layer of a sine network."""

import math
from dataclasses import replace

import numpy as np

from ._signal import Signal

_LINES = 64  # per axis
_LONGEST = 1 << 20  # samples of a line that are looked at
_NOTHING = 1e-24  # energy, of values in [0, 1]: rounding


def rms_frequencies(signal: Signal) -> tuple[float, ...]:
    """Return the root mean square angular frequency along each axis, in radians per unit coordinate, by energy.

    Measured on evenly spaced lines, minus their means, under a Hann window. Nyquist is ``pi / 2`` times the samples
    of the axis; the result is 0 for a line that is constant or too short. Missing samples, and the gaps between
    scattered samples of one axis, are interpolated. For scattered samples of several axes the result is 0.
    """
    if signal.points is not None:
        return rms_frequencies(_evened(signal)) if signal.grid.num_axes == 1 else (0.0,) * signal.grid.num_axes
    missing = None if signal.missing is None else signal.missing.mask().reshape(signal.grid.shape)
    shape = signal.grid.shape
    low = np.array([channel.low for channel in signal.channels])
    reach = np.array([channel.high for channel in signal.channels]) - low
    found = []
    for axis, size in enumerate(shape):
        length = min(size, _LONGEST)
        start = (size - length) // 2
        others = [1 if each == axis else other for each, other in enumerate(shape)]
        num_lines = math.prod(others)
        window = np.hanning(length + 2)[1:-1, None]
        power = np.zeros(length // 2 + 1)
        for line in np.unique(np.linspace(0, num_lines - 1, min(num_lines, _LINES)).round().astype(int)):
            place: list[int | slice] = [int(index) for index in np.unravel_index(line, others)]
            place[axis] = slice(start, start + length)
            values = (signal.values[tuple(place)] - low) / reach
            if missing is not None:
                values = _filled(values, missing[tuple(place)])
            spectrum = np.fft.rfft((values - values.mean(axis=0)) * window, axis=0)
            power += (np.abs(spectrum) ** 2).sum(axis=1)
        frequency = math.pi * np.arange(len(power)) * size / length
        total = power.sum()
        found.append(math.sqrt((power * frequency**2).sum() / total) if total > _NOTHING else 0.0)
    return tuple(found)


def _evened(signal: Signal) -> Signal:
    """Return scattered samples of one axis on their grid, on straight lines between neighbors."""
    assert signal.points is not None
    order = np.argsort(signal.points[:, 0])
    known, even = signal.points[order, 0], signal.grid.coordinates(0)
    values = np.stack([np.interp(even, known, each[order]) for each in signal.values.T], axis=1)
    return replace(signal, values=values, points=None)


def _filled(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    there = np.flatnonzero(~missing)
    if not len(there):
        return np.zeros_like(values)
    return np.stack([np.interp(np.arange(len(values)), there, each[there]) for each in values.T], axis=1)
