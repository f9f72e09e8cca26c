"""The arithmetic of a fit of latent grids in plain torch with autograd: the definition for the compiled code."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional

from ._plan import (
    HIDDEN,
    NOTHING,
    OTHER,
    PARENT,
    SAME,
    GridPlan,
    Relaxation,
    context_sizes,
    num_biases_of,
    pixel_taps,
    point_sizes,
)

_SHARPNESS = 16.0
LEAST_LOG_SCALE, MOST_LOG_SCALE = -4.5, 6.0
"""Bounds of the logarithm of a scale."""
_REACH = 3  # cells between a latent and the farthest neighbor in its context


class Arrays(NamedTuple):
    """Inputs and outputs of an evaluation: the arrays of `LatentFit`, one per grid or context network in each list."""

    plans: Sequence[GridPlan]
    target: Float32[np.ndarray, "c h w"]
    num_features: int
    latents: Sequence[Float32[np.ndarray, "..."]]
    contexts: Sequence[Float32[np.ndarray, "..."]]
    point: Float32[np.ndarray, " m"]
    values: Sequence[Float32[np.ndarray, "..."]]
    """An output, like all that follow."""
    slopes: Sequence[Float32[np.ndarray, "..."]]
    """Derivatives of the values with respect to the latents."""
    grads: Sequence[Float32[np.ndarray, "..."]]
    """Gradients of the loss with respect to the values."""
    context_grads: Sequence[Float32[np.ndarray, "..."]]
    point_grad: Float32[np.ndarray, " m"]


def evaluate(
    fit: Arrays,
    how: Relaxation,
    rate_weight: float,
    factor: float,
    *,
    with_grad: bool,
    nats: Float[np.ndarray, " grids"],
    values: Float32[np.ndarray, "c h w"] | None,
) -> float:
    """Evaluate as `LatentFit.evaluate` does, into the arrays of ``fit``; return the sum of squared errors."""
    with torch.enable_grad():
        relaxed = []
        for number, latent in enumerate(fit.latents):
            value, slope = _relaxed(torch.from_numpy(latent), how, number)
            fit.values[number][:], fit.slopes[number][:] = value.numpy(), slope.numpy()
            relaxed.append(value.requires_grad_(with_grad))
        contexts = [torch.from_numpy(each).requires_grad_(with_grad) for each in fit.contexts]
        point = torch.from_numpy(fit.point).requires_grad_(with_grad)
        found = [_nats(plan, relaxed, number, contexts[plan.network]) for number, plan in enumerate(fit.plans)]
        nats[:] = [float(each.detach()) for each in found]
        picture = _picture(fit, relaxed, point)
        target = torch.from_numpy(fit.target)
        error = (picture.clamp(-1, 1) - target).square().sum()
        if values is not None:
            values[:] = picture.detach().numpy()
        if with_grad:
            loss = factor * error + rate_weight * torch.stack(found).sum()
            grads = torch.autograd.grad(loss, [*relaxed, *contexts, point], materialize_grads=True)
            arrays = [*fit.grads, *fit.context_grads, fit.point_grad]
            for array, grad in zip(arrays, grads, strict=True):
                array[:] = grad.numpy()
    return float(error.detach())


def move(
    latent: Float32[np.ndarray, "h w"],
    first: Float32[np.ndarray, "h w"],
    second: Float32[np.ndarray, "h w"],
    grad: Float32[np.ndarray, "h w"],
    slope: Float32[np.ndarray, "h w"],
    rate: float,
    betas: tuple[float, float],
    eps: float,
    corrections: Sequence[float],
) -> None:
    """Update the latents of one grid, in place, by a step of Adam: the definition of `LatentFit.move`."""
    along = grad * slope
    first[:] += (along - first) * np.float32(1 - betas[0])
    second[:] += (along * along - second) * np.float32(1 - betas[1])
    latent[:] -= (
        np.float32(rate)
        * (first * np.float32(corrections[0]))
        / (np.sqrt(second * np.float32(corrections[1])) + np.float32(eps))
    )


def _relaxed(latent: Float[Tensor, "h w"], how: Relaxation, number: int) -> tuple[Tensor, Tensor]:
    """Return values, and their derivatives with respect to the latents."""
    if how.is_hard:
        return torch.floor(latent + 0.5), torch.ones_like(latent)
    inner, inner_slope = _soft_round(latent, how.temperature)
    key = (how.key + number * 0x9E3779B9) & 0xFFFFFFFF
    noisy = inner + how.noise * torch.from_numpy(noise(latent.shape, key))
    value, slope = _soft_round(noisy, how.temperature)
    return value, slope * inner_slope


def _soft_round(x: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Return softly rounded numbers and their derivatives (Agustsson & Theis 2020, arXiv:2006.09952, eq. 10)."""
    half = 0.5 / math.tanh(0.5 / temperature)
    whole = torch.floor(x)
    bend = torch.tanh((x - whole - 0.5) / temperature)
    return whole + 0.5 + half * bend, half / temperature * (1 - bend.square())


