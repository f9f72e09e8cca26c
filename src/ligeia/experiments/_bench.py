"""Benchmark of this machine: kernels versus peak and plain torch, and the fast recipe on a photograph."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch

from ligeia import fitting, kernels
from ligeia.core import num_threads, random_stream
from ligeia.networks import NetworkConfig, Siren, SirenArchitecture
from ligeia.recipes import fit

from ._image import camera

_ARCHITECTURE = SirenArchitecture()
_REST_S = 0.03
_TURN_S = 0.05
_TARGET_DB = 35.5  # reached by the reference experiment in 500 full batches


@final
@dataclass(frozen=True, slots=True)
class Rates:
    """Points per second of the default network, 2 -> 256 x 4 -> 1, by one kernel."""

    kernel: str
    training: float
    """Forward and backward at a batch of 2048, without the optimizer."""
    rendering: float
    peak_share: float | None
    """Floating-point operations of training over the peak of this kernel's instructions; None for plain torch."""


@final
@dataclass(frozen=True, slots=True)
class FitTime:
    """The fast recipe on a 256 x 256 photograph, to the quality of 500 full batches."""

    kernel: str
    psnr_db: float
    seconds: float
    point_steps: int


def operations_per_point(config: NetworkConfig) -> int:
    """Return the floating-point operations of one point, forward and backward, that matrix products take."""
    weights = [math.prod(shape) for shape in config.tensor_shapes()[::2]]
    return 2 * (3 * sum(weights) - weights[0])  # no gradient flows beyond the first layer


def interleaved(calls: Sequence[Callable[[], object]], *, rounds: int) -> list[float]:
    """Return the median seconds of each call, in turns, so that changes of the machine's load affect all alike.

    A turn repeats its call for a twentieth of a second, at least once, after a warm-up call. Between two turns the
    threads of the last call, which wait for work by spinning, get time to fall asleep.
    """
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            time.sleep(_REST_S)
            call()
            number, began = 0, time.perf_counter()
            while (elapsed := time.perf_counter() - began) < _TURN_S or not number:
                call()
                number += 1
            taken.append(elapsed / number)
    return [statistics.median(taken) for taken in times]


def measure_rates(*, rounds: int = 7) -> list[Rates]:
    """Time training and rendering by every kernel of this machine, and the peak of each."""
    net = _ARCHITECTURE.build(2, 1, generator=random_stream(0, "bench"))
    batch, many = (2 * torch.rand(size, 2, generator=random_stream(1, "bench")) - 1 for size in (2048, 8192))
    names = kernels.available()
    training = interleaved([_gradients(name, net, batch) for name in names], rounds=rounds)
    rendering = interleaved([_values(name, net, many) for name in names], rounds=rounds)
    found = []
    for name, per_batch, per_rendering in zip(names, training, rendering, strict=True):
        share = None
        if name != "torch":
            reached = operations_per_point(net.config) * len(batch) / per_batch
            share = reached / statistics.median(kernels.peak(name, num_threads=num_threads()) for _ in range(3))
        found.append(Rates(name, len(batch) / per_batch, len(many) / per_rendering, share))
    return found


def time_fit(*, seed: int = 0) -> FitTime:
    """Fit the built-in photograph with the kernel in use."""
    field = fit(camera(size=256, align="centers"), stop=fitting.psnr(_TARGET_DB), seed=seed)
    report = field.report
    assert report is not None
    return FitTime(kernels.current_path(), report.psnr_db, report.seconds, report.point_steps)


def _gradients(name: str, net: Siren, x: torch.Tensor) -> Callable[[], object]:
    parameters = list(net.parameters())
    with kernels.using(name):
        shape = kernels.fused_shape(parameters, net.omegas())
    if shape is None:
        return lambda: torch.autograd.grad(net.net(x).square().mean(), parameters)
    fused = kernels.FusedNetwork(shape)
    grad = torch.ones(len(x), net.config.out_features)

    def call() -> None:
        fused.pack(parameters)
        fused.backward(x, grad, to_x=False, to_parameters=True)

    return call


def _values(name: str, net: Siren, x: torch.Tensor) -> Callable[[], object]:
    def call() -> None:
        with kernels.using(name), torch.no_grad():
            net(x)

    return call
