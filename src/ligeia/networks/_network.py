"""A coordinate network in torch: an architecture and its weights."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ligeia.core import InputError
from ligeia.kernels import JetShape, Shape

from ._architecture import Architecture, NetworkConfig
from ._jets import JetArithmetic, JetNumbers
from ._torch_arithmetic import TorchArithmetic


class Jet(NamedTuple):
    """Value, Jacobian and Laplacian at points, carried together."""

    value: Float[Tensor, "n c"]
    jacobian: Float[Tensor, "n c d"]
    """``jacobian[:, i, j]`` is the derivative of channel ``i`` along coordinate ``j``."""
    laplacian: Float[Tensor, "n c"]

    @staticmethod
    def of(streams: Float[Tensor, "s n c"]) -> "Jet":
        """Return the jet with these components: values, first derivatives along each coordinate, Laplacian."""
        return Jet(streams[0], streams[1:-1].permute(1, 2, 0), streams[-1])


class LayerActivations(NamedTuple):
    """Inputs and outputs of one layer's nonlinearity for a batch; equal if there is none."""

    pre: Float[Tensor, "n c"]
    post: Float[Tensor, "n c"]


class OutputLayer(NamedTuple):
    """The weight and the bias of a linear output layer."""

    weight: Float[Tensor, "c f"]
    bias: Float[Tensor, " c"]


