"""Points that a field is asked for: what is refused, and what a network sees of them."""

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.core import InputError, ShapeError
from ligeia.kernels import is_transformed
from ligeia.networks import TorchArithmetic
from ligeia.signals import Grid

_BEYOND = 1e-3  # of the domain: rounding


def weighted_means(values: Float[Tensor, "points c"], weights: Float[Tensor, " k"]) -> Float[Tensor, "n c"]:
    """Return the weighted sum of every ``k`` rows that follow each other."""
    if len(weights) == 1:
        return values
    return torch.einsum("nkc,k->nc", values.view(-1, len(weights), values.shape[-1]), weights)


def network_inputs(grid: Grid, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch inputs"]:
    """Return what a network of this grid sees: `Grid.network_inputs` of tensors."""
    return grid.network_inputs(TorchArithmetic(points), points)


def check_points(grid: Grid, points: Tensor, dtype: torch.dtype) -> None:
    """Refuse what are no coordinates of a grid in the type of a network's weights."""
    if not isinstance(points, Tensor):
        raise InputError(f"points must be a torch tensor, got {type(points).__name__}; `torch.from_numpy` makes one.")
    if points.ndim == 0 or points.shape[-1] != grid.num_axes:
        raise ShapeError(
            f"points must be (n, {grid.num_axes}) for this {grid.num_axes}-axis field, got {tuple(points.shape)}; "
            "`torch.from_numpy(field.grid.points())` makes them."
        )
    if points.dtype != dtype:
        raise InputError(f"points must be {dtype} like the weights, got {points.dtype}; convert one of them.")


def warn_beyond(grid: Grid, points: Tensor) -> None:
    """Warn of points beyond the domain, on a CPU and outside of transforms of torch."""
    # not on CUDA, where a look at the values waits for all that is queued
    if points.device.type != "cpu" or torch.compiler.is_compiling() or is_transformed():
        return
    ended = [number for number, axis in enumerate(grid.axes) if not axis.is_periodic]
    bounded = points.detach() if len(ended) == grid.num_axes else points.detach()[..., ended]
    if bounded.numel() and float(bounded.abs().amax()) > 1 + _BEYOND:
        warnings.warn(
            "points lie outside of [-1, 1], where nothing is known of the field; physical coordinates go to "
            "`field.physical`, sample indices to `field.grid.points`.",
            stacklevel=4,  # the caller of the field, past nn.Module
        )
