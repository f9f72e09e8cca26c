"""Networks around a network: periodic coordinates, bounded values, mirror symmetry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar, final

import numpy as np

from ligeia.core import InputError

from ._architecture import Architecture, Arithmetic, Inputs, Numbers, Weights


class _Wrapper(Architecture):
    """A network around another one, whose weights are all that it has."""

    __slots__ = ()

    inner: Architecture

    @property
    def smoothness(self) -> float:  # type: ignore[override]
        """Continuous derivatives along the coordinates."""
        return self.inner.smoothness

    @property
    def has_graph(self) -> bool:  # type: ignore[override]
        """Whether ONNX has its operations."""
        return self.inner.has_graph

    @property
    def rate(self) -> float:  # type: ignore[override]
        """Learning rate of Adam beside that of a sine network as wide."""
        return self.inner.rate

    @property
    def batch_size(self) -> int:  # type: ignore[override]
        """Samples of a step."""
        return self.inner.batch_size

    @property
    def fineness(self) -> float:  # type: ignore[override]
        """Times that inputs are finer than a sine network's."""
        return self.inner.fineness

    @property
    def num_features(self) -> int:
        """Number of features that the output layer sees."""
        return self.inner.num_features

    @property
    def widest(self) -> int:
        """Most numbers that a point takes at a time."""
        return self.inner.widest

    @property
    def ends_linear(self) -> bool:
        """Whether values are linear in the last two tensors."""
        return self.inner.ends_linear

    @property
    def takes_frequencies(self) -> bool:
        """Whether first weights follow the signal's frequencies."""
        return self.inner.takes_frequencies

    @property
    def num_images(self) -> int:
        """How many times the layers are evaluated for a value."""
        return self.inner.num_images

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return the same around a network that is chosen for these inputs."""
        return replace(self, inner=self.inner.suited_to(inputs))  # type: ignore[type-var]

    def check_inputs(self, in_features: int) -> None:
        """Refuse a number of coordinates that the network inside does not take."""
        self.inner.check_inputs(in_features)

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of the network inside."""
        return self.inner.weights(in_features, frequencies)

    def output(self, out_features: int) -> list[Weights]:
        """Return those of its output layer."""
        return self.inner.output(out_features)

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return what the output layer sees."""
        return self.inner.features(do, x, tensors)

    def _grown(self, size: int) -> Architecture:
        return replace(self, inner=self.inner._grown(size))  # type: ignore[type-var]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Bounded(_Wrapper):
    """``middle + half_range tanh(f(x))``: values between ``low`` and ``high``, in network units."""

    name: ClassVar[str] = "bounded"

    inner: Architecture
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(f"finite bounds low < high were wanted, got {self.low} and {self.high}.")

    @property
    def ends_linear(self) -> bool:
        """Whether values are linear in the last two tensors."""
        return False

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the network's values."""
        middle, half_range = (self.high + self.low) / 2, (self.high - self.low) / 2
        return half_range * do.tanh(self.inner.values(do, x, tensors)) + middle


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Symmetric(_Wrapper):
    """The mean of f over mirror images along coordinates ``axes``: even along each, or with ``is_odd`` odd."""

    name: ClassVar[str] = "symmetric"

    inner: Architecture
    axes: tuple[int, ...] = (0,)
    is_odd: bool = False

    def __post_init__(self) -> None:
        if not self.axes or len(set(self.axes)) != len(self.axes) or min(self.axes) < 0 or len(self.axes) > 4:
            raise InputError(f"one to four different coordinates were wanted to mirror, from 0 on, got {self.axes}.")

    def check_inputs(self, in_features: int) -> None:
        """Refuse to mirror coordinates that are not there."""
        if max(self.axes) >= in_features:
            raise InputError(f"coordinates 0 to {in_features - 1} can be mirrored, got {self.axes}.")
        self.inner.check_inputs(in_features)

    @property
    def ends_linear(self) -> bool:
        """Whether values are linear in the last two tensors."""
        return False

    @property
    def num_images(self) -> int:
        """How many times the layers are evaluated for a value."""
        return 2 ** len(self.axes) * self.inner.num_images

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the network's values."""
        images = []
        for signs in product((1.0, -1.0), repeat=len(self.axes)):
            mirror = np.ones(int(x.shape[-1]), np.float32)
            mirror[list(self.axes)] = signs
            parity = math.prod(signs) if self.is_odd else 1.0
            images.append(parity * self.inner.values(do, x * do.constant(mirror), tensors))
        total = images[0]
        for image in images[1:]:
            total = total + image
        return 0.5 ** len(self.axes) * total


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Periodic(_Wrapper):
    """f of ``cos(k pi x), sin(k pi x)``, k to ``harmonics``, in place of coordinates ``axes``: period 2 along them."""

    name: ClassVar[str] = "periodic"

    inner: Architecture
    axes: tuple[int, ...] = (0,)
    harmonics: int = 1

    def __post_init__(self) -> None:
        if not self.axes or len(set(self.axes)) != len(self.axes) or min(self.axes) < 0:
            raise InputError(f"different coordinates were wanted, from 0 on, got {self.axes}.")
        if not 1 <= self.harmonics <= 64:
            raise InputError(f"1 to 64 harmonics were wanted, got {self.harmonics}.")

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return the same around a network that is chosen for the circles' coordinates."""
        return replace(self, inner=self.inner.suited_to(self._inner_inputs(inputs)))

    def check_inputs(self, in_features: int) -> None:
        """Refuse to bend coordinates that are not there."""
        if max(self.axes) >= in_features:
            raise InputError(f"coordinates 0 to {in_features - 1} can be periodic, got {self.axes}.")
        self.inner.check_inputs(self._num_inner(in_features))

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of the network inside."""
        if frequencies is not None:
            frequencies = self._inner_inputs(Inputs((1,) * in_features, tuple(frequencies))).frequencies
        return self.inner.weights(self._num_inner(in_features), frequencies)

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the network's values."""
        return self.inner.values(do, self._bent(do, x), tensors)

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return what the output layer sees."""
        return self.inner.features(do, self._bent(do, x), tensors)

    def _bent(self, do: Arithmetic, x: Numbers) -> Numbers:
        columns = []
        for number in range(int(x.shape[-1])):
            place = do.column(x, number)
            if number not in self.axes:
                columns.append(place)
                continue
            angles = place * do.constant(math.pi * np.arange(1.0, self.harmonics + 1.0))
            columns += [do.cos(angles), do.sin(angles)]
        return do.concat(columns)

    def _num_inner(self, in_features: int) -> int:
        return in_features + len(self.axes) * (2 * self.harmonics - 1)

    def _inner_inputs(self, inputs: Inputs) -> Inputs:
        sizes: list[int] = []
        frequencies: list[float] = []
        for number, (size, frequency) in enumerate(zip(inputs.sizes, inputs.frequencies, strict=True)):
            repeats = 2 * self.harmonics if number in self.axes else 1
            sizes += [size] * repeats
            # cosine and sine change pi times as fast as the coordinate
            frequencies += [frequency / math.pi if number in self.axes else frequency] * repeats
        return inputs._replace(sizes=tuple(sizes), frequencies=tuple(frequencies))
