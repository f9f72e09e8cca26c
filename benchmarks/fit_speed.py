"""Time to the quality of the reference experiment, and beyond: every way to run it beside ligeia's."""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _common import RESULTS, append_row
from _signals import signals
from torch import Tensor, nn

from ligeia import fitting, kernels, recipes
from ligeia.core import random_stream
from ligeia.kernels import AdamSettings, FusedNetwork, Shape
from ligeia.networks import SirenConfig
from ligeia.signals import Signal

LEVELS = (40.0, 45.0, 50.0)
PHOTOGRAPH = "photograph, gray"
SOUND_SCALE = 100.0  # the paper's first omega of 3000 for sound (supplement, s. 4)
STEPS = 500


class Sine(nn.Module):
    """One layer, as the reference code has it and people copy it."""

    def __init__(self, fan_in: int, fan_out: int, *, is_first: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(fan_in, fan_out)
        half_width = 1 / fan_in if is_first else math.sqrt(6 / fan_in) / 30
        nn.init.uniform_(self.linear.weight, -half_width, half_width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(30 * self.linear(x))


def reference_network(num_in: int, num_out: int) -> nn.Module:
    """Return the reference's 256 x 3 network in plain PyTorch."""
    last = nn.Linear(256, num_out)
    nn.init.uniform_(last.weight, -math.sqrt(6 / 256) / 30, math.sqrt(6 / 256) / 30)
    return nn.Sequential(Sine(num_in, 256, is_first=True), *[Sine(256, 256) for _ in range(3)], last)


def tensors(signal: Signal) -> tuple[Tensor, Tensor]:
    """Return all coordinates and all scaled samples."""
    every = np.arange(signal.grid.num_samples)
    return torch.from_numpy(signal.grid.points()), torch.from_numpy(signal.normalized(every))


def plain_step(
    network: Callable[[Tensor], Tensor], parameters: list[Tensor], x: Tensor, y: Tensor
) -> Callable[[], None]:
    """Return one full-batch step, as the reference takes it."""
    optimizer = torch.optim.Adam(parameters, lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        ((network(x) - y) ** 2).mean().backward()
        optimizer.step()

    return step


def chunked_step(network: nn.Module, x: Tensor, y: Tensor, *, size: int = 8192) -> Callable[[], None]:
    """Return the same step with the gradients of pieces added up, which spares memory traffic."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        for start in range(0, len(x), size):
            error = network(x[start : start + size]) - y[start : start + size]
            (error.square().sum() / y.numel()).backward()
        optimizer.step()

    return step


class Fused:
    """The same steps by ligeia's kernel: full batch, Adam at a constant rate, float32."""

    def __init__(self, signal: Signal, *, seed: int = 0, scale: float = 1.0, rate: float = 1e-4) -> None:
        config = SirenConfig(in_features=signal.grid.num_axes, out_features=signal.num_channels)
        network = config.build(first_layer_scale=scale, generator=random_stream(seed, "initial weights"))
        self._parameters = [parameter.detach() for parameter in network.parameters()]
        self._moments = [(torch.zeros_like(each), torch.zeros_like(each)) for each in self._parameters]
        widths = (signal.grid.num_axes, *[256] * 4, signal.num_channels)
        path = kernels.current_path()
        self._fused = FusedNetwork(Shape(widths, (*[30.0] * 4, 0.0), path, torch.get_num_threads()))
        self._x, self._y = tensors(signal)
        self._rate = rate
        self._number = 0

    def __call__(self) -> float:
        """Take one step and return the PSNR before it, predictions not clipped (as the reference measures it)."""
        self._number += 1
        settings = AdamSettings(self._rate, (0.9, 0.999), 1e-8, self._number)
        loss = self._fused.adam_step(self._parameters, self._moments, self._x, self._y, settings)
        return 10 * math.log10(4 / loss)


def references(names: list[str]) -> None:
    """Run the reference's 500 steps on every signal with ligeia's kernel, for the quality that they reach."""
    for name, signal in signals(align="corners").items():
        if names and name not in names:
            continue
        step = Fused(signal, scale=SOUND_SCALE if name == "sound" else 1.0)
        began = time.perf_counter()
        curve = [step() for _ in range(STEPS + 1)]
        row = {
            "kind": "reference",
            "signal": name,
            "psnr_db": curve[-1],
            "seconds": time.perf_counter() - began,
            "curve_db": [round(each, 3) for each in curve[::25]],
            "kernel": kernels.current_path(),
        }
        print(f"{name:18} {curve[-1]:.2f} dB after {STEPS} full batches", flush=True)
        append_row("fit_speed", row)


def main() -> None:
    """Run the parts asked for; by default the step times, the photograph and the signals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--references", nargs="*", metavar="SIGNAL", help="only the reference's quality, first")
    arguments = parser.parse_args()
    if arguments.references is not None:
        references(arguments.references)


if __name__ == "__main__":
    main()
