"""Fits the grids of a picture file to the error plus the weighted rate, first with noise, then rounded.

After Ladune et al. 2023 (arXiv:2212.05458, s. 3) and Kim et al. 2024 (arXiv:2312.02753, s. 3.1: soft rounding with
falling temperature and noise); the start by a pyramid is Burt & Adelson's (1983), closed over its own rounding.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Float32

from ligeia.codec import GridLayout, Steps, layout
from ligeia.fitting import Adam, AdamState
from ligeia.kernels import GridPlan, LatentFit, Relaxation
from ligeia.networks import LatentGrid, NetworkConfig

_LUMA = (0.299, 0.587, 0.114)
_BLUE, _RED = 1.772, 1.402
_WARMUP_STEPS = 20
_BETAS = (0.9, 0.99)
_EPS = 1e-10
_LEAST_RATE = 0.01
_LEAST_NETWORK_RATE = 0.05
_LONGEST_GRADIENT = 0.4  # of the networks


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxing:
    """How a fit moves from noisy values to rounded ones; rates are Adam's initial ones."""

    latent_rate: float = 0.15
    network_rate: float = 0.02
    temperatures: tuple[float, float] = (0.4, 0.12)
    noises: tuple[float, float] = (0.22, 0.15)
    hard_share: float = 0.08
    """Of the fit, at its end, with rounded values: only the networks move."""
    dead_zones: tuple[float, float] = (1.2, 0.62)
    """Of the pyramid, in steps: of level 0 and of the others."""

    def is_hard(self, position: float) -> bool:
        """Return whether values are rounded."""
        return position >= 1 - self.hard_share

    def relaxation(self, position: float, key: int) -> Relaxation:
        """Return how latents become values."""
        if self.is_hard(position):
            return Relaxation(is_hard=True)
        done = position / (1 - self.hard_share)
        temperature, noise = (first + (last - first) * done for first, last in (self.temperatures, self.noises))
        return Relaxation(temperature, noise, key)

    def rates(self, position: float, step: int) -> tuple[float, float]:
        """Return the rates of the latents and of the networks; ``step`` counts from 0."""
        done = min(1.0, position / (1 - self.hard_share))
        cosine = 0.5 * (1 + math.cos(math.pi * done))
        warmth = min(1.0, (step + 1) / _WARMUP_STEPS)
        return (
            self.latent_rate * max(cosine, _LEAST_RATE) * warmth,
            self.network_rate * max(cosine, _LEAST_NETWORK_RATE) * warmth,
        )

    def move_latents(self, fit: LatentFit, position: float, slower: float = 1.0) -> None:
        """Update the latents from the current gradients."""
        if not self.is_hard(position):
            fit.move(slower * self.rates(position, fit.num_steps)[0], _BETAS, _EPS)


def fit_of(
    config: NetworkConfig,
    target: Float32[np.ndarray, "c h w"],
    steps: Steps,
    contexts: Sequence[Float32[np.ndarray, "..."]],
    point: Float32[np.ndarray, " m"],
) -> LatentFit:
    """Return grids of zeros, ready to be fitted to a picture in network units."""
    network = config.architecture
    assert isinstance(network, LatentGrid)
    plans = [_plan(grid, steps) for grid in layout(config)]
    return LatentFit(plans, target, contexts, point, network.num_planes_features)


def set_steps(fit: LatentFit, config: NetworkConfig, steps: Steps) -> None:
    """Switch to other quantization steps, keeping nearly the same picture."""
    fit.set_steps([steps.of(grid) for grid in layout(config)])


def _plan(grid: GridLayout, steps: Steps) -> GridPlan:
    return GridPlan(
        shape=grid.shape,
        level=grid.level,
        plane=grid.plane,
        feature=grid.feature,
        step=steps.of(grid),
        network=grid.network,
        bias=grid.bias,
        parent=grid.parent,
        inputs=grid.inputs,
    )


def planes_of(picture: Float32[np.ndarray, "c h w"]) -> Float32[np.ndarray, "c h w"]:
    """Return luma, chroma and alpha of differences of pictures."""
    num_channels = len(picture)
    planes = np.array(picture)
    if num_channels >= 3:
        luma = np.tensordot(np.array(_LUMA, np.float32), picture[:3], 1)
        planes[1], planes[2] = (picture[2] - luma) / _BLUE, (picture[0] - luma) / _RED
        planes[0] = luma
    return planes


def analyze(fit: LatentFit, dead_zones: tuple[float, float]) -> None:
    """Set the latents to a pyramid of the picture: each level is the residual of the rounded coarser ones, in steps.

    The loop is closed over the networks: residuals are taken from the picture that they decode.
    """
    picture = np.empty_like(fit.target)
    for level in sorted({plan.level for plan in fit.plans}, reverse=True):
        fit.evaluate(Relaxation(is_hard=True), values=picture)
        left = planes_of(fit.target - picture)
        for plan, latent in zip(fit.plans, fit.latents, strict=True):
            if plan.level != level:
                continue
            values = left[plan.plane]
            for _ in range(level):
                values = _halved(values)
            values = values / np.float32(plan.step)
            zone = dead_zones[level > 0]
            latent[:] = np.where(np.abs(values) < zone, values * (0.45 / zone), values)


def _halved(values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "half_h half_w"]:
    rows, columns = values.shape
    even = np.pad(values, ((0, rows % 2), (0, columns % 2)), mode="edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(0.25)


def network_optimizer_state(vectors: Sequence[Float32[np.ndarray, "..."]]) -> AdamState:
    """Return Adam's state for the networks' weights, which it changes in place."""
    return Adam(learning_rate=1.0, betas=_BETAS).init_state([torch.from_numpy(each) for each in vectors])


def move_networks(moments: AdamState, grads: Sequence[Float32[np.ndarray, "..."]], rate: float) -> None:
    """Update the networks' weights; the norm of their common gradient is clipped."""
    length = math.sqrt(sum(float(np.sum(np.square(each, dtype=np.float64))) for each in grads))
    scale = np.float32(min(1.0, _LONGEST_GRADIENT / (length + 1e-12)))
    moments.step([torch.from_numpy(each * scale) for each in grads], rate)
