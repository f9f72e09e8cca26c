"""Quantization-aware training: what is evaluated is what a file holds, and sizes come out as foretold."""

import itertools
import math

import pytest
import torch
from numpy.testing import assert_array_equal
from torch import Tensor

from ligeia.codec import CodedMoments, CodedWeights
from ligeia.codec._weights import pack_quantized
from ligeia.core import random_stream
from ligeia.fitting import Soap

WIDTHS = (2, 40, 40, 3)
RATE = 0.02


def parameters(seed: int = 0) -> list[Tensor]:
    generator = random_stream(seed, "test")
    result = []
    for fan_in, fan_out in itertools.pairwise(WIDTHS):
        result.append(torch.randn(fan_out, fan_in, generator=generator) / fan_in)
        result.append(torch.randn(fan_out, generator=generator) / 5)
    return result


def gradients_towards(weights: list[Tensor], aim: list[Tensor]) -> tuple[float, list[Tensor]]:
    """A quadratic bowl: its error, and its gradients."""
    errors = [each - wanted for each, wanted in zip(weights, aim, strict=True)]
    return sum(float((each**2).sum()) for each in errors), [2 * each for each in errors]


def trained(num_bytes: int, *, steps: int = 400) -> tuple[CodedMoments, list[Tensor]]:
    weights = parameters()
    moments = CodedWeights(optimizer=Soap(learning_rate=RATE), num_bytes=num_bytes).moments(weights)
    run(moments, weights, 0, steps, steps)
    return moments, weights


def run(moments: CodedMoments, weights: list[Tensor], first: int, last: int, steps: int) -> None:
    aim = parameters(seed=1)
    for number in range(first, last):
        position = number / steps
        moments.disturb(position)
        error, gradients = gradients_towards(weights, aim)
        moments.follow(gradients, error, RATE * (1 - position), position)


@pytest.mark.parametrize("num_bytes", [700, 1100, 1800])
def test_the_size_wanted_comes_out_and_the_parameters_are_those_of_the_file(num_bytes: int) -> None:
    moments, weights = trained(num_bytes)
    tensors = moments.tensors()
    assert abs(len(pack_quantized(tensors)) / num_bytes - 1) < 0.05
    assert abs(moments.foretold_bytes / num_bytes - 1) < 0.08
    for tensor, weight in zip(tensors, weights, strict=True):
        assert_array_equal(tensor.values(), weight.numpy())


def test_more_bytes_come_closer() -> None:
    aim = parameters(seed=1)
    errors = [gradients_towards(trained(num_bytes)[1], aim)[0] for num_bytes in (700, 1100, 1800)]
    assert errors[0] > errors[1] > errors[2]


def test_trimming_keeps_to_the_bytes_and_only_makes_weights_smaller() -> None:
    moments, _ = trained(1100, steps=200)
    before, size = moments.tensors(), len(pack_quantized(moments.tensors()))
    for most in (size, size - 1, size - 60, size // 2):
        trimmed = moments.trim(most)
        assert len(pack_quantized(trimmed)) <= most
        for one, other in zip(before, trimmed, strict=True):
            assert (abs(other.integers) <= abs(one.integers)).all()
            assert (other.integers * one.integers >= 0).all()
    assert not any(each.integers.any() for each in moments.trim(1))


def test_gradients_of_the_bits_are_those_of_finite_differences() -> None:
    moments = CodedMoments(CodedWeights(optimizer=Soap(learning_rate=1e-3), num_bytes=1000), parameters())
    generator = random_stream(2, "test")
    moments._log_steps += torch.rand(len(moments._log_steps), generator=generator) * 4
    steps = moments._log_steps.exp()

    def bits(weights: Tensor, steps: Tensor) -> float:
        variances = torch.zeros(6).double().index_add_(0, moments._segments, weights**2) / moments._counts
        relative = variances / steps**2 + 1 / 12
        return float((moments._counts / 2 * torch.log2(2 * math.pi * math.e * relative)).sum())

    weights, double_steps = moments._weights.double(), steps.double()
    assert bits(weights, double_steps) == pytest.approx(moments._bits(moments._variances(), steps), rel=1e-5)
    direction = torch.randn(len(weights), generator=generator).double()
    slope = moments._spread(1 / math.log(2) / (moments._variances() + steps**2 / 12)) * moments._weights
    reach = 1e-5
    ends = [bits(weights + sign * reach * direction, double_steps) for sign in (1, -1)]
    assert float(slope.double() @ direction) == pytest.approx((ends[0] - ends[1]) / (2 * reach), rel=1e-4)


def test_a_state_that_is_loaded_goes_on_to_the_same_weights() -> None:
    weights = trained(1100, steps=200)[1]
    again = parameters()
    half = CodedWeights(optimizer=Soap(learning_rate=RATE), num_bytes=1100)
    first = half.moments(again)
    run(first, again, 0, 120, 200)
    kept, plain = [each.clone() for each in again], first.to_plain()
    second = half.moments(kept)
    second.load_plain(plain)
    run(second, kept, 120, 200, 200)
    for one, other in zip(weights, kept, strict=True):
        assert torch.equal(one, other)


def test_weights_move_alone_by_a_step_of_the_optimizer() -> None:
    weights, aim = parameters(), parameters(seed=1)
    moments = CodedWeights(optimizer=Soap(learning_rate=1.0), num_bytes=1100).moments(weights)
    errors = []
    for _ in range(60):
        error, gradients = gradients_towards(weights, aim)
        moments.step(gradients, RATE)
        errors.append(error)
    assert errors[-1] < 0.7 * errors[0]
