"""Muon: hidden matrices move by the orthogonal matrix nearest to their momentum, all else by Adam (Jordan et al. 2024).

Every direction in the space of a layer's outputs moves alike, however small its gradient: what a loss on derivatives
hardly sees is learned as fast as the rest. Worth its products from some thousand points a step.
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

from ._adam import Adam, Moments

POLYNOMIALS: Final = np.array([(3.4445, -4.7750, 2.0315)] * 3)
"""Factors of M, M M'M and M M'M M'M in each step towards the orthogonal matrix (Jordan et al. 2024)."""
ADAM_SIZE: Final = 0.2
"""Root mean square of Adam's steps over its rate, about (Liu et al. 2025, arXiv:2502.16982)."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Muon:
    """Muon for square matrices, Adam for the rest.

    ``muon`` times the learning rate is what an entry of a square matrix moves by, in the root mean square and in units
    of Adam's steps.
    """

    learning_rate: float
    muon: float = 1.0
    betas: tuple[float, float] = (0.9, 0.99)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.muon) and self.muon > 0):
            raise InputError(f"a rate of Muon above 0 was wanted, got {self.muon}.")
        self.adam()  # checks the learning rate

    def adam(self) -> Adam:
        """Return the settings of the weights that take steps of Adam."""
        return Adam(learning_rate=self.learning_rate, betas=self.betas)

    def moments(self, parameters: Sequence[Tensor]) -> "MuonMoments":
        """Return what the optimizer remembers of these parameters: nothing yet."""
        return MuonMoments(self, parameters)


@final
class MuonMoments:
    """Adam's moments, the first of which are Muon's momentum too."""

    def __init__(self, settings: Muon, parameters: Sequence[Tensor]) -> None:
        self.settings = settings
        self.parameters = list(parameters)
        self._adam: Moments = settings.adam().moments(self.parameters)
        # the last matrix is the output's, even where it is square
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
    """Return about the nearest orthogonal matrix, by polynomials."""
    matrix = matrix / (matrix.norm() + 1e-20)
    for once, cubed, fifth in POLYNOMIALS.tolist():
        gram = matrix.T @ matrix
        matrix = once * matrix + matrix @ (cubed * gram + fifth * gram @ gram)
    return matrix
