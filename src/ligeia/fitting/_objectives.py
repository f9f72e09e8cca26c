"""Objectives: how a field is held to what is known. A new application is a new objective, never a new trainer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.core import InputError, map_on_threads, random_stream
from ligeia.field import Field, network_inputs, weighted_means
from ligeia.metrics import decibels
from ligeia.signals import Blocks, Sampling, Signal

from ._batches import Batches
from ._block_batches import BlockBatches, BlockSamples

_PIECE = 1 << 13  # points that are measured at a time
_MOST_KEPT = 1 << 22  # samples of a signal whose coordinates and scaled values are kept: some 100 MiB
_MEASURED_EXACTLY = 1 << 22  # above this many samples the final quality is that of a random quarter of so many


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a field meets an objective, measured without a gradient."""

    psnr_db: float
    num_measured: int
    """Number of samples that it was measured on."""


@runtime_checkable  # the tests check types as they run
class Objective(Protocol):
    """What the loop needs of a task: points to draw batches from, a loss, and a measure of quality.

    ``batch`` and ``loss`` together are the mean over the points asked for, so that the loop may split a batch.
    """

    @property
    def num_points(self) -> int:
        """Number of points in one pass."""
        ...

    @property
    def finest_db(self) -> float:
        """Quality beyond which nothing more can be gained, infinite where there is no such limit."""
        ...

    @property
    def constant_db(self) -> float:
        """Quality of the best constant, minus infinity where that says nothing about a network."""
        ...

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> Any:
        """Return what ``loss`` needs of the points ``indices``."""
        ...

    def loss(self, field: Field, batch: Any) -> Float[Tensor, ""]:
        """Return the loss of a batch, differentiable in the field's parameters."""
        ...

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Measure the field on all points, or on a fixed random ``most_points`` of them."""
        ...


def batches_of(objective: Objective, batch_size: int | None, seed: int) -> "Batches | BlockBatches":
    """Return the batches of a fit: the objective's own where its points are on disk."""
    if isinstance(objective, Values):
        return objective.batches(batch_size, seed)
    return Batches(objective.num_points, batch_size, seed)


