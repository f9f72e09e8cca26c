"""A field evaluated by NumPy alone: the plain pass that spec/container.md describes, for where there is no torch.

Of a sine network the arithmetic is that of `ligeia.kernels.sine_layer`, in float32 and in its order: omega multiplies
weights and biases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from ligeia.core import InputError, ShapeError
from ligeia.networks import HasRaster, NumpyArithmetic
from ligeia.signals import Footprint, Quantity, Region, Sampling, units_of

from ._container import FieldRecord
from ._files import read_record

_WORKING_SET = 1 << 18  # activations of a layer held at a time: 1 MiB in float32, which stays in the cache
_YIELDED = 1 << 16  # samples handed over at a time


@final
class NumpyField:
    """A continuous function of coordinates in [-1, 1], in the signal's own units, that needs no torch.

    It has what `ligeia.Field` has to be sampled and written; derivatives are left to that.

    >>> from ligeia.networks import NetworkConfig, SirenArchitecture
    >>> from ligeia.signals import ArraySource, Channel, Grid
    >>> network = NetworkConfig(SirenArchitecture(hidden_features=1, hidden_layers=0, omegas=2.0), 1, 1)
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
        self._widest = record.network.max_width
        self._architecture, self._tensors = record.network.architecture.simplified(record.float_tensors())
        self._middle, self._half_range = units_of(record.channels, np.float32)

    def __call__(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return float32 values in the signal's units at coordinates in [-1, 1]; not clipped to the signal's range."""
        points = np.asarray(points)
        if points.ndim != 2 or points.shape[1] != self.grid.num_axes:
            raise ShapeError(
                f"points must be (n, {self.grid.num_axes}) for this {self.grid.num_axes}-axis field, got "
                f"{points.shape}; `field.grid.points()` makes them."
            )
        return self._values(points, self._tensors)

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
        architecture, tensors = self._architecture, self._tensors
        averaged = architecture.averaged(tensors, sampling.wave_factors) if sampling.nodes else None
        if averaged is not None:
            tensors, sampling = averaged, replace(sampling, nodes=())
        if isinstance(architecture, HasRaster) and (axes := sampling.lattice()) is not None:
            for start, stop, values in architecture.raster(axes, tensors):
                yield start, stop, self._in_units(values)
            return
        weights = sampling.node_weights()
        size = max(1, _YIELDED // len(weights))
        for start in range(0, sampling.num_samples, size):
            stop = min(start + size, sampling.num_samples)
            values = self._values(sampling.node_points_of(np.arange(start, stop)), tensors)
            if len(weights) > 1:
                values = np.einsum("nkc,k->nc", values.reshape(stop - start, len(weights), -1), weights)
            yield start, stop, values

    def _values(
        self, points: Float[np.ndarray, "n d"], tensors: Sequence[Float[np.ndarray, "..."]]
    ) -> Float[np.ndarray, "n c"]:
        """Return values in the signal's units, a bounded number at a time."""
        do = NumpyArithmetic()
        result = np.empty((len(points), len(self.channels)), np.float32)
        size = max(1, _WORKING_SET // self._widest)
        for start in range(0, len(points), size):
            chunk = points[start : start + size].astype(np.float32, copy=False)
            with np.errstate(over="ignore", invalid="ignore"):  # of weights that are finite and absurd
                inputs = self.grid.network_inputs(do, chunk)
                result[start : start + size] = self._in_units(self._architecture.values(do, inputs, tensors))
        return result

    def _in_units(self, output: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n c"]:
        return self._middle + output * self._half_range


def read_plain(path: Path | str) -> NumpyField:
    """Read a field from a ``.lig`` file for NumPy alone; what is refused is what `ligeia.load` refuses."""
    return NumpyField(read_record(Path(path)))
