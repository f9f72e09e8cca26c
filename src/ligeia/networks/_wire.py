"""WIRE: Gabor wavelets as activations, complex and real (Saragadam et al. 2023, arXiv:2301.05187, s. 3)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from ligeia.core import InputError

from ._architecture import Architecture
from ._arithmetic import Arithmetic, Numbers, Weights, dense, pairs, usual_half_width
from ._layered import check_positive, check_sizes


class _Gabor(Architecture):
    """Layers of an oscillation of frequency ``omega`` under a Gaussian of width ``1 / scale``."""

    __slots__ = ()

    hidden_features: int
    hidden_layers: int
    omega: float
    scale: float

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features, hidden_layers=self.hidden_layers)
        check_positive(self, omega=self.omega)
        if not (math.isfinite(self.scale) and self.scale >= 0):
            raise InputError(f"scale of a network {self.name} must be 0 or more and finite, got {self.scale}.")

    def _parts(self, number: int, fan_in: int, scale: np.ndarray | float = 1.0) -> list[Weights]:
        """Return the two linear maps of a layer: real and imaginary, or oscillation (times ``scale``) and Gaussian."""
        bound = usual_half_width(fan_in)
        first, second = (f"layer{number}_{part}" for part in self.part_names)
        return [
            *dense(first, fan_in, self.hidden_features, bound * scale, bound),
            *dense(second, fan_in, self.hidden_features, bound, bound),
        ]

    part_names: ClassVar[tuple[str, str]]

    def _first_scale(self, in_features: int, frequencies: Sequence[float] | None) -> np.ndarray:
        if frequencies is None:
            return np.ones(in_features)
        # of U(+-1/sqrt(d)), as a sine network's U(+-1/d) would turn
        return np.array(frequencies) / self.omega / math.sqrt(in_features)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Wire(_Gabor):
    """``exp(j omega z - |scale z|^2)``, z = W v + b complex, per layer; the output is the real part of a linear layer.

    Complex numbers are pairs of real ones, so that every arithmetic supports them. There are twice as many weights as
    in real layers of the same width.
    """

    name: ClassVar[str] = "wire"
    rate: ClassVar[float] = 3.0
    frequency_scale: ClassVar[float] = 0.12
    part_names: ClassVar[tuple[str, str]] = ("real", "imaginary")

    hidden_features: int = 180
    hidden_layers: int = 3
    omega: float = 5.0
    scale: float = 4.0

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer: real and imaginary parts."""
        return 2 * self.hidden_features

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of the hidden layers; the first is real."""
        bound = usual_half_width(in_features)
        scale = bound * self._first_scale(in_features, frequencies)
        found = dense("layer0", in_features, self.hidden_features, scale, bound)
        for number in range(1, self.hidden_layers + 1):
            found += self._parts(number, self.hidden_features)
        return found

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        (weight, bias), *rest = pairs(tensors)
        phase = do.linear(x, weight, bias)
        bell = do.exp((-(self.scale**2)) * phase * phase)
        real, imaginary = do.layer(phase, bell * do.cos(self.omega * phase)), bell * do.sin(self.omega * phase)
        for (weight, bias), (imaginary_weight, imaginary_bias) in zip(rest[::2], rest[1::2], strict=True):
            turned = do.linear(imaginary, imaginary_weight, None)
            phase = do.linear(real, weight, bias) - turned
            decay = do.linear(real, imaginary_weight, imaginary_bias) + do.linear(imaginary, weight, None)
            bell = do.exp((-self.omega) * decay - self.scale**2 * (phase * phase + decay * decay))
            real = do.layer(phase, bell * do.cos(self.omega * phase))
            imaginary = bell * do.sin(self.omega * phase)
        return do.concat([real, -1.0 * imaginary])  # the real part of a complex linear layer


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class RealWire(_Gabor):
    """``cos(omega z) exp(-(scale u)^2)``, z and u two linear maps of the layer before, per layer."""

    name: ClassVar[str] = "wire-real"
    rate: ClassVar[float] = 8.0
    frequency_scale: ClassVar[float] = 0.6
    part_names: ClassVar[tuple[str, str]] = ("oscillation", "bell")

    hidden_features: int = 180
    hidden_layers: int = 3
    omega: float = 5.0
    scale: float = 4.0

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer."""
        return self.hidden_features

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of the hidden layers."""
        found = self._parts(0, in_features, self._first_scale(in_features, frequencies))
        for number in range(1, self.hidden_layers + 1):
            found += self._parts(number, self.hidden_features)
        return found

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        layers = pairs(tensors)
        for (weight, bias), (bell_weight, bell_bias) in zip(layers[::2], layers[1::2], strict=True):
            width = do.linear(x, bell_weight, bell_bias)
            phase = do.linear(x, weight, bias)
            bell = do.exp((-(self.scale**2)) * width * width)
            x = do.layer(phase, bell * do.cos(self.omega * phase))
        return x
