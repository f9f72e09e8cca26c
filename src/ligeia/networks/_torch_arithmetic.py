"""The arithmetic of networks in torch: differentiable along points and weights, on any device."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

Floats = Float[Tensor, "..."]


class TorchArithmetic:
    """`Arithmetic` on tensors with the type and the device of ``like``."""

    def __init__(self, like: Tensor) -> None:
        self._like = like

    def linear(self, x: Floats, weight: Floats, bias: Floats | None) -> Floats:
        """Return ``weight @ x + bias`` per point."""
        return functional.linear(x, weight, bias)

    def sin(self, x: Floats) -> Floats:
        """Return the sine."""
        return torch.sin(x)

    def cos(self, x: Floats) -> Floats:
        """Return the cosine."""
        return torch.cos(x)

    def exp(self, x: Floats) -> Floats:
        """Return the exponential."""
        return torch.exp(x)

    def tanh(self, x: Floats) -> Floats:
        """Return the hyperbolic tangent."""
        return torch.tanh(x)

    def absolute(self, x: Floats) -> Floats:
        """Return the magnitude."""
        return torch.abs(x)

    def relu(self, x: Floats) -> Floats:
        """Return ``max(x, 0)``."""
        return torch.relu(x)

    def softplus(self, x: Floats) -> Floats:
        """Return ``log(1 + exp(x))``."""
        return functional.softplus(x)

    def sinc(self, x: Floats) -> Floats:
        """Return ``sin(x) / x``, 1 at 0."""
        # by its series near 0, where the quotient's derivatives lose all digits
        is_small = x.abs() < _SMALL
        safe = torch.where(is_small, 1.0, x)
        square = torch.where(is_small, x, 0.0).square()
        series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110))))
        return torch.where(is_small, series, torch.sin(safe) / safe)

    def concat(self, parts: Sequence[Floats]) -> Floats:
        """Return features concatenated."""
        return torch.cat(list(parts), dim=-1)

    def column(self, x: Floats, number: int) -> Floats:
        """Return one feature as a column, ``(n, 1)``."""
        return x[..., number : number + 1]

    def row(self, weights: Floats, number: int) -> Floats:
        """Return one row of a matrix of weights."""
        return weights[number]

    def constant(self, values: Shaped[np.ndarray, "..."]) -> Shaped[Tensor, "..."]:
        """Return constants, in the type of the points; integers stay."""
        found = torch.from_numpy(values)
        return found.to(self._like.device) if values.dtype.kind == "i" else found.to(self._like)

    def floor(self, x: Floats) -> Floats:
        """Return the largest whole numbers that are at most x; they have no derivative."""
        return torch.floor(x.detach())

    def integers(self, whole: Floats) -> Int[Tensor, "..."]:
        """Return whole numbers as integers."""
        return whole.clamp(-(2.0**40), 2.0**40).long()

    def layer(self, pre: Floats, post: Floats) -> Floats:
        """Return ``post``, the output of a layer; ``pre`` is the input of its nonlinearity."""
        return post

    def gather(self, row: Shaped[Tensor, "..."], index: Int[Tensor, "..."]) -> Shaped[Tensor, "..."]:
        """Return the entries of a row of weights, or the rows of a matrix, at integers."""
        # embedding's backward takes ten times as long
        return row.index_select(0, index.reshape(-1)).reshape(*index.shape, *row.shape[1:])


_SMALL = 0.3
