"""Muon: hidden matrices move by the orthogonal matrix nearest to their momentum, all else by Adam (Jordan et al. 2024).

Every direction in the space of a layer's outputs moves equally far, however small its gradient, so components that
barely affect a loss on derivatives are learned as fast as the rest. It pays off from about a thousand points per step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError

from ._adam import Adam, AdamState

POLYNOMIALS: Final = np.array([(3.4445, -4.7750, 2.0315)] * 3)
"""Factors of M, M M'M and M M'M M'M in each step towards the orthogonal matrix (Jordan et al. 2024)."""
ADAM_SIZE: Final = 0.2
"""Root mean square of Adam's steps over its rate, about (Liu et al. 2025, arXiv:2502.16982)."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Muon:
    """Muon for square matrices, Adam for the rest.

    ``muon`` times the learning rate is the root mean square update of the entries of a square matrix, in units of
    Adam's steps.
    """

    learning_rate: float
    muon: float = 1.0
    betas: tuple[float, float] = (0.9, 0.99)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.muon) and self.muon > 0):
            raise InputError(f"expected a rate of Muon above 0, got {self.muon}.")
        self.adam()  # checks the learning rate

    def adam(self) -> Adam:
        """Return the settings of the weights that take steps of Adam."""
        return Adam(learning_rate=self.learning_rate, betas=self.betas)

    def init_state(self, parameters: Sequence[Tensor]) -> "MuonState":
        """Return the initial state for these parameters: moments of 0."""
        return MuonState(self, parameters)


@final
class MuonState:
    """Adam's moments, the first of which are Muon's momentum too."""

    def __init__(self, settings: Muon, parameters: Sequence[Tensor]) -> None:
        self.settings = settings
        self.parameters = list(parameters)
        self._adam: AdamState = settings.adam().init_state(self.parameters)
        # the last matrix belongs to the output layer, even if it is square
        square = [number for number, each in enumerate(parameters[:-2]) if each.ndim == 2 and len(set(each.shape)) == 1]
        self._square = [number for number in square if number > 0]

    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Move the parameters, in place, against their gradients."""
        before = [self.parameters[number].detach().clone() for number in self._square]
        self._adam.step(gradients, learning_rate)
        with torch.no_grad():
            for number, weight in zip(self._square, before, strict=True):
                nesterov = torch.lerp(gradients[number], self._adam.first[number], self.settings.betas[0])
                size = learning_rate * self.settings.muon * ADAM_SIZE * math.sqrt(len(weight))
                torch.sub(weight, orthogonalized(nesterov), alpha=size, out=self.parameters[number])

    def to_plain(self) -> dict[str, Any]:
        """Return the moments as lists of tensors, and the number of steps."""
        return self._adam.to_plain()

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the moments that `to_plain` gave."""
        self._adam.load_plain(plain)


def orthogonalized(matrix: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """Return approximately the nearest orthogonal matrix, by polynomials."""
    matrix = matrix / (matrix.norm() + 1e-20)
    for once, cubed, fifth in POLYNOMIALS.tolist():
        gram = matrix.T @ matrix
        matrix = once * matrix + matrix @ (cubed * gram + fifth * gram @ gram)
    return matrix
