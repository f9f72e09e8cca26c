"""Networks around a network: periodic coordinates, bounded values, mirror symmetry, density and color."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar, Final, final

import numpy as np

from ligeia.core import InputError

from ._architecture import Architecture, Inputs
from ._arithmetic import Arithmetic, Numbers, Weights

_STEEPNESS: Final = 10.0  # of density, which reaches from nothing to opaque


class _Wrapper(Architecture):
    """A network around another one, without weights of its own."""

    __slots__ = ()

    inner: Architecture

    def __post_init__(self) -> None:
        if self.inner.has_kernel:  # its compiled layers are called whole, and its file has no place for more
            raise InputError(f"a network {self.inner.name} stands in no other one; take siren-learned, or finer.")

    @property
    def smoothness(self) -> float:  # type: ignore[override]
        """Number of continuous derivatives along the coordinates."""
        return self.inner.smoothness

    @property
    def has_graph(self) -> bool:  # type: ignore[override]
        """Whether it can be exported to ONNX."""
        return self.inner.has_graph

    @property
    def rate(self) -> float:  # type: ignore[override]
        """Adam's learning rate, relative to that of a sine network of the same width."""
        return self.inner.rate

    @property
    def batch_size(self) -> int:  # type: ignore[override]
        """Samples per step."""
        return self.inner.batch_size

    @property
    def frequency_scale(self) -> float:  # type: ignore[override]
        """Factor on the sizes and frequencies of the inputs, relative to a sine network."""
        return self.inner.frequency_scale

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer."""
        return self.inner.num_features

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time."""
        return self.inner.max_width

    @property
    def ends_linear(self) -> bool:
        """Whether the values are linear in the last two tensors."""
        return self.inner.ends_linear

    @property
    def takes_frequencies(self) -> bool:
        """Whether the first weights are scaled to the signal's frequencies."""
        return self.inner.takes_frequencies

    @property
    def num_images(self) -> int:
        """How many times the layers are evaluated per point."""
        return self.inner.num_images

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return a copy whose inner network is chosen for these inputs."""
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
        """Return the features that enter the output layer."""
        return self.inner.features(do, x, tensors)

    def of_size(self, size: int) -> Architecture:
        """Return a copy with another size in the field `grows_by`."""
        return replace(self, inner=self.inner.of_size(size))  # type: ignore[type-var]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Bounded(_Wrapper):
    """``middle + half_range tanh(f(x))``: values between ``low`` and ``high``, in network units."""

    name: ClassVar[str] = "bounded"

    inner: Architecture
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _Wrapper.__post_init__(self)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(f"expected finite bounds low < high, got {self.low} and {self.high}.")

    @property
    def ends_linear(self) -> bool:
        """Whether the values are linear in the last two tensors."""
        return False

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the network's values."""
        middle, half_range = (self.high + self.low) / 2, (self.high - self.low) / 2
        return half_range * do.tanh(self.inner.values(do, x, tensors)) + middle


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Radiance(_Wrapper):
    """``scale softplus(10 f(x))`` of the first value, a density, and ``(1 + tanh f(x)) / 2`` of the others, a color."""

    name: ClassVar[str] = "radiance"

    inner: Architecture
    scale: float
    """Density per unit of length where softplus gives 1."""

    def __post_init__(self) -> None:
        _Wrapper.__post_init__(self)
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"expected a scale above 0, got {self.scale}.")

    @property
    def ends_linear(self) -> bool:
        """Whether the values are linear in the last two tensors."""
        return False

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return density and color."""
        found = self.inner.values(do, x, tensors)
        is_density = np.zeros(int(found.shape[-1]), np.float32)
        is_density[0] = 1.0
        density = do.softplus(_STEEPNESS * found) * do.constant(self.scale * is_density)
        return density + (0.5 * do.tanh(found) + 0.5) * do.constant(1 - is_density)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Symmetric(_Wrapper):
    """The mean of f over mirror images along coordinates ``axes``: even along each, or with ``is_odd`` odd."""

    name: ClassVar[str] = "symmetric"

    inner: Architecture
    axes: tuple[int, ...] = (0,)
    is_odd: bool = False

    def __post_init__(self) -> None:
        _Wrapper.__post_init__(self)
        if not self.axes or len(set(self.axes)) != len(self.axes) or min(self.axes) < 0 or len(self.axes) > 4:
            raise InputError(f"expected one to four different coordinates to mirror, from 0 on, got {self.axes}.")

    def check_inputs(self, in_features: int) -> None:
        """Refuse to mirror nonexistent coordinates."""
        if max(self.axes) >= in_features:
            raise InputError(f"expected coordinates from 0 to {in_features - 1} to mirror, got {self.axes}.")
        self.inner.check_inputs(in_features)

    @property
    def ends_linear(self) -> bool:
        """Whether the values are linear in the last two tensors."""
        return False

    @property
    def num_images(self) -> int:
        """How many times the layers are evaluated per point."""
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
        _Wrapper.__post_init__(self)
        if not self.axes or len(set(self.axes)) != len(self.axes) or min(self.axes) < 0:
            raise InputError(f"expected different coordinates, from 0 on, got {self.axes}.")
        if not 1 <= self.harmonics <= 64:
            raise InputError(f"expected 1 to 64 harmonics, got {self.harmonics}.")

    def suited_to(self, inputs: Inputs) -> Architecture:
        """Return a copy whose inner network is chosen for the coordinates on the circles."""
        return replace(self, inner=self.inner.suited_to(self._inner_inputs(inputs)))

    def check_inputs(self, in_features: int) -> None:
        """Refuse nonexistent coordinates."""
        if max(self.axes) >= in_features:
            raise InputError(f"expected periodic coordinates from 0 to {in_features - 1}, got {self.axes}.")
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
        """Return the features that enter the output layer."""
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
