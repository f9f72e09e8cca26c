"""Architectures of coordinate networks, defined once for every arithmetic: torch, its jets, NumPy, ONNX.

A network is an `Architecture`, a frozen description, and its weights. The description lists the weights, says how they
are initialized, and computes values from them with the few operations of `Arithmetic`. Nothing here imports torch, so
files can be read and fields decoded without it.
"""

import bisect
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError

from ._arithmetic import Arithmetic, Numbers, WaveFactors, Weights, dense, usual_half_width

if TYPE_CHECKING:
    import torch

    from ._network import Network


MOST_LAYERS = 255
_WIDEST = 1 << 20


class Inputs(NamedTuple):
    """The coordinates and channels of a signal, as a network made for it needs to know them."""

    sizes: tuple[int, ...]
    """Number of samples along each coordinate."""
    frequencies: tuple[float, ...]
    """Angular frequency of a sine network's first layer along each coordinate, in radians per unit."""
    channels: tuple[str, ...] = ()
    """Names of the values' channels."""

    def scaled(self, times: float) -> "Inputs":
        """Return inputs with the numbers of samples and the frequencies multiplied by ``times``."""
        sizes = tuple(max(1, round(times * size)) for size in self.sizes)
        return self._replace(sizes=sizes, frequencies=tuple(times * each for each in self.frequencies))


class Architecture(ABC):
    """How a network computes values from coordinates, without its weights: a frozen dataclass of numbers.

    Networks end in a linear output layer, whose weight and bias are the last two tensors.
    """

    __slots__ = ()

    name: ClassVar[str]
    """Name on the command line and in descriptions."""
    smoothness: ClassVar[float] = math.inf
    """Number of continuous derivatives along the coordinates; 0 if the gradient jumps: there is no Laplacian then."""
    has_graph: ClassVar[bool] = True
    """Whether it can be exported to ONNX."""
    rate: ClassVar[float] = 1.0
    """Adam's learning rate, relative to that of a sine network of the same width (design/networks.md)."""
    batch_size: ClassVar[int] = 512
    """Samples per step: more if each sample depends on few of the weights."""
    frequency_scale: ClassVar[float] = 1.0
    """Factor on the sizes and frequencies of `Inputs`, relative to a sine network, from the same trials."""
    grows_by: ClassVar[str] = "hidden_features"
    """The field that is increased to make a larger network."""
    has_kernel: ClassVar[bool] = False
    """Whether there are compiled kernels for it (`ligeia.kernels`)."""
    width_is_chosen: ClassVar[bool] = False
    """Whether `recipes.choose_size` can choose its width for a quality."""
    takes_muon: ClassVar[bool] = False
    """Whether learning rates for Muon are known."""

    @property
    @abstractmethod
    def num_features(self) -> int:
        """Number of features that enter the output layer."""

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time."""
        return self.num_features

    @abstractmethod
    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors before the output layer; ``frequencies`` set the scale of the first layer."""

    @abstractmethod
    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the features that enter the output layer."""

    def suited_to(self, inputs: Inputs) -> "Architecture":
        """Return a copy with unset fields chosen for these inputs."""
        return self

    @property
    def takes_frequencies(self) -> bool:
        """Whether the first weights are scaled to the signal's frequencies."""
        return True

    @property
    def omega_0(self) -> float:
        """Unit of the first layer's frequencies: the usual 30, or a sine network's own."""
        return 30.0

    @property
    def num_images(self) -> int:
        """How many times the layers are evaluated per point."""
        return 1

    def check_inputs(self, in_features: int) -> None:  # noqa: B027
        """Refuse a number of coordinates that this network does not accept."""

    def output(self, out_features: int) -> list[Weights]:
        """Return the weight and the bias of the output layer."""
        bound = usual_half_width(self.num_features)
        return dense("output", self.num_features, out_features, bound, bound)

    def tensors(self, in_features: int, out_features: int, frequencies: Sequence[float] | None = None) -> list[Weights]:
        """Return all tensors, in the order of a file."""
        self.check_inputs(in_features)
        return [*self.weights(in_features, frequencies), *self.output(out_features)]

    @property
    def ends_linear(self) -> bool:
        """Whether the values are linear in the last two tensors."""
        return True

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the network's values."""
        return do.linear(self.features(do, x, tensors[:-2]), *tensors[-2:])

    def simplified(
        self, tensors: Sequence[Float[np.ndarray, "..."]]
    ) -> tuple["Architecture", Sequence[Float[np.ndarray, "..."]]]:
        """Return an equivalent architecture and tensors with fewer operations, if there are any."""
        return self, tensors

    def averaged(
        self, tensors: Sequence[Float[np.ndarray, "..."]], factors_of: WaveFactors
    ) -> Sequence[Float[np.ndarray, "..."]] | None:
        """Return tensors whose values are means of these values around each place, where there are such; else None.

        ``factors_of`` says by how much those means shrink waves: ``wave_factors`` of a `ligeia.signals.Sampling`.
        """
        return None

    def network(
        self,
        config: "NetworkConfig",
        *,
        frequencies: Sequence[float] | None = None,
        generator: "torch.Generator | None" = None,
        given: Sequence[Float[np.ndarray, "..."]] | None = None,
    ) -> "Network":
        """Return a torch network of this architecture; called by `NetworkConfig.build`."""
        from ._network import CoordinateNetwork

        return CoordinateNetwork(config, frequencies=frequencies, generator=generator, given=given)

    def build(
        self,
        in_features: int,
        out_features: int,
        *,
        frequencies: Sequence[float] | None = None,
        generator: "torch.Generator | None" = None,
    ) -> "Network":
        """Return a freshly initialized torch network with these numbers of inputs and outputs."""
        return NetworkConfig(self, in_features, out_features).build(frequencies=frequencies, generator=generator)

    @property
    def largest(self) -> int:
        """Upper bound, exclusive, of the size in the field `grows_by`."""
        return _WIDEST

    def with_parameters(self, most: int, in_features: int, out_features: int) -> "Architecture":
        """Return the largest such network of at most ``most`` weights; `InputError` if the smallest has more."""

        def count(size: int) -> int:
            return NetworkConfig(self.of_size(size), in_features, out_features).num_parameters()

        sizes = range(1, self.largest)
        largest = bisect.bisect_right(sizes, most, key=count)
        if largest == 0:
            raise InputError(
                f"expected at least {count(1)} weights for a network {self.name}, got {most}; allow more, or make its "
                "other fields smaller."
            )
        return self.of_size(sizes[bisect.bisect_left(sizes, count(largest), key=count)])  # a table may not grow further

    def of_size(self, size: int) -> "Architecture":
        """Return a copy with another size in the field `grows_by`."""
        return replace(self, **{self.grows_by: size})  # type: ignore[type-var]


