"""Positional encoding before a ReLU perceptron (Mildenhall et al. 2020, arXiv:2003.08934, s. 5.1, eq. 4).

How many octaves there are is chosen by Nyquist, as in the code of Sitzmann et al. 2020, but along each axis on its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from ligeia.core import InputError

from ._architecture import Architecture, Arithmetic, Inputs, Numbers
from ._perceptron import Perceptron

_USUAL_OCTAVES = 6
_MOST_OCTAVES = 40


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PositionalEncoding(Perceptron):
    """``x, sin(2^k pi x), cos(2^k pi x)`` for k below ``num_octaves``, then ReLU layers.

    ``num_octaves`` is one number per coordinate; empty, it is chosen for the signal: the fastest octave has at least
    two samples a period, the coarsest is ``sin(pi x)``.
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
            raise InputError(f"0 to {_MOST_OCTAVES} octaves were wanted along each coordinate, got {self.num_octaves}.")

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return the same with as many octaves as the samples tell apart."""
        if self.num_octaves:
            return self
        # 2^k pi x has 2^k periods in [-1, 1], the samples tell half their number apart
        octaves = tuple(max(1, math.floor(math.log2(max(2, size)))) for size in inputs.sizes)
        return replace(self, num_octaves=octaves)

    def check_inputs(self, in_features: int) -> None:
        """Refuse another number of coordinates than there are numbers of octaves."""
        if self.num_octaves and len(self.num_octaves) != in_features:
            raise InputError(f"octaves for {in_features} coordinates were wanted, got {len(self.num_octaves)} numbers.")

    @property
    def widest(self) -> int:
        """Most numbers that a point takes at a time."""
        return max(self.hidden_features, self.num_encoded(max(1, len(self.num_octaves))))

    def num_encoded(self, in_features: int) -> int:
        """Return how many features the first layer sees."""
        return in_features + 2 * sum(self._octaves(in_features))

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return what the output layer sees."""
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
        """Return a layer's output."""
        return do.relu(phase)

    def _octaves(self, in_features: int) -> tuple[int, ...]:
        return self.num_octaves or (_USUAL_OCTAVES,) * in_features
