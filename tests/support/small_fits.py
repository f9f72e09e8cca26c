"""Fits of a function on a line that take a blink, and what is left of it by frequency."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def fit_line(
    network: nn.Module, x: Float[Tensor, "n 1"], target: Float[Tensor, "n 1"], *, steps: int, rate: float
) -> Float[Tensor, "n 1"]:
    """Return what a network makes of places after so many full steps of Adam towards a target."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(x) - target).square().mean().backward()
        optimizer.step()
    return network(x).detach()


def spectrum_of(values: Float[Tensor, "n 1"]) -> Float[Tensor, " f"]:
    """Return the amplitude of each whole number of periods over the places."""
    return torch.fft.rfft(values[:, 0]).abs() * 2 / len(values)
