"""What coordinate networks are made of, written once for every arithmetic: torch, its jets, NumPy, ONNX.

A network is an `Architecture`, a frozen description, and its weights. The description says which weights there are, how
they are drawn and how values come from them, in the few operations of `Arithmetic`. Nothing here imports torch, so that
files are read, and fields decoded, without it.
"""

import bisect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias, final, runtime_checkable

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError

if TYPE_CHECKING:
    import torch

    from ._network import CoordinateNetwork

Numbers: TypeAlias = Any
"""What an arithmetic computes with: a tensor, a jet, an array or a node of a graph, ``(n, features)``; has + - *."""

MOST_LAYERS = 255
_WIDEST = 1 << 20


@runtime_checkable  # the tests check types as they run
class Arithmetic(Protocol):
    """The operations that networks are made of."""

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
        """Return features side by side."""
        ...

    def column(self, x: Numbers, number: int) -> Numbers:
        """Return one feature, ``(n, 1)``."""
        ...

    def row(self, weights: Numbers, number: int) -> Numbers:
        """Return one row of a matrix of weights, which is combined with features of as many columns."""
        ...

    def constant(self, values: Float[np.ndarray, "..."]) -> Numbers:
        """Return numbers that are no weights, in the type of the points."""
        ...

    def floor(self, x: Numbers) -> tuple[Numbers, Numbers]:
        """Return the part of x after the point, and the whole part as integers, which have no derivative."""
        ...

    def gather(self, row: Numbers, index: Numbers) -> Numbers:
        """Return the entries of a row of weights at integers."""
        ...

    def layer(self, pre: Numbers, post: Numbers) -> Numbers:
        """Return ``post``, what leaves a layer; ``pre`` entered its nonlinearity: for pictures and statistics."""
        ...


@runtime_checkable
class Draw(Protocol):
    """Random numbers for first weights, as float32 arrays."""

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
    """A tensor of a network: its name, its shape, how it is drawn, and whether fits change it."""

    name: str
    shape: tuple[int, ...]
    law: Callable[[Draw], Float[np.ndarray, "..."]]
    is_trained: bool = True


def dense(
    name: str, fan_in: int, fan_out: int, half_width: float | Float[np.ndarray, " fan_in"], bias_half_width: float
) -> list[Weights]:
    """Return the weight and the bias of a layer, uniform within half-widths; one for the weights, or one per input."""
    return [
        Weights(
            f"{name}_weight", (fan_out, fan_in), lambda draw: draw.uniform(fan_out, fan_in) * np.float32(half_width)
        ),
        Weights(f"{name}_bias", (fan_out,), lambda draw: draw.uniform(fan_out) * np.float32(bias_half_width)),
    ]


def usual_half_width(fan_in: int) -> float:
    """Return torch's own bound for a linear layer's weights and biases, ``1 / sqrt(fan_in)``."""
    return 1 / math.sqrt(fan_in)


class Inputs(NamedTuple):
    """What is known of the coordinates that a network sees, when it is made for a signal."""

    sizes: tuple[int, ...]
    """Samples along each."""
    frequencies: tuple[float, ...]
    """How fast a first layer should turn along each, in radians per unit, as a sine network's does."""
    channels: tuple[str, ...] = ()
    """Names of the values' channels."""

    def finer(self, times: float) -> "Inputs":
        """Return inputs with so many times more samples and as much faster turns."""
        sizes = tuple(max(1, round(times * size)) for size in self.sizes)
        return self._replace(sizes=sizes, frequencies=tuple(times * each for each in self.frequencies))


