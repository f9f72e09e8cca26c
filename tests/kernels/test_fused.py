"""The compiled kernels against the plain definition in float64, on every path of this machine."""

import itertools
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from ligeia.core import random_stream
from ligeia.kernels import AdamSettings, FusedNetwork, OutOfDomain, Shape, available, sine_mlp

PATHS = [path for path in available() if path != "torch"]
EXACT = [path for path in PATHS if path != "avx512-bf16"]
# float32: no worse than this many times the plain definition's own rounding, beside one of the result itself
TIMES_PLAIN, ROUNDING = 4, 2e-6
# what a rounding of weights and activations to 8 bits of mantissa comes to over three layers
VALUES_BF16, GRADIENTS_BF16 = 0.02, 0.1

WIDTHS = [
    (2, 256, 256, 256, 256, 1),
    (1, 64, 64, 1),
    (2, 1, 1, 1, 1),
    (3, 2, 5, 7),  # layers of unequal widths
    (2, 5, 5, 5, 3),
    (4, 16, 17, 32, 2),
    (2, 33, 33, 33, 3),
    (40, 31, 31, 70),  # more coordinates and channels than a vector has places
    (2, 100, 100, 100, 100, 100, 4),
    (3, 48, 2),
    (2, 3),  # no hidden layer
]


def network(
    widths: tuple[int, ...], *, outermost_linear: bool = True, seed: int = 0
) -> tuple[list[Tensor], list[float | None]]:
    generator = random_stream(seed, "test")
    parameters = []
    for fan_in, fan_out in itertools.pairwise(widths):
        half_width = math.sqrt(6 / fan_in) / 30
        parameters.append(torch.empty(fan_out, fan_in).uniform_(-half_width, half_width, generator=generator))
        parameters.append(torch.empty(fan_out).uniform_(-1, 1, generator=generator))
    omegas: list[float | None] = [30.0, *[20.0 + layer for layer in range(len(widths) - 2)]]
    if outermost_linear:
        omegas[-1] = None
    return parameters, omegas


def shape_of(widths: tuple[int, ...], omegas: list[float | None], path: str, num_threads: int = 1) -> Shape:
    return Shape(widths, tuple(omega or 0.0 for omega in omegas), path, num_threads, path == "avx512-bf16")


def points_of(num_points: int, num_axes: int) -> Tensor:
    return 2 * torch.rand(num_points, num_axes, generator=random_stream(1, "test")) - 1


def distance(found: Tensor, wanted: Tensor) -> float:
    return float((found.double() - wanted).norm() / wanted.norm().clamp_min(1e-30))


