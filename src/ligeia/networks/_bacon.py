"""BACON: a Fourier network that is band-limited by construction (Lindell et al. 2022, arXiv:2112.04645, s. 3)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, final

import numpy as np

from ligeia.core import InputError

from ._architecture import Architecture, Inputs
from ._arithmetic import Arithmetic, Draw, Numbers, Weights, dense
from ._multiplicative import Multiplicative

STEP: Final = math.pi / 2
"""Unit of the frequencies, in radians per unit: values have period 4, twice the domain."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Bacon(Multiplicative):
    """Filters ``sin(omega x + phi)`` whose frequencies are drawn once, as multiples of pi / 2, and kept.

    Products add frequencies, so no frequency along coordinate i exceeds ``bandwidths[i]``, in radians per unit; each
    filter has an equal share. If empty, they are chosen for the signal: the Nyquist frequencies of its samples. The
    outputs of intermediate layers, which the paper supervises as coarser versions, are left out.
    """

    name: ClassVar[str] = "bacon"
    rate: ClassVar[float] = 15.0

    hidden_features: int = 256
    hidden_layers: int = 3
    bandwidth: float = 128.0
    bandwidths: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        Multiplicative.__post_init__(self)
        if not all(math.isfinite(each) and each > 0 for each in self.bandwidths):
            raise InputError(f"expected bandwidths above 0, one per coordinate, got {self.bandwidths}.")

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return a copy with the samples' Nyquist frequency as bandwidth, pi / 2 times their number."""
        return self if self.bandwidths else replace(self, bandwidths=tuple(STEP * size for size in inputs.sizes))

    @property
    def takes_frequencies(self) -> bool:
        """Whether the first weights are scaled to the signal's frequencies: the samples' number says more."""
        return False

    def check_inputs(self, in_features: int) -> None:
        """Refuse a number of coordinates that differs from the number of bandwidths."""
        if self.bandwidths and len(self.bandwidths) != in_features:
            raise InputError(f"expected bandwidths of {in_features} coordinates, got {len(self.bandwidths)}.")

    def reach(self, in_features: int, frequencies: Sequence[float] | None) -> np.ndarray:
        """Return the largest frequency of a filter along each coordinate; those of all filters sum to the bandwidth."""
        whole = np.array(self.bandwidths) if self.bandwidths else np.full(in_features, self.bandwidth)
        return whole / (self.hidden_layers + 1)

    def waves(self, number: int, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the frequencies, which are not trained, and the phases of a filter."""
        shape, reach = (self.hidden_features, in_features), self.reach(in_features, None)
        weight, bias = dense(f"filter{number}", in_features, self.hidden_features, 0.0, math.pi)
        return [replace(weight, law=lambda draw: whole_turns(draw, shape, reach), is_trained=False), bias]

    def filtered(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return a filter of the coordinates."""
        turns, phases = tensors
        return do.sin(do.linear(x, STEP * turns, phases))


def whole_turns(draw: Draw, shape: tuple[int, int], reach: np.ndarray) -> np.ndarray:
    """Return frequencies in units of `STEP`: integers, evenly from ``-reach`` to ``reach`` along each coordinate."""
    return np.rint(draw.uniform(*shape) * np.floor(reach / STEP))
