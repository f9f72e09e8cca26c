"""Networks of layers, each an activation of a linear map, and checks of sizes."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ligeia.core import InputError

from ._architecture import MOST_LAYERS, Architecture
from ._arithmetic import Arithmetic, Numbers, Weights, dense, pairs

if TYPE_CHECKING:
    pass


class Layered(Architecture):
    """Layers of ``activation(W v + b)``, as many as in a `Siren`: ``hidden_layers`` after the first.

    Subclasses are dataclasses with `hidden_features` and `hidden_layers`; they define the activation and the bounds of
    the initial weights.
    """

    __slots__ = ()

    hidden_features: int
    hidden_layers: int

    @abstractmethod
    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""

    @abstractmethod
    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return the bounds of a layer's initial weights and biases."""

    @property
    def angular_frequency(self) -> float | None:
        """Radians per unit of phase, for the frequencies of the first layer; None if it has none."""
        return None

    @property
    def takes_frequencies(self) -> bool:
        """Whether the first weights are scaled to the signal's frequencies."""
        return self.angular_frequency is not None

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer."""
        return self.hidden_features

    def num_encoded(self, in_features: int) -> int:
        """Return how many features enter the first layer."""
        return in_features

    def output(self, out_features: int) -> list[Weights]:
        """Return the weight and the bias of the output layer, drawn as a hidden layer's."""
        bounds = self.half_widths(self.num_features, is_first=False)
        return dense("output", self.num_features, out_features, *bounds)

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of the hidden layers."""
        fan_in = self.num_encoded(in_features)
        bound, bias_bound = self.half_widths(fan_in, is_first=True)
        scale = (
            np.ones(1)
            if frequencies is None or self.angular_frequency is None
            else np.array(frequencies) / self.angular_frequency
        )
        found = dense("layer0", fan_in, self.hidden_features, bound * scale, bias_bound)
        for number in range(1, self.hidden_layers + 1):
            bounds = self.half_widths(self.hidden_features, is_first=False)
            found += dense(f"layer{number}", self.hidden_features, self.hidden_features, *bounds)
        return found

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        for weight, bias in pairs(tensors):
            phase = do.linear(x, weight, bias)
            x = do.layer(phase, self.activation(do, phase))
        return x


def check_sizes(owner: Architecture, **sizes: int) -> None:
    """Refuse sizes below 1, or more layers than a file holds."""
    for name, value in sizes.items():
        least = 0 if name == "hidden_layers" else 1
        most = MOST_LAYERS if name in ("hidden_layers", "num_levels") else 1 << 40
        if not least <= value <= most:
            raise InputError(f"{name} of a network {owner.name} must lie in {least} to {most}, got {value}.")


def check_positive(owner: Architecture, **numbers: float) -> None:
    """Refuse numbers that are not positive and finite."""
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} of a network {owner.name} must be above 0 and finite, got {value}.")
