"""A field evaluated by NumPy alone: the plain pass that spec/container.md describes, for where there is no torch.

The arithmetic is that of `ligeia.kernels.sine_layer`, in float32 and in its order: omega multiplies weights and biases.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError
from ligeia.networks import HasRaster, NetworkConfig, NumpyArithmetic
from ligeia.signals import Channel, Footprint, Grid, Quantity, Region, Sampling

from ._container import FieldRecord
from ._read import read_record
from ._records import NetworkRecord

_WORKING_SET = 1 << 18  # activations of a layer held at a time: 1 MiB in float32, which stays in the cache
_YIELDED = 1 << 16  # samples handed over at a time


@final
class NumpyField:
    """A continuous function of coordinates in [-1, 1], in the signal's own units, that needs no torch.

    It has what `ligeia.Field` has to be sampled and written; derivatives are left to that.

    >>> from ligeia.signals import ArraySource, Channel
    >>> from ligeia.codec import NetworkRecord
    >>> network = NetworkRecord(
    ...     in_features=1, hidden_features=1, hidden_layers=0, out_features=1, outermost_linear=True, omegas=(2.0,)
    ... )
    >>> tensors = tuple(np.full(shape, 0.5, np.float32) for shape in network.tensor_shapes())
    >>> channels = (Channel(name="value", low=0.0, high=2.0),)
    >>> record = FieldRecord(network, Grid.of((4,)), channels, ArraySource(dtype="<f4"), tensors)
    >>> NumpyField(record)(np.zeros((1, 1), np.float32))  # 1 + 1 * (0.5 * sin(2 * (0.5 * 0 + 0.5)) + 0.5)
    array([[1.9207355]], dtype=float32)
    """

    def __init__(self, record: FieldRecord) -> None:
        self.grid = record.grid
        self.channels = record.channels
        self.source = record.source
        self.missing = record.missing
        self._network = _plain_network(record)
        self._middle, self._half_range = units_of(record.channels)

    def __call__(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return float32 values in the signal's units at coordinates in [-1, 1]; not clipped to the signal's range."""
        points = np.asarray(points)
        if points.ndim != 2 or points.shape[1] != self.grid.num_axes:
            raise ShapeError(
                f"points must be (n, {self.grid.num_axes}) for this {self.grid.num_axes}-axis field, got "
                f"{points.shape}; `field.grid.points()` makes them."
            )
        result = np.empty((len(points), len(self.channels)), np.float32)
        size = max(1, _WORKING_SET // self._network.widest)
        for start in range(0, len(points), size):
            chunk = points[start : start + size].astype(np.float32, copy=False)
            result[start : start + size] = self._values(network_inputs(self.grid, chunk))
        return result

    def values_at(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return the values at coordinates in [-1, 1], as calling the field does."""
        return self(points)

    def sample(
        self,
        shape: Sequence[int] | None = None,
        *,
        region: Region | None = None,
        footprints: Sequence[Footprint] | None = None,
    ) -> Float[np.ndarray, "*shape c"]:
        """Return the field on a grid of ``shape``; everything is as in `ligeia.Field.sample`."""
        sampling = self.grid.sampling(shape, region)
        if footprints is not None:
            sampling = sampling.averaging(footprints)
        result = np.empty((sampling.num_samples, len(self.channels)), np.float32)
        for start, stop, piece in self.pieces(sampling):
            result[start:stop] = piece
        return result.reshape(*sampling.shape, len(self.channels))

    def pieces(
        self, sampling: Sampling, *, quantity: Quantity = "value", derivative_scale: Sequence[float] | None = None
    ) -> Iterator[tuple[int, int, Float[np.ndarray, "n c"]]]:
        """Yield ``(start, stop, values)`` over the flat samples of a sampling, in order, a bounded number at a time."""
        if quantity != "value":
            raise InputError(
                f"the {quantity} needs torch, NumPy alone gives the value; install torch, or leave out --numpy."
            )
        if (smaller := self._with_smaller_waves(sampling)) is not None:
            yield from smaller.pieces(replace(sampling, nodes=()))
            return
        if (raster := self._network.raster(sampling)) is not None:
            for start, stop, values in raster:
                yield start, stop, self._in_units(values)
            return
        weights = sampling.node_weights()
        size = max(1, _YIELDED // len(weights))
        for start in range(0, sampling.num_samples, size):
            stop = min(start + size, sampling.num_samples)
            values = self(sampling.node_points_of(np.arange(start, stop)))
            if len(weights) > 1:
                values = np.einsum("nkc,k->nc", values.reshape(stop - start, len(weights), -1), weights)
            yield start, stop, values

    def _values(self, activations: Float[np.ndarray, "n inputs"]) -> Float[np.ndarray, "n c"]:
        with np.errstate(over="ignore", invalid="ignore"):  # of weights that are finite and absurd
            return self._in_units(self._network(activations))

    def _in_units(self, output: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        return self._middle + output * self._half_range

    def _with_smaller_waves(self, sampling: Sampling) -> "NumpyField | None":
        """Return the field whose values are this one's means, as `Field` does for a single sine layer."""
        network = self._network
        if not sampling.nodes or not isinstance(network, _SineNetwork) or network.depth != (2, 1):
            return None
        if (factors := sampling.wave_factors(network.layers[0][0].astype(np.float64))) is None:
            return None
        shrunk = object.__new__(NumpyField)
        shrunk.__dict__.update(self.__dict__)
        weight, bias = network.layers[1]
        shrunk._network = _SineNetwork([network.layers[0], (weight * factors.astype(np.float32), bias)], 1)
        return shrunk


@final
class _SineNetwork:
    """Layers of a sine network, each weight and bias times the omega of the sine that follows."""

    def __init__(self, layers: "Layers", num_sines: int) -> None:
        self.layers = layers
        self.depth = len(layers), num_sines
        self.widest = max(max(weight.shape) for weight, _ in layers)

    def __call__(self, activations: Float[np.ndarray, "n inputs"]) -> Float[np.ndarray, "n c"]:
        for number, (weight, bias) in enumerate(self.layers):
            activations = activations @ weight.T
            activations += bias
            if number < self.depth[1]:
                np.sin(activations, out=activations)
        return activations

    def raster(self, sampling: Sampling) -> None:
        """Return no quicker way than point by point."""


@final
class _AnyNetwork:
    """A network of another architecture, with its weights."""

    def __init__(self, config: NetworkConfig, tensors: Sequence[Float[np.ndarray, "..."]]) -> None:
        self._config, self._tensors = config, tensors
        self.widest = config.widest

    def __call__(self, inputs: Float[np.ndarray, "n inputs"]) -> Float[np.ndarray, "n c"]:
        return self._config.architecture.values(NumpyArithmetic(), inputs, self._tensors)

    def raster(self, sampling: Sampling) -> Iterator[tuple[int, int, Float[np.ndarray, "n c"]]] | None:
        """Return the values on a sampling, if there is a quicker way than point by point."""
        architecture = self._config.architecture
        if not isinstance(architecture, HasRaster) or (axes := sampling.lattice()) is None:
            return None
        return architecture.raster(axes, self._tensors)


Layers = list[tuple[Float[np.ndarray, "out in"], Float[np.ndarray, " out"]]]


def _plain_network(record: FieldRecord) -> _SineNetwork | _AnyNetwork:
    network = record.network
    if isinstance(network, NetworkConfig):
        return _AnyNetwork(network, record.float_tensors())
    return _SineNetwork(scaled_layers(record), len(network.omegas))


def read_plain(path: Path | str) -> NumpyField:
    """Read a field from a ``.lig`` file for NumPy alone; what is refused is what `ligeia.load` refuses."""
    return NumpyField(read_record(Path(path)))


def scaled_layers(record: FieldRecord) -> Layers:
    """Return the weight and the bias of each layer of a sine network, float32, times the omega of the sine, if any."""
    assert isinstance(record.network, NetworkRecord)
    tensors, omegas = record.float_tensors(), list(record.network.omegas)
    factors = [np.float32(omega) for omega in (*omegas, *([1.0] if record.network.outermost_linear else []))]
    with np.errstate(over="ignore"):  # of weights that are finite and absurd
        pairs = zip(tensors[::2], tensors[1::2], factors, strict=True)
        return [(factor * weight, factor * bias) for weight, bias, factor in pairs]


def units_of(channels: Sequence[Channel]) -> tuple[Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """Return the values in the signal's units that a network calls 0, and those from there to what it calls 1."""
    low, high = np.array([(channel.low, channel.high) for channel in channels]).T
    with np.errstate(over="ignore"):
        return ((high + low) / 2).astype(np.float32), ((high - low) / 2).astype(np.float32)


def network_inputs(grid: Grid, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n inputs"]:
    """Return what a network of this grid sees: coordinates, with ``cos(pi x), sin(pi x)`` for a periodic one."""
    if grid.num_inputs == grid.num_axes:
        return points
    columns = []
    for axis, place in zip(grid.axes, points.T, strict=True):
        if axis.is_periodic:
            angle = np.float32(math.pi) * (place - 2 * np.floor((place + 1) / 2))  # the same number at both ends
            columns += [np.cos(angle), np.sin(angle)]
        else:
            columns.append(place)
    return np.stack(columns, axis=-1)
