"""What a fresh network does to a batch, layer by layer; `design/initialization.md` derives every law.

A population pools one layer's units at all points, over so many networks that 1024 units of each layer take
part, whatever the width. The bounds are about twice the largest deviation over eight such draws of networks.
"""

import functools
import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from ligeia.networks import Siren

NUM_POINTS = 32
NUM_UNITS = 1024
DEPTH = 50

WIDTHS = [64, 256, 1024]
OMEGAS = [10.0, 30.0, 100.0]
every_setting = pytest.mark.parametrize(("width", "omega"), [(w, o) for w in WIDTHS for o in OMEGAS])


class Layer(NamedTuple):
    """One layer's population: all units, points and networks, flattened."""

    weight_driven: Tensor
    """The phase without ``omega b``."""
    phase: Tensor
    output: Tensor


def fresh(width: int, omega: float, depth: int, *, num_coordinates: int = 2, seed: int = 0) -> Siren:
    generator = torch.Generator().manual_seed(seed)
    return Siren(num_coordinates, width, depth, 1, first_omega_0=omega, hidden_omega_0=omega, generator=generator)


def populations(networks: list[Siren], points: Tensor) -> list[Layer]:
    with torch.no_grad():
        runs = [network.activations(points)[:-1] for network in networks]
    layers = []
    for number, per_network in enumerate(zip(*runs, strict=True)):
        phases = [activations.pre.double() for activations in per_network]
        omega = networks[0].architecture.layer_omegas()[number]
        biases = [network.linears()[number].bias.detach().double() for network in networks]
        weight_driven = [phase - omega * bias for phase, bias in zip(phases, biases, strict=True)]
        layers.append(
            Layer(
                torch.cat([each.flatten() for each in weight_driven]),
                torch.cat([each.flatten() for each in phases]),
                torch.cat([activations.post.double().flatten() for activations in per_network]),
            )
        )
    return layers


