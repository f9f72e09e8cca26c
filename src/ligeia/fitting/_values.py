"""The objective on samples of a signal, in memory or on disk."""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.core import InputError, map_on_threads, random_stream
from ligeia.field import Field, network_inputs, weighted_means
from ligeia.metrics import decibels
from ligeia.signals import Blocks, Sampling, Signal

from ._batches import Batches, ShuffledBatches
from ._block_batches import BlockBatches, BlockSamples
from ._objective import Quality, squared_error

_PIECE = 1 << 13  # points measured at a time
_MOST_KEPT = 1 << 22  # up to this many samples, coordinates and scaled values are kept: some 100 MiB
_MEASURED_EXACTLY = 1 << 22  # above this many samples, the final quality is measured on a random quarter of this number


@final
class Values:
    """Fit a field to the samples of a signal: the mean squared error in network units, in which the range is [-1, 1].

    If the grid's samples are means over footprints, they are compared with the same means of the field: over
    ``nodes_per_step`` points per step, for each axis or for all.
    """

    def __init__(self, signal: Signal, *, seed: int = 0, nodes_per_step: Sequence[float] = (2,)) -> None:
        self.signal = signal
        self._sampling: Sampling | None = None
        if signal.grid.is_averaged:
            if signal.points is not None:
                raise InputError("expected samples on a grid for footprints, got scattered ones; leave them out.")
            self._sampling = signal.grid.sampling().averaging(signal.grid.footprints, nodes_per_step=nodes_per_step)
        weights = np.ones(1, np.float32) if self._sampling is None else self._sampling.node_weights()
        self.weights = torch.from_numpy(weights)
        """Weights of the points that a sample is a mean of, ``(k,)``."""
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
        """Return the network's inputs at the points ``indices``, and their scaled samples.

        The inputs have one row for each point of a sample's footprint, sample after sample.
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

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit: shuffled as a whole, or in groups of blocks if the samples are on disk."""
        if self._on_disk is None:
            return ShuffledBatches(self.num_points, batch_size, seed)
        self._on_disk.batches = BlockBatches(self._on_disk.blocks, batch_size, seed)
        return self._on_disk.batches

    def loss(self, field: Field, batch: tuple[Tensor, Tensor]) -> Float[Tensor, ""]:
        """Return the mean squared error of a batch, in network units."""
        return squared_error(self, field, batch)

    def inputs_and_targets(
        self, field: Field, batch: tuple[Tensor, Tensor]
    ) -> tuple[Float[Tensor, "points inputs"], Float[Tensor, "n c"]]:
        """Return the batch itself: inputs and targets."""
        return batch

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of the field, its values clipped to the signal's range.

        Above four million samples, a fixed random million of them is measured; of samples on disk at most a million,
        or as many as fit into an eighth of the working set.
        """
        device = next(field.parameters()).device
        if most_points is None and self.num_points > _MEASURED_EXACTLY:
            most_points = _MEASURED_EXACTLY // 4
        count = self.num_points if most_points is None else min(most_points, self.num_points)
        if self._on_disk is not None:
            count = min(count, self._on_disk.num_measured)
        measured = self._measured(count)

        @torch.no_grad()  # here, because the mode is per thread
        def squared_error(piece: np.ndarray) -> float:
            inputs, values = self.batch(piece, device)
            found = weighted_means(field.network(inputs), self.weights.to(inputs))
            return float((found.clamp(-1, 1) - values).double().square().sum())

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
