"""Values and derivatives in one sweep of compiled code, against the plain definition in float64, on every path."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia.core import random_stream
from ligeia.kernels import FusedNetwork, JetShape, JetTerm, OutOfDomain, Shape, sine_mlp_jet, using
from ligeia.networks import Siren

from .test_fused import EXACT, PATHS, ROUNDING, TIMES_PLAIN, distance, network, points_of

GRADIENT = JetShape(2, 0, ())
LAPLACIAN = JetShape.with_laplacian(2)
HESSIAN = JetShape(2, 3, (JetTerm(0, 0, 0), JetTerm(1, 0, 1), JetTerm(2, 1, 1)))
LARGEST = JetShape(8, 8, tuple(JetTerm(k, k, 7 - k, 1.0 + k) for k in range(8)))
SHAPES = [JetShape(0, 0, ()), GRADIENT, LAPLACIAN, HESSIAN, JetShape(1, 1, (JetTerm(0, 0, 0, -2.5),)), LARGEST]
WIDTHS = [(2, 100, 256, 1), (3, 2, 5, 7), (4, 16, 17, 32, 2), (2, 33, 33, 3), (40, 31, 31, 70), (2, 3)]


@pytest.fixture(params=EXACT)
def on_path(request: pytest.FixtureRequest) -> str:
    return request.param


def streams_of(num_points: int, width: int, shape: JetShape) -> Tensor:
    """Inputs whose derivatives are any numbers: those of a network before."""
    beside = torch.randn(shape.num_streams - 1, num_points, width, generator=random_stream(3, "test"))
    return torch.cat([points_of(num_points, width)[None], beside])


@pytest.mark.parametrize("outermost_linear", [True, False])
@pytest.mark.parametrize(("num_points", "num_threads"), [(1, 1), (130, 3)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("path", PATHS)
def test_jets_and_their_gradients_are_those_of_the_definition(
    path: str, widths: tuple[int, ...], shape: JetShape, num_points: int, num_threads: int, outermost_linear: bool
) -> None:
    parameters, omegas = network(widths, outermost_linear=outermost_linear)
    streams = streams_of(num_points, widths[0], shape)
    grad = torch.randn(shape.num_streams, num_points, widths[-1], generator=random_stream(2, "test"))

    def of_the_definition(dtype: torch.dtype) -> list[Tensor]:
        inputs = [each.to(dtype).requires_grad_() for each in parameters]
        jets = sine_mlp_jet(streams.to(dtype), inputs[::2], inputs[1::2], omegas, shape)
        return [jets.detach(), *torch.autograd.grad(jets, inputs, grad.to(dtype))]

    fused = FusedNetwork(Shape(widths, tuple(omega or 0.0 for omega in omegas), path, num_threads))
    fused.pack(parameters)
    found = [fused.jet(streams, shape), *fused.jet_backward(streams, grad, shape)]
    right, plain = of_the_definition(torch.float64), of_the_definition(torch.float32)
    for mine, theirs, wanted in zip(found, plain, right, strict=True):
        assert distance(mine, wanted) < TIMES_PLAIN * distance(theirs, wanted) + ROUNDING


@pytest.mark.parametrize("path", EXACT)
def test_no_points_give_no_jets_and_zero_gradients(path: str) -> None:
    parameters, omegas = network((2, 8, 8, 1))
    fused = FusedNetwork(Shape((2, 8, 8, 1), tuple(omega or 0.0 for omega in omegas), path, 2))
    fused.pack(parameters)
    streams = torch.zeros(4, 0, 2)
    assert fused.jet(streams, LAPLACIAN).shape == (4, 0, 1)
    assert not any(each.any() for each in fused.jet_backward(streams, torch.zeros(4, 0, 1), LAPLACIAN))


def test_phases_that_could_leave_the_domain_are_refused() -> None:
    for path in EXACT:
        parameters, omegas = network((2, 8, 1))
        fused = FusedNetwork(Shape((2, 8, 1), tuple(omega or 0.0 for omega in omegas), path, 1))
        fused.pack(parameters)
        streams = streams_of(5, 2, LAPLACIAN)
        streams[0, 2, 1] = 1e9
        with pytest.raises(OutOfDomain, match="too large"):
            fused.jet(streams, LAPLACIAN)


def test_a_network_takes_compiled_jets_and_plain_ones_where_those_do_not_reach(on_path: str) -> None:
    net = Siren(2, 16, 2, 3, generator=random_stream(0, "test"))
    streams = streams_of(20, 2, HESSIAN)

    def jets_and_gradients(streams: Tensor) -> list[Tensor]:
        jets = net.jet_streams(streams, HESSIAN)
        return [jets, *torch.autograd.grad(jets.square().mean(), list(net.parameters()))]

    with using("torch"):
        wanted = jets_and_gradients(streams)
    with using(on_path):
        for found in (jets_and_gradients(streams), jets_and_gradients(streams.clone().requires_grad_())):
            for mine, right in zip(found, wanted, strict=True):
                assert distance(mine.detach(), right.detach().double()) < 1e-4
        with torch.no_grad():
            assert_close(net.jet_streams(streams, HESSIAN), wanted[0].detach(), rtol=1e-3, atol=1e-2)


def test_gradients_of_a_jet_can_be_differentiated_again(on_path: str) -> None:
    net = Siren(2, 8, 1, 1, generator=random_stream(0, "test"))
    streams = streams_of(10, 2, LAPLACIAN)

    def sharpness() -> Tensor:
        loss = net.jet_streams(streams, LAPLACIAN).square().mean()
        grads = torch.autograd.grad(loss, list(net.parameters()), create_graph=True)
        return sum((each.square().sum() for each in grads), start=torch.zeros(()))

    with using("torch"):
        wanted = torch.autograd.grad(sharpness(), net.linears()[0].weight)[0]
    with using(on_path):
        found = torch.autograd.grad(sharpness(), net.linears()[0].weight)[0]
    assert_close(found, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))
