"""`Siren` on the kernels: differentiable to any order, plain wherever compiled code does not reach."""

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.utils import parametrizations, prune
from torch.testing import assert_close

from ligeia import calculus, kernels
from ligeia.core import random_stream
from ligeia.kernels import available, fused_sine_mlp, sine_mlp, using
from ligeia.networks import Siren

EXACT = [path for path in available() if path not in ("torch", "avx512-bf16")]


@pytest.fixture(params=EXACT)
def on_path(request: pytest.FixtureRequest) -> str:
    return request.param


def siren(seed: int = 0) -> Siren:
    return Siren(2, 48, 2, 3, generator=random_stream(seed, "test"))


def points(*shape: int) -> Tensor:
    return 2 * torch.rand(*shape, 2, generator=random_stream(1, "test")) - 1


def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any use of compiled code fail."""

    def fail(*_: object) -> None:
        raise AssertionError("compiled code was called")

    monkeypatch.setattr("ligeia.kernels.sine._dispatch.workspace", fail)


def called(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows whenever compiled code is called."""
    calls: list[object] = []
    workspace = kernels.workspace

    def count(shape: kernels.Shape) -> object:
        calls.append(shape)
        return workspace(shape)

    monkeypatch.setattr("ligeia.kernels.sine._dispatch.workspace", count)
    return calls


def test_a_siren_runs_in_compiled_code_forward_and_backward(on_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = called(monkeypatch)
    net, x = siren(), points(90)
    with using(on_path):
        net(x).square().mean().backward()
    assert len(calls) == 2
    found = [parameter.grad for parameter in net.parameters()]
    with using("torch"):
        wanted = torch.autograd.grad(net(x).square().mean(), list(net.parameters()))
    assert len(calls) == 2
    for mine, right in zip(found, wanted, strict=True):
        assert mine is not None
        assert_close(mine, right, rtol=1e-3, atol=1e-5 * float(right.abs().max()))


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,)])
def test_leading_axes_are_kept(on_path: str, shape: tuple[int, ...]) -> None:
    net, x = siren(), points(*shape)
    with using(on_path):
        found = net(x)
    assert found.shape == (*shape, 3)
    assert_close(found, net.net(x), rtol=1e-4, atol=1e-5)


def test_strided_inputs_are_read_as_they_are(on_path: str) -> None:
    net, x = siren(), points(40)
    flipped = x.T.contiguous().T
    assert not flipped.is_contiguous()
    with using(on_path):
        assert torch.equal(net(flipped), net(x))
        loss = (net(flipped) * torch.ones(1).expand(40, 3)).sum()  # a gradient without memory of its own
        assert_close(
            torch.autograd.grad(loss, list(net.parameters())),
            torch.autograd.grad(net(x).sum(), list(net.parameters())),
            rtol=1e-5,
            atol=1e-6,
        )


def test_derivatives_of_higher_order_take_the_plain_path(on_path: str) -> None:
    net, x = siren(), points(20).requires_grad_()
    wanted = net.jet(x)
    with using(on_path):
        (slope,) = torch.autograd.grad(net(x)[:, 1].sum(), x, create_graph=True)
        second = [torch.autograd.grad(slope[:, axis].sum(), x, retain_graph=True)[0][:, axis] for axis in range(2)]
        # and through to the weights, as a loss on slopes needs
        mixed = torch.autograd.grad(slope.square().sum(), list(net.parameters())[:-1])
    assert_close(slope, wanted.jacobian[:, 1], rtol=1e-3, atol=1e-3)
    assert_close(second[0] + second[1], wanted.laplacian[:, 1], rtol=1e-3, atol=0.1)
    with using("torch"):
        (slope,) = torch.autograd.grad(net(x)[:, 1].sum(), x, create_graph=True)
        plain = torch.autograd.grad(slope.square().sum(), list(net.parameters())[:-1])
    for mine, right in zip(mixed, plain, strict=True):
        assert_close(mine, right, rtol=1e-3, atol=1e-5 * float(right.abs().max()))


def test_only_the_gradients_asked_for_are_worked_out(on_path: str) -> None:
    net, x = siren(), points(20).requires_grad_()
    net.requires_grad_(False)
    with using(on_path):
        (slope,) = torch.autograd.grad(net(x)[:, 0].sum(), x)
    assert_close(slope, net.jet(x).jacobian[:, 0], rtol=1e-4, atol=1e-3)
    assert all(parameter.grad is None for parameter in net.parameters())


