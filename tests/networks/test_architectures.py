"""What holds for every network alike; oracles: automatic differentiation, NumPy's arithmetic, counts of tensors."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from ligeia.calculus import jacobian, laplacian
from ligeia.core import InputError, ShapeError
from ligeia.kernels import JetShape, JetTerm
from ligeia.networks import (
    Architecture,
    Finer,
    HashGrid,
    Inputs,
    Network,
    NetworkConfig,
    NumpyArithmetic,
    PositionalEncoding,
    ReluMlp,
    check_order,
)
from support.architectures import EVERY, name_of

each_architecture = pytest.mark.parametrize("architecture", EVERY, ids=name_of)
SMOOTH = [each for each in EVERY if each.smoothness >= 1]
INPUTS = Inputs((40, 30), (20.0, 15.0))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(architecture: Architecture, frequencies: Sequence[float] | None = INPUTS.frequencies) -> Network:
    config = NetworkConfig(architecture.suited_to(INPUTS), 2, 3)
    return config.build(frequencies=frequencies, generator=seeded()).double()


def places(count: int = 20) -> torch.Tensor:
    return torch.rand(count, 2, generator=seeded(1), dtype=torch.float64) * 2 - 1


@each_architecture
def test_values_are_finite_and_differ_from_place_to_place(architecture: Architecture) -> None:
    values = built(architecture)(places())
    assert values.shape == (20, 3)
    assert values.isfinite().all()
    assert values.std(dim=0).min() > 1e-6


@each_architecture
def test_numpy_computes_the_same(architecture: Architecture) -> None:
    network = built(architecture)
    tensors = [each.detach().numpy() for each in network.tensors()]
    for do in (NumpyArithmetic(np.float64), NumpyArithmetic(np.float64, reverse=True)):
        found = network.architecture.values(do, places().numpy(), tensors)
        assert_close(torch.from_numpy(found), network(places()).detach(), rtol=1e-10, atol=1e-12)


@each_architecture
def test_the_jacobian_of_one_sweep_is_that_of_autograd(architecture: Architecture) -> None:
    network = built(architecture)
    values, slopes = network.value_and_jacobian(places())
    assert_close(values, network(places()).detach())
    assert_close(slopes, jacobian(network, places()).detach(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("architecture", SMOOTH, ids=name_of)
def test_the_laplacian_of_one_sweep_is_that_of_autograd(architecture: Architecture) -> None:
    network = built(architecture)
    expected = laplacian(network, places()).detach()
    assert_close(network.jet(places()).laplacian, expected, rtol=1e-6, atol=1e-6 * float(expected.abs().max()))


@pytest.mark.parametrize("architecture", SMOOTH, ids=name_of)
def test_mixed_derivatives_carry_gradients_to_the_weights(architecture: Architecture) -> None:
    network = built(architecture)
    x = places(5)
    streams = torch.cat([x[None], torch.eye(2).double()[:, None].expand(-1, 5, -1), torch.zeros(1, 5, 2).double()])
    found = network.jet_streams(streams, JetShape(2, 1, (JetTerm(0, 0, 1),)))[-1]
    expected = jacobian(lambda y: jacobian(network, y)[:, :, 0], x)[:, :, 1]
    assert_close(found, expected, rtol=1e-6, atol=1e-7 * float(expected.detach().abs().max()))
    parameters = list(network.parameters())
    for one, other in zip(
        torch.autograd.grad(found.square().sum(), parameters, materialize_grads=True),
        torch.autograd.grad(expected.square().sum(), parameters, materialize_grads=True),
        strict=True,
    ):
        assert_close(one, other, rtol=1e-4, atol=1e-6 * float(other.abs().max()) + 1e-12)


@each_architecture
def test_the_values_are_smooth_as_often_as_it_says(architecture: Architecture) -> None:
    """Finite differences across a line of places: slopes of a network of smoothness 1 or more have no jumps."""
    network = built(architecture, frequencies=None)
    line = torch.linspace(-0.9, 0.9, 50_001, dtype=torch.float64)
    x = torch.stack([line, 0.37 * line + 0.11], dim=1)
    with torch.no_grad():
        slopes = torch.diff(network(x), dim=0)
    steps = torch.diff(slopes, dim=0).abs().amax(dim=0) / slopes.abs().amax(dim=0)
    if architecture.smoothness >= 1:
        assert steps.max() < 0.02
    else:  # somewhere a slope jumps by a good part of the largest one
        assert steps.max() > 0.02


@pytest.mark.parametrize("architecture", [each for each in EVERY if each.smoothness < 1], ids=name_of)
def test_second_derivatives_that_say_nothing_are_refused(architecture: Architecture) -> None:
    with pytest.raises(InputError, match=f"for second derivatives, that of {architecture.name} jumps"):
        built(architecture).jet(places())
    with pytest.raises(InputError, match="expected a network with a continuous gradient for the Laplacian"):
        laplacian(built(architecture), places())
    check_order(architecture, order=1)


@each_architecture
def test_the_tensors_are_those_announced_and_the_last_two_are_the_output_layer(architecture: Architecture) -> None:
    network = built(architecture)
    announced = network.config.tensors()
    assert [tuple(each.shape) for each in network.tensors()] == [each.shape for each in announced]
    assert set(network.state_dict()) == {each.name for each in announced}
    assert {name for name, _ in network.named_parameters()} == {each.name for each in announced if each.is_trained}
    assert announced[-1].shape == (3,)
    output = network.output_layer()
    assert (output is None) == (not architecture.ends_linear)
    if output is not None:
        with torch.no_grad():
            before = network(places())
            output.bias.add_(1.0)
            assert_close(network(places()), before + 1.0)


@each_architecture
def test_the_same_generator_gives_the_same_weights_and_leaves_the_global_stream(architecture: Architecture) -> None:
    before = torch.get_rng_state()
    one, other = built(architecture), built(architecture)
    assert all(torch.equal(a, b) for a, b in zip(one.tensors(), other.tensors(), strict=True))
    assert torch.equal(torch.get_rng_state(), before)


@each_architecture
def test_the_largest_network_of_a_size_is_found(architecture: Architecture) -> None:
    found = architecture.with_parameters(9_000, 2, 3)
    count = NetworkConfig(found, 2, 3).num_parameters()
    assert count <= 9_000
    assert found.of_size(1).with_parameters(count, 2, 3) == found
    with pytest.raises(InputError, match=r"expected at least \d+ weights for a network .*, got 3; allow more"):
        architecture.with_parameters(3, 2, 3)


@each_architecture
def test_activations_have_a_layer_for_each_nonlinearity_and_the_output(architecture: Architecture) -> None:
    network = built(architecture)
    layers = network.activations(places())
    assert_close(layers[-1].post, network(places()))
    assert len(layers) >= 2
    assert all(layer.pre.shape[0] == 20 for layer in layers)


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="hidden_features of a network finer must lie in 1 to"):
        Finer(hidden_features=0)
    with pytest.raises(InputError, match="omega of a network finer must be above 0 and finite, got nan"):
        Finer(omega=math.nan)
    with pytest.raises(ShapeError, match="in_features must be at least 1"):
        ReluMlp().build(0, 1)
    with pytest.raises(InputError, match="expected octaves for 3 coordinates, got 2"):
        PositionalEncoding(num_octaves=(4, 4)).build(3, 1)


def test_a_hash_grid_of_five_coordinates_says_what_it_would_take() -> None:
    with pytest.raises(InputError, match=r"up to 4 coordinates, got 5: .* 32 corners .* 80 MiB .* 264,714 GiB"):
        HashGrid().build(5, 1)
