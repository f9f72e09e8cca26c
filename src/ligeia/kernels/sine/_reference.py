"""Sine-layer arithmetic in plain torch: the definition that every faster path is tested against.

Source: Sitzmann et al. 2020 (arXiv:2006.09661), eq. 4, in the form of its code: omega multiplies the bias too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class JetTerm(NamedTuple):
    """One term ``factor * d_i d_j f`` of a sum of second derivatives of ``f``."""

    curvature: int
    """Which sum it belongs to."""
    i: int
    j: int
    factor: float = 1.0


class JetShape(NamedTuple):
    """Which derivatives a jet carries along with the values.

    A stack of ``num_streams`` components holds the values, the first derivatives along each direction, and sums of
    second derivatives.
    """

    num_first_derivatives: int
    num_second_derivatives: int
    terms: tuple[JetTerm, ...]

    @property
    def num_streams(self) -> int:
        """Number of values carried per channel."""
        return 1 + self.num_first_derivatives + self.num_second_derivatives

    @staticmethod
    def with_laplacian(num_directions: int) -> "JetShape":
        """Return the shape of value, Jacobian and Laplacian."""
        return JetShape(num_directions, 1, tuple(JetTerm(0, each, each) for each in range(num_directions)))


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
    streams: Float[Tensor, "s n d"],
    weights: Sequence[Float[Tensor, "_ _"]],
    biases: Sequence[Float[Tensor, " _"]],
    omegas: Sequence[float | None],
    shape: JetShape,
) -> Float[Tensor, "s n c"]:
    """Return values of a sine network and their derivatives in one forward sweep, given those of its inputs.

    ``omegas[l]`` is the frequency factor of layer ``l``; None marks a layer without a sine. With phase
    ``z = omega (W v + b)`` of a layer whose input is ``v``, the chain rule gives
    ``d_i sin z = cos z d_i z`` and ``d_i d_j sin z = cos z d_i d_j z - sin z d_i z d_j z``.
    """
    for weight, bias, omega in zip(weights, biases, omegas, strict=True):
        scale = 1.0 if omega is None else omega
        streams = functional.linear(streams, scale * weight)
        phase = streams[0] + scale * bias
        if omega is None:
            streams = torch.cat([phase[None], streams[1:]])
        else:
            streams = _sines(
                phase, streams[1 : 1 + shape.num_first_derivatives], streams[1 + shape.num_first_derivatives :], shape
            )
    return streams


def _sines(
    phase: Float[Tensor, "n c"], slopes: Float[Tensor, "p n c"], curvatures: Float[Tensor, "m n c"], shape: JetShape
) -> Float[Tensor, "s n c"]:
    sine, cosine = torch.sin(phase), torch.cos(phase)
    bent = list((cosine * curvatures).unbind())
    for term in shape.terms:
        bent[term.curvature] = bent[term.curvature] - term.factor * sine * slopes[term.i] * slopes[term.j]
    return torch.stack([sine, *(cosine * slopes).unbind(), *bent])
