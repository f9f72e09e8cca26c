"""Field: a network with its domain and its units. Callable, sampled at any resolution, differentiated exactly."""

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ligeia.calculus import JetPlan, parse_derivative, plan_jet
from ligeia.core import InputError, ShapeError, map_on_threads
from ligeia.kernels import JetShape
from ligeia.networks import HasRaster, Jet, JetArithmetic, JetNumbers, Network
from ligeia.signals import (
    ArraySource,
    Camera,
    Channel,
    Footprint,
    Grid,
    Missing,
    Quantity,
    Region,
    Sampling,
    Source,
    units_of,
)

from ._physical import check_axes, coordinates_of, points_at
from ._points import check_points, network_inputs, warn_beyond, weighted_means
from ._rendering import Background, View, render_view
from ._report import Report

_WORKING_SET = 1 << 21  # activations of a layer held at a time by each thread while sampling: 8 MiB in float32
_GROUP = 32  # pieces worked out between two yields

AnyNetwork = TypeVar("AnyNetwork", bound=Network)


@final
class Field(nn.Module, Generic[AnyNetwork]):
    """A continuous function of coordinates in [-1, 1], in the signal's own units.

    ``grid`` is the domain and its original sampling, ``channels`` the range of each channel (by default -1 to 1, the
    network's own), ``source`` the kind of file it came from (by default a float32 array), ``missing`` the samples that
    had no value. ``report`` holds how the fit went; it is None for a field read from a file.
    """

    middle: Tensor
    """Per channel, the value that the network sees as 0."""
    half_range: Tensor
    """Per channel, from the value that the network sees as 0 to the one that it sees as 1."""

    def __init__(
        self,
        network: AnyNetwork,
        grid: Grid,
        channels: Sequence[Channel] | None = None,
        source: Source | None = None,
        missing: Missing | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(network, Network):
            raise InputError(
                "expected a network of ligeia's (`ligeia.Siren`, or what an architecture as `ligeia.Finer` "
                f"builds), got {type(network).__name__}; `ligeia.derivatives` takes any function of points."
            )
        config = network.config
        if channels is None:  # the network's own units
            channels = [Channel(name=f"channel{each}", low=-1.0, high=1.0) for each in range(config.out_features)]
        if config.in_features != grid.num_inputs or config.out_features != len(channels):
            raise ShapeError(
                f"expected a network of {grid.num_inputs} coordinates and {len(channels)} channels for this grid, "
                f"got {config.in_features} and {config.out_features}."
            )
        self.network = network
        self.grid = grid
        self.channels = tuple(channels)
        self.source = ArraySource(dtype="<f4", has_channel_axis=len(channels) > 1) if source is None else source
        self.missing = missing
        self.report: Report | None = None
        # float64 buffers follow the input's dtype at use, so that byte and 32-bit ranges scale alike
        for name, values in zip(("middle", "half_range"), units_of(channels), strict=True):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    @property
    def smoothness(self) -> float:
        """Continuous derivatives along the coordinates: infinite for a sine network, 0 where slopes jump."""
        return self.network.smoothness

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return values in the signal's units at coordinates in [-1, 1]; not clipped to the signal's range.

        One point ``(d,)`` will do, as ``torch.func`` wants it. Points beyond the domain are warned of: nothing is known
        of the field there.
        """
        check_points(self.grid, points, next(self.parameters()).dtype)
        warn_beyond(self.grid, points)
        return self._in_units(self.network(network_inputs(self.grid, points)))

    def jet(self, points: Float[Tensor, "n d"]) -> Jet:
        """Return value, Jacobian and Laplacian in one forward sweep, in signal units per unit coordinate."""
        check_points(self.grid, points, next(self.parameters()).dtype)
        warn_beyond(self.grid, points)
        shape = JetShape.with_laplacian(self.grid.num_axes)
        jet = Jet.of(self._jet_streams(points, shape, range(self.grid.num_axes)))
        return jet._replace(value=self._in_units(jet.value))

    def derivatives(self, points: Float[Tensor, "n d"], *wanted: str) -> tuple[Float[Tensor, "n c"], ...]:
        """Return partial derivatives at coordinates in [-1, 1] in one sweep, in signal units per unit coordinate.

        `ligeia.derivatives` says how they are named; ``physical.derivatives`` is per the unit of each axis.
        """
        return self._derivatives(points, wanted, None)

    def _derivatives(
        self, points: Float[Tensor, "n d"], wanted: Sequence[str], scale: Sequence[float] | None
    ) -> tuple[Float[Tensor, "n c"], ...]:
        check_points(self.grid, points, next(self.parameters()).dtype)
        warn_beyond(self.grid, points)
        plan = self._plan(tuple(wanted))
        streams = self._jet_streams(points, plan.shape, plan.directions, scale)
        values = self._in_units(streams[:1])
        return plan.pick(torch.cat([values, streams[1:]]))

    def _plan(self, wanted: tuple[str, ...]) -> JetPlan:
        names = [axis.name for axis in self.grid.axes]
        return plan_jet([parse_derivative(each, names) for each in wanted])

    @property
    def physical(self) -> "PhysicalField":
        """This field as a function of physical coordinates, each axis in the unit of its extent."""
        return PhysicalField(self)

    def sel(
        self, *, derivative: str | None = None, **places: float | str | Sequence[float]
    ) -> Float[Tensor, "*shape c"]:
        """Return values at physical places: ``field.sel(lat=10, lon=[20, 30], time="2002-02-15")``.

        As in xarray, places of several axes are combined; an axis with one place is left out of the shape, one that
        is not named keeps its original samples. Dates are read by the axis's own unit and calendar. ``derivative``
        names an axis: the result is the derivative along it, per its unit.
        """
        if derivative is not None and not isinstance(derivative, str):
            raise InputError(f"expected the name of one axis for the derivative, got {derivative!r}.")
        check_axes(self.grid, [*places, *([derivative] if derivative else [])])
        points, shape = points_at(self.grid, places)
        along = None
        if derivative is not None:
            along = next(number for number, axis in enumerate(self.grid.axes) if axis.name == derivative)

        @torch.no_grad()
        def values_of(piece: Tensor) -> Tensor:
            piece = piece.to(next(self.parameters()))
            if along is None:
                return self(piece).cpu()
            return (self._jacobian(piece)[..., along] / float(self.grid.physical_scale()[along])).cpu()

        pieces = torch.from_numpy(points).split(self._piece(first_order=derivative is not None))
        return torch.cat(list(map_on_threads(values_of, pieces))).reshape(*shape, len(self.channels))

    def sample(
        self,
        shape: Sequence[int] | None = None,
        *,
        region: Region | None = None,
        footprints: Sequence[Footprint] | None = None,
        quantity: Quantity = "value",
        derivative_scale: Sequence[float] | None = None,
    ) -> Float[Tensor, "*shape c"]:
        """Return the field on a grid of ``shape`` (by default as dense as its original sampling), on the CPU.

        ``region`` gives, per axis, the first and the last (exclusive) original sample to cover, or by name
        physical intervals and places: ``{"z": (-40, 60), "x": 12.5}``. ``quantity`` is the value, the gradient's
        magnitude or the Laplacian, the latter two per unit coordinate, each axis times its ``derivative_scale``:
        ``1 / grid.physical_scale()`` makes them physical. With ``footprints``, one per axis or one for all, each sample
        is a mean around its place, in steps between the samples asked for: ``[Box()]`` is that over its cell, which
        shows no moire in a picture smaller than the original. Memory beyond the result does not grow with its size.
        """
        sampling = self.grid.sampling(shape, region)
        if footprints is not None:
            sampling = sampling.averaging(footprints)
        dtype = next(self.parameters()).dtype
        result = torch.empty((sampling.num_samples, len(self.channels)), dtype=dtype)
        for start, stop, piece in self.pieces(sampling, quantity=quantity, derivative_scale=derivative_scale):
            result[start:stop] = piece
        return result.view(*sampling.shape, len(self.channels))

    def pieces(
        self,
        sampling: Sampling,
        *,
        quantity: Quantity = "value",
        derivative_scale: Sequence[float] | None = None,
    ) -> Iterator[tuple[int, int, Float[Tensor, "n c"]]]:
        """Yield ``(start, stop, values)`` over the flat samples of a sampling, in order, a bounded number at a time."""
        if quantity == "value" and (averaged := self._averaged(sampling)) is not None:
            yield from averaged.pieces(replace(sampling, nodes=()))
            return
        if quantity == "value" and (raster := self._raster(sampling)) is not None:
            yield from raster
            return
        evaluate = self._evaluator(quantity, derivative_scale)
        parameter = next(self.parameters())
        weights = torch.from_numpy(sampling.node_weights()).to(parameter)
        size = max(1, self._piece(first_order=quantity != "value") // len(weights))

        @torch.no_grad()  # here, because it does not reach into threads
        def values_of(bounds: tuple[int, int]) -> Float[Tensor, "n c"]:
            points = sampling.node_points_of(np.arange(*bounds))
            return weighted_means(evaluate(torch.from_numpy(points).to(parameter)), weights).cpu()

        total = sampling.num_samples
        bounds = ((start, min(start + size, total)) for start in range(0, total, size))
        while group := list(itertools.islice(bounds, _GROUP)):
            for (start, stop), values in zip(group, map_on_threads(values_of, group), strict=True):
                yield start, stop, values

    def render(self, camera: Camera, *, background: Background | None = None, side: int = 2) -> View:
        """Return what a camera sees of a scene, each pixel the mean over its area of ``side**2`` rays.

        With one ray a picture is noisier: photographs were fitted as means over pixels. The ``background``, red, green
        and blue from 0 to 1, is by default that of the photographs. `InputError` for a field that is no scene.
        """
        return render_view(self, camera, background, side)

    def values_at(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n c"]:
        """Return values in the signal's units at coordinates in [-1, 1] of any number, arrays in and out."""
        given = torch.from_numpy(points).to(next(self.parameters()))

        @torch.no_grad()  # here, because it does not reach into threads
        def values_of(piece: Tensor) -> Tensor:
            return self(piece).cpu()

        return torch.cat(list(map_on_threads(values_of, given.split(self._piece(first_order=False))))).numpy()

    def _raster(self, sampling: Sampling) -> Iterator[tuple[int, int, Float[Tensor, "n c"]]] | None:
        """Return the pieces of a sampling by a way that is quicker than point by point, if the network has one."""
        architecture = self.network.architecture
        if not isinstance(architecture, HasRaster):
            return None
        if self.half_range.device.type != "cpu" or (axes := sampling.lattice()) is None:
            return None
        if (arrays := self._arrays()) is None or arrays[0].dtype != np.float32:
            return None
        raster = architecture.raster(axes, arrays)
        return ((start, stop, self._in_units(torch.from_numpy(values)).cpu()) for start, stop, values in raster)

    def _averaged(self, sampling: Sampling) -> "Field | None":
        """Return the field whose values are the means that a sampling asks for; None where none is known."""
        if not sampling.nodes or (arrays := self._arrays()) is None:
            return None
        tensors = self.network.architecture.averaged(arrays, sampling.wave_factors)
        if tensors is None:
            return None
        averaged = copy.deepcopy(self)
        with torch.no_grad():
            for mine, given in zip(averaged.network.tensors(), tensors, strict=True):
                mine.copy_(torch.from_numpy(given))
        return averaged

    def _arrays(self) -> list[Float[np.ndarray, "..."]] | None:
        """Return the network's tensors for NumPy; None in a type that it does not have."""
        tensors = [each.detach().cpu() for each in self.network.tensors()]
        return None if tensors[0].dtype == torch.bfloat16 else [each.numpy() for each in tensors]

    def _piece(self, *, first_order: bool) -> int:
        width = max(self.network.config.max_width, len(self.channels), self.grid.num_inputs)
        return max(1, _WORKING_SET // (width * (self.grid.num_axes + 2) if first_order else width))

    def _jacobian(self, points: Float[Tensor, "n d"], scale: Sequence[float] | None = None) -> Float[Tensor, "n c d"]:
        num_axes = self.grid.num_axes
        if scale is None and self.grid.num_inputs == num_axes:
            jacobian = self.network.value_and_jacobian(points)[1]
        else:
            streams = self._inputs_of_jet(points, JetShape(num_axes, 0, ()), range(num_axes), scale)
            jacobian = self.network.value_and_jacobian(streams[0])[1]
            jacobian = torch.einsum("nci,dni->ncd", jacobian, streams[1:])
        return jacobian * self.half_range.to(points)[:, None]

    def _jet_streams(
        self,
        points: Float[Tensor, "n d"],
        shape: JetShape,
        directions: Sequence[int],
        scale: Sequence[float] | None = None,
    ) -> Float[Tensor, "s n c"]:
        """Return values in network units and derivatives in signal units, along coordinates times ``scale``."""
        found = self.network.jet_streams(self._inputs_of_jet(points, shape, directions, scale), shape)
        factors = self.half_range.to(points.dtype).expand(shape.num_streams, 1, -1).clone()
        factors[0] = 1.0
        return found * factors

    def _inputs_of_jet(
        self, points: Float[Tensor, "n d"], shape: JetShape, directions: Sequence[int], scale: Sequence[float] | None
    ) -> Float[Tensor, "s n inputs"]:
        """Return the inputs of the network and their derivatives along coordinates times ``scale``."""
        streams = points.new_zeros((shape.num_streams, *points.shape))
        streams[0] = points
        for along, number in enumerate(directions):
            streams[1 + along, :, number] = 1.0 if scale is None else float(scale[number])
        jet = JetNumbers.of(streams, shape)
        inputs = self.grid.network_inputs(JetArithmetic(points), jet)
        return streams if inputs is jet else inputs.streams()

    def _evaluator(self, quantity: Quantity, scale: Sequence[float] | None) -> Callable[[Tensor], Tensor]:
        def laplacian(points: Tensor) -> Tensor:
            num_axes = self.grid.num_axes
            return self._jet_streams(points, JetShape.with_laplacian(num_axes), range(num_axes), scale)[-1]

        match quantity:
            case "value":
                return self.forward
            case "gradient":
                return lambda points: self._jacobian(points, scale).norm(dim=-1)
            case "laplacian":
                return laplacian
            case _:
                raise InputError(f"the quantity must be value, gradient or laplacian, got {quantity!r}.")

    def _in_units(self, output: Float[Tensor, "*batch c"]) -> Float[Tensor, "*batch c"]:
        return self.middle.to(output.dtype) + output * self.half_range.to(output.dtype)


@final
class PhysicalField:
    """A field as a function of physical coordinates: ``gradient(field.physical, points)`` is per unit of each axis."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def __call__(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Return values in the signal's units at physical coordinates."""
        return self.field(self._coordinates(points))

    def derivatives(self, points: Float[Tensor, "n d"], *wanted: str) -> tuple[Float[Tensor, "n c"], ...]:
        """Return partial derivatives in one sweep, in signal units per the unit of each axis."""
        scale = (1 / self.field.grid.physical_scale()).tolist()
        return self.field._derivatives(self._coordinates(points), wanted, scale)

    def features(self, points: Float[Tensor, "n d"], plan: JetPlan) -> Float[Tensor, "s n f"]:
        """Return what enters the output layer and its derivatives, those of a plan, per the unit of each axis."""
        scale = (1 / self.field.grid.physical_scale()).tolist()
        streams = self.field._inputs_of_jet(self._coordinates(points), plan.shape, plan.directions, scale)
        return self.field.network.feature_streams(streams, plan.shape)

    def plan(self, wanted: Sequence[str]) -> JetPlan:
        """Return the jet that holds these derivatives."""
        return self.field._plan(tuple(wanted))

    def _coordinates(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        check_points(self.field.grid, points, next(self.field.parameters()).dtype)
        return coordinates_of(self.field.grid, points)
