"""Sinc activations (Saratchandran et al. 2024, arXiv:2402.05427, s. 4): shifted, they span band-limited signals."""

import math
from dataclasses import dataclass
from typing import ClassVar, final

from ._arithmetic import Arithmetic, Numbers, usual_half_width
from ._layered import Layered, check_positive, check_sizes


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Sinc(Layered):
    """``sin(omega z) / (omega z)``, z = W v + b, per layer."""

    name: ClassVar[str] = "sinc"
    rate: ClassVar[float] = 3.0
    frequency_scale: ClassVar[float] = 0.6

    hidden_features: int = 256
    hidden_layers: int = 3
    omega: float = 30.0

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features, hidden_layers=self.hidden_layers)
        check_positive(self, omega=self.omega)

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.sinc(self.omega * phase)

    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return the bounds of a layer's weights and biases, those of a sine network."""
        return (1 / fan_in if is_first else math.sqrt(6 / fan_in) / self.omega), usual_half_width(fan_in)

    @property
    def angular_frequency(self) -> float:
        """Radians per unit of phase."""
        return self.omega
