"""Rendering a large picture: ligeia's kernel beside `net(coords)` in chunks, and the memory that it takes."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch
from _common import append_row

from ligeia import kernels
from ligeia.core import random_stream
from ligeia.experiments import interleaved
from ligeia.field import Field
from ligeia.networks import Siren, SirenArchitecture
from ligeia.signals import Grid

CHUNK = 1 << 16


def field(num_channels: int = 1) -> Field[Siren]:
    """Return a field of the default network."""
    network = SirenArchitecture().build(2, num_channels, generator=random_stream(0, "bench"))
    return Field(network, Grid.of((256, 256)))


def eager(of: Field, size: int) -> None:
    """Evaluate the network in plain torch, chunk by chunk, as people write it."""
    network = of.network
    assert isinstance(network, Siren)
    axis = (2 * torch.arange(size) + 1) / size - 1
    with torch.no_grad(), kernels.using("torch"):
        result = torch.empty(size * size, 1)
        points = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)
        for start in range(0, len(points), CHUNK):
            result[start : start + CHUNK] = network.net(points[start : start + CHUNK])


def memory(size: int) -> None:
    """Print how far the peak of this process grows beyond the result of one rendering, in MiB."""
    of = field()
    of.sample((256, 256))
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = peak_mib()
    result = of.sample((size, size))
    print(peak_mib() - before - result.nbytes / 2**20)


def peak_mib() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Compare at a size that allows rounds, then time the whole picture once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="only print the memory beyond the result")
    arguments = parser.parse_args()
    if arguments.memory:
        memory(arguments.size)
        return
    of = field()
    calls = [lambda: eager(of, 1024), lambda: of.sample((1024, 1024))]
    gradient = [lambda: of.sample((512, 512), quantity="gradient"), lambda: plain_gradient(of)]
    plain, ours = interleaved(calls, rounds=arguments.rounds)
    sweep, jet = interleaved(gradient, rounds=arguments.rounds)
    began = time.perf_counter()
    of.sample((arguments.size, arguments.size))
    whole = time.perf_counter() - began
    command = [sys.executable, __file__, "--memory", "--size", str(arguments.size)]
    beyond = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    row = {
        "kernel": kernels.current_path(),
        "threads": torch.get_num_threads(),
        "eager_points_per_s": 2**20 / plain,
        "kernel_points_per_s": 2**20 / ours,
        "times_eager": plain / ours,
        "gradient_times_plain_jet": jet / sweep,
        "size": arguments.size,
        "seconds": whole,
        "mib_beyond_result": beyond,
    }
    for name, value in row.items():
        print(f"{name:26} {value:,.2f}" if isinstance(value, float) else f"{name:26} {value}")
    append_row("render_speed", row)


def plain_gradient(of: Field) -> None:
    """Render the gradient by the plain jet."""
    with kernels.using("torch"):
        of.sample((512, 512), quantity="gradient")


if __name__ == "__main__":
    main()
