"""Oracles: the definition of a sine network written out, and counts and bounds worked out by hand."""

import math
from itertools import zip_longest

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia.core import InputError, ShapeError
from ligeia.networks import Bounded, NetworkConfig, SineLayer, Siren, SirenArchitecture
from ligeia.networks._network import _TorchDraw


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_image_network_of_the_paper_has_198401_parameters() -> None:
    network = Siren(2, 256, 3, 1)
    assert sum(parameter.numel() for parameter in network.parameters()) == 198_401
    assert network.config.num_parameters() == 198_401


@pytest.mark.parametrize(("outermost_linear", "num_sine_layers"), [(True, 4), (False, 5)])
def test_three_hidden_layers_are_five_linear_maps(outermost_linear: bool, num_sine_layers: int) -> None:
    network = Siren(2, 8, 3, 1, outermost_linear=outermost_linear)
    assert [tuple(linear.weight.shape) for linear in network.linears()] == [
        (8, 2),
        (8, 8),
        (8, 8),
        (8, 8),
        (1, 8),
    ]
    assert network.architecture.num_sine_layers == num_sine_layers
    assert sum(isinstance(layer, SineLayer) for layer in network.net) == num_sine_layers


@pytest.mark.parametrize("outermost_linear", [True, False])
def test_the_values_are_those_of_the_definition(outermost_linear: bool) -> None:
    hidden_omegas = [5.0, 7.0] if outermost_linear else [5.0, 7.0, 3.0]
    network = Siren(
        2, 8, 2, 3, outermost_linear=outermost_linear, first_omega_0=20.0, hidden_omega_0=hidden_omegas
    ).double()
    x = torch.rand(10, 2, dtype=torch.float64, generator=seeded())
    expected = x
    for linear, omega in zip_longest(network.linears(), [20.0, *hidden_omegas]):
        expected = expected @ linear.weight.T + linear.bias
        if omega is not None:
            expected = torch.sin(omega * expected)
    assert_close(network(x), expected, rtol=1e-12, atol=1e-12)
    assert_close(network(x.reshape(5, 2, 2)), expected.reshape(5, 2, 3), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("widths", [(5, 40, 3), (17, 1, 9), (64, 70, 33)])
def test_a_network_of_different_widths_is_the_definition_with_its_derivatives(widths: tuple[int, ...]) -> None:
    network = Siren(2, widths, 2, 3, first_omega_0=8.0, hidden_omega_0=4.0, generator=seeded())
    x = torch.rand(50, 2, generator=seeded(1))

    def definition(points: Tensor) -> Tensor:
        for linear, omega in zip_longest(network.linears(), [8.0, 4.0, 4.0]):
            points = points @ linear.weight.T + linear.bias
            points = points if omega is None else torch.sin(omega * points)
        return points

    assert network.config.tensor_shapes()[::2] == [
        (widths[0], 2),
        (widths[1], widths[0]),
        (widths[2], widths[1]),
        (3, widths[2]),
    ]
    assert (network.architecture.hidden_widths(), network.architecture.max_width) == (widths, max(widths))
    assert network.config.build().config == network.config
    assert_close(network(x), definition(x), rtol=1e-4, atol=1e-5)
    ours = torch.autograd.grad(network(x).square().sum(), list(network.parameters()))
    assert_close(
        ours, torch.autograd.grad(definition(x).square().sum(), list(network.parameters())), rtol=1e-3, atol=1e-4
    )
    jacobian = torch.func.vmap(torch.func.jacrev(definition))(x)
    hessian = torch.func.vmap(torch.func.hessian(definition))(x)
    values, slopes = network.value_and_jacobian(x)
    assert_close((values, slopes), (definition(x), jacobian), rtol=1e-3, atol=1e-4)
    jet = network.jet(x)
    assert_close(jet.jacobian, jacobian, rtol=1e-3, atol=1e-4)
    assert_close(jet.laplacian, hessian.diagonal(dim1=-2, dim2=-1).sum(-1), rtol=1e-3, atol=2e-3)


def test_widths_are_one_per_hidden_sine_layer_and_one_number_where_equal() -> None:
    assert Siren(2, [8, 8, 8], 2, 1).config == Siren(2, 8, 2, 1).config
    assert Siren(1, [4, 6], 1, 1, outermost_linear=False).architecture == SirenArchitecture(
        hidden_features=(4, 6), hidden_layers=1, outermost_linear=False
    )
    with pytest.raises(ShapeError, match="expected 3 widths, one per hidden sine layer, got 2"):
        Siren(2, [8, 9], 2, 1)
    with pytest.raises(ShapeError, match="hidden_features must be at least 1, got 0"):
        Siren(2, [8, 0, 9], 2, 1)


@pytest.mark.parametrize("omega", [1.0, 30.0, 100.0])
@pytest.mark.parametrize("in_features", [1, 3])
def test_every_weight_fills_the_bound_of_its_layer(in_features: int, omega: float) -> None:
    network = Siren(in_features, 256, 2, 64, first_omega_0=omega / 2, hidden_omega_0=omega, generator=seeded())
    first, *others = network.linears()
    bounds = [1 / in_features] + [math.sqrt(6 / 256) / omega] * len(others)
    for linear, bound in zip([first, *others], bounds, strict=True):
        weight, bias = linear.weight.detach(), linear.bias.detach()
        assert 0.95 * bound < weight.abs().max() <= bound * (1 + 1e-6)
        assert float(weight.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
        bias_bound = 1 / math.sqrt(linear.in_features)
        assert 0.9 * bias_bound < bias.abs().max() <= bias_bound * (1 + 1e-6)


def test_one_generator_state_gives_one_network() -> None:
    x = torch.rand(5, 2, generator=seeded())
    once, again, other = (Siren(2, 16, 2, 3, generator=seeded(seed))(x) for seed in (1, 1, 2))
    assert_close(once, again, rtol=0, atol=0)
    assert not torch.equal(once, other)


def test_a_generator_decides_alone_whatever_the_global_seed() -> None:
    states = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        states.append(Siren(2, 16, 2, 3, generator=seeded()).state_dict())
    assert_close(states[0], states[1], rtol=0, atol=0)


def test_first_layer_scale_multiplies_the_first_weights_and_nothing_else() -> None:
    plain = Siren(2, 16, 1, 1, generator=seeded()).state_dict()
    scaled = Siren(2, 16, 1, 1, first_layer_scale=100.0, generator=seeded()).state_dict()
    assert_close(scaled.pop("net.0.linear.weight"), 100 * plain.pop("net.0.linear.weight"))
    assert_close(scaled, plain, rtol=0, atol=0)


@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig(SirenArchitecture(), 2, 1),
        NetworkConfig(SirenArchitecture(hidden_features=8, hidden_layers=0, omegas=12.0), 1, 1),
        NetworkConfig(
            SirenArchitecture(hidden_features=8, hidden_layers=1, outermost_linear=False, omegas=(1.0, 2.0, 3.0)), 3, 1
        ),
    ],
)
def test_a_config_builds_the_network_that_it_describes(config: NetworkConfig) -> None:
    network = config.build(generator=seeded())
    assert isinstance(network, Siren)
    assert network.config == config
    assert [layer.omega_0 for layer in network.net if isinstance(layer, SineLayer)] == list(
        network.architecture.layer_omegas()
    )
    assert sum(parameter.numel() for parameter in network.parameters()) == config.num_parameters()


