"""The operations that networks are made of, for torch, jets, NumPy and ONNX alike; weights, and how they are drawn."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final, runtime_checkable

import numpy as np
from jaxtyping import Float

Numbers: TypeAlias = Any
"""The numbers of an arithmetic: a tensor, a jet, an array or a node of a graph, ``(n, features)``, with + - *."""


WaveFactors: TypeAlias = Callable[[Float[np.ndarray, "waves d"]], Float[np.ndarray, " waves"] | None]
"""By how much means shrink waves ``sin(turns @ x + b)``, given the turns of each; None where they are no such waves."""


@runtime_checkable  # the tests check types as they run
class Arithmetic(Protocol):
    """The operations that networks are built from."""

    def linear(self, x: Numbers, weight: Numbers, bias: Numbers | None) -> Numbers:
        """Return ``weight @ x + bias`` per point."""
        ...

    def sin(self, x: Numbers) -> Numbers:
        """Return the sine."""
        ...

    def cos(self, x: Numbers) -> Numbers:
        """Return the cosine."""
        ...

    def exp(self, x: Numbers) -> Numbers:
        """Return the exponential."""
        ...

    def tanh(self, x: Numbers) -> Numbers:
        """Return the hyperbolic tangent."""
        ...

    def absolute(self, x: Numbers) -> Numbers:
        """Return the magnitude."""
        ...

    def relu(self, x: Numbers) -> Numbers:
        """Return ``max(x, 0)``."""
        ...

    def softplus(self, x: Numbers) -> Numbers:
        """Return ``log(1 + exp(x))``."""
        ...

    def sinc(self, x: Numbers) -> Numbers:
        """Return ``sin(x) / x``, 1 at 0."""
        ...

    def concat(self, parts: Sequence[Numbers]) -> Numbers:
        """Return features concatenated."""
        ...

    def column(self, x: Numbers, number: int) -> Numbers:
        """Return one feature as a column, ``(n, 1)``."""
        ...

    def row(self, weights: Numbers, number: int) -> Numbers:
        """Return one row of a matrix of weights, to be combined with features of as many columns."""
        ...

    def constant(self, values: Float[np.ndarray, "..."]) -> Numbers:
        """Return constants, in the type of the points."""
        ...

    def floor(self, x: Numbers) -> Numbers:
        """Return the largest whole numbers that are at most x, in the type of x; they have no derivative."""
        ...

    def integers(self, whole: Numbers) -> Numbers:
        """Return whole numbers as integers, which `gather` takes."""
        ...

    def gather(self, row: Numbers, index: Numbers) -> Numbers:
        """Return the entries of a row of weights, or the rows of a matrix, at integers."""
        ...

    def layer(self, pre: Numbers, post: Numbers) -> Numbers:
        """Return ``post``, the output of a layer; ``pre``, the input of its nonlinearity, is there to be recorded."""
        ...


@runtime_checkable
class Draw(Protocol):
    """Random numbers for initial weights, as float32 arrays."""

    def uniform(self, *shape: int) -> Float[np.ndarray, "..."]:
        """Return numbers from -1 to 1."""
        ...

    def normal(self, *shape: int) -> Float[np.ndarray, "..."]:
        """Return numbers of mean 0 and variance 1."""
        ...

    def gamma(self, alpha: float, *shape: int) -> Float[np.ndarray, "..."]:
        """Return numbers of the gamma distribution of rate 1."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Weights:
    """A tensor of a network: name, shape, initialization, and whether it is trained."""

    name: str
    shape: tuple[int, ...]
    law: Callable[[Draw], Float[np.ndarray, "..."]]
    is_trained: bool = True


def dense(
    name: str, fan_in: int, fan_out: int, half_width: float | Float[np.ndarray, " fan_in"], bias_half_width: float
) -> list[Weights]:
    """Return the weight and the bias of a layer, uniform in +-``half_width`` (one, or one per input)."""
    return [
        Weights(
            f"{name}_weight", (fan_out, fan_in), lambda draw: draw.uniform(fan_out, fan_in) * np.float32(half_width)
        ),
        Weights(f"{name}_bias", (fan_out,), lambda draw: draw.uniform(fan_out) * np.float32(bias_half_width)),
    ]


def usual_half_width(fan_in: int) -> float:
    """Return torch's own bound for a linear layer's weights and biases, ``1 / sqrt(fan_in)``."""
    return 1 / math.sqrt(fan_in)


def pairs(tensors: Sequence[Numbers]) -> list[tuple[Numbers, Numbers]]:
    """Return weight and bias of each layer."""
    return list(zip(tensors[::2], tensors[1::2], strict=True))
