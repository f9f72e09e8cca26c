"""Quantization-aware training: fits weights in the form in which a file of a given size stores them.

It minimizes the error plus a rate weight times the bits (Ballé et al. 2017, arXiv:1611.01704, s. 3): the weights get
uniform noise as wide as their quantization steps, which are learned, and are rounded later; the rate weight follows
the target size.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from ligeia.codec import FieldRecord, PriceCache, QuantizedTensor, encode, nearest_step, pack_quantized
from ligeia.fitting import ADAM_SIZE, POLYNOMIALS, Adam, AdamState, orthogonalized
from ligeia.kernels import CodedFit, FusedNetwork

_LN2 = math.log(2.0)
_FIRST_FINENESS = 50.0  # standard deviations of a tensor over its first step: fine enough to change nothing
_MOST_FIRST_STEP = 0.03  # of the first layer: at an omega of 30 a radian at the end of an axis
_FIRST_RATE_WEIGHT = 0.3  # errors per bits wanted
_MOST_RATE_WEIGHT = 50.0
_RATE_WEIGHT_RATE = 100.0  # of the rate weight's logarithm per fit, times the relative excess of bits, ...
_MOST_RATE_WEIGHT_CHANGE = 0.1  # ... and per step
_RATE_WEIGHT_DAMPING = 5.0  # times the relative excess, too: bits answer late, and would swing
_STEP_RATE = 0.02  # of the steps' logarithms
_STEP_BETAS = (0.9, 0.99)
_SPARE, _NEAR = 0.002, 0.004  # of the bytes wanted: what the steps leave free when they are fixed, and how well
_MOST_FITTINGS = 10  # of the steps to the bytes
_MOST_TRIMMED = 0.01  # of the bytes
_NUMBERS = (
    "_num_step_moves",
    "_log_rate_weight",
    "_error",
    "_first_bits",
    "_correction",
    "_is_fixed",
    "_measured_at",
    "_position",
)
_MEMORY = 0.99  # of the mean error
_MEASUREMENTS, _LATE_MEASUREMENTS = 10, 50  # per fit, of the bytes that the weights take in a file: noisy, rounded


def bytes_beside_weights(record: FieldRecord) -> int:
    """Return the bytes of a record's file without its weights, to within three."""
    return len(encode(record)) - len(pack_quantized(record.tensors)) + 3


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class CodedWeights:
    """Optimizer settings for weights that a file codes in ``num_bytes``, including heads and digest.

    The phases are shares of the fit: until ``priced_from`` bits cost nothing, then the bits wanted come down until
    ``small_by``; from ``rounded_from`` on the weights are those of the file, before that they are noisy. A step of the
    fit takes a step of the optimizer for each ``batch_size`` of its points, then moves the steps and the rate weight.

    Weights between hidden layers take steps of Muon, ``muon`` times as large as Adam's are by their root mean square;
    with 0 they are left to Adam. The norm of a neuron's weights stays below ``longest``: high rates let it grow until
    the neuron turns too fast to be of use, and the next layer stops reading it.
    """

    optimizer: Adam
    num_bytes: int
    batch_size: int = 4096
    priced_from: float = 0.01
    small_by: float = 0.1
    rounded_from: float = 0.92
    muon: float = 2.0
    longest: float = 0.1

    @property
    def learning_rate(self) -> float:
        """The optimizer's learning rate."""
        return self.optimizer.learning_rate

    def init_state(self, parameters: Sequence[Tensor]) -> "CodedState":
        """Return the state of such a fit of these parameters, weight and bias of each layer in turn."""
        return CodedState(self, parameters)


