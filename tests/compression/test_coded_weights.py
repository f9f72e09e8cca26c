"""Quantization-aware training: what is evaluated is what a file holds, and sizes come out as foretold."""

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import Tensor

from ligeia.codec import QuantizedTensor
from ligeia.codec.weights._choice import PriceCache
from ligeia.codec.weights._stream import pack_quantized
from ligeia.compression import CodedState, CodedWeights, _weights as _coded_weights
from ligeia.compression._weights import _noise
from ligeia.core import random_stream
from ligeia.fitting import Adam, orthogonalized
from ligeia.kernels import FusedNetwork, Shape, available, sine_mlp

WIDTHS = (2, 40, 40, 3)
RATE = 0.004


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


def adam_alone(num_bytes: int) -> CodedWeights:
    """Settings without what is there for weights of phases."""
    adam = Adam(learning_rate=RATE)
    return CodedWeights(optimizer=adam, num_bytes=num_bytes, muon=0.0, longest=9.0)


def trained(num_bytes: int, *, steps: int = 400) -> tuple[CodedState, list[Tensor]]:
    weights = parameters()
    moments = adam_alone(num_bytes).init_state(weights)
    run(moments, weights, 0, steps, steps)
    return moments, weights


def run(moments: CodedState, weights: list[Tensor], first: int, last: int, steps: int) -> None:
    aim = parameters(seed=1)
    for number in range(first, last):
        position = number / steps
        rate = RATE * (1 - position)
        moments.begin(position)
        moments.evaluate()
        error, gradients = gradients_towards(weights, aim)
        moments.take(gradients, rate, 1.0)
        moments.round()
        moments.end(error, rate, position)


@pytest.mark.no_cover
@pytest.mark.parametrize("num_bytes", [700, 1100, 1800])
def test_the_size_wanted_comes_out_and_the_parameters_are_those_of_the_file(num_bytes: int) -> None:
    moments, weights = trained(num_bytes)
    tensors = moments.tensors()
    assert abs(len(pack_quantized(tensors)) / num_bytes - 1) < 0.05
    assert abs(moments.estimated_bytes / num_bytes - 1) < 0.08
    for tensor, weight in zip(tensors, weights, strict=True):
        assert_array_equal(tensor.values(), weight.numpy())


@pytest.mark.no_cover
def test_more_bytes_come_closer() -> None:
    aim = parameters(seed=1)
    errors = [gradients_towards(trained(num_bytes)[1], aim)[0] for num_bytes in (700, 1100, 1800)]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.no_cover
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


def test_trimming_ends_soon_where_integers_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    moments, _ = trained(1100, steps=200)
    moments._log_steps[1] -= math.log(1e4)  # so that a step of these loses least, and saves next to nothing
    sizes: list[int] = []

    def counted(tensors: list[QuantizedTensor], rate_weights: PriceCache) -> bytes:
        packed = pack_quantized(tensors, rate_weights)
        sizes.append(len(packed))
        return packed

    monkeypatch.setattr(_coded_weights, "pack_quantized", counted)
    most = len(pack_quantized(moments.tensors())) - 5
    assert len(pack_quantized(moments.trim(most))) <= most
    assert len(sizes) < 40


def test_rate_weights_are_the_slopes_of_the_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = CodedState(CodedWeights(optimizer=Adam(learning_rate=1e-3), num_bytes=1000), parameters())
    moments._log_steps += np.arange(6) / 2
    monkeypatch.setattr(moments, "_follow_size", lambda *_: 1 / math.log(2))  # of a nat: a bit costs 1
    moments.begin(0.5)
    moments.end(2.0, 1e-9, 0.5)
    steps = np.exp(moments._log_steps)

    def bits(weights: Tensor) -> float:
        variances = [float(part.square().mean()) for part in weights.split(moments._counts.tolist())]
        relative = np.array(variances) / steps**2 + 1 / 12
        return float((moments._counts / 2 * np.log2(2 * math.pi * math.e * relative)).sum())

    weights = moments._flat.double()
    assert moments.estimated_bytes == round(bits(weights) * moments._correction / 8)
    direction = torch.randn(len(weights), generator=random_stream(2, "test")).double()
    rate_weights = torch.repeat_interleave(
        torch.tensor(moments._fit.rate_weights), torch.tensor(moments._counts)
    ).double()
    reach = 1e-5
    ends = [bits(weights + sign * reach * direction) for sign in (1, -1)]
    assert float((rate_weights * weights) @ direction) == pytest.approx((ends[0] - ends[1]) / (2 * reach), rel=1e-4)


