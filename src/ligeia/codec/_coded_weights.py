"""Quantization-aware training: weights that are fitted as they will be read from a file of a given size.

Minimized is the error plus a price times the bits (Ballé et al. 2017, arXiv:1611.01704, s. 3): the weights get
uniform noise as wide as the steps, whose widths are learned, then are rounded; the price follows the size wanted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ligeia.fitting import Soap, SoapMoments, layers_of

from ._container import FieldRecord, encode
from ._quantized import QuantizedTensor, nearest_step
from ._weights import pack_quantized

_LN2 = math.log(2.0)
_FIRST_FINENESS = 50.0  # standard deviations of a tensor over its first step: fine enough to change nothing
_FIRST_PRICE = 0.3  # errors per bits wanted
_MOST_PRICE = 50.0
_PRICE_RATE = 100.0  # of the price's logarithm per fit, times the relative excess of bits, ...
_MOST_PRICE_CHANGE = 0.1  # ... and per step
_STEP_RATE = 0.02  # of the steps' logarithms
_STEP_BETAS = (0.9, 0.99)
_MOST_FITTINGS, _NEAR = 4, 0.01  # of the steps to the bytes, when they are fixed
_NUMBERS = (
    "_num_noisy",
    "_log_price",
    "_error",
    "_first_bits",
    "_correction",
    "_is_fixed",
    "_measured_at",
    "_position",
)
_MEMORY = 0.99  # of the mean error
_MEASUREMENTS = 10  # per fit, of the bytes that the weights take in a file


def bytes_beside_weights(record: FieldRecord) -> int:
    """Return how many bytes of the file of a record are not those of its weights, to within three."""
    return len(encode(record)) - len(pack_quantized(record.tensors)) + 3


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class CodedWeights:
    """How weights are fitted that a file codes in ``num_bytes``, heads and digest included.

    The phases are shares of the fit: until ``noisy_from`` weights are free, then noisy, and the bits wanted come down
    until ``small_by``; from ``rounded_from`` on the weights are those of the file.
    """

    optimizer: Soap
    num_bytes: int
    noisy_from: float = 0.05
    small_by: float = 0.3
    rounded_from: float = 0.85

    @property
    def learning_rate(self) -> float:
        """The optimizer's."""
        return self.optimizer.learning_rate

    def moments(self, parameters: Sequence[Tensor]) -> "CodedMoments":
        """Return the state of such a fit of these parameters, weight and bias of each layer in turn."""
        return CodedMoments(self, parameters)