def points_in_square(dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(99)
    return torch.rand(NUM_POINTS, 2, generator=generator, dtype=dtype) * 2 - 1


@functools.cache
def deep_populations(width: int, omega: float) -> list[Layer]:
    networks = [fresh(width, omega, DEPTH, seed=seed) for seed in range(NUM_UNITS // width)]
    return populations(networks, points_in_square())


def predicted_variances(width: int, omega: float, depth: int) -> list[tuple[float, float]]:
    """Return, for each layer after the first, the variances of the weight-driven part and of the phase."""
    bias_half_width = omega / math.sqrt(width)
    bias_variance = bias_half_width**2 / 3
    characteristic = math.sin(2 * bias_half_width) / (2 * bias_half_width)
    variances = [1.0]
    while len(variances) < depth:
        variances.append(1 - math.exp(-2 * variances[-1]) * characteristic)
    return [(variance, variance + bias_variance) for variance in variances]


def distance(sample: Tensor, law: Tensor) -> float:
    """Kolmogorov-Smirnov distance of a sorted sample to the law's values at it."""
    count = len(sample)
    ranks = torch.arange(count, dtype=torch.float64)
    return float(torch.maximum(law - ranks / count, (ranks + 1) / count - law).max())


def distance_to_normal(population: Tensor, variance: float) -> float:
    sample = population.sort().values
    return distance(sample, torch.special.ndtr(sample / math.sqrt(variance)))


def distance_to_arcsine(population: Tensor) -> float:
    sample = population.sort().values
    return distance(sample, 0.5 + torch.asin(sample.clamp(-1, 1)) / math.pi)


def kurtosis(population: Tensor) -> float:
    centered = population - population.mean()
    return float(centered.pow(4).mean() / centered.square().mean().square())


def check_phases(layers: list[Layer], width: int, omega: float) -> None:
    """Assert that phases after the first layer's are Gaussian, of the predicted variances, at every depth."""
    predicted = predicted_variances(width, omega, len(layers) - 1)
    ratios = []
    for layer, (weight_variance, variance) in zip(layers[1:], predicted, strict=True):
        assert abs(float(layer.weight_driven.mean())) < 0.2
        assert 2.2 < kurtosis(layer.weight_driven) < 3.8
        assert distance_to_normal(layer.weight_driven, weight_variance) < 0.1
        ratios.append([layer.weight_driven.var() / weight_variance, layer.phase.var() / variance])
    # one layer's draw strays by a tenth; what would grow with depth shows in the averages
    each = torch.tensor(ratios)
    assert (each - 1).abs().max() < 0.25
    assert (each.mean(dim=0) - 1).abs().max() < 0.03
    assert (each[-10:].mean(dim=0) - 1).abs().max() < 0.08


@every_setting
def test_phases_keep_the_predicted_gaussian_through_fifty_layers(width: int, omega: float) -> None:
    check_phases(deep_populations(width, omega), width, omega)


@every_setting
def test_outputs_stay_as_close_to_the_arcsine_law_as_predicted(width: int, omega: float) -> None:
    layers = deep_populations(width, omega)
    assert distance_to_arcsine(layers[0].output) < 0.03
    # the second harmonic of the phase's law, which is also what the next layer's variance lacks to 1
    asymptote = abs(1 - predicted_variances(width, omega, DEPTH)[-1][0]) / math.pi
    distances = [distance_to_arcsine(layer.output) for layer in layers[1:]]
    assert max(distances) < asymptote + 0.1
    assert asymptote - 0.01 < sum(distances) / len(distances) < asymptote + 0.03


def test_the_figure_of_the_paper_is_reproduced_at_width_2048() -> None:
    network = fresh(2048, 30.0, 10, num_coordinates=1)
    layers = populations([network], torch.linspace(-1, 1, 128)[:, None])
    assert len(layers) == 11
    assert distance_to_arcsine(layers[0].output) < 0.02
    for layer in layers[1:]:
        assert float(layer.phase.std()) == pytest.approx(1, rel=0.15)
        assert distance_to_normal(layer.phase, 1.0) < 0.05
        assert distance_to_arcsine(layer.output) < 0.08


@pytest.mark.parametrize("omega", OMEGAS)
def test_inputs_far_from_the_origin_leave_every_distribution_as_it_is(omega: float) -> None:
    networks = [fresh(256, omega, DEPTH, seed=seed).double() for seed in range(4)]
    # float64: at 1000 a phase of the first layer is tens of thousands of radians
    layers = populations(networks, points_in_square(torch.float64) + 1000)
    assert distance_to_arcsine(layers[0].output) < 0.03
    check_phases(layers, 256, omega)


@pytest.mark.parametrize("omega", OMEGAS)
@pytest.mark.parametrize("width", [256, 1024])
def test_gradients_change_per_layer_by_the_predicted_factor_and_no_more(width: int, omega: float) -> None:
    powers = torch.zeros(DEPTH + 1)
    for seed in range(NUM_UNITS // width):
        activations = fresh(width, omega, DEPTH, seed=seed).activations(points_in_square())
        outputs = [layer.post for layer in activations]
        slopes = torch.autograd.grad(outputs[-1].sum(), outputs[:-1])
        powers += torch.stack([slope.square().mean() for slope in slopes])
    # a layer multiplies the power by 2 E[cos^2 z]: 2 minus the variance of the next weight-driven part
    gains = torch.tensor([2 - variance for variance, _ in predicted_variances(width, omega, DEPTH + 1)[1:]])
    predicted = gains.log().flip(0).cumsum(0).flip(0)
    measured = (powers[:-1] / powers[-1]).log()
    assert (measured - predicted).abs().max() < 0.8
    per_layer = float(measured[0] / (2 * DEPTH))
    assert math.log(0.97) < per_layer < math.log(1.11)


@every_setting
def test_the_recursion_has_settled_after_ten_layers(width: int, omega: float) -> None:
    variances = predicted_variances(width, omega, DEPTH)
    assert variances[10] == pytest.approx(variances[-1], rel=1e-4)
