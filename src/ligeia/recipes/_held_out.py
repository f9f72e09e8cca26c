"""Samples that a fit does not see, and how close the field comes to them."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from jaxtyping import Float

from ligeia.core import InputError, map_on_threads, random_stream
from ligeia.field import Field, weighted_means
from ligeia.metrics import HeldOutQuality, quality_of_errors
from ligeia.signals import Blocks, Missing, Signal

from ._masks import bright

_OF_POINTS = 0.1  # the share of scattered samples that is held out unless asked otherwise
_PIECE = 1 << 13  # points that are measured at a time


@final
@dataclass(frozen=True, slots=True)
class HeldOut:
    """Samples that a fit does not see: flat ``indices`` into ``signal``, which has all."""

    signal: Signal
    indices: np.ndarray

    def errors(self, field: Field) -> Float[np.ndarray, "n c"]:
        """Return field less sample, in the signal's units."""
        sampling = self.signal.grid.sampling().averaging(self.signal.grid.footprints)
        is_averaged = self.signal.grid.is_averaged
        points = sampling.node_points_of(self.indices) if is_averaged else self.signal.coordinates(self.indices)
        weights = torch.from_numpy(sampling.node_weights()).to(next(field.parameters()))
        size = _PIECE // len(weights) * len(weights) or len(weights)

        @torch.no_grad()  # here, because it does not reach into threads
        def values_of(piece: torch.Tensor) -> torch.Tensor:
            return weighted_means(field(piece), weights).double().cpu()

        found = torch.cat(list(map_on_threads(values_of, torch.from_numpy(points).to(weights).split(size)))).numpy()
        return found - self._values()

    def quality(self, field: Field) -> HeldOutQuality:
        """Measure a field at these samples."""
        ranges = [(channel.low, channel.high) for channel in self.signal.channels]
        return quality_of_errors(self._values(), self.errors(field), ranges)

    def _values(self) -> Float[np.ndarray, "n c"]:
        return self.signal.values.reshape(-1, self.signal.num_channels)[self.indices].astype(np.float64)


def hold_out_masked(signal: Signal, mask: Signal) -> tuple[Signal, HeldOut]:
    """Return a signal on a grid without the samples where a mask is bright, to be filled in, and what stood there."""
    if signal.points is not None or isinstance(signal.values, Blocks):
        raise InputError(
            "a mask is for samples on a grid, in memory; name coordinates to leave out of a table yourself."
        )
    if mask.points is not None or mask.grid.shape != signal.grid.shape:
        raise InputError(
            f"expected a mask of {' x '.join(map(str, signal.grid.shape))} samples, as many as the signal has, got "
            f"{' x '.join(map(str, mask.grid.shape))}."
        )
    gone = bright(mask).ravel()
    known = np.ones(len(gone), bool) if signal.missing is None else ~signal.missing.mask()
    chosen = np.flatnonzero(gone & known)
    if len(chosen) in (0, int(known.sum())):
        raise InputError(
            "expected a mask that is bright where samples are to be filled in, and dark elsewhere, got one that "
            f"is {'dark' if len(chosen) == 0 else 'bright'} everywhere."
        )
    return replace(signal, missing=Missing.of(gone | ~known)), HeldOut(signal, chosen)


def hold_out(signal: Signal, fraction: float | None = None, *, seed: int = 0) -> tuple[Signal, HeldOut | None]:
    """Return a signal without a random ``fraction`` of its samples, to be fitted, and those samples.

    By default that is a tenth of scattered samples and none of those on a grid.
    On a grid they are missing in the signal returned; a field fitted to it has that in its ``missing``. None are held
    out for a fraction of 0, or of a signal too small to spare one.
    """
    if fraction is None:
        fraction = 0.0 if signal.points is None else _OF_POINTS
    if not 0 <= fraction < 1:
        raise InputError(f"expected a share of samples to hold out from 0 to below 1, got {fraction:g}.")
    count = min(max(1, round(fraction * signal.num_samples)), signal.num_samples - 2)
    if fraction == 0 or count < 1:
        return signal, None
    if isinstance(signal.values, Blocks):
        raise InputError(
            "samples can be held out (--hold-out) of signals in memory only, this one is larger than the working set; "
            "allow a larger one (--working-set), or hold out none."
        )
    order = torch.randperm(signal.num_samples, generator=random_stream(seed, "held out")).numpy()
    chosen = np.sort(order[:count])
    if signal.points is not None:
        kept = np.delete(np.arange(signal.num_samples), chosen)
        return replace(signal, points=signal.points[kept], values=signal.values[kept]), HeldOut(signal, chosen)
    places = signal.places()
    chosen = chosen if places is None else places[chosen]
    gone = np.zeros(signal.grid.num_samples, bool) if signal.missing is None else signal.missing.mask()
    gone[chosen] = True
    return replace(signal, missing=Missing.of(gone)), HeldOut(signal, chosen)