@final
class Values:
    """Hold a field to the samples of a signal: the mean squared error in network units, where the range is [-1, 1].

    Where the grid says that samples are means around their places, so are the field's values that they are compared
    with: over ``nodes_per_step`` places a step, for each axis or for all. ``prior`` adds what it says of these places.
    """

    def __init__(
        self,
        signal: Signal,
        *,
        seed: int = 0,
        nodes_per_step: Sequence[float] = (2,),
        prior: "Prior | None" = None,
    ) -> None:
        self.signal = signal
        self._sampling: Sampling | None = None
        if signal.grid.is_averaged:
            if signal.points is not None:
                raise InputError("scattered samples are values at points; footprints are for samples on a grid.")
            self._sampling = signal.grid.sampling().averaging(signal.grid.footprints, nodes_per_step=nodes_per_step)
        self._prior = prior
        if prior is not None and self._sampling is None:
            raise InputError("a prior looks at the places within a sample; give the grid footprints.")
        weights = np.ones(1, np.float32) if self._sampling is None else self._sampling.node_weights()
        self.weights = torch.from_numpy(weights)
        """Of the places that a sample is a mean of, ``(k,)``."""
        self._seed = seed
        self._chosen: dict[int, np.ndarray] = {}
        self._kept: tuple[Tensor, Tensor] | None = None
        self._constant_db: float | None = None
        self._places = signal.places()
        self._on_disk: BlockSamples | None = None
        if isinstance(signal.values, Blocks):
            self._on_disk = BlockSamples(signal.values, _MEASURED_EXACTLY // 4, seed)

    @property
    def num_points(self) -> int:
        """Number of samples of the signal that have a value."""
        return self.signal.num_samples

    @property
    def finest_db(self) -> float:
        """PSNR at which the root mean squared error is half a step of an integer signal."""
        if self.signal.values.dtype.kind not in "ui":
            return np.inf
        half_steps = [0.5 / (channel.high - channel.low) for channel in self.signal.channels]
        return decibels(max(half_steps) ** 2, peak=1.0)

    @property
    def constant_db(self) -> float:
        """PSNR of the mean of each channel, measured on some 65,000 samples; minus infinity for a constant signal."""
        if self._constant_db is None:
            most = self.num_points if self._on_disk is None else self._on_disk.num_measured
            count = min(most, 1 << 16)
            values = self._inputs_and_values(self._measured(count))[1].double()
            variance = float(values.var(dim=0, correction=0).mean())
            self._constant_db = decibels(variance, peak=2.0) if variance > 1e-12 else -np.inf
        return self._constant_db

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return what a network sees of the points ``indices``, and their scaled samples.

        The former are as many rows for each sample as it has places, one sample after the other.
        """
        if self.num_points * len(self.weights) > _MOST_KEPT or self._on_disk is not None:
            inputs, values = self._inputs_and_values(indices)
            return inputs.to(device), values.to(device)
        if self._kept is None or self._kept[0].device != device:
            inputs, values = self._inputs_and_values(np.arange(self.num_points))
            self._kept = inputs.to(device), values.to(device)
        chosen = torch.from_numpy(indices).to(device)
        inputs, values = self._kept
        inputs = inputs.view(len(values), -1).index_select(0, chosen).view(-1, inputs.shape[-1])
        return inputs, values.index_select(0, chosen)

    def _inputs_and_values(self, indices: Int[np.ndarray, " n"]) -> tuple[Tensor, Tensor]:
        places = indices if self._places is None else self._places[indices]
        sampling = self._sampling
        points = self.signal.coordinates(places) if sampling is None else sampling.node_points_of(places)
        samples = self.signal.samples(places) if self._on_disk is None else self._on_disk[places]
        return network_inputs(self.signal.grid, torch.from_numpy(points)), torch.from_numpy(self.signal.scaled(samples))

    def batches(self, batch_size: int | None, seed: int) -> Batches | BlockBatches:
        """Return the batches of a fit: shuffled as a whole, or in groups of blocks where the samples are on disk."""
        if self._on_disk is None:
            return Batches(self.num_points, batch_size, seed)
        self._on_disk.batches = BlockBatches(self._on_disk.blocks, batch_size, seed)
        return self._on_disk.batches

    def loss(self, field: Field, batch: tuple[Tensor, Tensor]) -> Float[Tensor, ""]:
        """Return the mean squared error of a batch, in network units."""
        inputs, values = batch
        if self._prior is None or self._sampling is None:
            return torch.nn.functional.mse_loss(self._samples_of(field, inputs), values)
        seen = field.network(inputs)
        counts = [len(each.offsets) for each in self._sampling.nodes]
        error = torch.nn.functional.mse_loss(weighted_means(seen, self.weights.to(inputs)), values)
        return error + self._prior(seen.view(len(values), *counts, -1))

    @property
    def is_plain(self) -> bool:
        """Whether the loss is the mean squared error alone."""
        return self._prior is None

    def _samples_of(self, field: Field, inputs: Float[Tensor, "points inputs"]) -> Float[Tensor, "n c"]:
        return weighted_means(field.network(inputs), self.weights.to(inputs))

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of the field, its values clipped to the signal's range.

        Beyond four million samples a fixed random million of them is measured; of samples on disk a million at most,
        or as many as an eighth of the working set holds.
        """
        device = next(field.parameters()).device
        if most_points is None and self.num_points > _MEASURED_EXACTLY:
            most_points = _MEASURED_EXACTLY // 4
        count = self.num_points if most_points is None else min(most_points, self.num_points)
        if self._on_disk is not None:
            count = min(count, self._on_disk.num_measured)
        measured = self._measured(count)

        @torch.no_grad()  # here, because it does not reach into threads
        def squared_error(piece: np.ndarray) -> float:
            inputs, values = self.batch(piece, device)
            return float((self._samples_of(field, inputs).clamp(-1, 1) - values).double().square().sum())

        pieces = np.array_split(measured, -(-count * len(self.weights) // _PIECE))
        total = sum(map_on_threads(squared_error, pieces))
        return Quality(decibels(total / (count * self.signal.num_channels), peak=2.0), count)

    def _measured(self, count: int) -> np.ndarray:
        if count not in self._chosen:
            if self._on_disk is not None:
                self._chosen[count] = self._on_disk.measured(count)
            elif count == self.num_points:
                self._chosen[count] = np.arange(count)
            else:
                stream = random_stream(self._seed, "measured samples")
                drawn = torch.randint(self.num_points, (count,), generator=stream)
                self._chosen[count] = np.sort(drawn.numpy())
        return self._chosen[count]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Prior:
    """What is believed of a field between its samples: that it changes little, or bends little.

    ``total_variation`` and ``hessian`` weigh the mean absolute first and second differences between neighboring places
    within a sample (Rudin, Osher & Fatemi 1992; Lefkimmiatis et al. 2013), in network units. Second ones need three
    places along an axis.
    """

    total_variation: float = 0.0
    hessian: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.total_variation < np.inf and 0 <= self.hessian < np.inf):
            raise InputError(f"weights of 0 or more were wanted for a prior, got {self}.")

    def __call__(self, values: Float[Tensor, "n *counts c"]) -> Float[Tensor, ""]:
        """Return the penalty of values at the places of ``n`` samples, on their lattice."""
        total = values.new_zeros(())
        for axis in range(1, values.ndim - 1):
            if values.shape[axis] > 1:
                total = total + self.total_variation * values.diff(dim=axis).abs().mean()
            if values.shape[axis] > 2:
                total = total + self.hessian * values.diff(n=2, dim=axis).abs().mean()
        return total


@final
class Averages:
    """Hold a field to samples that are means of its values at places of any kind, each at its own.

    ``points`` are the coordinates in [-1, 1] that each sample is the ``weights``-ed sum of, ``values`` the samples as
    the network sees them, in [-1, 1]. Shifted exposures and stacks of slices are such samples.
    """

    def __init__(
        self,
        points: Float[np.ndarray, "n k d"],
        values: Float[np.ndarray, "n c"],
        weights: Float[np.ndarray, " k"],
    ) -> None:
        self._points, self._values = (
            torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in (points, values)
        )
        self.weights = torch.from_numpy(np.asarray(weights, np.float32))

    is_plain = True
    """Whether the loss is the mean squared error alone."""

    @property
    def num_points(self) -> int:
        """Number of samples."""
        return len(self._values)

    @property
    def finest_db(self) -> float:
        """No limit: what the samples were rounded to is not known."""
        return np.inf

    @property
    def constant_db(self) -> float:
        """No limit: a part of a signal may be flat."""
        return -np.inf

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return the coordinates of the places of the samples ``indices``, ``(n * k, d)``, and the samples."""
        chosen = torch.from_numpy(indices)
        points = self._points.index_select(0, chosen)
        return points.view(-1, points.shape[-1]).to(device), self._values.index_select(0, chosen).to(device)

    def loss(self, field: Field, batch: tuple[Tensor, Tensor]) -> Float[Tensor, ""]:
        """Return the mean squared error of a batch, in network units."""
        points, values = batch
        inputs = network_inputs(field.grid, points)
        return torch.nn.functional.mse_loss(weighted_means(field.network(inputs), self.weights.to(points)), values)

    @torch.no_grad()
    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of the field's means, on all samples or on evenly spaced ones."""
        count = self.num_points if most_points is None else min(most_points, self.num_points)
        indices = np.linspace(0, self.num_points - 1, count).astype(np.int64)
        error = float(self.loss(field, self.batch(indices, next(field.parameters()).device)))
        return Quality(decibels(error, peak=2.0), count)