class Network(nn.Module, ABC):
    """A network in torch: coordinates ``(n, in_features)`` to values ``(n, out_features)``.

    The network inside a `Field`: it computes values, derivatives, features and activations.
    """

    config: NetworkConfig
    """Everything that determines the network except its weights."""

    @property
    def architecture(self) -> Architecture:
        """The architecture of the network."""
        return self.config.architecture

    @property
    def smoothness(self) -> float:
        """Number of continuous derivatives along the coordinates."""
        return self.architecture.smoothness

    def fused_shape(self) -> Shape | None:
        """Return the shape of the compiled network for this one, or None if there is none (`ligeia.kernels`)."""
        return None

    @abstractmethod
    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return the network's values at coordinates ``x``."""

    @abstractmethod
    def tensors(self) -> list[Tensor]:
        """Return all tensors, in the order of a file."""

    def output_layer(self) -> OutputLayer | None:
        """Return the output layer; None if the values are not linear in it."""
        return OutputLayer(*self.tensors()[-2:]) if self.architecture.ends_linear else None

    def jet(self, x: Float[Tensor, "n d"]) -> Jet:
        """Return value, Jacobian and Laplacian at ``x`` in one forward sweep, per unit of ``x``."""
        streams = torch.cat([identity_streams(x), torch.zeros_like(x)[None]])
        return Jet.of(self.jet_streams(streams, JetShape.with_laplacian(x.shape[1])))

    @abstractmethod
    def jet_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n c"]:
        """Return values and derivatives, given those of the inputs; differentiable in the weights."""

    @abstractmethod
    def feature_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n f"]:
        """Return the features that enter the output layer and their derivatives: `jet_streams` up to that layer."""

    @abstractmethod
    def value_and_jacobian(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c d"]]:
        """Return values and Jacobian in one sweep, detached: not differentiable further."""

    @abstractmethod
    def activations(self, x: Float[Tensor, "n d"]) -> list[LayerActivations]:
        """Return the inputs and outputs of every nonlinearity, first to last, for figures and statistics."""


@final
class CoordinateNetwork(Network):
    """A network of any architecture: coordinates ``(n, in_features)`` to values ``(n, out_features)``.

    Tensors that are not trained are buffers. ``frequencies``, one per coordinate, set the angular frequencies of the
    first layer if the architecture has any. With ``given`` tensors nothing is drawn.

    >>> from ligeia.networks import Finer
    >>> Finer(hidden_features=64).build(2, 3)(torch.zeros(5, 2)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        frequencies: Sequence[float] | None = None,
        generator: torch.Generator | None = None,
        given: Sequence[Float[np.ndarray, "..."]] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        draw = _TorchDraw(generator)
        weights = config.tensors(frequencies)
        self._names = [each.name for each in weights]
        for number, each in enumerate(weights):
            values = each.law(draw) if given is None else given[number]
            drawn = torch.from_numpy(np.array(values, np.float32).reshape(each.shape))
            if each.is_trained:
                self.register_parameter(each.name, nn.Parameter(drawn))
            else:
                self.register_buffer(each.name, drawn)

    def tensors(self) -> list[Tensor]:
        """Return all tensors, in the order of a file."""
        return [getattr(self, name) for name in self._names]

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return the network's values at coordinates ``x``; differentiable as often as the architecture is."""
        return self.architecture.values(TorchArithmetic(x), x, self.tensors())

    def jet_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n c"]:
        """Return values and derivatives, given those of the inputs; differentiable in the weights.

        Raises `InputError` for second derivatives of a network whose gradient is discontinuous.
        """
        self._check_order(shape)
        jet = JetNumbers.of(streams, shape)
        return self.architecture.values(JetArithmetic(streams), jet, self.tensors()).streams()

    def feature_streams(self, streams: Float[Tensor, "s n d"], shape: JetShape) -> Float[Tensor, "s n f"]:
        """Return the features that enter the output layer and their derivatives: `jet_streams` up to that layer."""
        self._check_order(shape)
        jet = JetNumbers.of(streams, shape)
        return self.architecture.features(JetArithmetic(streams), jet, self.tensors()[:-2]).streams()

    def value_and_jacobian(self, x: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n c"], Float[Tensor, "n c d"]]:
        """Return values and Jacobian in one sweep, detached: not differentiable further."""
        with torch.no_grad():
            streams = self.jet_streams(identity_streams(x), JetShape(x.shape[1], 0, ()))
        return streams[0], streams[1:].permute(1, 2, 0)

    def activations(self, x: Float[Tensor, "n d"]) -> list[LayerActivations]:
        """Return the inputs and outputs of every nonlinearity, first to last, for figures and statistics."""
        recorder = _Recorder(x)
        values = self.architecture.values(recorder, x, self.tensors())
        once = len(recorder.layers) // self.architecture.num_images
        return [*recorder.layers[:once], LayerActivations(values, values)]

    def _check_order(self, shape: JetShape) -> None:
        check_order(self.architecture, order=2 if shape.num_second_derivatives else 1)


def check_order(architecture: Architecture, *, order: int) -> None:
    """Refuse second derivatives of a network whose gradient is discontinuous: they would be meaningless."""
    if order >= 2 and architecture.smoothness < 1:
        raise InputError(
            f"expected a network with a continuous gradient for second derivatives, that of {architecture.name} jumps; "
            "use values and gradients, or a smooth network such as siren, finer or softplus."
        )


def identity_streams(x: Float[Tensor, "n d"]) -> Float[Tensor, "s n d"]:
    """Return the jet of the points themselves: positions and unit first derivatives."""
    identity = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    return torch.cat([x[None], identity[:, None].expand(-1, len(x), -1)])


@final
class _TorchDraw:
    """Random numbers from a generator, in NumPy's arrays."""

    def __init__(self, generator: torch.Generator | None) -> None:
        self._generator = generator

    def uniform(self, *shape: int) -> Float[np.ndarray, "..."]:
        return torch.empty(shape).uniform_(-1, 1, generator=self._generator).numpy()

    def normal(self, *shape: int) -> Float[np.ndarray, "..."]:
        return torch.empty(shape).normal_(generator=self._generator).numpy()

    def gamma(self, alpha: float, *shape: int) -> Float[np.ndarray, "..."]:
        # torch.distributions takes no generator, but the function that it calls does
        alphas = torch.full(shape, alpha)
        return torch._standard_gamma(alphas, generator=self._generator).numpy()  # type: ignore[attr-defined]


class _Recorder(TorchArithmetic):
    """Records the inputs and outputs of every nonlinearity."""

    def __init__(self, like: Tensor) -> None:
        super().__init__(like)
        self.layers: list[LayerActivations] = []

    def layer(self, pre: Tensor, post: Tensor) -> Tensor:
        """Return what leaves a layer."""
        self.layers.append(LayerActivations(pre, post))
        return post
