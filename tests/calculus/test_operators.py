"""Oracles: closed forms, central differences in float64, torch.func, and a network's own forward sweep."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor
from torch.testing import assert_close

from ligeia.calculus import (
    PointFunction,
    curl,
    divergence,
    gradient,
    hessian,
    jacobian,
    laplacian,
)
from ligeia.core import ShapeError
from ligeia.networks import Siren

OPERATORS: list[Callable[[PointFunction, Tensor], Tensor]] = [gradient, jacobian, hessian, laplacian]


def points_in_cube(count: int, num_coordinates: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, num_coordinates, dtype=torch.float64, generator=generator) * 2 - 1


def plane_wave(wave_vector: Tensor) -> PointFunction:
    return lambda x: torch.sin(x @ wave_vector)[:, None]


def siren(in_features: int, out_features: int, *, width: int = 16, hidden_layers: int = 2) -> Siren:
    generator = torch.Generator().manual_seed(3)
    return Siren(in_features, width, hidden_layers, out_features, generator=generator).double()


def central_difference(function: PointFunction, points: Tensor, step: float) -> Tensor:
    """Jacobian by second-order differences, one coordinate at a time."""
    columns = []
    for axis in range(points.shape[1]):
        shift = torch.zeros(points.shape[1], dtype=points.dtype)
        shift[axis] = step
        columns.append((function(points + shift) - function(points - shift)) / (2 * step))
    return torch.stack(columns, dim=-1)


def test_gradient_of_a_plane_wave_is_the_wave_vector_times_its_cosine() -> None:
    wave_vector = torch.tensor([3.0, -2.0, 5.0], dtype=torch.float64)
    x = points_in_cube(20, 3)
    assert_close(gradient(plane_wave(wave_vector), x), torch.cos(x @ wave_vector)[:, None] * wave_vector)


def test_laplacian_of_a_plane_wave_is_minus_k_squared_times_the_wave() -> None:
    wave_vector = torch.tensor([3.0, -2.0, 5.0], dtype=torch.float64)
    wave, x = plane_wave(wave_vector), points_in_cube(20, 3)
    assert_close(laplacian(wave, x), -(wave_vector @ wave_vector) * wave(x))


def test_hessian_of_a_quadratic_form_is_its_symmetric_matrix_per_channel() -> None:
    forms = torch.randn(2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = points_in_cube(5, 3)
    measured = hessian(lambda p: torch.einsum("ni,cij,nj->nc", p, forms, p), x)
    assert_close(measured, (forms + forms.mT).expand(5, 2, 3, 3))


def test_divergence_of_a_cubic_field_is_the_sum_of_its_own_slopes() -> None:
    x = points_in_cube(7, 3)
    assert_close(divergence(lambda p: p**3, x), 3 * x.square().sum(dim=1, keepdim=True))


def test_curl_in_space_follows_the_right_hand_rule() -> None:
    spin = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    x = points_in_cube(7, 3)
    rotation = curl(lambda p: torch.linalg.cross(spin.expand_as(p), p), x)
    assert_close(rotation, (2 * spin).expand(7, 3))


def test_curl_in_the_plane_is_one_channel_positive_from_axis_0_to_axis_1() -> None:
    x = points_in_cube(7, 2)
    assert_close(
        curl(lambda p: torch.stack([-(p[:, 1] ** 3), p[:, 0] ** 2], dim=1), x),
        2 * x[:, :1] + 3 * x[:, 1:] ** 2,
    )


def test_curl_of_a_gradient_and_divergence_of_a_curl_vanish() -> None:
    scalar, vector, x = siren(3, 1), siren(3, 3), points_in_cube(9, 3)
    scale = jacobian(lambda p: gradient(scalar, p), x).abs().max()
    assert_close(curl(lambda p: gradient(scalar, p), x) / scale, torch.zeros(9, 3).double(), atol=1e-12, rtol=0)
    scale = hessian(vector, x).abs().max()
    assert_close(divergence(lambda p: curl(vector, p), x) / scale, torch.zeros(9, 1).double(), atol=1e-12, rtol=0)


def test_divergence_of_a_gradient_is_the_laplacian() -> None:
    field, x = siren(2, 1), points_in_cube(9, 2)
    assert_close(divergence(lambda p: gradient(field, p), x), laplacian(field, x))


@pytest.mark.parametrize(("num_coordinates", "num_channels"), [(1, 1), (2, 3), (4, 2)])
def test_derivatives_of_a_network_agree_with_central_differences(num_coordinates: int, num_channels: int) -> None:
    field, x = siren(num_coordinates, num_channels), points_in_cube(6, num_coordinates)
    with torch.no_grad():
        slopes = jacobian(field, x)
        assert_close(slopes, central_difference(field, x, step=1e-6), rtol=1e-6, atol=1e-7)
        differences = central_difference(lambda p: jacobian(field, p), x, step=1e-6)
        assert_close(hessian(field, x), differences, rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    depth=st.integers(0, 4),
    width=st.integers(1, 32),
    num_coordinates=st.integers(1, 4),
    num_channels=st.integers(1, 4),
    outermost_linear=st.booleans(),
    omega=st.sampled_from([1.0, 6.0, 30.0]),
    seed=st.integers(0, 1000),
)
def test_three_routes_to_the_derivatives_of_any_sine_network_agree(
    depth: int,
    width: int,
    num_coordinates: int,
    num_channels: int,
    outermost_linear: bool,
    omega: float,
    seed: int,
) -> None:
    network = Siren(
        num_coordinates,
        width,
        depth,
        num_channels,
        outermost_linear=outermost_linear,
        first_omega_0=omega,
        hidden_omega_0=omega,
        generator=torch.Generator().manual_seed(seed),
    ).double()
    x = points_in_cube(3, num_coordinates, seed)
    jet = network.jet(x)
    by_transforms = torch.func.vmap(torch.func.hessian(network))(x)
    scale = float(by_transforms.detach().abs().max()) + 1.0  # cancellation is relative to the largest entry
    assert_close(jet.value, network(x))
    assert_close(jet.jacobian, jacobian(network, x))
    assert_close(jet.jacobian, torch.func.vmap(torch.func.jacrev(network))(x))
    assert_close(hessian(network, x), by_transforms, rtol=1e-9, atol=1e-12 * scale)
    traces = by_transforms.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    assert_close(laplacian(network, x), traces, rtol=1e-9, atol=1e-12 * scale)
    assert_close(jet.laplacian, traces, rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.parametrize("route", [laplacian, lambda network, x: network.jet(x).laplacian])
def test_weight_gradient_of_a_loss_on_the_laplacian_agrees_with_finite_differences(
    route: Callable[[Siren, Tensor], Tensor],
) -> None:
    network, x = siren(2, 2, width=6, hidden_layers=1), points_in_cube(5, 2)

    def loss() -> Tensor:
        return (route(network, x) / 1000).square().mean()

    loss().backward()
    for parameter in network.parameters():
        measured = torch.zeros_like(parameter)
        with torch.no_grad():
            for entry in range(parameter.numel()):
                flat, step = parameter.view(-1), 1e-6
                flat[entry] += step
                above = loss()
                flat[entry] -= 2 * step
                below = loss()
                flat[entry] += step
                measured.view(-1)[entry] = (above - below) / (2 * step)
        # the last bias moves no derivative, and autograd then leaves no gradient at all
        gradient_or_zero = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        assert_close(gradient_or_zero, measured, rtol=1e-5, atol=1e-6 * max(1.0, float(measured.abs().max())))


def test_derivative_of_a_composition_follows_the_chain_rule() -> None:
    outer, inner, x = siren(3, 2), siren(2, 3), points_in_cube(6, 2)
    chained = jacobian(outer, inner(x)) @ jacobian(inner, x)
    assert_close(jacobian(lambda p: outer(inner(p)), x), chained, rtol=1e-9, atol=1e-9)


def test_gradients_flow_back_into_whatever_produced_the_points() -> None:
    wave_vector = torch.tensor([2.0, -1.0], dtype=torch.float64)
    origin = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    x = points_in_cube(6, 2) + origin
    laplacian(plane_wave(wave_vector), x).sum().backward()
    expected = -(wave_vector @ wave_vector) * wave_vector * torch.cos(x.detach() @ wave_vector).sum()
    assert origin.grad is not None
    assert_close(origin.grad, expected)


def test_other_uses_of_the_same_points_inside_the_function_add_no_derivative() -> None:
    x = points_in_cube(4, 2).requires_grad_()
    assert_close(jacobian(lambda p: p * x, x), torch.diag_embed(x))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_constant_fields_have_zero_derivatives(
    operator: Callable[[PointFunction, Tensor], Tensor], requires_grad: bool
) -> None:
    x = points_in_cube(4, 3).requires_grad_(requires_grad)
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
    for constant in (lambda p: p.new_ones(4, 1), lambda p: weight.expand(4, 1)):
        derivative = operator(constant, x)
        assert derivative.dtype == torch.float64
        assert not derivative.any()


def test_linear_fields_have_constant_slopes_and_zero_second_derivatives() -> None:
    matrix = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    x = points_in_cube(4, 3)
    assert_close(jacobian(lambda p: p @ matrix.T, x), matrix.expand(4, 2, 3))
    assert not hessian(lambda p: p @ matrix.T, x).any()
    assert not laplacian(lambda p: p @ matrix.T, x).any()


def test_a_coordinate_that_the_field_ignores_has_zero_derivative() -> None:
    x = points_in_cube(4, 3)
    assert_close(laplacian(lambda p: p[:, 1:2] ** 3, x), 6 * x[:, 1:2])
    assert not gradient(lambda p: p[:, 1:2] ** 3, x)[:, [0, 2]].any()


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_recording_derivatives_are_the_same_and_carry_no_graph(
    operator: Callable[[PointFunction, Tensor], Tensor],
    mode: type[torch.no_grad] | type[torch.inference_mode],
) -> None:
    field, x = siren(2, 1), points_in_cube(4, 2)
    recorded = operator(field, x)
    with mode():
        silent = operator(field, x * 1)
    assert recorded.requires_grad
    assert not silent.requires_grad
    assert_close(silent, recorded.detach(), rtol=0, atol=0)


def test_the_points_given_are_left_as_they_were() -> None:
    x = points_in_cube(4, 2)
    laplacian(siren(2, 1), x)
    assert not x.requires_grad
    assert x.grad is None


def test_no_points_give_empty_derivatives() -> None:
    field, x = siren(3, 2), points_in_cube(0, 3)
    assert jacobian(field, x).shape == (0, 2, 3)
    assert hessian(field, x).shape == (0, 2, 3, 3)
    assert laplacian(field, x).shape == (0, 2)


def test_in_float32_the_laplacian_of_a_network_keeps_five_digits_of_its_scale() -> None:
    field, x = siren(2, 1, width=64), points_in_cube(200, 2)
    exact = laplacian(field, x).detach()
    single = laplacian(field.float(), x.float()).detach()
    assert single.dtype == torch.float32
    error = (single.double() - exact).square().mean().sqrt() / exact.square().mean().sqrt()
    assert error < 1e-5


def test_gradient_of_several_channels_names_jacobian() -> None:
    with pytest.raises(ShapeError, match="needs 1 channel, the function gave 2; use `jacobian`"):
        gradient(siren(2, 2), points_in_cube(3, 2))


@pytest.mark.parametrize("operator", [divergence, curl])
def test_vector_operators_want_as_many_channels_as_coordinates(
    operator: Callable[[PointFunction, Tensor], Tensor],
) -> None:
    with pytest.raises(ShapeError, match=r"as many channels as coordinates \(3\), the function gave 2"):
        operator(siren(3, 2), points_in_cube(3, 3))


def test_curl_in_four_dimensions_is_refused() -> None:
    with pytest.raises(ShapeError, match="2 or 3 coordinates, got 4"):
        curl(siren(4, 4), points_in_cube(3, 4))


def test_a_function_that_drops_its_channel_axis_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"must return \(3, channels\) for these points, got \(3,\)"):
        laplacian(lambda p: p.sum(dim=1), points_in_cube(3, 2))