@runtime_checkable
class HasRaster(Protocol):
    """An architecture that evaluates all combinations of coordinates faster than point by point."""

    def raster(
        self, coordinates: Sequence[Float[np.ndarray, "..."]], tensors: Sequence[Float[np.ndarray, "..."]]
    ) -> Iterator[tuple[int, int, Float[np.ndarray, "n c"]]]:
        """Yield ``(start, stop, values)`` over all combinations of coordinates, row-major."""
        ...


@final
@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """An architecture with numbers of inputs and outputs: a complete network except for its weights."""

    architecture: Architecture
    in_features: int
    out_features: int

    def __post_init__(self) -> None:
        for name in ("in_features", "out_features"):
            if getattr(self, name) < 1:
                raise ShapeError(f"{name} must be at least 1, got {getattr(self, name)}.")
        self.architecture.check_inputs(self.in_features)

    @property
    def max_width(self) -> int:
        """Most numbers held per point at a time."""
        return max(self.architecture.max_width, self.in_features, self.out_features)

    @property
    def num_features(self) -> int:
        """Number of features that enter the output layer."""
        return self.architecture.num_features

    def tensors(self, frequencies: Sequence[float] | None = None) -> list[Weights]:
        """Return all tensors, in the order of a file."""
        return self.architecture.tensors(self.in_features, self.out_features, frequencies)

    def tensor_shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of all tensors, in the order of a file."""
        return [each.shape for each in self.tensors()]

    def num_parameters(self) -> int:
        """Return the number of weights, including those that are not trained."""
        return sum(math.prod(shape) for shape in self.tensor_shapes())

    def build(
        self,
        *,
        frequencies: Sequence[float] | None = None,
        generator: "torch.Generator | None" = None,
        given: Sequence[Float[np.ndarray, "..."]] | None = None,
    ) -> "Network":
        """Return a freshly initialized torch network; with ``given`` tensors nothing is drawn."""
        return self.architecture.network(self, frequencies=frequencies, generator=generator, given=given)