@pytest.mark.parametrize("outermost_linear", [True, False])
def test_activations_end_in_the_output_and_each_follows_from_the_one_before(outermost_linear: bool) -> None:
    network = Siren(2, 8, 2, 3, outermost_linear=outermost_linear, generator=seeded()).double()
    x = torch.rand(10, 2, dtype=torch.float64, generator=seeded())
    activations = network.activations(x)
    assert len(activations) == 4
    assert_close(activations[-1].post, network(x))
    entering = x
    for layer, (pre, post) in zip(network.net, activations, strict=True):
        if isinstance(layer, SineLayer):
            assert_close(pre, layer.omega_0 * layer.linear(entering))
            assert_close(post, torch.sin(pre))
        else:
            assert_close(pre, post, rtol=0, atol=0)
        assert_close(post, layer(entering))
        entering = post


def test_forward_never_detaches_so_networks_compose() -> None:
    outer, inner = Siren(3, 8, 1, 1, generator=seeded(1)), Siren(2, 8, 1, 3, generator=seeded(2))
    x = torch.rand(6, 2, generator=seeded()).requires_grad_()
    outer(inner(x)).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().min() > 0
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in inner.parameters())


def test_a_jet_trains_the_weights_as_autograd_does() -> None:
    network = Siren(2, 8, 2, 3, generator=seeded()).double()
    x = torch.rand(6, 2, dtype=torch.float64, generator=seeded())

    def by_autograd() -> Tensor:
        slopes = torch.func.vmap(torch.func.jacrev(network))(x)
        return slopes.square().sum() + network(x).square().sum()

    jet = network.jet(x)
    loss = jet.jacobian.square().sum() + jet.value.square().sum()
    parameters = list(network.parameters())
    assert_close(torch.autograd.grad(loss, parameters), torch.autograd.grad(by_autograd(), parameters))