class Architecture(ABC):
    """How values come from coordinates, all but the weights: a frozen dataclass, of numbers alone.

    Networks end in a linear output layer, whose weight and bias are the last two tensors.
    """

    __slots__ = ()

    name: ClassVar[str]
    """What the command line and descriptions call it."""
    smoothness: ClassVar[float] = math.inf
    """Continuous derivatives along the coordinates: infinite; 0 where slopes jump, and second ones are 0 or nothing."""
    has_graph: ClassVar[bool] = True
    """Whether ONNX has its operations."""
    rate: ClassVar[float] = 1.0
    """Learning rate of Adam beside that of a sine network as wide (design/networks.md)."""
    batch_size: ClassVar[int] = 512
    """Samples of a step: more where a sample sees few of the weights."""
    fineness: ClassVar[float] = 1.0
    """Times that `Inputs` are finer than a sine network's, by the same trials."""
    grows_by: ClassVar[str] = "hidden_features"
    """The field that is larger in a larger network."""

    @property
    @abstractmethod
    def num_features(self) -> int:
        """Number of features that the output layer sees."""

    @property
    def widest(self) -> int:
        """Most numbers that a point takes at a time."""
        return self.num_features

    @abstractmethod
    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors before the output layer; with ``frequencies`` the first layer turns as fast as that."""

    @abstractmethod
    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return what the output layer sees."""

    def suited_to(self, inputs: Inputs) -> "Architecture":
        """Return the same with what it leaves open chosen for these inputs."""
        return self

    @property
    def takes_frequencies(self) -> bool:
        """Whether first weights follow the signal's frequencies."""
        return True

    @property
    def num_images(self) -> int:
        """How many times the layers are evaluated for a value."""
        return 1

    def check_inputs(self, in_features: int) -> None:  # noqa: B027
        """Refuse a number of coordinates that this network does not take."""

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
        """Whether values are linear in the last two tensors."""
        return True

    def values(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return the network's values."""
        return do.linear(self.features(do, x, tensors[:-2]), *tensors[-2:])

    def build(
        self, in_features: int, out_features: int, *, generator: "torch.Generator | None" = None
    ) -> "CoordinateNetwork":
        """Return a freshly initialized network between so many coordinates and values, in torch."""
        return NetworkConfig(self, in_features, out_features).build(generator=generator)

    @property
    def largest(self) -> int:
        """Beyond the largest size that it grows to."""
        return _WIDEST

    def with_parameters(self, most: int, in_features: int, out_features: int) -> "Architecture":
        """Return the largest such network of at most so many weights; `InputError` where the smallest has more."""

        def count(size: int) -> int:
            return NetworkConfig(self._grown(size), in_features, out_features).num_parameters()

        sizes = range(1, self.largest)
        largest = bisect.bisect_right(sizes, most, key=count)
        if largest == 0:
            raise InputError(
                f"a network {self.name} takes {count(1)} weights at least, {most} were asked for; allow more, or make "
                "its other fields smaller."
            )
        return self._grown(sizes[bisect.bisect_left(sizes, count(largest), key=count)])  # a table may not grow further

    def _grown(self, size: int) -> "Architecture":
        return replace(self, **{self.grows_by: size})  # type: ignore[type-var]


@runtime_checkable
class HasRaster(Protocol):
    """An architecture that knows a quicker way to all combinations of coordinates than point by point."""

    def raster(
        self, coordinates: Sequence[Float[np.ndarray, "..."]], tensors: Sequence[Float[np.ndarray, "..."]]
    ) -> Iterator[tuple[int, int, Float[np.ndarray, "n c"]]]:
        """Yield ``(start, stop, values)`` over all combinations of coordinates, row-major."""
        ...


class Layered(Architecture):
    """Layers of ``activation(W v + b)``, as many as in a `Siren`: ``hidden_layers`` after the first.

    Subclasses are dataclasses with `hidden_features` and `hidden_layers`; they say what the activation is and within
    which bounds weights are drawn.
    """

    __slots__ = ()

    hidden_features: int
    hidden_layers: int

    @abstractmethod
    def activation(self, do: Arithmetic, phase: Numbers) -> Numbers:
        """Return a layer's output."""

    @abstractmethod
    def half_widths(self, fan_in: int, *, is_first: bool) -> tuple[float, float]:
        """Return the bounds of a layer's weights and biases."""

    @property
    def turns(self) -> float | None:
        """Radians that a unit of a phase is worth, for the frequencies of a first layer; None: it has none."""
        return None

    @property
    def takes_frequencies(self) -> bool:
        """Whether first weights follow the signal's frequencies."""
        return self.turns is not None

    @property
    def num_features(self) -> int:
        """Number of features that the output layer sees."""
        return self.hidden_features

    def num_encoded(self, in_features: int) -> int:
        """Return how many features the first layer sees."""
        return in_features

    def output(self, out_features: int) -> list[Weights]:
        """Return the weight and the bias of the output layer, drawn as a hidden layer's."""
        bounds = self.half_widths(self.num_features, is_first=False)
        return dense("output", self.num_features, out_features, *bounds)

    def weights(self, in_features: int, frequencies: Sequence[float] | None) -> list[Weights]:
        """Return the tensors of the hidden layers."""
        fan_in = self.num_encoded(in_features)
        bound, bias_bound = self.half_widths(fan_in, is_first=True)
        scale = np.ones(1) if frequencies is None or self.turns is None else np.array(frequencies) / self.turns
        found = dense("layer0", fan_in, self.hidden_features, bound * scale, bias_bound)
        for number in range(1, self.hidden_layers + 1):
            bounds = self.half_widths(self.hidden_features, is_first=False)
            found += dense(f"layer{number}", self.hidden_features, self.hidden_features, *bounds)
        return found

    def features(self, do: Arithmetic, x: Numbers, tensors: Sequence[Numbers]) -> Numbers:
        """Return what the output layer sees."""
        for weight, bias in pairs(tensors):
            phase = do.linear(x, weight, bias)
            x = do.layer(phase, self.activation(do, phase))
        return x


def pairs(tensors: Sequence[Numbers]) -> list[tuple[Numbers, Numbers]]:
    """Return weight and bias of each layer."""
    return list(zip(tensors[::2], tensors[1::2], strict=True))


def check_sizes(owner: Architecture, **sizes: int) -> None:
    """Refuse sizes below 1, or more layers than a file holds."""
    for name, value in sizes.items():
        least = 0 if name == "hidden_layers" else 1
        most = MOST_LAYERS if name in ("hidden_layers", "num_levels") else 1 << 40
        if not least <= value <= most:
            raise InputError(f"{name} of a network {owner.name} must lie in {least} to {most}, got {value}.")


def check_positive(owner: Architecture, **numbers: float) -> None:
    """Refuse numbers that are not positive and finite."""
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} of a network {owner.name} must be above 0 and finite, got {value}.")