@pytest.mark.parametrize("outermost_linear", [True, False])
@pytest.mark.parametrize("num_points", [1, 3, 130, 777])
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("path", PATHS)
def test_values_and_all_gradients_are_those_of_the_definition(
    path: str, widths: tuple[int, ...], num_points: int, outermost_linear: bool
) -> None:
    parameters, omegas = network(widths, outermost_linear=outermost_linear)
    x = points_of(num_points, widths[0])
    grad = torch.randn(num_points, widths[-1], generator=random_stream(2, "test"))
    inputs = [each.double().requires_grad_() for each in (x, *parameters)]
    wanted = sine_mlp(inputs[0], inputs[1::2], inputs[2::2], omegas)
    wanted_grads = torch.autograd.grad(wanted, inputs, grad.double(), retain_graph=True)
    wanted_jacobian = torch.stack(
        [torch.autograd.grad(channel.sum(), inputs[0], retain_graph=True)[0] for channel in wanted.unbind(1)], dim=1
    )

    fused = FusedNetwork(shape_of(widths, omegas, path, num_threads=1 + num_points % 3))
    fused.pack(parameters)
    grad_x, grads = fused.backward(x, grad, to_x=True, to_parameters=True)
    values, jacobian = fused.jacobian(x)

    assert grad_x is not None
    assert grads is not None
    found = [fused.values(x), values, jacobian, grad_x, *grads]
    right = [wanted.detach(), wanted.detach(), wanted_jacobian, *wanted_grads]
    if path == "avx512-bf16":
        if num_points > 100 and 1 not in widths[1:-1]:  # one value may be near 0
            near = [VALUES_BF16] * 2 + [GRADIENTS_BF16] * (len(found) - 2)
            assert all(distance(*pair) < bound for *pair, bound in zip(found, right, near, strict=True))
        return
    plain_inputs = [each.requires_grad_() for each in (x, *parameters)]
    plain = sine_mlp(plain_inputs[0], plain_inputs[1::2], plain_inputs[2::2], omegas)
    plain_grads = torch.autograd.grad(plain, plain_inputs, grad)
    most = max(map(distance, plain_grads, wanted_grads))
    bounds = [distance(plain.detach(), wanted.detach())] * 2 + [most] * (len(found) - 2)
    for mine, exact, bound in zip(found, right, bounds, strict=True):
        assert distance(mine, exact) < TIMES_PLAIN * bound + ROUNDING


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("num_samples", "group"), [(500, 1), (125, 4), (150, 3), (51, 10), (7, 99), (3, 128)])
def test_twenty_steps_of_adam_are_those_of_torch(path: str, num_samples: int, group: int) -> None:
    widths = (2, 40, 40, 40, 3)
    parameters, omegas = network(widths)
    x, y = points_of(num_samples * group, 2), torch.rand(num_samples, 3, generator=random_stream(3, "test"))
    weights = torch.ones(1)
    if group > 1:
        weights = torch.rand(group, generator=random_stream(4, "test")) * 2 / group
    plain = [parameter.double().requires_grad_() for parameter in parameters]
    optimizer = torch.optim.Adam(plain, lr=3e-4, betas=(0.9, 0.99))
    fused = FusedNetwork(shape_of(widths, omegas, path, num_threads=2))
    moments = [[torch.zeros_like(parameter) for parameter in parameters] for _ in range(2)]
    start = [parameter.double() for parameter in parameters]
    for number in range(1, 21):
        values = sine_mlp(x.double(), plain[::2], plain[1::2], omegas).view(num_samples, group, 3)
        loss = (((values * weights[:, None]).sum(dim=1) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        mine = fused.adam_step(parameters, moments, x, y, AdamSettings(3e-4, (0.9, 0.99), 1e-8, number), weights)
        assert mine == pytest.approx(float(loss.detach()), rel=0.05 if path == "avx512-bf16" else 2e-3)
    moved = torch.cat([(right.detach() - began).flatten() for right, began in zip(plain, start, strict=True)])
    found = torch.cat([(each.double() - began).flatten() for each, began in zip(parameters, start, strict=True)])
    assert distance(found, moved) < (0.2 if path == "avx512-bf16" else 0.01)


@pytest.mark.parametrize("path", PATHS)
def test_equal_threads_give_equal_bits_and_others_equal_numbers(path: str) -> None:
    parameters, omegas = network((2, 70, 70, 70, 1))
    x, grad = points_of(1001, 2), points_of(1001, 1)

    def gradients(num_threads: int) -> list[Tensor]:
        fused = FusedNetwork(shape_of((2, 70, 70, 70, 1), omegas, path, num_threads))
        fused.pack(parameters)
        return fused.backward(x, grad, to_x=False, to_parameters=True)[1] or []

    once = gradients(3)
    for again in [gradients(3) for _ in range(5)]:
        assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
    tolerance = 0.02 if path == "avx512-bf16" else 1e-4
    for num_threads in (1, 2, 7, 2000):  # more threads than points, too
        assert all(distance(a, b.double()) < tolerance for a, b in zip(gradients(num_threads), once, strict=True))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted where /proc has them")
@pytest.mark.parametrize("path", PATHS)
def test_no_more_threads_are_made_than_there_are_cores(path: str) -> None:
    """Each of them wakes for every later job: two thousand, made by one test, once slowed all that followed."""
    parameters, omegas = network((2, 20, 20, 1))
    before = len(list(Path("/proc/self/task").iterdir()))
    fused = FusedNetwork(shape_of((2, 20, 20, 1), omegas, path, num_threads=500))
    fused.pack(parameters)
    fused.values(points_of(4000, 2))
    assert len(list(Path("/proc/self/task").iterdir())) - before < (os.cpu_count() or 1)


@pytest.mark.parametrize("path", PATHS)
def test_no_points_give_no_values_and_zero_gradients(path: str) -> None:
    parameters, omegas = network((2, 20, 20, 2))
    fused = FusedNetwork(shape_of((2, 20, 20, 2), omegas, path))
    fused.pack(parameters)
    assert fused.values(torch.empty(0, 2)).shape == (0, 2)
    grad_x, grads = fused.backward(torch.empty(0, 2), torch.empty(0, 2), to_x=True, to_parameters=True)
    assert grad_x is not None
    assert grad_x.shape == (0, 2)
    assert grads is not None
    assert not any(grad.any() for grad in grads)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("value", [1e9, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_phases_that_could_leave_the_domain_are_refused(path: str, value: float, where: int) -> None:
    parameters, omegas = network((2, 20, 20, 2))
    parameters[where].flatten()[-1:].fill_(value)
    fused = FusedNetwork(shape_of((2, 20, 20, 2), omegas, path))
    fused.pack(parameters)
    with pytest.raises(OutOfDomain, match="too large"):
        fused.values(points_of(5, 2))


@pytest.mark.parametrize("path", EXACT)
def test_phases_up_to_the_largest_are_reduced_exactly(path: str) -> None:
    largest = 2.0**14 if path == "portable" else 2.0**21
    weight, bias = torch.full((1, 1), largest), torch.zeros(1)
    fused = FusedNetwork(Shape((1, 1, 1), (1.0, 0.0), path, 1))
    fused.pack([weight, bias, torch.ones(1, 1), bias])
    x = torch.arange(-512, 512).float()[:, None] / 512  # every phase is exact in float32
    assert_close(fused.values(x), torch.sin(x.double() * largest).float(), rtol=0, atol=5e-7)


@pytest.mark.parametrize("path", PATHS)
def test_targets_that_are_not_numbers_give_such_a_loss(path: str) -> None:
    parameters, omegas = network((2, 20, 20, 1))
    moments = [[torch.zeros_like(parameter) for parameter in parameters] for _ in range(2)]
    targets = torch.zeros(50, 1)
    targets[7] = math.nan
    fused = FusedNetwork(shape_of((2, 20, 20, 1), omegas, path))
    loss = fused.adam_step(parameters, moments, points_of(50, 2), targets, AdamSettings(1e-4, (0.9, 0.99), 1e-8, 1))
    assert math.isnan(loss)


@pytest.mark.parametrize("path", PATHS)
def test_subnormal_numbers_are_flushed_inside_and_kept_outside(path: str) -> None:
    parameters, omegas = network((2, 20, 20, 1))
    parameters[-2].fill_(1e-42)
    fused = FusedNetwork(shape_of((2, 20, 20, 1), omegas, path, num_threads=2))
    fused.pack(parameters)
    assert_close(fused.values(points_of(50, 2)), parameters[-1].expand(50, 1), rtol=1e-6, atol=0)
    assert float(torch.tensor(1e-42) * 1.0) != 0


def test_callers_on_several_threads_do_not_disturb_each_other() -> None:
    parameters, omegas = network((2, 64, 64, 64, 1))
    x = points_of(3000, 2)
    shape = shape_of((2, 64, 64, 64, 1), omegas, EXACT[-1], num_threads=2)

    def values() -> Tensor:
        fused = FusedNetwork(shape)
        fused.pack(parameters)
        return torch.cat([fused.values(x) for _ in range(20)])

    wanted = values()
    found: list[Tensor] = []
    threads = [threading.Thread(target=lambda: found.append(values())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(torch.equal(each, wanted) for each in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_has_threads_of_its_own() -> None:
    program = """
import os, time, torch
from ligeia.networks import Siren
torch.set_num_threads(2)
net = Siren(2, 64, 2, 1)
x = torch.rand(2000, 2)
with torch.no_grad():
    before = net(x)
    time.sleep(0.02)  # its threads are asleep
    child = os.fork()
    if child == 0:
        same = torch.equal(net(x), before)
        time.sleep(0.02)
        os._exit(0 if same and torch.equal(net(x), before) else 3)
    before = net(x)  # the parent's threads are still there
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert status == 0, status
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