def test_noise_is_uniform_and_new_at_each_step() -> None:
    first, second = _noise(50_000, 7).double(), _noise(50_000, 8).double()
    for noise in (first, second):
        assert float(noise.min()) >= -0.5
        assert float(noise.max()) < 0.5
        assert abs(float(noise.mean())) < 4 / math.sqrt(12 * 50_000)
        assert float(noise.var()) == pytest.approx(1 / 12, rel=0.02)
        assert abs(float((noise[1:] * noise[:-1]).mean() * 12)) < 4 / math.sqrt(50_000)
    assert abs(float((first * second).mean() * 12)) < 4 / math.sqrt(50_000)


@pytest.mark.parametrize("position", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("path", available()[1:])
@pytest.mark.parametrize("num_threads", [1, 3])
def test_compiled_steps_are_those_of_the_definition(path: str, num_threads: int, position: float) -> None:
    generator = random_stream(5, "test")
    omegas = (30.0, 30.0, 0.0)
    points = 2 * torch.rand(300, 2, generator=generator) - 1
    samples = torch.rand(300, 3, generator=generator)
    results = []
    for compiled in (True, False):
        weights = parameters()
        adam = Adam(learning_rate=RATE)
        settings = CodedWeights(optimizer=adam, num_bytes=1500, batch_size=64, muon=2.0)
        moments = settings.init_state(weights)
        moments._log_steps += 2.0
        moments._fit.rate_weights[:] = 0.01
        error, slopes = 0.0, np.zeros(6)
        for _ in range(2):
            moments.begin(position)
            if compiled:
                network = FusedNetwork(Shape(WIDTHS, omegas, path, num_threads))
                done, error = moments.take_fused(network, points, samples, torch.ones(1), RATE)
                assert done == 5
            else:
                error = 0.0
                for number in range(5):
                    moments.evaluate()
                    leaves = [each.clone().requires_grad_() for each in weights]
                    chosen = slice(60 * number, 60 * number + 60)
                    found = sine_mlp(points[chosen], leaves[::2], leaves[1::2], [*omegas[:-1], None])
                    loss = torch.nn.functional.mse_loss(found, samples[chosen])
                    error += float(loss.detach()) / 5
                    moments.take(torch.autograd.grad(loss, leaves), RATE, 1 / 5)
                moments.round()
            slopes = moments._fit.slopes.copy()
            moments.end(error, RATE, position)
        results.append((error, slopes, moments._flat.clone(), torch.cat([each.reshape(-1) for each in weights])))
    (error, slopes, inner, outer), (true_error, true_slopes, true_inner, true_outer) = results
    assert error == pytest.approx(true_error, rel=1e-3)
    assert_allclose(slopes, true_slopes, rtol=0.02, atol=1e-3 * abs(true_slopes).max())
    assert_allclose(inner.numpy(), true_inner.numpy(), atol=2e-3)
    assert float((outer != true_outer).double().mean()) < 0.02  # a rounded weight may have been near a half


def test_weights_of_a_neuron_between_hidden_layers_stay_short() -> None:
    weights = parameters()
    moments = CodedWeights(optimizer=Adam(learning_rate=RATE), num_bytes=1100, longest=0.15).init_state(weights)
    before = [each.clone() for each in moments._weights]
    moments.begin(0.0)
    lengths = before[2].norm(dim=1)
    assert float(lengths.max()) > 0.15 > float(lengths.min())
    assert_allclose(moments._weights[2].norm(dim=1).numpy(), lengths.clamp(max=0.15).numpy(), rtol=1e-5)
    for number in (0, 1, 3, 4, 5):
        assert torch.equal(moments._weights[number], before[number])


def test_a_matrix_made_orthogonal_keeps_its_directions_and_loses_its_lengths() -> None:
    generator = random_stream(6, "test")
    left, right = (torch.linalg.qr(torch.randn(30, 30, generator=generator))[0] for _ in range(2))
    lengths = torch.logspace(-1.2, 0, 30)
    found = left.T @ orthogonalized(left @ lengths.diag() @ right) @ right.T
    assert float((found - found.diag().diag()).abs().max()) < 1e-5
    assert 0.6 < float(found.diag().min()) < float(found.diag().max()) < 1.3
    assert not orthogonalized(torch.zeros(4, 4)).any()


@pytest.mark.no_cover
def test_a_state_that_is_loaded_goes_on_to_the_same_weights() -> None:
    weights = trained(1100, steps=200)[1]
    again = parameters()
    half = adam_alone(1100)
    first = half.init_state(again)
    run(first, again, 0, 120, 200)
    kept, plain = [each.clone() for each in again], first.to_plain()
    second = half.init_state(kept)
    second.load_plain(plain)
    run(second, kept, 120, 200, 200)
    for one, other in zip(weights, kept, strict=True):
        assert torch.equal(one, other)