@final
class CodedMoments:
    """The weights between the steps of their integers, the steps, and the price of a bit.

    The parameters themselves hold what is to be evaluated: noisy weights within a step, rounded ones between two.
    """

    def __init__(self, settings: CodedWeights, parameters: Sequence[Tensor]) -> None:
        self.settings = settings
        self.parameters = list(parameters)
        layers = layers_of(self.parameters)
        self._soap: SoapMoments = settings.optimizer.moments(self.parameters)
        self._weights = torch.cat([each.reshape(-1) for each in layers])
        self._layers = _views(self._weights, layers)
        self._segments = torch.cat([_segments(number, each) for number, each in enumerate(layers)])
        self._counts = torch.bincount(self._segments).to(self._weights)
        self._log_steps = (self._variances().sqrt() / _FIRST_FINENESS).clamp(min=1e-8).log()
        self._step_moments = torch.zeros(2, len(self._counts))
        self._num_noisy = 0
        self._log_price = math.log(_FIRST_PRICE)
        self._error = math.nan
        self._first_bits = math.nan
        self._correction = 1.0  # bits in a file over those foretold
        self._is_fixed = False
        self._measured_at = self._position = 0.0
        self._generator = torch.Generator().manual_seed(0)

    def disturb(self, position: float) -> None:
        """Set the parameters to what the next gradient is taken at; ``position`` is the share of the fit done."""
        if position - self._measured_at >= 1 / _MEASUREMENTS and position >= self.settings.noisy_from:
            self._measured_at = position
            self.measure_bytes()
        if position >= self.settings.rounded_from:
            self._fix_steps()
            self.round()
        elif position >= self.settings.noisy_from:
            noise = torch.rand(self._weights.shape, generator=self._generator).sub_(0.5)
            self._evaluate(torch.addcmul(self._weights, noise, self._spread(self._log_steps.exp())))
        else:
            self._evaluate(self._weights)

    def follow(self, gradients: Sequence[Tensor], error: float, learning_rate: float, position: float) -> None:
        """Move weights, steps and price by the gradients of the error at the parameters; leave them rounded."""
        matrices = layers_of(gradients)
        self._error = error if math.isnan(self._error) else _MEMORY * self._error + (1 - _MEMORY) * error
        if position >= self.settings.noisy_from:
            slopes = self._follow_bits(matrices, learning_rate / self.settings.learning_rate, position)
            matrices = [each + slope for each, slope in zip(matrices, _views(slopes, matrices), strict=True)]
        self._move(matrices, learning_rate)

    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Move the weights alone, by gradients at the parameters; `follow` moves all."""
        self._move(layers_of(gradients), learning_rate)

    def round(self) -> None:
        """Set the parameters to what a file would give."""
        steps = self._spread(self._file_steps())
        self._evaluate((self._weights / steps).round_().mul_(steps))

    def tensors(self) -> list[QuantizedTensor]:
        """Return the weights as a file codes them: weight and bias of each layer in turn."""
        return self._file_tensors((self._weights / self._spread(self._file_steps())).round())

    @property
    def foretold_bytes(self) -> int:
        """About how many bytes the weights would take in a file now."""
        return round(self._bits(self._variances(), self._log_steps.exp()) * self._correction / 8)

    def measure_bytes(self) -> int:
        """Return how many bytes the weights take in a file now, and aim by the difference to what was foretold."""
        num_bytes = len(pack_quantized(self.tensors()))
        self._correction = 8 * num_bytes / self._bits(self._variances(), self._file_steps())
        return num_bytes

    def trim(self, num_bytes: int) -> list[QuantizedTensor]:
        """Return the weights in ``num_bytes`` at most: those that lose least by it become smaller by one step."""
        in_steps = self._weights / self._spread(self._file_steps())
        exact, integers = in_steps.abs(), in_steps.round()
        tensors = self._file_tensors(integers)
        while (excess := len(pack_quantized(tensors)) - num_bytes) > 0 and integers.any():
            losses = torch.where(integers == 0, torch.inf, exact - integers.abs() + 1)
            chosen = losses.topk(min(len(losses), 2 * excess), largest=False).indices
            integers[chosen] -= integers[chosen].sign()
            tensors = self._file_tensors(integers)
        return tensors

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors and numbers."""
        return {
            "tensors": [self._weights, self._log_steps, self._step_moments],
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
            "soap": self._soap.to_plain(),
            "random": self._generator.get_state(),
        }

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave."""
        for mine, theirs in zip((self._weights, self._log_steps, self._step_moments), plain["tensors"], strict=True):
            mine.copy_(theirs)
        for name in _NUMBERS:
            setattr(self, name, plain["numbers"][name])
        self._soap.load_plain(plain["soap"])
        self._generator.set_state(plain["random"])

    def _move(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        for layer, direction in zip(self._layers, self._soap.directions(gradients), strict=True):
            layer.sub_(direction, alpha=learning_rate)
        self.round()

    def _file_tensors(self, integers: Float[Tensor, " n"]) -> list[QuantizedTensor]:
        steps = self._file_steps().tolist()
        result = []
        for number, layer in enumerate(_views(integers.to(torch.int32), self._layers)):
            for part, step in ((layer[:, :-1], steps[2 * number]), (layer[:, -1], steps[2 * number + 1])):
                result.append(QuantizedTensor(np.ascontiguousarray(part.numpy()), step))
        return result

    def _follow_bits(self, gradients: Sequence[Tensor], share: float, position: float) -> Float[Tensor, " n"]:
        """Move price and steps; return the gradient of the price of the bits along the weights."""
        variances, steps = self._variances(), self._log_steps.exp()
        bits = self._bits(variances, steps) * self._correction
        if math.isnan(self._first_bits):
            self._first_bits = bits
        wanted = 8 * self.settings.num_bytes
        left = (position - self.settings.noisy_from) / (self.settings.small_by - self.settings.noisy_from)
        aim = wanted * (self._first_bits / wanted) ** max(0.0, 1 - left)
        change = _PRICE_RATE * (position - self._position) * (bits - aim) / aim
        self._position = position
        self._log_price += max(-_MOST_PRICE_CHANGE, min(change, _MOST_PRICE_CHANGE))
        self._log_price = min(self._log_price, math.log(_MOST_PRICE))
        price = math.exp(self._log_price) * self._error / wanted * self._correction
        if not self._is_fixed:
            offsets = torch.cat([each.reshape(-1) for each in gradients])
            offsets *= torch.cat([each.reshape(-1) for each in layers_of(self.parameters)]) - self._weights
            relative = variances / steps**2
            slopes = self._sums(offsets) - price / _LN2 * self._counts * relative / (relative + 1 / 12)
            self._move_steps(slopes, _STEP_RATE * share)
        return self._spread(price / _LN2 / (variances + steps**2 / 12)) * self._weights

    def _move_steps(self, slopes: Float[Tensor, " t"], rate: float) -> None:
        self._num_noisy += 1
        first, second = self._step_moments
        first.lerp_(slopes, 1 - _STEP_BETAS[0])
        second.lerp_(slopes**2, 1 - _STEP_BETAS[1])
        mean = first / (1 - _STEP_BETAS[0] ** self._num_noisy)
        size = (second / (1 - _STEP_BETAS[1] ** self._num_noisy)).sqrt() + 1e-12
        self._log_steps -= rate * mean / size

    def _fix_steps(self) -> None:
        """Make the steps those of a file that has the size wanted."""
        if self._is_fixed:
            return
        for _ in range(_MOST_FITTINGS):
            excess = self.measure_bytes() - self.settings.num_bytes
            if abs(excess) < _NEAR * self.settings.num_bytes:
                break
            self._log_steps += 8 * excess / len(self._weights) * _LN2
        self._log_steps.copy_(self._file_steps().log())
        self._is_fixed = True

    def _file_steps(self) -> Float[Tensor, " t"]:
        return torch.tensor([nearest_step(step) for step in self._log_steps.exp().tolist()])

    def _bits(self, variances: Float[Tensor, " t"], steps: Float[Tensor, " t"]) -> float:
        """Return the entropy of Gaussian weights with noise as wide as the steps."""
        relative = variances / steps**2 + 1 / 12
        return float((self._counts / 2 * torch.log2(2 * math.pi * math.e * relative)).sum())

    def _variances(self) -> Float[Tensor, " t"]:
        return self._sums(self._weights**2) / self._counts + 1e-16

    def _sums(self, values: Float[Tensor, " n"]) -> Float[Tensor, " t"]:
        return torch.zeros(len(self._counts)).index_add_(0, self._segments, values)

    def _spread(self, per_tensor: Float[Tensor, " t"]) -> Float[Tensor, " n"]:
        return per_tensor[self._segments]

    def _evaluate(self, weights: Float[Tensor, " n"]) -> None:
        with torch.no_grad():
            for number, layer in enumerate(_views(weights, self._layers)):
                self.parameters[2 * number].copy_(layer[:, :-1])
                self.parameters[2 * number + 1].copy_(layer[:, -1])


def _views(flat: Shaped[Tensor, " n"], like: Sequence[Tensor]) -> list[Tensor]:
    parts = flat.split([each.numel() for each in like])
    return [part.view_as(each) for part, each in zip(parts, like, strict=True)]


def _segments(number: int, layer: Float[Tensor, "out columns"]) -> Int[Tensor, " n"]:
    """Return which tensor each entry of a layer belongs to: its weight, or in the last column its bias."""
    result = torch.full(layer.shape, 2 * number)
    result[:, -1] += 1
    return result.reshape(-1)
