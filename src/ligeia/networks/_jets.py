"""The arithmetic of networks on jets: values with first derivatives and sums of second ones, in one forward sweep.

For f of a jet a: ``d_i f(a) = f'(a) d_i a`` and ``d_i d_j f(a) = f'(a) d_i d_j a + f''(a) d_i a d_j a``; products by
Leibniz's rule. The derivatives equal autograd's, without its second backward pass.
"""

from collections.abc import Callable, Sequence
from typing import Union, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from ligeia.kernels import JetShape

from ._torch_arithmetic import TorchArithmetic

Part = Tensor | None
"""A derivative at all points; None if it is 0 everywhere."""


@final
class JetNumbers:
    """Values ``(n, features)`` and the derivatives that a `JetShape` lists."""

    def __init__(self, shape: JetShape, value: Tensor, slopes: Sequence[Part], curvatures: Sequence[Part]) -> None:
        self.jet_shape, self.value = shape, value
        self.slopes, self.curvatures = list(slopes), list(curvatures)

    @property
    def shape(self) -> torch.Size:
        """Shape of the values."""
        return self.value.shape

    @staticmethod
    def of(streams: Float[Tensor, "s n d"], shape: JetShape) -> "JetNumbers":
        """Return the jet of a stack of components."""
        first = 1 + shape.num_first_derivatives
        return JetNumbers(shape, streams[0], list(streams[1:first]), list(streams[first:]))

    def streams(self) -> Float[Tensor, "s n c"]:
        """Return the jet as a stack of components."""
        parts = [self.value, *self.slopes, *self.curvatures]
        return torch.stack([torch.zeros_like(self.value) if each is None else each for each in parts])

    def map(self, linear: Callable[[Tensor], Tensor], value: Tensor | None = None) -> "JetNumbers":
        """Apply a linear map to the derivatives, and to the values unless ``value`` is given."""
        return JetNumbers(
            self.jet_shape,
            linear(self.value) if value is None else value,
            [None if each is None else linear(each) for each in self.slopes],
            [None if each is None else linear(each) for each in self.curvatures],
        )

    def through(self, value: Tensor, first: Tensor, second: Part) -> "JetNumbers":
        """Return f of this jet, given f, f' and f'' at its values; None means f'' = 0."""
        bent = [None if each is None else first * each for each in self.curvatures]
        if second is not None:
            for term in self.jet_shape.terms:
                one, other = self.slopes[term.i], self.slopes[term.j]
                if one is not None and other is not None:
                    bent[term.curvature] = _plus(bent[term.curvature], term.factor * second * one * other)
        return JetNumbers(self.jet_shape, value, [None if each is None else first * each for each in self.slopes], bent)

    def __add__(self, other: Union["JetNumbers", Tensor, float]) -> "JetNumbers":
        if not isinstance(other, JetNumbers):
            return self._shifted(self.value + other)
        value = self.value + other.value
        slopes, bent = (
            [_plus(one, two) for one, two in zip(mine, theirs, strict=True)]
            for mine, theirs in ((self.slopes, other.slopes), (self.curvatures, other.curvatures))
        )
        return JetNumbers(self.jet_shape, value, slopes, bent)

    __radd__ = __add__

    def __neg__(self) -> "JetNumbers":
        return self.map(torch.neg)

    def __sub__(self, other: Union["JetNumbers", Tensor, float]) -> "JetNumbers":
        return self + (-other)

    def __rsub__(self, other: Tensor | float) -> "JetNumbers":
        return (-self) + other

    def __mul__(self, other: Union["JetNumbers", Tensor, float]) -> "JetNumbers":
        if not isinstance(other, JetNumbers):
            return self.map(lambda part: part * other)
        slopes = [
            _plus(_times(mine, other.value), _times(theirs, self.value))
            for mine, theirs in zip(self.slopes, other.slopes, strict=True)
        ]
        bent = [
            _plus(_times(mine, other.value), _times(theirs, self.value))
            for mine, theirs in zip(self.curvatures, other.curvatures, strict=True)
        ]
        for term in self.jet_shape.terms:
            for i, j in ((term.i, term.j), (term.j, term.i)):
                one, two = self.slopes[i], other.slopes[j]
                if one is not None and two is not None:
                    bent[term.curvature] = _plus(bent[term.curvature], term.factor * one * two)
        return JetNumbers(self.jet_shape, self.value * other.value, slopes, bent)

    __rmul__ = __mul__

    def _shifted(self, value: Tensor) -> "JetNumbers":
        if value.shape == self.value.shape:
            return self.map(lambda part: part, value)
        return self.map(lambda part: part.expand(value.shape), value)  # against more columns


