"""The arithmetic of networks in NumPy, in float32 or float64: decodes fields without torch."""

from collections.abc import Sequence
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

Floats = Float[np.ndarray, "..."]


@final
class NumpyArithmetic:
    """`Arithmetic` on arrays of one floating-point type, that of the points."""

    def __init__(self, dtype: type[np.floating] = np.float32, *, reverse: bool = False) -> None:
        self._dtype = dtype
        self._order = slice(None, None, -1 if reverse else 1)
        """With ``reverse``, sums run in the opposite order, to reveal the effect of rounding."""

    def linear(self, x: Floats, weight: Floats, bias: Floats | None) -> Floats:
        """Return ``weight @ x + bias`` per point."""
        found = x[..., self._order] @ weight[:, self._order].T
        if bias is not None:
            found += bias
        return found

    def sin(self, x: Floats) -> Floats:
        """Return the sine."""
        return np.sin(x)

    def cos(self, x: Floats) -> Floats:
        """Return the cosine."""
        return np.cos(x)

    def exp(self, x: Floats) -> Floats:
        """Return the exponential."""
        return np.exp(x)

    def tanh(self, x: Floats) -> Floats:
        """Return the hyperbolic tangent."""
        return np.tanh(x)

    def absolute(self, x: Floats) -> Floats:
        """Return the magnitude."""
        return np.abs(x)

    def relu(self, x: Floats) -> Floats:
        """Return ``max(x, 0)``."""
        return np.maximum(x, 0)

    def softplus(self, x: Floats) -> Floats:
        """Return ``log(1 + exp(x))``."""
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def sinc(self, x: Floats) -> Floats:
        """Return ``sin(x) / x``, 1 at 0."""
        is_zero = x == 0
        return np.where(is_zero, 1, np.sin(x) / np.where(is_zero, 1, x)).astype(x.dtype)

    def concat(self, parts: Sequence[Floats]) -> Floats:
        """Return features concatenated."""
        return np.concatenate(parts, axis=-1)

    def column(self, x: Floats, number: int) -> Floats:
        """Return one feature as a column, ``(n, 1)``."""
        return x[..., number : number + 1]

    def row(self, weights: Floats, number: int) -> Floats:
        """Return one row of a matrix of weights."""
        return weights[number]

    def constant(self, values: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        """Return constants, in the type of the points; integers stay."""
        return values if values.dtype.kind == "i" else values.astype(self._dtype)

    def floor(self, x: Floats) -> Floats:
        """Return the largest whole numbers that are at most x."""
        return np.floor(x)

    def integers(self, whole: Floats) -> Int[np.ndarray, "..."]:
        """Return whole numbers as integers."""
        return np.clip(whole, -(2.0**40), 2.0**40).astype(np.int64)

    def layer(self, pre: Floats, post: Floats) -> Floats:
        """Return ``post``, the output of a layer; ``pre`` is the input of its nonlinearity."""
        return post

    def gather(self, row: Shaped[np.ndarray, "..."], index: Int[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        """Return the entries of a row of weights, or the rows of a matrix, at integers."""
        return row[index]
