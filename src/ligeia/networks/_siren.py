"""Sine networks (Sitzmann et al. 2020, arXiv:2006.09661); omega is omega_0 there, see s. 3.2 and supplement s. 1.

The form, the initialization and the parameter names are those of the reference code (its notebook's ``Siren``),
with two differences: the output layer is linear by default, and `forward` never detaches its input.
"""

import math
from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ligeia.kernels import (
    JetShape,
    Shape,
    fused_shape,
    fused_sine_mlp,
    fused_sine_mlp_jacobian,
    fused_sine_mlp_jet,
    sine_layer,
)

from ._architecture import NetworkConfig
from ._network import LayerActivations, Network
from ._siren_architecture import SirenArchitecture, first_half_width, half_width


class _Linear(nn.Linear):
    """A linear layer without torch's own initialization, which would advance the global random stream."""

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
        bound = first_half_width(in_features) if is_first else half_width(in_features, omega_0)
        _initialize(self.linear, bound, generator)

    def forward(self, x: Float[Tensor, "*batch fan_in"]) -> Float[Tensor, "*batch fan_out"]:
        """Return the activations of every point."""
        if type(self.linear) is _Linear and not _has_hooks(self.linear):
            return sine_layer(x, self.linear.weight, self.linear.bias, self.omega_0)
        return torch.sin(self.omega_0 * self.linear(x))


@final
class Siren(Network):
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
        architecture = SirenArchitecture(
            hidden_features=hidden_features,
            hidden_layers=hidden_layers,
            outermost_linear=outermost_linear,
            omegas=(float(first_omega_0), *map(float, hidden_omega_0)),
        )
        self.config = NetworkConfig(architecture, in_features, out_features)
        widths = [in_features, *architecture.hidden_widths(), out_features]
        layers: list[nn.Module] = []
        for number, omega in enumerate(architecture.layer_omegas()):
            ends = widths[number], widths[number + 1]
            layers.append(SineLayer(*ends, is_first=number == 0, omega_0=omega, generator=generator))
        if outermost_linear:
            output = _Linear(widths[-2], out_features)
            # the reference gives the output layer the bound of a hidden layer, although no sine follows it
            _initialize(output, half_width(widths[-2], output_omega), generator)
            layers.append(output)
        self.net = nn.Sequential(*layers)
        with torch.no_grad():
            self.linears()[0].weight.mul_(torch.as_tensor(first_layer_scale))  # one factor, or one per coordinate

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return the network's values at coordinates ``x``; differentiable in ``x`` to any order.

        Runs on the kernel in use (`ligeia.kernels`) as long as the layers are unmodified; a layer that was replaced or
        has hooks is called as a module.
        """
        return fused_sine_mlp(x, *self._layers()) if self._is_plain() else self.net(x)

    @property
    def architecture(self) -> SirenArchitecture:
        """The architecture of the network."""
        found = self.config.architecture
        assert isinstance(found, SirenArchitecture)
        return found

    def linears(self) -> list[nn.Linear]:
        """Return the linear part of every layer, first to last."""
        return [layer.linear if isinstance(layer, SineLayer) else layer for layer in self.net]  # type: ignore[misc]

    def tensors(self) -> list[Tensor]:
        """Return weight, bias, weight, bias, ... from the first layer to the last."""
        return [each for linear in self.linears() for each in (linear.weight, linear.bias)]

    def omegas(self) -> list[float | None]:
        """Return the frequency factor of every layer, first to last; None for a linear output layer."""
        return [layer.omega_0 if isinstance(layer, SineLayer) else None for layer in self.net]

    def fused_shape(self) -> Shape | None:
        """Return the shape of the compiled network for this one, or None if there is none (`ligeia.kernels`)."""
        return fused_shape(list(self.parameters()), self.omegas())

    def _layers(self) -> tuple[list[Tensor], list[Tensor], list[float | None]]:
        linears = self.linears()
        return [each.weight for each in linears], [each.bias for each in linears], self.omegas()

    def _is_plain(self) -> bool:
        # pruning, parametrizations and weight norm work by hooks or by another class
        parts = [part for layer in self.net for part in (layer, getattr(layer, "linear", layer))]
        return all(type(part) in (SineLayer, _Linear) for part in parts) and not any(
            map(_has_hooks, (*parts, self.net))
        )

    def jet_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n c"]:
        """Return values and derivatives, given those of the inputs, in one sweep of the kernel in use.

        Differentiable in the weights by its own backward sweep.
        """
        return fused_sine_mlp_jet(streams, *self._layers(), shape)

    def feature_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n f"]:
        """Return the features that enter the output layer and their derivatives: `jet_streams` up to that layer."""
        weights, biases, omegas = self._layers()
        return fused_sine_mlp_jet(streams, weights[:-1], biases[:-1], omegas[:-1], shape)

    def value_and_jacobian(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c d"]]:
        """Return values and Jacobian in one sweep of the kernel in use, detached: not differentiable further."""
        return fused_sine_mlp_jacobian(x, *self._layers())

    def activations(self, x: Float[Tensor, "n d"]) -> list[LayerActivations]:
        """Return the phase and the output of every layer, first to last, for figures and statistics."""
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


def built(
    architecture: SirenArchitecture,
    config: NetworkConfig,
    *,
    frequencies: Sequence[float] | None,
    generator: torch.Generator | None,
    given: Sequence[Float[np.ndarray, "..."]] | None,
) -> Siren:
    """Return the network of an architecture, freshly initialized or with given tensors."""
    omegas = architecture.layer_omegas()

    def drawn() -> Siren:
        return Siren(
            config.in_features,
            architecture.hidden_features,
            architecture.hidden_layers,
            config.out_features,
            outermost_linear=architecture.outermost_linear,
            first_omega_0=omegas[0],
            hidden_omega_0=omegas[1:],
            first_layer_scale=1.0 if frequencies is None else [each / omegas[0] for each in frequencies],
            generator=generator,
        )

    if given is None:
        return drawn()
    with torch.device("meta"):  # where nothing is drawn and no memory taken
        network = drawn()
    copies = [torch.from_numpy(np.array(each, np.float32)) for each in given]
    network.load_state_dict(dict(zip(network.state_dict(), copies, strict=True)), assign=True)
    return network


def _has_hooks(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(hooks)


def _initialize(linear: nn.Linear, half_width: float, generator: torch.Generator | None) -> None:
    # torch's own default for biases
    bias_half_width = 1 / math.sqrt(linear.in_features)
    with torch.no_grad():
        linear.weight.uniform_(-half_width, half_width, generator=generator)
        linear.bias.uniform_(-bias_half_width, bias_half_width, generator=generator)
