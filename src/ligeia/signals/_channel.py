"""Channel: the units of a signal's values, and what a network sees in their place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Shaped

from ligeia.core import SampleError


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One channel of a signal: its name and the values that the network sees as -1 and 1.

    The same two values are the signal's range: the peak of PSNR is ``high - low``.

    >>> Channel(name="gray", low=0.0, high=255.0).scaled(np.array([0.0, 51.0]))
    array([-1. , -0.6])
    """

    name: str
    low: float
    high: float
    unit: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and 0 < self.high - self.low < np.inf):
            raise SampleError(f"channel {self.name!r} needs a finite range low < high, got {self.low} to {self.high}.")

    @property
    def middle(self) -> float:
        """The value that the network sees as 0."""
        return (self.high + self.low) / 2

    @property
    def half_range(self) -> float:
        """From the value that the network sees as 0 to the one that it sees as 1."""
        return (self.high - self.low) / 2

    def scaled(self, samples: Shaped[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return samples as the network sees them: ``low`` is -1, ``high`` is 1."""
        return scaled(samples, self.low, self.high)

    def physical(self, values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return the network's values in the unit of the samples."""
        return self.middle + values * self.half_range


def held_range(dtype: np.dtype, bits: int | None = None) -> tuple[float, float] | None:
    """Return the lowest and highest value of bool, or of unsigned integers of ``bits``, by default all 8 or 16.

    None for other types: their samples hardly ever use them.

    >>> held_range(np.dtype(np.uint16), bits=12)
    (0.0, 4095.0)
    """
    if dtype.kind == "b":
        return 0.0, 1.0
    if dtype.kind != "u" or (8 * dtype.itemsize if bits is None else bits) > 16:
        return None
    return 0.0, 2.0 ** (8 * dtype.itemsize if bits is None else bits) - 1


def scaled(
    samples: Shaped[np.ndarray, "*shape"],
    low: float | Float[np.ndarray, " channels"],
    high: float | Float[np.ndarray, " channels"],
) -> Float[np.ndarray, "*shape"]:
    """Return samples mapped from ``low`` and ``high`` to -1 and 1."""
    return (samples - low) / (high - low) * 2 - 1


def units_of(
    channels: Sequence[Channel], dtype: type[np.floating] = np.float64
) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """Return `Channel.middle` and `Channel.half_range` of all channels.

    Values in the signal's units are ``middle + values * half_range`` of the network's. Ranges beyond those of ``dtype``
    become infinite.
    """
    middle, half_range = [each.middle for each in channels], [each.half_range for each in channels]
    with np.errstate(over="ignore"):
        return np.array(middle).astype(dtype), np.array(half_range).astype(dtype)
