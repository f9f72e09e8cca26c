"""Sine networks (Sitzmann et al. 2020, arXiv:2006.09661); omega is omega_0 there, see s. 3.2 and supplement s. 1.

The form, the initialization and the parameter names are those of the reference code (its notebook's ``Siren``),
with two differences: the output layer is linear by default, and `forward` never detaches its input.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ligeia.core import InputError, ShapeError
from ligeia.kernels import JetShape, fused_sine_mlp, fused_sine_mlp_jacobian, fused_sine_mlp_jet, sine_layer

from ._network import Jet, LayerActivations, OutputLayer, jet_of


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SirenConfig:
    """Everything that fixes a `Siren` but its weights."""

    in_features: int
    hidden_features: int | Sequence[int] = 256
    """Width of the hidden sine layers, or the width of each; kept as one number where they are equal."""
    hidden_layers: int = 3
    """``n`` means n + 1 sine layers, as in the reference."""
    out_features: int = 1
    outermost_linear: bool = True
    omegas: tuple[float, ...] = (30.0, 30.0, 30.0, 30.0)
    """Frequency factor of each sine layer, first to last; 30 suits coordinates in [-1, 1]."""

    def __post_init__(self) -> None:
        if self.hidden_layers < 0:
            raise ShapeError(f"hidden_layers must be 0 or more, got {self.hidden_layers}.")
        if not isinstance(self.hidden_features, int):
            widths = tuple(self.hidden_features)
            if len(widths) != self.hidden_layers + 1:
                raise ShapeError(
                    f"{self.hidden_layers + 1} widths were wanted, one per hidden sine layer, got {len(widths)}."
                )
            object.__setattr__(self, "hidden_features", widths[0] if len(set(widths)) == 1 else widths)
        smallest = {
            "in_features": self.in_features,
            "hidden_features": min(self.hidden_widths()),
            "out_features": self.out_features,
        }
        for name, value in smallest.items():
            if value < 1:
                raise ShapeError(f"{name} must be at least 1, got {value}.")
        if len(self.omegas) != self.num_sine_layers:
            raise ShapeError(f"{self.num_sine_layers} omegas were wanted, one per sine layer, got {len(self.omegas)}.")
        if not all(math.isfinite(omega) and omega > 0 for omega in self.omegas):
            raise InputError(f"every omega must be positive and finite, got {self.omegas}.")

    @property
    def num_sine_layers(self) -> int:
        """Number of layers that end in a sine."""
        return self.hidden_layers + (1 if self.outermost_linear else 2)

    @property
    def widest(self) -> int:
        """Width of the widest hidden layer."""
        return max(self.hidden_widths())

    @property
    def num_features(self) -> int:
        """Number of features that the output layer sees."""
        return self.hidden_widths()[-1]

    def hidden_widths(self) -> tuple[int, ...]:
        """Return the width of each hidden sine layer, first to last."""
        widths = self.hidden_features
        return (widths,) * (self.hidden_layers + 1) if isinstance(widths, int) else tuple(widths)

    def layer_shapes(self) -> list[tuple[int, int]]:
        """Return ``(fan_out, fan_in)`` of every layer, first to last."""
        widths = [self.in_features, *self.hidden_widths(), self.out_features]
        return [(fan_out, fan_in) for fan_in, fan_out in itertools.pairwise(widths)]

    def num_parameters(self) -> int:
        """Return the number of weights and biases."""
        return sum(fan_out * (fan_in + 1) for fan_out, fan_in in self.layer_shapes())

    def build(
        self, *, first_layer_scale: float | Sequence[float] = 1.0, generator: torch.Generator | None = None
    ) -> "Siren":
        """Return a freshly initialized network."""
        return Siren(
            self.in_features,
            self.hidden_features,
            self.hidden_layers,
            self.out_features,
            outermost_linear=self.outermost_linear,
            first_omega_0=self.omegas[0],
            hidden_omega_0=self.omegas[1:],
            first_layer_scale=first_layer_scale,
            generator=generator,
        )


class _Linear(nn.Linear):
    """A linear layer whose weights the network draws itself: torch's own draws would move the global stream."""

    def reset_parameters(self) -> None:
        pass


