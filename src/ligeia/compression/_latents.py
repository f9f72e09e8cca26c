"""The latents of a picture during a fit: grids, networks and moments, a step, and what a file would store."""

import copy
import math
from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np
import torch
from jaxtyping import Float32, Int32
from torch import Tensor

from ligeia.codec import (
    FRACTION,
    Latents,
    QuantizedTensor,
    Steps,
    changed,
    changed_by,
    coded_levels,
    in_floats,
    learned,
    pack_quantized,
    point_tensors,
)
from ligeia.kernels import Relaxation
from ligeia.networks import NetworkConfig

from ._latent_settings import LatentSettings
from ._relaxation import analyze, fit_of, move_networks, network_optimizer_state, set_steps

_ONE: Final = 1 << FRACTION
_KEY: Final = 0x85EBCA6B  # spreads the keys of the noise
_MOST_WEIGHT: Final = 15.9  # of the networks, in a file
LEAST_ERROR: Final = 1e-12


@final
class LatentState:
    """Latents, networks and their moments, initialized as a pyramid of a picture with steps for a rate weight.

    ``picture`` is ``(c, h, w)`` in network units. Without ``moves_networks`` those learned stay as they are.
    """

    def __init__(
        self,
        network: NetworkConfig,
        picture: Float32[np.ndarray, "c h w"],
        rate_weight: float,
        settings: LatentSettings,
        *,
        moves_networks: bool = True,
    ) -> None:
        self.network, self.settings = network, settings
        self.num_pixels = picture.shape[1] * picture.shape[2]
        self.bits = math.nan
        """Of the grids, at the last step."""
        self._moves_networks = moves_networks
        self.steps = _steps_at(rate_weight, settings)
        found = learned(settings.version)
        # a range of 1 is half as wide as that of network units
        self.index = int(np.argmin(np.abs(np.log(np.array(found.rate_weights) * 4 / rate_weight))))
        self._base = found.networks_for(self.index, network)
        self._vectors = [in_floats(each) for each in self._base]
        self._adam = network_optimizer_state(self._vectors)
        self._fit = fit_of(network, picture, self.steps, self._vectors[:2], self._vectors[2])
        analyze(self._fit, settings.relaxing.dead_zones)

    def take(self, position: float, key: int, rate_weight: float, *, slower: float = 1.0) -> float:
        """Take a step at a share of the fit; return the mean squared error before it, in network units.

        ``key`` distinguishes its noise from that of other steps. ``slower`` multiplies the rates. If the error is not
        finite, nothing is changed.
        """
        relaxing = self.settings.relaxing
        step = self._fit.num_steps
        rate_weight /= self.num_pixels * math.log(2)  # of a nat
        nats, error = self._fit.evaluate(
            relaxing.relaxation(position, key * _KEY), rate_weight=rate_weight, with_grad=True
        )
        self.bits = float(nats.sum()) / math.log(2)
        if not math.isfinite(error):
            return error
        relaxing.move_latents(self._fit, position, slower)
        grads = [*self._fit.context_grads, self._fit.point_grad]
        for vector, base, grad in zip(self._vectors, self._base, grads, strict=True):
            change = vector - in_floats(base)
            slope = np.sign(change) / (np.abs(change) + np.float32(self.settings.change_width))
            np.add(grad, np.float32(rate_weight * self.settings.change_nats) * slope, out=grad)
        if self._moves_networks:
            move_networks(self._adam, grads, slower * relaxing.rates(position, step)[1])
        return error

    def evaluate_rounded(self) -> tuple[float, float]:
        """Return the bits of the grids and the mean squared error after rounding."""
        nats, error = self._fit.evaluate(Relaxation(is_hard=True))
        return float(nats.sum()) / math.log(2), error

    def network_bits(self) -> float:
        """Return about how many bits the changes of the networks take."""
        changes = [np.abs(v - in_floats(b)) for v, b in zip(self._vectors, self._base, strict=True)]
        width = self.settings.change_width
        return self.settings.change_bits * float(sum(np.log1p(each / width).sum() for each in changes))

    @property
    def estimated_bytes(self) -> int:
        """About how many bytes grids and networks would take now; 0 before the first step."""
        return 0 if math.isnan(self.bits) else round((self.bits + self.network_bits()) / 8)

    def choose_steps(self, rate_weight: float) -> None:
        """Switch to the quantization steps for another rate weight, keeping nearly the same picture."""
        self.steps = _steps_at(rate_weight, self.settings)
        set_steps(self._fit, self.network, self.steps)

    def show(self, parameters: Sequence[Tensor]) -> None:
        """Set the parameters of a picture's network to what a file would give now, with networks unrounded."""
        integers = self._integers()
        point = np.rint(self._vectors[2] * _ONE).astype(np.int32)
        with torch.no_grad():
            for parameter, plan, each in zip(parameters, self._fit.plans, integers, strict=False):
                parameter.copy_(torch.from_numpy(each)).mul_(plan.step)
            tensors = point_tensors(point, self.network)
            for parameter, tensor in zip(parameters[len(integers) :], tensors, strict=True):
                parameter.copy_(torch.from_numpy(tensor))

    def coded(self, rate_weight: float) -> tuple[Latents, float]:
        """Return what a file stores, with networks rounded at a rate weight, and its mean squared error."""
        kept = [each.copy() for each in self._vectors]
        changes = self._rounded_changes(rate_weight)
        networks = changed(self._base, changes)
        _, error = self.evaluate_rounded()
        num_levels = self._fit.plans[0].level + 1
        fine = min(self.settings.coarse_levels, num_levels - 1)
        split = [num_levels - fine, fine] if fine else [num_levels]
        chunks = coded_levels(self.network, self._integers(), networks, self.settings.version, split)
        for vector, each in zip(self._vectors, kept, strict=True):
            vector[:] = each
        return Latents(self.settings.version, self.index, self.steps, changes, chunks), error

    def _integers(self) -> list[Int32[np.ndarray, "..."]]:
        return [np.floor(each + np.float32(0.5)).astype(np.int32) for each in self._fit.latents]

    def _rounded_changes(self, rate_weight: float) -> tuple[QuantizedTensor, QuantizedTensor, QuantizedTensor]:
        """Return the changes of the networks, each with its cheapest quantization step, and apply them."""
        found: list[QuantizedTensor] = []
        for vector, base in zip(self._vectors, self._base, strict=True):
            exact, candidates = np.clip(vector, -_MOST_WEIGHT, _MOST_WEIGHT) - in_floats(base), []
            for frequency_scale in self.settings.finenesses:
                integers = np.rint(exact * 2.0**frequency_scale).astype(np.int32)
                change = QuantizedTensor(integers, 2.0**-frequency_scale if integers.any() else 1.0)
                vector[:] = in_floats(changed_by(base, change))
                bits, error = self.evaluate_rounded()
                bits += 8 * len(pack_quantized([change]))
                candidates.append((error + rate_weight * bits / self.num_pixels, frequency_scale, change))
            found.append(min(candidates, key=lambda each: each[:2])[2])
            vector[:] = in_floats(changed_by(base, found[-1]))
        return found[0], found[1], found[2]

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors and numbers, none of them shared."""
        return {
            "arrays": [torch.from_numpy(each.copy()) for each in self._arrays()],
            "bits": self.bits,
            "latent_steps": self._fit.num_steps,
            "networks": copy.deepcopy(self._adam.to_plain()),
            "begun": [*self.steps, self.index],
        }

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Restore the state that `to_plain` gave; `ValueError` if that was begun with other steps."""
        if [*self.steps, self.index] != plain["begun"]:
            raise ValueError("a checkpoint of other steps")
        for mine, theirs in zip(self._arrays(), plain["arrays"], strict=True):
            mine[:] = theirs.numpy()
        self.bits = plain["bits"]
        self._fit.num_steps = plain["latent_steps"]
        self._adam.load_plain(plain["networks"])

    def _arrays(self) -> list[np.ndarray]:
        return [*self._fit.latents, *self._fit.moments, *self._vectors]


def _steps_at(rate_weight: float, settings: LatentSettings) -> Steps:
    return Steps.near(settings.step_over_root * math.sqrt(rate_weight), settings.finer_level, settings.finer_chroma)
