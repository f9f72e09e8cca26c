"""Multiplicative filter networks (Fathony et al. 2021, ICLR, openreview OmtmcPkkhT, eq. 5 to 8): products of filters.

z_1 = g_1(x), z_{i+1} = (W_i z_i + b_i) * g_{i+1}(x): the values are a sum of sines, or Gabor wavelets, of x.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from ._architecture import Architecture
from ._arithmetic import Arithmetic, Numbers, Weights, dense
from ._layered import check_positive, check_sizes
from ._radial_basis import squared_distance


class Multiplicative(Architecture):
    """``hidden_layers + 1`` filters of the coordinates, each multiplied by a linear map of the product so far."""

    __slots__ = ()

    hidden_features: int
    hidden_layers: int
    bandwidth: float
    """Largest combined frequency of all filters, in radians per unit, if the signal's is unknown."""

    num_filter_tensors: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_sizes(self, hidden_features=self.hidden_features, hidden_layers=self.hidden_layers)
        check_positive(self, bandwidth=self.bandwidth)

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer."""
        return self.hidden_features

    def reach(self, in_features: int, frequencies: Sequence[float] | None) -> np.ndarray:
        """Return the largest frequency of a filter along each coordinate, chosen to keep the combined variance."""
        whole = np.full(in_features, self.bandwidth) if frequencies is None else np.array(frequencies) / in_features
        return whole / math.sqrt(self.hidden_layers + 1)

    def waves(self, number: int, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the frequencies and the phases of a filter."""
        return dense(
            f"filter{number}", in_features, self.hidden_features, self.reach(in_features, frequencies), math.pi
        )

    def filter_weights(self, number: int, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of a filter."""
        return self.waves(number, in_features, frequencies)

    def filtered(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return a filter of the coordinates."""
        return do.sin(do.linear(x, *tensors))

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of all filters, and of the linear map before each except the first."""
        found = self.filter_weights(0, in_features, frequencies)
        for number in range(1, self.hidden_layers + 1):
            # the mean square of a sine is 1/2, so this bound keeps the variance of z
            bound = math.sqrt(6 / self.hidden_features)
            found += dense(f"layer{number}", self.hidden_features, self.hidden_features, bound, 0.0)
            found += self.filter_weights(number, in_features, frequencies)
        return found

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        count = self.num_filter_tensors
        found = self.filtered(do, x, tensors[:count])
        for start in range(count, len(tensors), 2 + count):
            weight, bias, *rest = tensors[start : start + 2 + count]
            mixed = do.linear(found, weight, bias)
            found = do.layer(mixed, mixed * self.filtered(do, x, rest))
        return found


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class FourierNet(Multiplicative):
    """Filters ``sin(omega x + phi)``: a Fourier network."""

    name: ClassVar[str] = "mfn-fourier"
    rate: ClassVar[float] = 15.0
    frequency_scale: ClassVar[float] = 2.0

    hidden_features: int = 256
    hidden_layers: int = 3
    bandwidth: float = 128.0


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class GaborNet(Multiplicative):
    """Filters ``exp(-gamma_j |x - mu_j|^2 / 2) sin(omega x + phi)``: a Gabor network.

    gamma_j is drawn from a gamma distribution of ``alpha`` over the number of filters. Differs from the paper: omega is
    not multiplied by the root of gamma_j.
    """

    name: ClassVar[str] = "mfn-gabor"
    rate: ClassVar[float] = 15.0
    frequency_scale: ClassVar[float] = 2.0
    num_filter_tensors: ClassVar[int] = 4

    hidden_features: int = 256
    hidden_layers: int = 3
    bandwidth: float = 128.0
    alpha: float = 6.0

    def __post_init__(self) -> None:
        Multiplicative.__post_init__(self)
        check_positive(self, alpha=self.alpha)

    def filter_weights(self, number: int, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of a filter: waves, and centers and sharpness of the Gaussians."""
        count, alpha = self.hidden_features, self.alpha / (self.hidden_layers + 1)
        return [
            *self.waves(number, in_features, frequencies),
            Weights(f"filter{number}_centers", (in_features, count), lambda draw: draw.uniform(in_features, count)),
            Weights(f"filter{number}_sharpness", (count,), lambda draw: draw.gamma(alpha, count)),
        ]

    def filtered(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return a filter of the coordinates."""
        weight, bias, centers, sharpness = tensors
        bell = do.exp(-0.5 * squared_distance(do, x, centers) * sharpness)
        return bell * do.sin(do.linear(x, weight, bias))