def test_gradients_in_batches_take_the_plain_path(on_path: str) -> None:
    net, x = siren(), points(6)
    cotangents = torch.randn(4, 6, 3, generator=random_stream(2, "test"))
    with using(on_path):
        found = torch.autograd.grad(net(x), list(net.parameters()), cotangents, is_grads_batched=True)
        each = [torch.autograd.grad(net(x), list(net.parameters()), one) for one in cotangents]
    for mine, right in zip(found, zip(*each, strict=True), strict=True):
        wanted = torch.stack(right)
        assert_close(mine, wanted, rtol=1e-3, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("width", [1, 3])
def test_coordinates_of_the_wrong_number_are_refused_by_torch(on_path: str, width: int) -> None:
    # the type checks of the tests come first
    with using(on_path), pytest.raises((RuntimeError, TypeCheckError), match=r"cannot be multiplied|Type-check error"):
        siren()(torch.zeros(10, width))


@pytest.mark.parametrize("omegas", [[30.0, None, None], [30.0, 0.0, None], [-30.0, 20.0, None], [None, 20.0, 1.0]])
def test_networks_that_are_no_sirens_take_the_plain_path(
    on_path: str, monkeypatch: pytest.MonkeyPatch, omegas: list[float | None]
) -> None:
    linears = siren().linears()[:2] + siren().linears()[-1:]
    weights, biases = [each.weight for each in linears], [each.bias for each in linears]
    refused(monkeypatch)
    with using(on_path):
        assert torch.equal(
            fused_sine_mlp(points(9), weights, biases, omegas), sine_mlp(points(9), weights, biases, omegas)
        )


FIRST_USES = {
    "inference mode": "with torch.inference_mode(): net(x)",
    "vmap": "torch.func.vmap(net)(x)",
    "another default type": "torch.set_default_dtype(torch.float64); net(x)",
    "autocast": "with torch.autocast('cpu', torch.bfloat16): net(x)",
    "another default device": "with torch.device('meta'): net(x)",
}


@pytest.mark.parametrize("first_use", FIRST_USES)
def test_the_self_test_does_not_depend_on_what_torch_is_set_to(first_use: str) -> None:
    with using("auto"):
        wanted = kernels.current_path()
    program = f"""
import torch
from ligeia import kernels
from ligeia.networks import Siren
net, x = Siren(2, 16, 1, 1), torch.rand(5, 2)
{FIRST_USES[first_use]}
assert kernels.current_path() == {wanted!r}
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_weights_changed_after_forward_are_noticed(on_path: str) -> None:
    net, x = siren(), points(20)
    with using(on_path):
        loss = net(x).sum()
        with torch.no_grad():
            next(net.parameters()).add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def double(net: Siren, x: Tensor) -> Tensor:
    return net.double()(x.double())


def transformed(net: Siren, x: Tensor) -> Tensor:
    return torch.func.vmap(net)(x)


def dual(net: Siren, x: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(net(forward_ad.make_dual(x, torch.ones_like(x)))).primal


def autocast(net: Siren, x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=True):
        assert net(x).dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16, enabled=False):
        return double(net, x)


def negated(net: Siren, x: Tensor) -> Tensor:
    return net(torch._neg_view(-x))  # type: ignore[attr-defined]


@pytest.mark.parametrize("call", [double, transformed, dual, autocast, negated])
def test_what_compiled_code_does_not_reach_takes_the_plain_path(
    on_path: str, monkeypatch: pytest.MonkeyPatch, call: Callable[[Siren, Tensor], Tensor]
) -> None:
    net, x = siren(), points(12)
    wanted = net.net(x)
    refused(monkeypatch)
    with using(on_path), torch.no_grad():
        assert_close(call(net, x).float(), wanted, rtol=1e-4, atol=1e-5)


def hooked(net: Siren) -> None:
    net.net[1].register_forward_hook(lambda *_: None)


def hooked_inside(net: Siren) -> None:
    net.linears()[1].register_forward_hook(lambda *seen: 2 * seen[2])


def pruned(net: Siren) -> None:
    prune.l1_unstructured(net.linears()[1], "weight", amount=0.5)


def normed(net: Siren) -> None:
    parametrizations.weight_norm(net.linears()[1])


def replaced(net: Siren) -> None:
    net.net[1] = nn.Tanh()


@pytest.mark.parametrize("change", [hooked, hooked_inside, pruned, normed, replaced])
def test_layers_that_were_changed_are_called_as_modules(
    on_path: str, monkeypatch: pytest.MonkeyPatch, change: Callable[[Siren], None]
) -> None:
    net, x = siren(), points(12)
    change(net)
    refused(monkeypatch)
    with using(on_path):
        assert torch.equal(net(x), net.net(x))


def test_hooks_inside_a_sine_layer_are_called() -> None:
    net, x = siren(), points(12)
    phases = [each.pre for each in net.activations(x)]
    hooked_inside(net)
    assert_close(net.net[:2](x), torch.sin(2 * phases[1]), rtol=1e-4, atol=1e-5)


def test_a_changed_omega_is_heeded(on_path: str) -> None:
    net, x = siren(), points(12)
    net.net[0].omega_0 = 10.0  # type: ignore[assignment]
    with using(on_path):
        assert_close(net(x), net.net(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [1e9, float("nan"), float("inf")])
def test_phases_beyond_the_domain_take_the_plain_path(on_path: str, value: float) -> None:
    net, x = siren(), points(12)
    with torch.no_grad():
        net.linears()[1].weight[0, 0] = value
    with using(on_path):
        assert_close(net(x), net.net(x), rtol=0, atol=0, equal_nan=True)
        value_and_jacobian = net.value_and_jacobian(x)
        assert_close(value_and_jacobian[0], net.jet(x).value, rtol=0, atol=0, equal_nan=True)


def test_values_and_jacobian_in_one_sweep_are_those_of_the_jet(on_path: str) -> None:
    net, x = siren(), points(50)
    with using(on_path):
        values, jacobian = net.value_and_jacobian(x)
    jet = net.jet(x)
    assert_close(values, jet.value, rtol=1e-4, atol=1e-5)
    assert_close(jacobian, jet.jacobian, rtol=1e-4, atol=1e-3)


def test_gradients_pass_numerical_checks_on_whatever_path_float64_takes(on_path: str) -> None:
    net = Siren(2, 4, 1, 2, first_omega_0=2.0, hidden_omega_0=2.0, generator=random_stream(0, "test")).double()
    x = points(3).double().requires_grad_()
    with using(on_path):
        assert torch.autograd.gradcheck(net, (x,))
        assert torch.autograd.gradgradcheck(net, (x,))


def test_the_calculus_is_the_same_on_every_path(on_path: str) -> None:
    net, x = siren(), points(9)
    with using("torch"):
        wanted = [operator(net, x) for operator in (calculus.jacobian, calculus.laplacian, calculus.hessian)]
    with using(on_path):
        found = [operator(net, x) for operator in (calculus.jacobian, calculus.laplacian, calculus.hessian)]
    for mine, right in zip(found, wanted, strict=True):
        assert_close(mine, right, rtol=1e-3, atol=1e-4 * float(right.detach().abs().max()))


def test_the_function_is_that_of_the_definition_without_a_module(on_path: str) -> None:
    net, x = siren(), points(30)
    weights, biases = [each.weight for each in net.linears()], [each.bias for each in net.linears()]
    with using(on_path):
        found = fused_sine_mlp(x, weights, biases, net.omegas())
    assert_close(found, sine_mlp(x, weights, biases, net.omegas()), rtol=1e-4, atol=1e-5)


@pytest.mark.no_cover
def test_torch_compile_and_jit_trace_the_plain_definition(on_path: str) -> None:
    # in a process without the run-time type checks of the tests, which cannot be traced
    program = f"""
import torch
from ligeia import kernels
from ligeia.networks import Siren
kernels.use({on_path!r})
net, x = Siren(2, 48, 2, 3), torch.rand(50, 2)
with torch.no_grad():
    torch.testing.assert_close(torch.jit.trace(net, x, check_trace=False)(x), net(x), rtol=1e-4, atol=1e-5)
wanted = net(x).square().mean()
loss = torch.compile(net, backend="aot_eager", fullgraph=True)(x).square().mean()
torch.testing.assert_close(loss, wanted, rtol=1e-4, atol=1e-5)
parameters = list(net.parameters())
pairs = zip(torch.autograd.grad(loss, parameters), torch.autograd.grad(wanted, parameters), strict=True)
for found, right in pairs:
    torch.testing.assert_close(found, right, rtol=1e-3, atol=1e-5 * float(right.abs().max()))
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
