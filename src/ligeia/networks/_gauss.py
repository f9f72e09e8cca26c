"""Gaussian activations (Ramasinghe & Lucey 2022, arXiv:2111.15135, s. 3, table 1)."""

from dataclasses import dataclass
from typing import ClassVar, final

from ._arithmetic import Arithmetic, Numbers, usual_half_width
from ._layered import Layered, check_positive, check_sizes


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Gauss(Layered):
    """``exp(-(W v + b)^2 / (2 sigma^2))`` per layer, with torch's default initial weights, as in the paper."""

    name: ClassVar[str] = "gauss"
    rate: ClassVar[float] = 3.0
    frequency_scale: ClassVar[float] = 0.2

    hidden_features: int = 256
    hidden_layers: int = 3
    sigma: float = 0.1

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features, hidden_layers=self.hidden_layers)
        check_positive(self, sigma=self.sigma)

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.exp((-0.5 / self.sigma**2) * phase * phase)

    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return the bounds of a layer's weights and biases; those of the first are 1/d, as a sine network's."""
        return 1 / fan_in if is_first else usual_half_width(fan_in), usual_half_width(fan_in)

    @property
    def angular_frequency(self) -> float:
        """Radians per unit of phase: a Gaussian of width sigma has the bandwidth 1 / sigma."""
        return 1 / self.sigma
