"""FINER: sines whose frequency grows with their phase (Liu et al. 2024, arXiv:2312.02434, eq. 5 and s. 3.3)."""

import math
from dataclasses import dataclass
from typing import ClassVar, final

from ._arithmetic import Arithmetic, Numbers, usual_half_width
from ._layered import Layered, check_positive, check_sizes


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Finer(Layered):
    """``sin(omega (|z| + 1) z)``, z = W v + b, per layer; first biases U(+-``first_bias``) choose among frequencies.

    z |z| has one continuous derivative; the second jumps at z = 0.
    """

    name: ClassVar[str] = "finer"
    frequency_scale: ClassVar[float] = 0.3
    smoothness: ClassVar[float] = 1

    hidden_features: int = 256
    hidden_layers: int = 3
    omega: float = 30.0
    first_bias: float = 1.0

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features, hidden_layers=self.hidden_layers)
        check_positive(self, omega=self.omega, first_bias=self.first_bias)

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.sin(self.omega * (do.absolute(phase) + 1.0) * phase)

    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return the bounds of a layer's weights and biases, those of a sine network but for the first biases."""
        if is_first:
            return 1 / fan_in, self.first_bias
        return math.sqrt(6 / fan_in) / self.omega, usual_half_width(fan_in)

    @property
    def angular_frequency(self) -> float:
        """Radians per unit of phase."""
        return self.omega
