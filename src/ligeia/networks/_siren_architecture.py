"""The architecture of sine networks, without torch (Sitzmann et al. 2020, arXiv:2006.09661; omega is omega_0 there)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError

from ._architecture import MOST_LAYERS, Architecture, NetworkConfig
from ._arithmetic import Arithmetic, Numbers, WaveFactors, Weights, pairs, usual_half_width

if TYPE_CHECKING:
    import torch

    from ._siren import Siren


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SirenArchitecture(Architecture):
    """``sin(omega (W v + b))`` per layer, each with its omega, then a linear layer or one more sine.

    It is built as a `Siren`, which the kernels in use compute.

    >>> SirenArchitecture(hidden_features=64, hidden_layers=1, omegas=20.0).omegas
    (20.0, 20.0)
    """

    name: ClassVar[str] = "siren"
    has_kernel: ClassVar[bool] = True
    width_is_chosen: ClassVar[bool] = True
    takes_muon: ClassVar[bool] = True

    hidden_features: int | Sequence[int] = 256
    """Width of the hidden sine layers, or the width of each; stored as one number if they are equal."""
    hidden_layers: int = 3
    """``n`` means n + 1 hidden sine layers, as in the reference; at most 255."""
    outermost_linear: bool = True
    """Whether the output layer is linear; otherwise it is one more sine layer."""
    omegas: float | Sequence[float] = 30.0
    """Frequency factor of each sine layer, first to last, or one number for all. 30 suits [-1, 1]."""

    def __post_init__(self) -> None:
        if self.hidden_layers < 0:
            raise ShapeError(f"hidden_layers must be 0 or more, got {self.hidden_layers}.")
        if self.hidden_layers > MOST_LAYERS:
            raise ShapeError(f"hidden_layers must lie in 0 to {MOST_LAYERS}, got {self.hidden_layers}.")
        widths = self.hidden_features
        if not isinstance(widths, int):
            if len(widths) != self.hidden_layers + 1:
                raise ShapeError(
                    f"expected {self.hidden_layers + 1} widths, one per hidden sine layer, got {len(widths)}."
                )
            object.__setattr__(self, "hidden_features", widths[0] if len(set(widths)) == 1 else tuple(widths))
        if (least := min(self.hidden_widths())) < 1:
            raise ShapeError(f"hidden_features must be at least 1, got {least}.")
        count = self.hidden_layers + (1 if self.outermost_linear else 2)
        omegas = [self.omegas] * count if isinstance(self.omegas, (int, float)) else self.omegas
        object.__setattr__(self, "omegas", tuple(map(float, omegas)))
        if len(omegas) != count:
            raise ShapeError(f"expected {count} omegas, one per sine layer, got {len(omegas)}.")
        if not all(math.isfinite(omega) and omega > 0 for omega in omegas):
            raise InputError(f"every omega must be positive and finite, got {self.omegas}.")

    def hidden_widths(self) -> tuple[int, ...]:
        """Return the width of each hidden sine layer, first to last."""
        widths = self.hidden_features
        return (widths,) * (self.hidden_layers + 1) if isinstance(widths, int) else tuple(widths)

    def layer_omegas(self) -> tuple[float, ...]:
        """Return the frequency factor of each sine layer, first to last."""
        assert isinstance(self.omegas, tuple)
        return self.omegas

    @property
    def num_sine_layers(self) -> int:
        """Number of layers that end in a sine."""
        return len(self.layer_omegas())

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer."""
        return self.hidden_widths()[-1]

    @property
    def max_width(self) -> int:
        """Width of the widest hidden layer."""
        return max(self.hidden_widths())

    @property
    def omega_0(self) -> float:
        """Frequency factor of the first layer."""
        return self.layer_omegas()[0]

    @property
    def ends_linear(self) -> bool:
        """Whether the values are linear in the last two tensors."""
        return self.outermost_linear

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return weight and bias of each hidden layer, named as in the reference's notebook."""
        widths, omegas = self.hidden_widths(), self.layer_omegas()
        scale = 1.0 if frequencies is None else np.array(frequencies) / omegas[0]
        found = _linear("net.0.linear", in_features, widths[0], first_half_width(in_features) * scale)
        for number in range(1, len(widths)):
            fan_in = widths[number - 1]
            found += _linear(f"net.{number}.linear", fan_in, widths[number], half_width(fan_in, omegas[number]))
        return found

    def output(self, out_features: int) -> list[Weights]:
        """Return the weight and the bias of the output layer."""
        name = f"net.{self.hidden_layers + 1}" + ("" if self.outermost_linear else ".linear")
        return _linear(name, self.num_features, out_features, half_width(self.num_features, self.layer_omegas()[-1]))

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        omegas = self.layer_omegas()[: self.hidden_layers + 1]
        for (weight, bias), omega in zip(pairs(tensors), omegas, strict=True):
            x = _sines(do, do.linear(x, weight, bias), omega)
        return x

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the network's values."""
        output = do.linear(self.features(do, x, tensors[:-2]), *tensors[-2:])
        return output if self.outermost_linear else _sines(do, output, self.layer_omegas()[-1])

    def simplified(
        self, tensors: Sequence[Float[np.ndarray, "..."]]
    ) -> tuple[Architecture, Sequence[Float[np.ndarray, "..."]]]:
        """Return the same function without omegas: each weight and bias is multiplied by that of the next sine."""
        factors = [*self.layer_omegas(), *([1.0] if self.outermost_linear else [])]
        with np.errstate(over="ignore"):  # of weights that are finite and absurd
            scaled = [np.float32(factors[number // 2]) * each for number, each in enumerate(tensors)]
        return replace(self, omegas=1.0), scaled

    def averaged(
        self, tensors: Sequence[Float[np.ndarray, "..."]], factors_of: WaveFactors
    ) -> Sequence[Float[np.ndarray, "..."]] | None:
        """Return the tensors with smaller output weights: the mean of a wave around its places is a smaller wave.

        None of a deeper network, whose values are no sum of waves.
        """
        if self.hidden_layers or not self.outermost_linear:
            return None
        weight, bias, output, constant = tensors
        factors = factors_of(self.omega_0 * weight.astype(np.float64))
        return None if factors is None else [weight, bias, output * factors.astype(output.dtype), constant]

    def network(
        self,
        config: NetworkConfig,
        *,
        frequencies: Sequence[float] | None = None,
        generator: "torch.Generator | None" = None,
        given: Sequence[Float[np.ndarray, "..."]] | None = None,
    ) -> "Siren":
        """Return a network of this architecture in torch."""
        from ._siren import built

        return built(self, config, frequencies=frequencies, generator=generator, given=given)

    def build(
        self,
        in_features: int,
        out_features: int,
        *,
        frequencies: Sequence[float] | None = None,
        generator: "torch.Generator | None" = None,
    ) -> "Siren":
        """Return a freshly initialized torch network with these numbers of inputs and outputs."""
        return self.network(
            NetworkConfig(self, in_features, out_features), frequencies=frequencies, generator=generator
        )


def first_half_width(fan_in: int) -> float:
    """Return the bound of the first layer's weights, which span omega over the domain (s. 3.2)."""
    return 1 / fan_in


def half_width(fan_in: int, omega: float) -> float:
    """Return the bound of all other weights, which keeps each phase at unit variance (s. 3.2)."""
    return math.sqrt(6 / fan_in) / omega


def _linear(name: str, fan_in: int, fan_out: int, bound: float | Float[np.ndarray, " fan_in"]) -> list[Weights]:
    bias_bound = usual_half_width(fan_in)
    return [
        Weights(f"{name}.weight", (fan_out, fan_in), lambda draw: draw.uniform(fan_out, fan_in) * np.float32(bound)),
        Weights(f"{name}.bias", (fan_out,), lambda draw: draw.uniform(fan_out) * np.float32(bias_bound)),
    ]


def _sines(do: Arithmetic, phase: Numbers, omega: float) -> Numbers:
    phase = phase if omega == 1 else omega * phase
    return do.layer(phase, do.sin(phase))