@final
class JetArithmetic:
    """`Arithmetic` on jets."""

    def __init__(self, like: Tensor) -> None:
        self._plain = TorchArithmetic(like)

    def linear(self, x: JetNumbers, weight: Tensor, bias: Tensor | None) -> JetNumbers:
        """Return ``weight @ x + bias`` per point."""
        value = functional.linear(x.value, weight, bias)
        return x.map(lambda part: functional.linear(part, weight), value)

    def sin(self, x: JetNumbers) -> JetNumbers:
        """Return the sine."""
        sine, cosine = torch.sin(x.value), torch.cos(x.value)
        return x.through(sine, cosine, -sine)

    def cos(self, x: JetNumbers) -> JetNumbers:
        """Return the cosine."""
        sine, cosine = torch.sin(x.value), torch.cos(x.value)
        return x.through(cosine, -sine, -cosine)

    def exp(self, x: JetNumbers) -> JetNumbers:
        """Return the exponential."""
        found = torch.exp(x.value)
        return x.through(found, found, found)

    def tanh(self, x: JetNumbers) -> JetNumbers:
        """Return the hyperbolic tangent."""
        found = torch.tanh(x.value)
        slope = 1 - found * found
        return x.through(found, slope, -2 * found * slope)

    def absolute(self, x: JetNumbers) -> JetNumbers:
        """Return the magnitude."""
        return x.through(x.value.abs(), torch.sign(x.value), None)

    def relu(self, x: JetNumbers) -> JetNumbers:
        """Return ``max(x, 0)``."""
        return x.through(torch.relu(x.value), (x.value > 0).to(x.value), None)

    def softplus(self, x: JetNumbers) -> JetNumbers:
        """Return ``log(1 + exp(x))``."""
        slope = torch.sigmoid(x.value)
        return x.through(functional.softplus(x.value), slope, slope * (1 - slope))

    def sinc(self, x: JetNumbers) -> JetNumbers:
        """Return ``sin(x) / x``, 1 at 0."""
        found = self._plain.sinc(x.value)
        is_small = x.value.abs() < _SMALL
        safe = torch.where(is_small, 1.0, x.value)
        square = torch.where(is_small, x.value, 0.0).square()
        small = x.value * (-1 / 3 + square * (1 / 30 - square * (1 / 840 - square * (1 / 45360 - square / 3991680))))
        slope = torch.where(is_small, small, (torch.cos(safe) - torch.sin(safe) / safe) / safe)
        small = -1 / 3 + square * (1 / 10 - square * (1 / 168 - square * (1 / 6480 - square / 443520)))
        bend = torch.where(is_small, small, -found - 2 * slope / safe)
        return x.through(found, slope, bend)

    def concat(self, parts: Sequence[JetNumbers]) -> JetNumbers:
        """Return features concatenated."""
        stacks = torch.cat([each.streams() for each in parts], dim=-1)
        return JetNumbers.of(stacks, parts[0].jet_shape)

    def column(self, x: JetNumbers, number: int) -> JetNumbers:
        """Return one feature as a column, ``(n, 1)``."""
        return x.map(lambda part: part[..., number : number + 1])

    def row(self, weights: Tensor, number: int) -> Tensor:
        """Return one row of a matrix of weights."""
        return weights[number]

    def constant(self, values: Shaped[np.ndarray, "..."]) -> Tensor:
        """Return constants, in the type of the points; integers stay."""
        return self._plain.constant(values)

    def floor(self, x: JetNumbers) -> Tensor:
        """Return the largest whole numbers that are at most x; they have no derivative."""
        return self._plain.floor(x.value)

    def integers(self, whole: Tensor) -> Tensor:
        """Return whole numbers as integers."""
        return self._plain.integers(whole)

    def layer(self, pre: JetNumbers, post: JetNumbers) -> JetNumbers:
        """Return ``post``, the output of a layer; ``pre`` is the input of its nonlinearity."""
        return post

    def gather(self, row: Tensor, index: Tensor) -> Tensor:
        """Return the entries of a row of weights, or the rows of a matrix, at integers."""
        return self._plain.gather(row, index)


_SMALL = 0.3


def _plus(one: Part, other: Part) -> Part:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _times(part: Part, value: Tensor) -> Part:
    return None if part is None else part * value
