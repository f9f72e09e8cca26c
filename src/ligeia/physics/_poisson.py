"""An image from its gradient or its Laplacian (Sitzmann et al. 2020, s. 4.2, eq. 6): Poisson's equation.

Differs from the paper: the targets are exact derivatives of the samples' sum of cosines, in units of the coordinates,
instead of scaled filters; and the loss includes a weak form in addition to the residual at points. A residual of order
m weights an error of frequency w by w^m, so at points it is insensitive to slow errors. Tested against the lowest
cosines, with the derivatives moved to these by parts, it sees them as well as fast ones (design/derivatives.md).
"""

import math
from typing import Literal, TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.fitting import Batches, Quality, ShuffledBatches
from ligeia.metrics import decibels
from ligeia.signals import Signal

from ._cosines import lowest_modes, refined, slope

Known: TypeAlias = Literal["gradient", "laplacian"]
"""Which derivative of an image is known."""

_REFINED_UP_TO = 1 << 20  # samples: the targets of more are at the samples only
_SAMPLES_PER_MODE, _MOST_MODES = 4, 128  # along an axis
_MOST_AXES = 4


@final
class DerivativesOf:
    """Fit a field to the gradient or the Laplacian of a signal on a grid, up to a constant.

    The loss is the mean squared residual at points, relative to that of a field of zeros, plus ``weak`` times the
    squared errors of the lowest modes, relative to the signal's variance; the mean itself is left out. The targets are
    at twice as many places along each axis as there are samples, which suppresses frequencies above Nyquist. The
    quality is the PSNR after the best constant is added.
    """

    finest_db = np.inf
    constant_db = -np.inf

    def __init__(self, signal: Signal, known: Known, *, weak: float = 0.3) -> None:
        grid = signal.grid
        if signal.points is not None or grid.num_axes > _MOST_AXES or grid.num_inputs != grid.num_axes:
            raise InputError("expected samples on a grid of 1 to 4 axes, none periodic, for their derivatives.")
        if min(grid.shape) < 2 or signal.missing is not None or grid.align != "centers":
            raise InputError(
                "expected two samples or more along each axis, none missing, at cell centers, for their derivatives, "
                f"got {' x '.join(map(str, grid.shape))}."
            )
        self.signal, self.known, self._weak = signal, known, weak
        values = np.asarray(signal.values, np.float64)
        self._values = values
        times = 2 if grid.num_samples <= _REFINED_UP_TO else 1
        fine = refined(values, times)
        if known == "gradient":
            targets = np.stack([slope(fine, axis) for axis in range(grid.num_axes)], axis=-2)
            self._wanted = [str(axis) for axis in range(grid.num_axes)]
        else:
            targets = np.sum([slope(fine, axis, 2) for axis in range(grid.num_axes)], axis=0)[..., None, :]
            self._wanted = ["+".join(str(axis) * 2 for axis in range(grid.num_axes))]
        self._sampling = grid.sampling(fine.shape[:-1])
        self._targets = targets.reshape(-1, len(self._wanted), signal.num_channels).astype(np.float32)
        self.scale = float(np.square(self._targets, dtype=np.float64).mean())
        variance = float(values.var(axis=tuple(range(grid.num_axes))).mean())
        if self.scale == 0 or variance == 0:
            raise InputError("expected a signal that varies: a constant has derivatives of 0.")
        self._variance = variance
        self._counts = tuple(min(max(2, size // _SAMPLES_PER_MODE), _MOST_MODES) for size in grid.shape)
        self._modes = torch.from_numpy(lowest_modes(values, self._counts).astype(np.float32))
        self._modes[(0,) * grid.num_axes] = 0.0

    @property
    def num_points(self) -> int:
        """Number of places at which the derivatives are known."""
        return len(self._targets)

    def batches(self, batch_size: int | None, seed: int) -> Batches:
        """Return the batches of a fit, shuffled."""
        return ShuffledBatches(self.num_points, batch_size, seed)

    def batch(self, indices: Int[np.ndarray, " n"], device: torch.device) -> tuple[Tensor, Tensor]:
        """Return coordinates and derivatives."""
        points = self._sampling.points_of(indices)
        return torch.from_numpy(points).to(device), torch.from_numpy(self._targets[indices]).to(device)

    def loss(self, field: Field, batch: tuple[Tensor, Tensor]) -> Float[Tensor, ""]:
        """Return the loss of a batch; its lowest modes are estimated from its points alone."""
        points, targets = batch
        values, *found = field.derivatives(points, "", *self._wanted)
        strong = (torch.stack(found, dim=1) - targets).square().mean() / self.scale
        missed = self._missed_modes(values, points)
        return strong + self._weak * missed.square().sum() / (self._variance * values.shape[1])

    def _missed_modes(self, values: Float[Tensor, "n c"], points: Float[Tensor, "n d"]) -> Tensor:
        """Return the means of the error at these points times each of the lowest modes.

        The known modes and the mean are subtracted at the points, not from the means: the latter would leave noise many
        times larger than the error.
        """
        waves = []
        for axis, count in enumerate(self._counts):
            turns = math.pi / 2 * torch.arange(count, dtype=points.dtype, device=points.device)
            wave = math.sqrt(2.0) * torch.cos(turns * (points[:, axis : axis + 1] + 1))
            wave[:, 0] = 1.0
            waves.append(wave)
        known = waves[0] @ self._modes.to(values).flatten(1)
        known = known.view(len(points), *self._counts[1:], -1)
        for wave in waves[1:]:
            known = torch.einsum("nk,nk...->n...", wave, known)
        error = values - known
        error = error - error.detach().mean(dim=0)
        for wave in reversed(waves[1:]):
            error = wave.view(*wave.shape, *[1] * (error.ndim - 1)) * error[:, None]
        missed = (waves[0].T @ error.flatten(1) / len(points)).view(*self._counts, -1)
        missed[(0,) * len(waves)] = 0.0
        return missed

    def quality(self, field: Field, *, most_points: int | None = None) -> Quality:
        """Return the PSNR of the field after the best constant per channel is added, on all samples or some."""
        num_samples = self.signal.grid.num_samples
        if most_points is None or most_points >= num_samples:
            error = self.aligned_error(self.signal, field, affine=False)
            return Quality(decibels(float(error.mean()), peak=1.0), num_samples)
        indices = np.random.default_rng(0).choice(num_samples, most_points, replace=False)
        missing = self._values.reshape(num_samples, -1)[indices]
        missing = missing - field.values_at(self.signal.coordinates(indices))
        error = np.var(missing / _ranges(self.signal), axis=0)
        return Quality(decibels(float(error.mean()), peak=1.0), most_points)

    @staticmethod
    def aligned_error(signal: Signal, field: Field, *, affine: bool) -> Float[np.ndarray, " c"]:
        """Return the mean squared error of each channel, over its squared range, after the best constant is added.

        With ``affine`` it is the best affine function of the coordinates, which the Laplacian leaves undetermined.
        """
        missing = (np.asarray(signal.values, np.float64) - field.sample().double().numpy()).reshape(
            -1, signal.num_channels
        )
        columns = [np.ones((len(missing), 1))] + ([signal.grid.points()] if affine else [])
        basis = np.concatenate(columns, axis=1)
        missing = missing - basis @ np.linalg.lstsq(basis, missing, rcond=None)[0]
        return np.square(missing / _ranges(signal)).mean(axis=0)

    def set_constant(self, field: Field) -> None:
        """Add the signal's mean, which derivatives do not determine, to a field in place."""
        missing = self._values.reshape(-1, self.signal.num_channels).mean(axis=0)
        missing -= field.sample().double().numpy().reshape(-1, self.signal.num_channels).mean(axis=0)
        half_ranges = _ranges(self.signal) / 2
        output = field.network.output_layer()
        if output is None:
            raise InputError("expected a network that ends in a linear layer: the mean is added to its bias.")
        with torch.no_grad():
            output.bias.add_(torch.from_numpy(missing / half_ranges).to(output.bias))


def _ranges(signal: Signal) -> Float[np.ndarray, " c"]:
    return np.array([channel.high - channel.low for channel in signal.channels])
