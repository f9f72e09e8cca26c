"""Radial basis functions before a ReLU perceptron: the RBF baseline of Sitzmann et al. 2020's code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from ._arithmetic import Arithmetic, Numbers, Weights
from ._layered import check_positive, check_sizes
from ._perceptron import Perceptron


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Rbf(Perceptron):
    """``exp(-s_j |x - c_j|^2)`` of ``num_centers`` places c_j with sharpness s_j, all learned, then ReLU layers.

    With ``hidden_layers=0`` one ReLU layer follows them.
    """

    name: ClassVar[str] = "rbf"
    rate: ClassVar[float] = 9.0
    smoothness: ClassVar[float] = 0

    hidden_features: int = 256
    hidden_layers: int = 3
    num_centers: int = 256
    sharpness: float = 60.0
    """Initial sharpness; the reference has 10."""

    def __post_init__(self) -> None:
        check_sizes(
            self,
            hidden_features=self.hidden_features,
            hidden_layers=self.hidden_layers,
            num_centers=self.num_centers,
        )
        check_positive(self, sharpness=self.sharpness)

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time."""
        return max(self.hidden_features, self.num_centers)

    def num_encoded(self, in_features: int) -> int:
        """Return how many features enter the first layer."""
        return self.num_centers

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the places, their sharpness and the tensors of the layers."""
        count, sharpness = self.num_centers, self.sharpness
        return [
            Weights("centers", (in_features, count), lambda draw: draw.uniform(in_features, count)),
            Weights("sharpness", (count,), lambda _: np.full(count, sharpness, np.float32)),
            *Perceptron.weights(self, in_features, None),
        ]

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""
        centers, sharpness, *rest = tensors
        bells = do.exp(-1.0 * squared_distance(do, x, centers) * sharpness)
        return Perceptron.features(self, do, bells, rest)

    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return the output of a layer."""
        return do.relu(phase)


def squared_distance(do: Arithmetic, x: Numbers, centers: Numbers) -> Numbers:
    """Return the squared distance of each point to each place, ``(d, places)``."""
    gaps = [do.column(x, number) - do.row(centers, number) for number in range(int(x.shape[-1]))]
    total = gaps[0] * gaps[0]
    for gap in gaps[1:]:
        total = total + gap * gap
    return total
