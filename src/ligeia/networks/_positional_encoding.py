"""Positional encoding before a ReLU perceptron (Mildenhall et al. 2020, arXiv:2003.08934, s. 5.1, eq. 4).

The number of octaves follows from Nyquist's, as in the code of Sitzmann et al. 2020, but for each axis separately.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from ligeia.core import InputError

from ._architecture import Architecture, Inputs
from ._arithmetic import Arithmetic, Numbers
from ._perceptron import Perceptron

_USUAL_OCTAVES = 6
_MOST_OCTAVES = 40


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PositionalEncoding(Perceptron):
    """``x, sin(2^k pi x), cos(2^k pi x)`` for k below ``num_octaves``, then ReLU layers.

    ``num_octaves`` is one number per coordinate. If empty, it is chosen for the signal: the fastest octave has at least
    two samples per period, the coarsest is ``sin(pi x)``.
    """

    name: ClassVar[str] = "nerf"
    rate: ClassVar[float] = 15.0
    smoothness: ClassVar[float] = 0

    hidden_features: int = 256
    hidden_layers: int = 3
    num_octaves: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        Perceptron.__post_init__(self)
        if not all(0 <= each <= _MOST_OCTAVES for each in self.num_octaves):
            raise InputError(f"expected 0 to {_MOST_OCTAVES} octaves along each coordinate, got {self.num_octaves}.")

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return a copy with as many octaves as the samples resolve."""
        if self.num_octaves:
            return self
        # 2^k pi x has 2^k periods in [-1, 1]; n samples resolve n / 2
        octaves = tuple(max(1, math.floor(math.log2(max(2, size)))) for size in inputs.sizes)
        return replace(self, num_octaves=octaves)

    def check_inputs(self, in_features: int) -> None:
        """Refuse a number of coordinates that differs from that of ``num_octaves``."""
        if self.num_octaves and len(self.num_octaves) != in_features:
            raise InputError(f"expected octaves for {in_features} coordinates, got {len(self.num_octaves)} numbers.")

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time."""
        return max(self.hidden_features, self.num_encoded(max(1, len(self.num_octaves))))

    def num_encoded(self, in_features: int) -> int:
        """Return how many features enter the first layer."""
        return in_features + 2 * sum(self._octaves(in_features))

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        in_features = int(x.shape[-1])
        octaves = self._octaves(in_features)
        turns = np.zeros((sum(octaves), in_features), np.float32)
        rows = ((axis, octave) for axis, count in enumerate(octaves) for octave in range(count))
        for row, (axis, octave) in enumerate(rows):
            turns[row, axis] = math.pi * 2.0**octave
        if not len(turns):
            return Perceptron.features(self, do, x, tensors)
        phases = do.linear(x, do.constant(turns), None)
        return Perceptron.features(self, do, do.concat([x, do.sin(phases), do.cos(phases)]), tensors)

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.relu(phase)

    def _octaves(self, in_features: int) -> tuple[int, ...]:
        return self.num_octaves or (_USUAL_OCTAVES,) * in_features