@pytest.mark.parametrize(
    ("name", "sizes"), [("in_features", (0, 8, 1)), ("hidden_features", (2, 0, 1)), ("out_features", (2, 8, 0))]
)
def test_sizes_below_one_are_refused(name: str, sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ShapeError, match=f"{name} must be at least 1, got 0"):
        Siren(sizes[0], sizes[1], 1, sizes[2])


def test_a_negative_depth_is_refused() -> None:
    with pytest.raises(ShapeError, match="hidden_layers must be 0 or more, got -1"):
        NetworkConfig(SirenArchitecture(hidden_layers=-1, omegas=()), 2, 1)


def test_a_wrong_number_of_omegas_is_refused() -> None:
    with pytest.raises(ShapeError, match="expected 4 omegas, one per sine layer, got 3"):
        Siren(2, 8, 3, 1, hidden_omega_0=[30.0, 30.0])


@pytest.mark.parametrize("omega", [0.0, -30.0, math.nan, math.inf])
def test_omegas_that_are_not_positive_and_finite_are_refused(omega: float) -> None:
    with pytest.raises(InputError, match="every omega must be positive and finite"):
        Siren(2, 8, 1, 1, first_omega_0=omega)
    with pytest.raises(InputError, match="every omega must be positive and finite"):
        Siren(2, 8, 1, 1, hidden_omega_0=omega)


def test_one_omega_is_that_of_every_sine_layer_and_the_way_back_is_the_same() -> None:
    assert SirenArchitecture(hidden_layers=1, outermost_linear=False, omegas=20.0).omegas == (20.0, 20.0, 20.0)
    again = SirenArchitecture(hidden_layers=1, omegas=(20.0, 20.0))
    assert again == SirenArchitecture(hidden_layers=1, omegas=20.0)


@pytest.mark.parametrize("outermost_linear", [True, False])
def test_the_laws_of_the_architecture_are_those_that_the_module_draws_by(outermost_linear: bool) -> None:
    architecture = SirenArchitecture(
        hidden_features=(40, 50), hidden_layers=1, outermost_linear=outermost_linear, omegas=12.0
    )
    network = architecture.build(2, 3, frequencies=[60.0, 24.0], generator=seeded())
    draw = _TorchDraw(seeded())
    expected = [torch.from_numpy(each.law(draw)) for each in architecture.tensors(2, 3, [60.0, 24.0])]
    assert_close([each.detach() for each in network.tensors()], expected)


def test_a_network_of_given_tensors_draws_nothing_and_holds_them() -> None:
    given = [each.detach().numpy() for each in Siren(2, 8, 1, 3, generator=seeded()).tensors()]
    before = torch.get_rng_state()
    network = NetworkConfig(SirenArchitecture(hidden_features=8, hidden_layers=1), 2, 3).build(given=given)
    assert torch.equal(torch.get_rng_state(), before)
    for tensor, values in zip(network.tensors(), given, strict=True):
        assert torch.equal(tensor.detach(), torch.from_numpy(values))
        assert tensor.requires_grad
        assert tensor.data_ptr() != values.ctypes.data


def test_a_siren_stands_in_no_other_network() -> None:
    with pytest.raises(InputError, match="a network siren stands in no other one; take siren-learned, or finer"):
        Bounded(inner=SirenArchitecture())
