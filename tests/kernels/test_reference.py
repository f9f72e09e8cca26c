"""Oracles: the definitions written out, torch.func, and closed forms; values and gradients in float64."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia.kernels import JetShape, JetTerm, sine_layer, sine_mlp_jet
from ligeia.networks import Jet


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def jet_of(x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor], omegas: Sequence[float | None]) -> Jet:
    num_coordinates = x.shape[1]
    slopes = torch.eye(num_coordinates, dtype=x.dtype)[:, None].expand(-1, len(x), -1)
    streams = torch.cat([x[None], slopes, torch.zeros_like(x)[None]])
    return Jet.of(sine_mlp_jet(streams, weights, biases, omegas, JetShape.with_laplacian(num_coordinates)))


@pytest.mark.parametrize("batch", [(), (5,), (2, 3)])
def test_a_sine_layer_is_its_definition_in_values_and_gradients(batch: tuple[int, ...]) -> None:
    x, weight, bias = (normal(*shape, seed=i).requires_grad_() for i, shape in enumerate([(*batch, 3), (4, 3), (4,)]))
    fast, plain = sine_layer(x, weight, bias, 30.0), torch.sin(30.0 * (x @ weight.T + bias))
    assert_close(fast, plain, rtol=1e-12, atol=1e-12)
    cotangent = normal(*batch, 4, seed=9)
    inputs = (x, weight, bias)
    assert_close(
        torch.autograd.grad(fast, inputs, cotangent),
        torch.autograd.grad(plain, inputs, cotangent),
        rtol=1e-11,
        atol=1e-11,
    )


def test_a_sine_layer_passes_numerical_checks_of_first_and_second_derivatives() -> None:
    inputs = tuple(normal(*shape, seed=i).requires_grad_() for i, shape in enumerate([(2, 3), (2, 3), (2,)]))

    def layer(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return sine_layer(x, weight, bias, 3.0)

    assert torch.autograd.gradcheck(layer, inputs)
    assert torch.autograd.gradgradcheck(layer, inputs)


def test_the_jet_of_one_sine_is_that_of_a_plane_wave() -> None:
    x, wave_vector = normal(6, 3, seed=0), normal(1, 3, seed=1)
    jet = jet_of(x, [wave_vector], [torch.zeros(1, dtype=torch.float64)], [2.0])
    phase = 2 * x @ wave_vector.T
    assert_close(jet.value, torch.sin(phase))
    assert_close(jet.jacobian, torch.cos(phase)[:, :, None] * 2 * wave_vector)
    assert_close(jet.laplacian, -torch.sin(phase) * 4 * wave_vector.square().sum())


def test_the_jet_of_a_linear_map_is_its_matrix_and_no_curvature() -> None:
    x, weight, bias = normal(6, 3, seed=0), normal(2, 3, seed=1), normal(2, seed=2)
    jet = jet_of(x, [weight], [bias], [None])
    assert_close(jet.value, x @ weight.T + bias)
    assert_close(jet.jacobian, weight.expand(6, 2, 3))
    assert not jet.laplacian.any()


def test_a_jet_without_layers_is_the_identity() -> None:
    x = normal(4, 3, seed=0)
    jet = jet_of(x, [], [], [])
    assert_close(jet.value, x)
    assert_close(jet.jacobian, torch.eye(3, dtype=torch.float64).expand(4, 3, 3))
    assert not jet.laplacian.any()


@pytest.mark.parametrize("omegas", [[5.0, 2.0, None], [5.0, None, 2.0]])
def test_weight_gradients_through_a_jet_agree_with_those_through_nested_transforms(
    omegas: list[float | None],
) -> None:
    shapes = [(4, 2), (5, 4), (3, 5)]
    weights = [normal(*shape, seed=i).requires_grad_() for i, shape in enumerate(shapes)]
    biases = [normal(shape[0], seed=10 + i).requires_grad_() for i, shape in enumerate(shapes)]
    x = normal(6, 2, seed=20).requires_grad_()

    def network(point: Tensor) -> Tensor:
        for weight, bias, omega in zip(weights, biases, omegas, strict=True):
            point = weight @ point + bias
            point = point if omega is None else torch.sin(omega * point)
        return point

    jet = jet_of(x, weights, biases, omegas)
    slopes = torch.func.vmap(torch.func.jacrev(network))(x)
    traces = torch.func.vmap(torch.func.hessian(network))(x).diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    inputs = [x, *weights, *biases]
    for fast, plain in ((jet.jacobian, slopes), (jet.laplacian, traces)):
        assert_close(fast, plain, rtol=1e-10, atol=1e-10)
        cotangent = normal(*plain.shape, seed=30)
        ours = torch.autograd.grad(fast, inputs, cotangent, retain_graph=True, materialize_grads=True)
        theirs = torch.autograd.grad(plain, inputs, cotangent, retain_graph=True, materialize_grads=True)
        assert_close(ours, theirs, rtol=1e-9, atol=1e-8)


def test_mixed_derivatives_and_sums_of_them_are_those_of_nested_transforms() -> None:
    weights, biases = [normal(4, 2, seed=0), normal(3, 4, seed=1)], [normal(4, seed=2), normal(3, seed=3)]
    x = normal(5, 2, seed=4)
    shape = JetShape(2, 2, (JetTerm(0, 0, 1, 3.0), JetTerm(1, 0, 0), JetTerm(1, 1, 1, -2.0)))
    slopes = torch.eye(2, dtype=x.dtype)[:, None].expand(-1, len(x), -1)
    streams = torch.cat([x[None], slopes, torch.zeros(2, *x.shape, dtype=x.dtype)])
    found = sine_mlp_jet(streams, weights, biases, [2.0, None], shape)

    def network(point: Tensor) -> Tensor:
        return weights[1] @ torch.sin(2.0 * (weights[0] @ point + biases[0])) + biases[1]

    hessians = torch.func.vmap(torch.func.hessian(network))(x)
    assert_close(found[3], 3 * hessians[:, :, 0, 1])
    assert_close(found[4], hessians[:, :, 0, 0] - 2 * hessians[:, :, 1, 1])
