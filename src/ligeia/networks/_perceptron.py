"""Perceptrons of ReLU, tanh and softplus: the baselines of Sitzmann et al. 2020 (arXiv:2006.09661), s. 4 and fig. 1.

They learn low frequencies first, and high ones barely at all (Rahaman et al. 2019, arXiv:1806.08734).
"""

import math
from dataclasses import dataclass
from typing import ClassVar, final

from ._architecture import Architecture
from ._arithmetic import Arithmetic, Numbers, Weights, usual_half_width
from ._layered import Layered, check_sizes


class Perceptron(Layered):
    """Layers applied directly to the coordinates."""

    __slots__ = ()

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features, hidden_layers=self.hidden_layers)

    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return He's bound, which keeps the variance of ReLU's inputs (He et al. 2015, arXiv:1502.01852, eq. 10)."""
        return math.sqrt(6 / fan_in), usual_half_width(fan_in)

    def output(self, out_features: int) -> list[Weights]:
        """Return the weight and the bias of the output layer, drawn so that initial values are small."""
        return Architecture.output(self, out_features)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class ReluMlp(Perceptron):
    """``max(W v + b, 0)`` per layer: piecewise linear, so that all its second derivatives are 0."""

    name: ClassVar[str] = "relu"
    rate: ClassVar[float] = 9.0
    smoothness: ClassVar[float] = 0

    hidden_features: int = 256
    hidden_layers: int = 3

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.relu(phase)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class TanhMlp(Perceptron):
    """``tanh(W v + b)`` per layer, with Glorot's bound (Glorot & Bengio 2010, eq. 16) for square layers."""

    name: ClassVar[str] = "tanh"
    rate: ClassVar[float] = 9.0

    hidden_features: int = 256
    hidden_layers: int = 3

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.tanh(phase)

    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return the bounds of a layer's weights and biases."""
        return math.sqrt(3 / fan_in), usual_half_width(fan_in)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SoftplusMlp(Perceptron):
    """``log(1 + exp(W v + b))`` per layer: a smooth ReLU."""

    name: ClassVar[str] = "softplus"
    rate: ClassVar[float] = 3.0

    hidden_features: int = 256
    hidden_layers: int = 3

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.softplus(phase)
