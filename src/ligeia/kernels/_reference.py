"""Sine-layer arithmetic in plain torch: the definition of right that every faster path is tested against.

Source: Sitzmann et al. 2020 (arXiv:2006.09661), eq. 4, in the form of its code: omega multiplies the bias too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class Jet(NamedTuple):
    """A field's value, Jacobian and Laplacian at points, carried together."""

    value: Float[Tensor, "n c"]
    jacobian: Float[Tensor, "n c d"]
    """``jacobian[:, i, j]`` is the derivative of channel ``i`` along coordinate ``j``."""
    laplacian: Float[Tensor, "n c"]


class InputSlopes(NamedTuple):
    """How the inputs of a network change with the coordinates that derivatives are wanted along."""

    first: Float[Tensor, "n inputs d"]
    second: Float[Tensor, "n inputs"]
    """The Laplacian of each input."""


class _Carried(NamedTuple):
    # the derivative axis goes first, so that one matrix product serves all coordinates
    value: Float[Tensor, "n c"]
    derivatives: Float[Tensor, "d n c"]
    laplacian: Float[Tensor, "n c"]


def sine_layer(
    x: Float[Tensor, "*batch fan_in"],
    weight: Float[Tensor, "fan_out fan_in"],
    bias: Float[Tensor, " fan_out"],
    omega: float,
) -> Float[Tensor, "*batch fan_out"]:
    """Return ``sin(omega * (weight @ x + bias))`` per point."""
    # scaling the few weights instead of the many phases saves a pass over memory forward and one backward
    return torch.sin(functional.linear(x, omega * weight, omega * bias))


def sine_mlp(
    x: Float[Tensor, "*batch d"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, " _"]],
    omegas: Sequence[float | None],
) -> Float[Tensor, "*batch c"]:
    """Return the values of a sine network; ``omegas[l]`` is the frequency factor of layer ``l``, None for no sine."""
    for weight, bias, omega in zip(weights, biases, omegas, strict=True):
        x = functional.linear(x, weight, bias) if omega is None else sine_layer(x, weight, bias, omega)
    return x


def sine_mlp_jet(
    x: Float[Tensor, "n d"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, " _"]],
    omegas: Sequence[float | None],
    slopes_of_x: InputSlopes | None = None,
) -> Jet:
    """Return value, Jacobian and Laplacian of a sine network in one forward sweep.

    ``omegas[l]`` is the frequency factor of layer ``l``; None marks a layer without a sine. The derivatives are those
    along ``x``, or along what ``slopes_of_x`` are taken along. With phase
    ``z = omega (W v + b)`` of a layer whose input is ``v``, the chain rule gives
    ``grad sin z = cos z grad z`` and ``lap sin z = cos z lap z - sin z |grad z|^2``.
    """
    if slopes_of_x is None:
        identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
        slopes_of_x = InputSlopes(identity.expand(len(x), -1, -1), torch.zeros_like(x))
    carried = _Carried(x, slopes_of_x.first.permute(2, 0, 1), slopes_of_x.second)
    for weight, bias, omega in zip(weights, biases, omegas, strict=True):
        scale = 1.0 if omega is None else omega
        phase = functional.linear(carried.value, scale * weight, scale * bias)
        slopes = functional.linear(carried.derivatives, scale * weight)
        curvature = functional.linear(carried.laplacian, scale * weight)
        if omega is None:
            carried = _Carried(phase, slopes, curvature)
        else:
            sine, cosine = torch.sin(phase), torch.cos(phase)
            carried = _Carried(sine, cosine * slopes, cosine * curvature - sine * slopes.square().sum(dim=0))
    return Jet(carried.value, carried.derivatives.permute(1, 2, 0), carried.laplacian)
