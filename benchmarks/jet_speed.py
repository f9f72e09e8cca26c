"""Value, Jacobian and Laplacian with the gradient of a loss on all three: one sweep against nested autograd."""

import argparse
from collections.abc import Callable
from functools import partial

import torch
from _common import append_row
from torch import Tensor

from ligeia import kernels
from ligeia.core import random_stream
from ligeia.experiments import interleaved
from ligeia.networks import Siren

Way = Callable[[Siren, Tensor], tuple[Tensor, Tensor, Tensor]]


def nested(network: Siren, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Differentiate by autograd again and again, as the reference code of the paper does, for one channel."""
    x = points.clone().requires_grad_()
    value = network.net(x)
    (slopes,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    bends = [torch.autograd.grad(slope.sum(), x, create_graph=True)[0][:, i] for i, slope in enumerate(slopes.T)]
    return value, slopes, torch.stack(bends).sum(dim=0)[:, None]


def sweep(network: Siren, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Carry all three along."""
    jet = network.jet(points)
    return jet.value, jet.jacobian[:, 0], jet.laplacian


def plain_sweep(network: Siren, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Carry all three along in plain torch."""
    with kernels.using("torch"):
        return sweep(network, points)


def gradients(way: Way, network: Siren, points: Tensor) -> tuple[Tensor, ...]:
    """Return the gradient of a loss that all three count in alike."""
    value, slopes, bend = way(network, points)
    loss = value.square().mean() + 1e-2 * slopes.square().mean() + 1e-5 * bend.square().mean()
    return torch.autograd.grad(loss, list(network.parameters()), materialize_grads=True)


def distance(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> float:
    """Return the largest relative difference of a tensor."""
    pairs = zip(found, wanted, strict=True)
    return max(float((mine - right).norm() / right.norm().clamp_min(1e-30)) for mine, right in pairs)


def main() -> None:
    """Print and keep medians of interleaved runs, and how far the gradients differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=4096)
    parser.add_argument("--inputs", type=int, default=3)
    parser.add_argument("--hidden-features", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ways: dict[str, Way] = {"nested": nested, "sweep": sweep, "sweep in torch": plain_sweep}
    for dtype in (torch.float32, torch.float64):
        network = Siren(arguments.inputs, arguments.hidden_features, 3, 1, generator=random_stream(0, "bench")).to(
            dtype
        )
        points = torch.rand(arguments.points, arguments.inputs, generator=random_stream(1, "bench")).to(dtype) * 2 - 1
        found = {name: gradients(way, network, points) for name, way in ways.items()}
        calls = [partial(gradients, way, network, points) for way in ways.values()]
        medians = dict(zip(ways, interleaved(calls, rounds=arguments.rounds), strict=True))
        row = {
            "dtype": str(dtype).removeprefix("torch."),
            **{key: getattr(arguments, key) for key in ("points", "inputs", "hidden_features", "threads")},
            "kernel": kernels.current_path(),
            "seconds": medians,
            "times_faster": {name: medians["nested"] / each for name, each in medians.items()},
            "difference": {name: distance(each, found["nested"]) for name, each in found.items()},
        }
        print(row)
        append_row("jet_speed", row)


if __name__ == "__main__":
    main()
