"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner. It pays off for narrow layers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Soap:
    """SOAP (Vyas et al. 2024, arXiv:2409.11321, algorithm 3) without weight decay, for layers of weight and bias.

    ``every`` is the number of steps between two refinements of the eigenbasis (one power iteration, then QR).
    """

    learning_rate: float
    betas: tuple[float, float] = (0.95, 0.95)
    memory: float = 0.95
    """Moving average of the preconditioner."""
    every: int = 10
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"expected a learning rate above 0, got {self.learning_rate}.")

    def init_state(self, parameters: Sequence[Tensor]) -> "SoapState":
        """Return the initial state for these parameters: moments of 0."""
        return SoapState(self, parameters)


@final
class SoapState:
    """Moments and eigenbases of a network's layers; layers of one shape are processed together."""

    def __init__(self, settings: Soap, parameters: Sequence[Tensor]) -> None:
        self.settings = settings
        self.parameters = list(parameters)
        self.num_steps = 0
        shapes = [(len(weight), weight.shape[1] + 1) for weight in self.parameters[::2]]
        self._members = [[k for k, each in enumerate(shapes) if each == shape] for shape in dict.fromkeys(shapes)]
        self._groups = [_Group.zeros(len(ks), *shapes[ks[0]], self.parameters[0].device) for ks in self._members]

    def directions(self, gradients: Sequence[Float[Tensor, "_ _"]]) -> list[Float[Tensor, "out columns"]]:
        """Return the update of each layer against its gradient, per unit of the learning rate.

        The first call only initializes the basis: an update from a single gradient would follow its noise.
        """
        self.num_steps += 1
        result = list(gradients)
        for members, group in zip(self._members, self._groups, strict=True):
            found = group.step(torch.stack([gradients[k] for k in members]), self.settings, self.num_steps)
            for place, k in enumerate(members):
                result[k] = found[place]
        return result

    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Move the parameters, in place, against their gradients."""
        with torch.no_grad():
            for number, direction in enumerate(self.directions(layers_of(gradients))):
                self.parameters[2 * number].sub_(direction[:, :-1], alpha=learning_rate)
                self.parameters[2 * number + 1].sub_(direction[:, -1], alpha=learning_rate)

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors and numbers."""
        return {"num_steps": self.num_steps, "groups": [group.tensors() for group in self._groups]}

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave."""
        self.num_steps = int(plain["num_steps"])
        for group, tensors in zip(self._groups, plain["groups"], strict=True):
            for mine, theirs in zip(group.tensors(), tensors, strict=True):
                mine.copy_(theirs)


@dataclass(slots=True)
class _Group:
    """Layers of one shape: gradients' second moments along rows and columns, their eigenbases, Adam's moments."""

    rows: Tensor
    columns: Tensor
    row_basis: Tensor
    column_basis: Tensor
    first: Tensor
    second: Tensor
    """In the eigenbases."""

    @classmethod
    def zeros(cls, count: int, rows: int, columns: int, device: torch.device) -> "_Group":
        def square(size: int) -> Tensor:
            return torch.zeros(count, size, size, device=device)

        first, second = torch.zeros(2, count, rows, columns, device=device).unbind()
        return cls(square(rows), square(columns), square(rows), square(columns), first, second)

    def tensors(self) -> list[Tensor]:
        return [self.rows, self.columns, self.row_basis, self.column_basis, self.first, self.second]

    def step(self, gradient: Float[Tensor, "k m n"], settings: Soap, number: int) -> Float[Tensor, "k m n"]:
        keep = settings.memory if number > 1 else 0.0
        self.rows.lerp_(gradient @ gradient.mT, 1 - keep)
        self.columns.lerp_(gradient.mT @ gradient, 1 - keep)
        if number == 1:
            self.row_basis.copy_(_eigenvectors(self.rows))
            self.column_basis.copy_(_eigenvectors(self.columns))
            return torch.zeros_like(gradient)
        beta1, beta2 = settings.betas
        self.first.lerp_(gradient, 1 - beta1)
        turned = self.row_basis.mT @ gradient @ self.column_basis
        self.second.mul_(beta2).addcmul_(turned, turned, value=1 - beta2)
        mean = self.row_basis.mT @ self.first @ self.column_basis / (1 - beta1 ** (number - 1))
        size = (self.second / (1 - beta2 ** (number - 1))).sqrt_().add_(settings.eps)
        moved = self.row_basis @ (mean / size) @ self.column_basis.mT
        if number % settings.every == 0:
            self._refine()
        return moved

    def _refine(self) -> None:
        order = _turn(self.rows, self.row_basis)
        self.second = torch.gather(self.second, 1, order[:, :, None].expand_as(self.second))
        order = _turn(self.columns, self.column_basis)
        self.second = torch.gather(self.second, 2, order[:, None, :].expand_as(self.second))


def layers_of(parameters: Sequence[Tensor]) -> list[Float[Tensor, "_ _"]]:
    """Return copies of weights and biases in turn as one matrix per layer, its last column the bias."""
    return [
        torch.cat([weight.detach(), bias.detach()[:, None]], dim=1)
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True)
    ]


def _eigenvectors(matrices: Float[Tensor, "k n n"]) -> Float[Tensor, "k n n"]:
    return torch.linalg.eigh(matrices)[1].flip(-1)  # the largest first


def _turn(matrices: Float[Tensor, "k n n"], basis: Float[Tensor, "k n n"]) -> Tensor:
    """Turn bases towards the eigenvectors of matrices, the largest first; return the order that they came in."""
    sizes = (basis * (matrices @ basis)).sum(dim=1)
    order = sizes.argsort(dim=1, descending=True)
    sorted_basis = torch.gather(basis, 2, order[:, None, :].expand_as(basis))
    basis.copy_(torch.linalg.qr(matrices @ sorted_basis)[0])
    return order
