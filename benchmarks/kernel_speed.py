"""Point-steps and operations per second of every kernel, by width and batch, against plain torch and the peak."""

import argparse
import statistics
from collections.abc import Callable

import torch
from _common import append_row
from torch import Tensor

from ligeia import kernels
from ligeia.core import random_stream
from ligeia.experiments import interleaved, operations_per_point
from ligeia.kernels import AdamSettings, FusedNetwork, Shape
from ligeia.networks import NetworkConfig, SirenArchitecture

WIDTHS = (32, 64, 128, 256, 512)
BATCHES = (128, 256, 512, 1024, 2048, 4096, 16384)


def whole_step(config: NetworkConfig, path: str, x: Tensor, y: Tensor) -> Callable[[], object]:
    """Return one step, optimizer included: ligeia's kernel, or eager torch with its fused Adam."""
    network = config.build(generator=random_stream(0, "bench"))
    if path == "torch":
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-6, fused=True)

        def step() -> None:
            optimizer.zero_grad()
            with kernels.using("torch"):
                ((network(x) - y) ** 2).mean().backward()
            optimizer.step()

        return step
    parameters = [parameter.detach() for parameter in network.parameters()]
    moments = [[torch.zeros_like(each) for each in parameters] for _ in range(2)]
    shape = shape_of(config, path)
    fused = FusedNetwork(shape)
    settings = AdamSettings(1e-6, (0.9, 0.99), 1e-8, 100)
    return lambda: fused.adam_step(parameters, moments, x, y, settings)


def shape_of(config: NetworkConfig, path: str) -> Shape:
    """Return the shape of the compiled network."""
    siren = config.architecture
    assert isinstance(siren, SirenArchitecture)
    widths = (config.in_features, *siren.hidden_widths(), config.out_features)
    return Shape(widths, (*siren.layer_omegas(), 0.0), path, torch.get_num_threads(), path == "avx512-bf16")


def gradients(config: NetworkConfig, path: str, x: Tensor) -> Callable[[], object]:
    """Return forward and backward alone, by ligeia's kernel."""
    network = config.build(generator=random_stream(0, "bench"))
    shape = shape_of(config, path)
    fused = FusedNetwork(shape)
    fused.pack(list(network.parameters()))
    grad = torch.ones(len(x), config.out_features)
    return lambda: fused.backward(x, grad, to_x=False, to_parameters=True)


def main() -> None:
    """Print one table per width and write a row per cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", nargs="*", type=int, default=WIDTHS)
    parser.add_argument("--batches", nargs="*", type=int, default=BATCHES)
    parser.add_argument("--paths", nargs="*", default=[path for path in kernels.available() if path != "torch"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} threads; thousands of point-steps per second, optimizer included; in turns, medians")
    print(
        f"{'width':>5} {'batch':>6} {'kernel':12} {'eager':>7} {'kernel':>7} {'times':>6} {'GF/s':>6} {'of peak':>8}"
        f" {'gradients alone':>16}"
    )
    for width in arguments.widths:
        config = NetworkConfig(SirenArchitecture(hidden_features=width), 2, 1)
        operations = operations_per_point(config)
        for batch in arguments.batches:
            x = 2 * torch.rand(batch, 2, generator=random_stream(1, "bench")) - 1
            y = x[:, :1].contiguous()
            for path in arguments.paths:
                peaks: list[float] = []

                def measure_peak(path: str = path, peaks: list[float] = peaks) -> None:
                    peaks.append(kernels.peak(path, num_threads=arguments.threads, seconds=0.004))

                calls = [
                    whole_step(config, "torch", x, y),
                    whole_step(config, path, x, y),
                    gradients(config, path, x),
                    measure_peak,
                ]
                eager, fused, alone, _ = interleaved(calls, rounds=arguments.rounds)
                peak = statistics.median(peaks)
                row = {
                    "width": width,
                    "batch": batch,
                    "kernel": path,
                    "threads": arguments.threads,
                    "eager_point_steps_per_s": batch / eager,
                    "kernel_point_steps_per_s": batch / fused,
                    "times_eager": eager / fused,
                    "gflops": batch * operations / fused / 1e9,
                    "peak_gflops": peak / 1e9,
                    "peak_share": batch * operations / fused / peak,
                    "gradient_peak_share": batch * operations / alone / peak,
                }
                print(
                    f"{width:5} {batch:6} {path:12} {batch / eager / 1e3:7.0f} {batch / fused / 1e3:7.0f} "
                    f"{eager / fused:6.2f} {row['gflops']:6.0f} {row['peak_share']:8.0%} "
                    f"{row['gradient_peak_share']:16.0%}",
                    flush=True,
                )
                append_row("kernel_speed", row)


if __name__ == "__main__":
    main()