@final
class SineLayer(nn.Module):
    """One layer ``sin(omega_0 * (W v + b))``."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        is_first: bool = False,
        omega_0: float = 30.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.omega_0 = float(omega_0)
        self.linear = _Linear(in_features, out_features)
        # s. 3.2: each phase keeps unit variance; the first layer spans omega_0 over the domain instead
        half_width = 1 / in_features if is_first else math.sqrt(6 / in_features) / omega_0
        _initialize(self.linear, half_width, generator)

    def forward(self, x: Float[Tensor, "*batch fan_in"]) -> Float[Tensor, "*batch fan_out"]:
        """Return the activations of every point."""
        if type(self.linear) is _Linear and not _has_hooks(self.linear):
            return sine_layer(x, self.linear.weight, self.linear.bias, self.omega_0)
        return torch.sin(self.omega_0 * self.linear(x))


@final
class Siren(nn.Module):
    """A sine network: coordinates ``(n, in_features)`` to values ``(n, out_features)``.

    ``hidden_layers=n`` means n + 1 sine layers, then a linear output layer (or one more sine with
    ``outermost_linear=False``). ``hidden_features`` is one width for all of them, or one per hidden sine layer;
    ``hidden_omega_0`` is one number for all layers after the first, or one per layer.
    First weights are U(+-1/fan_in), times ``first_layer_scale`` (one, or one per coordinate); the others
    U(+-sqrt(6/fan_in)/omega_0); biases U(+-1/sqrt(fan_in)).

    >>> net = Siren(in_features=2, hidden_features=256, hidden_layers=3, out_features=1)
    >>> net(torch.zeros(5, 2)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int | Sequence[int],
        hidden_layers: int,
        out_features: int,
        *,
        outermost_linear: bool = True,
        first_omega_0: float = 30.0,
        hidden_omega_0: float | Sequence[float] = 30.0,
        first_layer_scale: float | Sequence[float] = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        num_after_first = hidden_layers if outermost_linear else hidden_layers + 1
        if isinstance(hidden_omega_0, (int, float)):
            output_omega = float(hidden_omega_0)
            hidden_omega_0 = [output_omega] * num_after_first
        else:
            output_omega = float(hidden_omega_0[-1]) if hidden_omega_0 else float(first_omega_0)
        self.config = SirenConfig(
            in_features=in_features,
            hidden_features=hidden_features,
            hidden_layers=hidden_layers,
            out_features=out_features,
            outermost_linear=outermost_linear,
            omegas=(float(first_omega_0), *map(float, hidden_omega_0)),
        )
        layers: list[nn.Module] = []
        for number, (fan_out, fan_in) in enumerate(self.config.layer_shapes()):
            if number < self.config.num_sine_layers:
                omega = self.config.omegas[number]
                layers.append(SineLayer(fan_in, fan_out, is_first=number == 0, omega_0=omega, generator=generator))
            else:
                output = _Linear(fan_in, fan_out)
                # the reference gives the output layer the bound of a hidden layer, although no sine follows it
                _initialize(output, math.sqrt(6 / fan_in) / output_omega, generator)
                layers.append(output)
        self.net = nn.Sequential(*layers)
        with torch.no_grad():
            self.linears()[0].weight.mul_(torch.as_tensor(first_layer_scale))  # one factor, or one per coordinate

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return the network's values at coordinates ``x``; differentiable in ``x`` to any order.

        Runs on the kernel in use (`ligeia.kernels`) while the layers are as they were built; a layer that was
        replaced or given hooks is called as a module.
        """
        return fused_sine_mlp(x, *self._layers()) if self._is_plain() else self.net(x)

    def linears(self) -> list[nn.Linear]:
        """Return the linear part of every layer, first to last."""
        return [layer.linear if isinstance(layer, SineLayer) else layer for layer in self.net]  # type: ignore[misc]

    @property
    def smoothness(self) -> float:
        """Continuous derivatives along the coordinates: infinitely many."""
        return math.inf

    def tensors(self) -> list[Tensor]:
        """Return weight, bias, weight, bias, ... from the first layer to the last."""
        return [each for linear in self.linears() for each in (linear.weight, linear.bias)]

    def output_layer(self) -> OutputLayer | None:
        """Return the output layer, None where it ends in a sine."""
        last = self.linears()[-1]
        return OutputLayer(last.weight, last.bias) if self.config.outermost_linear else None

    def omegas(self) -> list[float | None]:
        """Return the frequency factor of every layer, first to last; None for a linear output layer."""
        return [layer.omega_0 if isinstance(layer, SineLayer) else None for layer in self.net]

    def _layers(self) -> tuple[list[Tensor], list[Tensor], list[float | None]]:
        linears = self.linears()
        return [each.weight for each in linears], [each.bias for each in linears], self.omegas()

    def _is_plain(self) -> bool:
        # pruning, parametrizations and weight norm work by hooks or by another class
        parts = [part for layer in self.net for part in (layer, getattr(layer, "linear", layer))]
        return all(type(part) in (SineLayer, _Linear) for part in parts) and not any(
            map(_has_hooks, (*parts, self.net))
        )

    def jet(self, x: Float[Tensor, "n d"]) -> Jet:
        """Return value, Jacobian and Laplacian at ``x`` in one forward sweep, per unit of ``x``."""
        return jet_of(self, x)

    def jet_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n c"]:
        """Return values and derivatives, given those of the inputs, in one sweep of the kernel in use.

        Differentiable in the weights by its own backward sweep.
        """
        return fused_sine_mlp_jet(streams, *self._layers(), shape)

    def feature_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n f"]:
        """Return what enters the output layer, and its derivatives: `jet_streams` before the last layer."""
        weights, biases, omegas = self._layers()
        return fused_sine_mlp_jet(streams, weights[:-1], biases[:-1], omegas[:-1], shape)

    def value_and_jacobian(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c d"]]:
        """Return values and Jacobian in one sweep of the kernel in use; for looking at, not differentiable."""
        return fused_sine_mlp_jacobian(x, *self._layers())

    def activations(self, x: Float[Tensor, "n d"]) -> list[LayerActivations]:
        """Return the phase and the output of every layer, first to last, for pictures and statistics."""
        result = []
        for layer in self.net:
            if isinstance(layer, SineLayer):
                pre = layer.omega_0 * layer.linear(x)
                post = torch.sin(pre)
            else:
                pre = post = layer(x)
            result.append(LayerActivations(pre, post))
            x = post
        return result


def _has_hooks(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(hooks)


def _initialize(linear: nn.Linear, half_width: float, generator: torch.Generator | None) -> None:
    # torch's own default for biases
    bias_half_width = 1 / math.sqrt(linear.in_features)
    with torch.no_grad():
        linear.weight.uniform_(-half_width, half_width, generator=generator)
        linear.bias.uniform_(-bias_half_width, bias_half_width, generator=generator)
