"""Sampled: the protocol that writers of files need from a function, whichever library evaluates it."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from ._channel import Channel
from ._grid import Grid
from ._missing import Missing
from ._sampling import Sampling
from ._sources import Source

Quantity = Literal["value", "gradient", "laplacian"]


@runtime_checkable
class Sampled(Protocol):
    """A function with its domain and its units, as a file holds it; `ligeia.Field` is one."""

    @property
    def grid(self) -> Grid:
        """The domain and its original sampling."""
        ...

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Name and range of each value."""
        ...

    @property
    def source(self) -> Source:
        """The kind of file it came from."""
        ...

    @property
    def missing(self) -> Missing | None:
        """The original samples that had no value."""
        ...

    def values_at(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return values in the signal's units at coordinates in [-1, 1], a bounded number at a time."""
        ...

    def pieces(
        self, sampling: Sampling, *, quantity: Quantity = "value", derivative_scale: Sequence[float] | None = None
    ) -> Iterator[tuple[int, int, Any]]:
        """Yield ``(start, stop, values)`` over the flat samples of a sampling, in order.

        Values are ``(stop - start, channels)``, an array or what `numpy.asarray` makes one of without a copy.
        """
        ...
