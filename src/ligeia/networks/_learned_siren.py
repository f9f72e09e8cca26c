"""A sine network whose omega_0 is learned, layer by layer (Sitzmann et al. 2020, arXiv:2006.09661, s. 3.2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from ._arithmetic import Arithmetic, Numbers, Weights, pairs, usual_half_width
from ._layered import Layered, check_positive, check_sizes


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedSiren(Layered):
    """``sin(omega_l (W v + b))``, where ``omega_l`` is ``omega_0`` times a number per layer that begins as 1."""

    name: ClassVar[str] = "siren-learned"

    hidden_features: int = 256
    hidden_layers: int = 3
    omega: float = 30.0

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features, hidden_layers=self.hidden_layers)
        check_positive(self, omega=self.omega)

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of the hidden layers, then one number per layer."""
        factors = [
            Weights(f"layer{number}_omega", (1,), lambda _: np.ones(1, np.float32))
            for number in range(self.hidden_layers + 1)
        ]
        return [*Layered.weights(self, in_features, frequencies), *factors]

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        num_layers = self.hidden_layers + 1
        layers, factors = pairs(tensors[: 2 * num_layers]), tensors[2 * num_layers :]
        for (weight, bias), factor in zip(layers, factors, strict=True):
            phase = self.omega * factor * do.linear(x, weight, bias)
            x = do.layer(phase, do.sin(phase))
        return x

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer at initialization."""
        return do.sin(self.omega * phase)

    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return the bounds of a layer's weights and biases."""
        return (1 / fan_in if is_first else math.sqrt(6 / fan_in) / self.omega), usual_half_width(fan_in)

    @property
    def angular_frequency(self) -> float:
        """Radians per unit of phase."""
        return self.omega
