"""Random Fourier features before a ReLU perceptron (Tancik et al. 2020, arXiv:2006.10739, s. 6, eq. 5)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from ._arithmetic import Arithmetic, Numbers, Weights
from ._layered import check_positive, check_sizes
from ._perceptron import Perceptron


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class FourierFeatures(Perceptron):
    """``cos(2 pi B x), sin(2 pi B x)`` with a fixed B, normal of standard deviation ``sigma``, then ReLU layers.

    ``sigma`` is in periods per unit of [-1, 1], half of the paper's on [0, 1]. A fit that knows the signal's
    frequencies draws B by those instead. B is stored with the weights.
    """

    name: ClassVar[str] = "fourier"
    rate: ClassVar[float] = 15.0
    frequency_scale: ClassVar[float] = 0.8
    smoothness: ClassVar[float] = 0

    hidden_features: int = 256
    hidden_layers: int = 3
    num_frequencies: int = 128
    sigma: float = 5.0

    def __post_init__(self) -> None:
        check_sizes(
            self,
            hidden_features=self.hidden_features,
            hidden_layers=self.hidden_layers,
            num_frequencies=self.num_frequencies,
        )
        check_positive(self, sigma=self.sigma)

    @property
    def takes_frequencies(self) -> bool:
        """Whether the first weights are scaled to the signal's frequencies: B does."""
        return True

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time."""
        return max(self.hidden_features, 2 * self.num_frequencies)

    def num_encoded(self, in_features: int) -> int:
        """Return how many features enter the first layer."""
        return 2 * self.num_frequencies

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return B and the tensors of the layers."""
        count = self.num_frequencies
        scale = np.array(self.sigma)
        if frequencies is not None:
            # the standard deviation of a sine network's first weights U(+-1/d), times its frequency, in periods
            scale = np.array(frequencies) / (math.sqrt(3) * in_features * 2 * math.pi)
        drawn = Weights(
            "frequencies",
            (count, in_features),
            lambda draw: (draw.normal(count, in_features) * scale).astype(
                np.float16
            ),  # which takes half the bytes in a file
            is_trained=False,
        )
        return [drawn, *Perceptron.weights(self, in_features, None)]

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        frequencies, *rest = tensors
        phases = do.linear(x, 2 * math.pi * frequencies, None)
        return Perceptron.features(self, do, do.concat([do.cos(phases), do.sin(phases)]), rest)

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.relu(phase)
