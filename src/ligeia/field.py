"""Field: a network with its domain and its units. Callable, sampled at any resolution, differentiated exactly."""

import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ligeia.core import InputError, ShapeError, map_on_threads
from ligeia.kernels import Jet, is_transformed
from ligeia.networks import Siren
from ligeia.signals import ArraySource, Channel, Grid, Source

if TYPE_CHECKING:
    from ligeia.fitting import Report

Quantity = Literal["value", "gradient", "laplacian"]

_WORKING_SET = 1 << 21  # activations of a layer held at a time by each thread while sampling: 8 MiB in float32
_BEYOND = 1e-3  # of the domain: rounding
_GROUP = 32  # pieces worked out between two yields


@final
class Field(nn.Module):
    """A continuous function of coordinates in [-1, 1], in the signal's own units.

    ``grid`` is the domain and its original sampling, ``channels`` the range of each channel (by default -1 to 1, the
    network's own), ``source`` the kind of file it came from (by default a float32 array). ``report`` holds how the fit
    went; it is None for a field read from a file.
    """

    _middle: Tensor
    _half_range: Tensor

    def __init__(
        self,
        network: Siren,
        grid: Grid,
        channels: Sequence[Channel] | None = None,
        source: Source | None = None,
    ) -> None:
        super().__init__()
        config = network.config
        if channels is None:  # the network's own units
            channels = [Channel(name=f"channel{each}", low=-1.0, high=1.0) for each in range(config.out_features)]
        if config.in_features != grid.num_axes or config.out_features != len(channels):
            raise ShapeError(
                f"a network of {grid.num_axes} coordinates and {len(channels)} channels was wanted for this grid, "
                f"got {config.in_features} and {config.out_features}."
            )
        self.network = network
        self.grid = grid
        self.channels = tuple(channels)
        self.source = ArraySource(dtype="<f4", has_channel_axis=len(channels) > 1) if source is None else source
        self.report: Report | None = None
        low = torch.tensor([channel.low for channel in channels], dtype=torch.float64)
        high = torch.tensor([channel.high for channel in channels], dtype=torch.float64)
        # float64 buffers follow the input's dtype at use, so that byte and 32-bit ranges scale alike
        self.register_buffer("_middle", (high + low) / 2, persistent=False)
        self.register_buffer("_half_range", (high - low) / 2, persistent=False)

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return values in the signal's units at coordinates in [-1, 1]; not clipped to the signal's range.

        One point ``(d,)`` will do, as ``torch.func`` wants it. Points beyond the domain are warned of: nothing is known
        of the field there.
        """
        self._check_points(points)
        _warn_beyond(points)
        return self._in_units(self.network(points))

    def jet(self, points: Float[Tensor, "n d"]) -> Jet:
        """Return value, Jacobian and Laplacian in one forward sweep, in signal units per unit coordinate."""
        self._check_points(points)
        _warn_beyond(points)
        jet = self.network.jet(points)
        scale = self._half_range.to(points.dtype)
        return Jet(self._in_units(jet.value), jet.jacobian * scale[:, None], jet.laplacian * scale)

    def physical(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return values at physical coordinates (each axis in the unit of its extent).

        As a callable it carries derivatives to physical units: ``gradient(field.physical, points)`` is per unit of
        each axis.
        """
        self._check_points(points)
        scale = torch.as_tensor(self.grid.physical_scale(), dtype=points.dtype, device=points.device)
        low = torch.as_tensor([axis.extent[0] for axis in self.grid.axes], dtype=points.dtype, device=points.device)
        return self((points - low) / scale - 1)

    def sample(
        self,
        shape: Sequence[int] | None = None,
        *,
        region: Sequence[tuple[int, int]] | None = None,
        quantity: Quantity = "value",
    ) -> Float[Tensor, "*shape c"]:
        """Return the field on a grid of ``shape`` (by default its original sampling), on the CPU.

        ``region`` gives, per axis, the first and the last (exclusive) original sample to cover. ``quantity`` is the
        value, the gradient's magnitude or the Laplacian, the latter two per unit coordinate. Memory beyond the
        result does not grow with its size.
        """
        shape = self.sampling_shape(shape, region)
        dtype = next(self.parameters()).dtype
        result = torch.empty((math.prod(shape), len(self.channels)), dtype=dtype)
        for start, stop, piece in self.pieces(shape, region=region, quantity=quantity):
            result[start:stop] = piece
        return result.view(*shape, len(self.channels))

    def sampling_shape(self, shape: Sequence[int] | None, region: Sequence[tuple[int, int]] | None) -> tuple[int, ...]:
        """Return ``shape``, or the number of original samples that ``region`` (or the whole grid) holds."""
        if shape is not None:
            return self.grid.resampled(shape).shape
        if region is not None:
            self.grid.region(region)  # refuses ranges outside the grid
            return tuple(stop - start for start, stop in region)
        return self.grid.shape

    def pieces(
        self,
        shape: Sequence[int],
        *,
        region: Sequence[tuple[int, int]] | None = None,
        quantity: Quantity = "value",
    ) -> Iterator[tuple[int, int, Float[Tensor, "n c"]]]:
        """Yield ``(start, stop, values)`` over the flat samples of a grid, in order, a bounded number at a time."""
        evaluate = self._evaluator(quantity)
        grid = self.grid.resampled(shape)
        edges = None if region is None else self.grid.region(region)
        width = max(self.network.config.hidden_features, len(self.channels), grid.num_axes)
        size = max(1, _WORKING_SET // (width if quantity == "value" else width * (grid.num_axes + 2)))
        parameter = next(self.parameters())

        @torch.no_grad()  # here, because it does not reach into threads
        def values_of(bounds: tuple[int, int]) -> Float[Tensor, "n c"]:
            points = grid.points(start=bounds[0], stop=bounds[1])
            if edges is not None:
                low, high = np.array(edges, dtype=np.float64).T
                points = (low + (points.astype(np.float64) + 1) * (high - low) / 2).astype(np.float32)
            return evaluate(torch.from_numpy(points).to(parameter)).cpu()

        bounds = ((start, min(start + size, grid.num_samples)) for start in range(0, grid.num_samples, size))
        while group := list(itertools.islice(bounds, _GROUP)):
            for (start, stop), values in zip(group, map_on_threads(values_of, group), strict=True):
                yield start, stop, values

    def _evaluator(self, quantity: Quantity) -> Callable[[Tensor], Tensor]:
        match quantity:
            case "value":
                return self.forward
            case "gradient":
                return lambda points: (
                    self.network.value_and_jacobian(points)[1].norm(dim=-1) * self._half_range.to(points)
                )
            case "laplacian":
                return lambda points: self.jet(points).laplacian
            case _:
                raise InputError(f"the quantity must be value, gradient or laplacian, got {quantity!r}.")

    def _in_units(self, output: Float[Tensor, "*batch c"]) -> Float[Tensor, "*batch c"]:
        return self._middle.to(output.dtype) + output * self._half_range.to(output.dtype)

    def _check_points(self, points: Tensor) -> None:
        wanted, dtype = f"(n, {self.grid.num_axes})", next(self.parameters()).dtype
        if not isinstance(points, Tensor):
            raise InputError(
                f"points must be a torch tensor, got {type(points).__name__}; `torch.from_numpy` makes one."
            )
        if points.ndim == 0 or points.shape[-1] != self.grid.num_axes:
            raise ShapeError(
                f"points must be {wanted} for this {self.grid.num_axes}-axis field, got {tuple(points.shape)}; "
                "`torch.from_numpy(field.grid.points())` makes them."
            )
        if points.dtype != dtype:
            raise InputError(f"points must be {dtype} like the weights, got {points.dtype}; convert one of them.")


def _warn_beyond(points: Tensor) -> None:
    # not on CUDA, where a look at the values waits for all that is queued
    if points.device.type != "cpu" or torch.compiler.is_compiling() or is_transformed():
        return
    if points.numel() and float(points.detach().abs().amax()) > 1 + _BEYOND:
        warnings.warn(
            "points lie outside of [-1, 1], where nothing is known of the field; physical coordinates go to "
            "`field.physical`, sample indices to `field.grid.points`.",
            stacklevel=4,  # the caller of the field, past nn.Module
        )