@final
class CodedState:
    """The weights between the steps of their integers, the steps, and the rate weight of a bit.

    The parameters themselves hold what is to be evaluated: noisy weights within a step, rounded ones between two.
    """

    def __init__(self, settings: CodedWeights, parameters: Sequence[Tensor]) -> None:
        self.settings = settings
        self.parameters = list(parameters)
        self._flat = torch.cat([each.detach().reshape(-1) for each in self.parameters])
        self._counts = np.array([each.numel() for each in self.parameters])
        self._weights = self._views(self._flat)
        self._adam: AdamState = settings.optimizer.init_state(self._weights)
        self._fit = CodedFit(self.parameters, self._weights, self._adam.first, self._adam.second, POLYNOMIALS)
        matrices = [number for number, each in enumerate(self.parameters) if each.ndim > 1]
        self._between = matrices[1:-1]  # weights between hidden layers
        for number in self._between:
            rows, columns = self.parameters[number].shape
            self._fit.muon_rates[number] = settings.muon * ADAM_SIZE * math.sqrt(columns) if rows == columns else 0
        self._log_steps = np.log(np.maximum(np.sqrt(self._variances()) / _FIRST_FINENESS, 1e-8))
        self._log_steps[0] = min(self._log_steps[0], math.log(_MOST_FIRST_STEP))
        self._step_moments = np.zeros((2, len(self._counts)))
        self._num_step_moves = 0
        self._log_rate_weight = math.log(_FIRST_RATE_WEIGHT)
        self._error = math.nan
        self._first_bits = math.nan
        self._correction = 1.0  # actual over estimated bits in a file
        self._is_fixed = False
        self._measured_at = self._position = 0.0
        self._rate_weights = PriceCache()

    def begin(self, position: float) -> None:
        """Begin a step of the fit; ``position`` is the share of it that is done."""
        measurements = _LATE_MEASUREMENTS if self._is_fixed else _MEASUREMENTS
        if position - self._measured_at >= 1 / measurements and position >= self.settings.priced_from:
            self._measured_at = position
            self.measure_bytes()
        if position >= self.settings.rounded_from:
            self._fix_steps()
        self._fit.steps[:] = self._file_steps()
        self._fit.slopes[:] = 0
        with torch.no_grad():
            for number in self._between:
                self._weights[number].renorm_(2, 0, self.settings.longest)

    @property
    def is_rounded(self) -> bool:
        """Whether the weights are evaluated as a file will have them."""
        return self._is_fixed

    def num_batches(self, num_samples: int) -> int:
        """Return the number of optimizer steps for ``num_samples`` samples."""
        return max(1, round(num_samples / self.settings.batch_size))

    def take_fused(
        self,
        network: FusedNetwork,
        points: Float[Tensor, "points d"],
        samples: Float[Tensor, "n c"],
        node_weights: Float[Tensor, " group"],
        learning_rate: float,
    ) -> tuple[int, float]:
        """Take the steps of the optimizer in compiled code; return how many, and the mean squared error in these."""
        self._fit.set(self._adam.next_step(learning_rate), rounded=self._is_fixed)
        done, error = network.coded_steps(self._fit, points, samples, node_weights, self.num_batches(len(samples)))
        self._adam.num_steps += done
        return done, error

    def evaluate(self) -> None:
        """Set the parameters to the values at which the next gradient is taken."""
        if self._is_fixed:
            self.round()
            return
        noise = self._views(_noise(len(self._flat), self._adam.num_steps))
        with torch.no_grad():
            for number, (parameter, weight) in enumerate(zip(self.parameters, self._weights, strict=True)):
                torch.add(weight, noise[number], alpha=float(self._fit.steps[number]), out=parameter)

    def take(self, gradients: Sequence[Tensor], learning_rate: float, share: float) -> None:
        """Take a step of the optimizer with gradients at the parameters, by a batch that is ``share`` of all."""
        with torch.no_grad():
            priced = []
            for number, gradient in enumerate(gradients):
                weight = self._weights[number]
                self._fit.slopes[number] += share * float((gradient * (self.parameters[number] - weight)).sum())
                priced.append(gradient + float(self._fit.rate_weights[number]) * weight)
            before = {number: self._weights[number].clone() for number in np.flatnonzero(self._fit.muon_rates)}
            self._adam.step(priced, learning_rate)
            beta = self.settings.optimizer.betas[0]
            for number in before:
                turn = orthogonalized(torch.lerp(priced[number], self._adam.first[number], beta))
                rate = learning_rate * float(self._fit.muon_rates[number])
                torch.sub(before[number], turn, alpha=rate, out=self._weights[number])

    def end(self, error: float, learning_rate: float, position: float) -> None:
        """End a step of the fit: move the steps and the rate weight by what was found."""
        self._error = error if math.isnan(self._error) else _MEMORY * self._error + (1 - _MEMORY) * error
        if position < self.settings.priced_from:
            return
        variances, steps = self._variances(), np.exp(self._log_steps)
        rate_weight = self._follow_size(self._bits(variances, steps) * self._correction, position)
        if not self._is_fixed:
            relative = variances / steps**2
            slopes = self._fit.slopes - rate_weight * self._counts * relative / (relative + 1 / 12)
            self._move_steps(slopes, _STEP_RATE * learning_rate / self.settings.learning_rate)
        self._fit.rate_weights[:] = rate_weight / (variances + steps**2 / 12)

    def round(self) -> None:
        """Set the parameters to their rounded values, as in a file."""
        with torch.no_grad():
            integers = self._views(self._in_steps().round())
            for parameter, integer, step in zip(self.parameters, integers, self._file_steps(), strict=True):
                torch.mul(integer, step, out=parameter)

    def tensors(self) -> list[QuantizedTensor]:
        """Return the weights as a file codes them: weight and bias of each layer in turn."""
        return self._file_tensors(self._in_steps().round())

    @property
    def estimated_bytes(self) -> int:
        """Estimated bytes of the weights in a file now."""
        return round(self._bits(self._variances(), np.exp(self._log_steps)) * self._correction / 8)

    def measure_bytes(self) -> int:
        """Return the exact bytes of the weights in a file now, and correct later estimates by the difference."""
        num_bytes = len(pack_quantized(self.tensors(), self._rate_weights))
        self._correction = 8 * num_bytes / self._bits(self._variances(), self._file_steps())
        return num_bytes

    def trim(self, num_bytes: int) -> list[QuantizedTensor]:
        """Return the weights in at most ``num_bytes``: those that lose least by it are reduced by one step.

        The loss is estimated from the distance to the integer, with Adam's second moment as curvature. If more than a
        hundredth must be saved, all steps grow.
        """
        self._fix_steps()  # of a fit that never rounded
        for _ in range(_MOST_FITTINGS):
            excess = self.measure_bytes() - num_bytes
            if excess < _MOST_TRIMMED * num_bytes:
                break
            self._log_steps += 8 * excess / len(self._flat) * _LN2
        in_steps = self._in_steps()
        exact, integers = in_steps.abs(), in_steps.round()
        steps = np.repeat(self._file_steps(), self._counts)
        curvatures = torch.cat([each.reshape(-1) for each in self._adam.second]) + 1e-30
        curvatures *= torch.from_numpy(steps**2).to(curvatures)
        tensors, before, times = self._file_tensors(integers), math.inf, 1
        while (excess := len(pack_quantized(tensors, self._rate_weights)) - num_bytes) > 0 and integers.any():
            times = 1 if excess < before else 2 * times  # large integers are hardly shorter by one step
            before = excess
            losses = torch.where(integers == 0, torch.inf, (1 + 2 * (exact - integers.abs())) * curvatures)
            chosen = losses.topk(min(len(losses), 2 * times * excess), largest=False).indices
            integers[chosen] -= integers[chosen].sign()
            tensors = self._file_tensors(integers)
        return tensors

    def to_plain(self) -> dict[str, Any]:
        """Return the state as tensors and numbers."""
        return {
            "weights": self._flat,
            "arrays": [torch.from_numpy(each) for each in self._arrays()],
            "numbers": {name: getattr(self, name) for name in _NUMBERS},
            "adam": self._adam.to_plain(),
        }

    def load_plain(self, plain: dict[str, Any]) -> None:
        """Take over the state that `to_plain` gave."""
        self._flat.copy_(plain["weights"])
        for mine, theirs in zip(self._arrays(), plain["arrays"], strict=True):
            mine[:] = theirs.numpy()
        for name in _NUMBERS:
            setattr(self, name, plain["numbers"][name])
        self._adam.load_plain(plain["adam"])

    def _arrays(self) -> list[np.ndarray]:
        return [self._log_steps, self._step_moments, self._fit.rate_weights]

    def _in_steps(self) -> Float[Tensor, " n"]:
        pairs = zip(self._weights, self._file_steps().tolist(), strict=True)
        return torch.cat([(weight / step).reshape(-1) for weight, step in pairs])

    def _file_tensors(self, integers: Float[Tensor, " n"]) -> list[QuantizedTensor]:
        pairs = zip(self._views(integers.to(torch.int32)), self._file_steps().tolist(), strict=True)
        return [QuantizedTensor(part.numpy(), step) for part, step in pairs]

    def _follow_size(self, bits: float, position: float) -> float:
        """Move the rate weight towards the size wanted at this position; return it per natural unit of information."""
        if math.isnan(self._first_bits):
            self._first_bits = bits
        wanted = 8 * (1 - _SPARE) * self.settings.num_bytes
        left = (position - self.settings.priced_from) / (self.settings.small_by - self.settings.priced_from)
        aim = wanted * (self._first_bits / wanted) ** max(0.0, 1 - left)
        excess = bits / aim - 1
        change = _RATE_WEIGHT_RATE * (position - self._position) * excess
        self._position = position
        self._log_rate_weight += max(-_MOST_RATE_WEIGHT_CHANGE, min(change, _MOST_RATE_WEIGHT_CHANGE))
        self._log_rate_weight = min(self._log_rate_weight, math.log(_MOST_RATE_WEIGHT))
        rate_weight = math.exp(self._log_rate_weight + _RATE_WEIGHT_DAMPING * min(excess, 1.0))
        return rate_weight * self._error / wanted * self._correction / _LN2

    def _move_steps(self, slopes: Float[np.ndarray, " t"], rate: float) -> None:
        self._num_step_moves += 1
        betas = np.array(_STEP_BETAS)[:, None]
        self._step_moments += (1 - betas) * (np.stack([slopes, slopes**2]) - self._step_moments)
        mean, square = self._step_moments / (1 - betas**self._num_step_moves)
        self._log_steps -= rate * mean / (np.sqrt(square) + 1e-12)

    def _fix_steps(self) -> None:
        """Fix the quantization steps so that the file has the target size."""
        if self._is_fixed:
            return
        wanted, first = (1 - _SPARE) * self.settings.num_bytes, self._log_steps.copy()
        too_fine, enough, shift = -math.inf, math.inf, 0.0
        for _ in range(_MOST_FITTINGS):
            self._log_steps[:] = first + shift
            excess = self.measure_bytes() - wanted
            too_fine, enough = (shift, enough) if excess > 0 else (too_fine, shift)
            if -_NEAR * wanted <= excess <= 0:
                break
            guess = shift + 8 * excess / len(self._flat) * _LN2
            shift = guess if too_fine < guess < enough else (too_fine + enough) / 2
        else:
            self._log_steps[:] = first + (enough if enough < math.inf else shift)
            self.measure_bytes()
        self._is_fixed = True

    def _file_steps(self) -> Float[np.ndarray, " t"]:
        return np.array([nearest_step(step) for step in np.exp(self._log_steps).tolist()])

    def _bits(self, variances: Float[np.ndarray, " t"], steps: Float[np.ndarray, " t"]) -> float:
        """Return the entropy of Gaussian weights with noise as wide as the steps."""
        relative = variances / steps**2 + 1 / 12
        return float((self._counts / 2 * np.log2(2 * math.pi * math.e * relative)).sum())

    def _variances(self) -> Float[np.ndarray, " t"]:
        squares = [float(torch.dot(part, part)) for part in self._flat.split(self._counts.tolist())]
        return np.array(squares) / self._counts + 1e-16

    def _views(self, flat: Shaped[Tensor, " n"]) -> list[Tensor]:
        parts = flat.split(self._counts.tolist())
        return [part.view_as(each) for part, each in zip(parts, self.parameters, strict=True)]


def _noise(count: int, number: int) -> Float[Tensor, " count"]:
    """Return the noise of weights at a step of the fit, uniform in [-0.5, 0.5): a hash, as the compiled code has it."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(number * 0x85EBCA6B & 0xFFFFFFFF)
        x = (x ^ x >> 16) * np.uint32(0x7FEB352D)
        x = (x ^ x >> 15) * np.uint32(0x846CA68B)
        x ^= x >> 16
    return torch.from_numpy((x >> 8).astype(np.float32) * np.float32(2**-24) - np.float32(0.5))
