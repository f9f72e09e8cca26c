"""The operations that a network's inputs are made of, in whatever arithmetic computes them."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

Numbers: TypeAlias = Any
"""Tensors, jets, arrays or nodes of a graph, ``(*batch, features)``; they have + - *."""


@runtime_checkable  # the tests check types as they run
class InputArithmetic(Protocol):
    """Some of the operations of every arithmetic of `ligeia.networks`."""

    def column(self, x: Numbers, number: int) -> Numbers:
        """Return one feature, ``(*batch, 1)``."""
        ...

    def floor(self, x: Numbers) -> Numbers:
        """Return the largest whole numbers that are at most x, in the type of x; they have no derivative."""
        ...

    def sin(self, x: Numbers) -> Numbers:
        """Return the sine."""
        ...

    def cos(self, x: Numbers) -> Numbers:
        """Return the cosine."""
        ...

    def concat(self, parts: Sequence[Numbers]) -> Numbers:
        """Return features side by side."""
        ...