@final
@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """An architecture between so many coordinates and so many values: all of a network but its weights."""

    architecture: Architecture
    in_features: int
    out_features: int

    def __post_init__(self) -> None:
        for name in ("in_features", "out_features"):
            if getattr(self, name) < 1:
                raise ShapeError(f"{name} must be at least 1, got {getattr(self, name)}.")
        self.architecture.check_inputs(self.in_features)

    @property
    def widest(self) -> int:
        """Most numbers that a point takes at a time."""
        return max(self.architecture.widest, self.in_features, self.out_features)

    @property
    def num_features(self) -> int:
        """Number of features that the output layer sees."""
        return self.architecture.num_features

    def tensors(self, frequencies: Sequence[float] | None = None) -> list[Weights]:
        """Return all tensors, in the order of a file."""
        return self.architecture.tensors(self.in_features, self.out_features, frequencies)

    def tensor_shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of all tensors, in the order of a file."""
        return [each.shape for each in self.tensors()]

    def num_parameters(self) -> int:
        """Return the number of weights, those that fits do not change included."""
        return sum(math.prod(shape) for shape in self.tensor_shapes())

    def build(
        self, *, frequencies: Sequence[float] | None = None, generator: "torch.Generator | None" = None
    ) -> "CoordinateNetwork":
        """Return a freshly initialized network, in torch."""
        from ._network import CoordinateNetwork

        return CoordinateNetwork(self, frequencies=frequencies, generator=generator)