def noise(shape: Sequence[int], key: int) -> Float32[np.ndarray, "h w"]:
    """Return nearly normal numbers of variance 1: sums of four uniform ones, hashed from place and key."""
    with np.errstate(over="ignore"):
        index = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(key)
        one = _mixed(index)
        two = _mixed(one + np.uint32(0x68BC21EB))
    total = sum((each & np.uint32(0xFFFF)).astype(np.float32) for each in (one, one >> 16, two, two >> 16))
    return np.asarray((total / np.float32(65536) - 2) * np.float32(1.7320508), np.float32).reshape(shape)


def _mixed(x: np.ndarray) -> np.ndarray:
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    return x ^ x >> np.uint32(16)


def _nats(plan: GridPlan, values: Sequence[Tensor], number: int, weights: Float[Tensor, " n"]) -> Tensor:
    """Return the information of a grid's values under its context network, in nats."""
    inputs = context_inputs(plan, values, number)
    num_inputs = len(plan.inputs)
    sizes = context_sizes(num_inputs, num_biases_of(len(weights), num_inputs))
    first, bias, second, second_bias, output, straight, output_bias = weights.split(sizes)
    low = torch.relu(inputs @ first.view(num_inputs, HIDDEN) + bias.view(-1, HIDDEN)[plan.bias])
    high = torch.relu(low @ second.view(HIDDEN, HIDDEN) + low + second_bias)
    out = high @ output.view(2, HIDDEN).T + inputs @ straight.view(2, num_inputs).T
    out = out + output_bias.view(-1, 2)[plan.bias]
    distance = (values[number].reshape(-1) - out[:, 0]).abs()
    rate = torch.exp(-out[:, 1].clamp(LEAST_LOG_SCALE, MOST_LOG_SCALE))
    edge = distance - 0.5
    rest = (1 - torch.exp(-rate)).clamp_min(1e-20)
    near = torch.exp(-edge.abs() * rate)
    within = (1 - 0.5 * (near + torch.exp(-(distance + 0.5) * rate))).clamp_min(1e-20)
    return torch.where(edge > 0, edge * rate - torch.log(0.5 * rest), -torch.log(within)).sum()


def context_inputs(plan: GridPlan, values: Sequence[Tensor], number: int) -> Float[Tensor, "n inputs"]:
    """Return what a context network sees at each cell, row-major."""
    rows, columns = plan.shape
    found = []
    for source in plan.inputs:
        if source.source in (SAME, OTHER):
            from_ = values[number if source.source == SAME else source.grid]
            padded = functional.pad(from_, (_REACH,) * 4)
            top, left = _REACH + source.row, _REACH + source.column
            found.append(padded[top : top + rows, left : left + columns])
        elif source.source == PARENT and plan.parent >= 0:
            from_ = functional.pad(values[plan.parent], (1, 1))
            y, x = (torch.arange(size) for size in plan.shape)
            y, x = (
                (each >> 1) + (torch.where(each % 2 == 1, 1, -1) if is_next else 0)
                for each, is_next in ((y, source.row), (x, source.column))
            )
            found.append(from_[y.clamp(0, values[plan.parent].shape[0] - 1)][:, x + 1])
        else:
            assert source.source in (PARENT, NOTHING)
            found.append(torch.zeros(plan.shape))
    return torch.stack([each.reshape(-1) for each in found], dim=-1)


def _picture(fit: Arrays, values: Sequence[Tensor], weights: Float[Tensor, " n"]) -> Float[Tensor, "c h w"]:
    """Return the picture decoded from the grids."""
    num_channels, height, width = fit.target.shape
    features = [torch.zeros(height, width) for _ in range(fit.num_features)]
    for plan, value in zip(fit.plans, values, strict=True):
        part = plan.step * value
        for axis, size in enumerate((height, width)):
            index, weight = pixel_taps(size, plan.shape[axis], plan.level)
            matrix = torch.zeros(size, plan.shape[axis])
            for tap in range(len(index)):
                matrix.index_put_(
                    (torch.arange(size), torch.from_numpy(index[tap]).long()),
                    torch.from_numpy(weight[tap]),
                    accumulate=True,
                )
            part = matrix @ part if axis == 0 else part @ matrix.T
        features[plan.feature] = features[plan.feature] + part
    planes = torch.stack(features)
    count = fit.num_features
    first, bias, output, straight, output_bias = weights.split(point_sizes(count, num_channels))
    phase = torch.einsum("fhw,fj->jhw", planes, first.view(count, HIDDEN)) + bias[:, None, None]
    above = torch.relu(phase * _SHARPNESS - 1)
    within = torch.relu(phase * _SHARPNESS + 1) - above
    hidden = (within**3 * (4 - within) / 16 + above) / _SHARPNESS
    found = torch.einsum("jhw,cj->chw", hidden, output.view(num_channels, HIDDEN))
    found = found + torch.einsum("fhw,cf->chw", planes, straight.view(num_channels, count))
    return found + output_bias[:, None, None]
