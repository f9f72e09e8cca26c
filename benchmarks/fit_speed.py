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

from ligeia import experiments, fitting, kernels, recipes
from ligeia.core import random_stream
from ligeia.kernels import AdamSettings, FusedNetwork, Shape
from ligeia.networks import NetworkConfig, SirenArchitecture
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
        config = NetworkConfig(SirenArchitecture(), signal.grid.num_axes, signal.num_channels)
        frequencies = [30.0 * scale] * config.in_features
        network = config.build(frequencies=frequencies, generator=random_stream(seed, "initial weights"))
        self._parameters = [parameter.detach() for parameter in network.parameters()]
        self._moments = [[torch.zeros_like(each) for each in self._parameters] for _ in range(2)]
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


def step_times(signal: Signal, *, rounds: int, only_eager: bool = False) -> dict[str, float]:
    """Return the median seconds of one full-batch step of every contender, taken in turns."""
    x, y = tensors(signal)
    num_in, num_out = x.shape[1], y.shape[1]
    eager = reference_network(num_in, num_out)
    steps: dict[str, Callable[[], object]] = {"eager": plain_step(eager, list(eager.parameters()), x, y)}
    if not only_eager:
        from siren_pytorch import SirenNet

        peer = SirenNet(num_in, 256, num_out, num_layers=4, final_activation=nn.Identity(), w0=30.0, w0_initial=30.0)
        fast = reference_network(num_in, num_out)
        steps |= {
            "eager, chunks of 8192": chunked_step(reference_network(num_in, num_out), x, y),
            "siren-pytorch": plain_step(peer, list(peer.parameters()), x, y),
            "torch.compile": plain_step(torch.compile(fast), list(fast.parameters()), x, y),
            "ligeia, same trajectory": Fused(signal),
        }
    return dict(zip(steps, experiments.interleaved(list(steps.values()), rounds=rounds), strict=True))


def with_huge_pages(rounds: int) -> tuple[float, float]:
    """Return the seconds of an eager step without and with torch's huge pages, each in a process of its own."""
    found = []
    for value in ("0", "1"):
        environment = {**os.environ, "THP_MEM_ALLOC_ENABLE": value}
        command = [sys.executable, __file__, "--only-eager", "--rounds", str(rounds)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.append(float(done.stdout))
    return found[0], found[1]


def steps_to(levels: list[float], signal: Signal, *, rate: float, most: int) -> list[int | None]:
    """Return after how many full batches each level is reached, None if not within ``most``."""
    step = Fused(signal, rate=rate)
    reached: list[int | None] = [None] * len(levels)
    for number in range(most + 1):
        quality = step()
        reached = [
            number if each is None and quality >= level else each for each, level in zip(reached, levels, strict=True)
        ]
        if None not in reached:
            break
    return reached


def fast_times(signal: Signal, levels: list[float], seeds: int) -> list[tuple[float, int]]:
    """Return the median seconds and point-steps of the recipe `fast` to each level."""
    found = []
    for level in levels:
        runs = [fast_fit(signal, level, seed) for seed in range(seeds)]
        found.append((statistics.median(run[0] for run in runs), round(statistics.median(run[1] for run in runs))))
    return found


def fast_fit(signal: Signal, level: float, seed: int) -> tuple[float, int]:
    """Return seconds and point-steps of one fit with the recipe `fast` to a level."""
    report = recipes.fit(signal, stop=fitting.psnr(level), seed=seed).report
    assert report is not None
    assert report.psnr_db >= level
    return report.seconds, report.point_steps


def beside_eager(corners: Signal, centers: Signal, target: float, seeds: int) -> dict[str, float]:
    """Return seconds of the reference's eager steps and of the recipe `fast`, in turns: A B A B."""
    x, y = tensors(corners)
    network = reference_network(x.shape[1], y.shape[1])
    step = plain_step(network, list(network.parameters()), x, y)
    step()
    eager, runs = [], []
    for seed in range(seeds):
        began = time.perf_counter()
        step()
        eager.append(time.perf_counter() - began)
        time.sleep(0.2)  # torch's threads spin on for a while
        runs.append(fast_fit(centers, target, seed))
    return {
        "eager_seconds": STEPS * statistics.median(eager),
        "seconds": statistics.median(run[0] for run in runs),
        "point_steps": statistics.median(run[1] for run in runs),
        "least_seconds": min(run[0] for run in runs),
        "least_eager_seconds": STEPS * min(eager),
    }


def photograph(*, rounds: int, seeds: int, most: int, tuned_rate: float) -> None:
    """Compare every contender on the photograph."""
    corners, centers = signals(align="corners")[PHOTOGRAPH], signals()[PHOTOGRAPH]
    times = step_times(corners, rounds=rounds)
    without, with_pages = with_huge_pages(rounds)
    times["eager, huge pages"] = times["eager"] * with_pages / without
    target = reference_db(PHOTOGRAPH)
    levels = [target, *LEVELS]
    reached = steps_to(levels, corners, rate=1e-4, most=most)
    tuned = steps_to(levels, corners, rate=tuned_rate, most=most // 2)
    rows: dict[str, list[float | None]] = {
        name: [None if number is None else number * seconds for number in reached] for name, seconds in times.items()
    }
    rows[f"eager, rate {tuned_rate:g}"] = [None if number is None else number * times["eager"] for number in tuned]
    ours = fast_times(centers, levels, seeds)
    rows["ligeia fast"] = [seconds for seconds, _ in ours]
    print(f"{'seconds to':28}" + "".join(f"{level:>12.2f} dB" for level in levels) + "    one full-batch step")
    for name, seconds in rows.items():
        cells = "".join(f"{'> ' + str(most) + ' steps' if each is None else f'{each:.1f}':>15}" for each in seconds)
        per_step = f"{times[name]:22.3f}" if name in times else ""
        print(f"{name:28}{cells}{per_step}")
    print(f"point-steps of ligeia fast: {', '.join(f'{count:,}' for _, count in ours)}")
    assert rows["eager"][0] is not None
    print(f"ligeia fast to {target:.2f} dB: {rows['eager'][0] / ours[0][0]:.0f} times sooner than eager")
    print(f"same trajectory: {times['eager'] / times['ligeia, same trajectory']:.2f} times eager per step")
    row: dict[str, Any] = {"kind": "photograph", "levels_db": levels, "seconds": rows, "step_seconds": times}
    row |= {"steps": reached, "tuned_steps": tuned, "point_steps": [count for _, count in ours]}
    append_row("fit_speed", row | {"threads": torch.get_num_threads(), "kernel": kernels.current_path()})


def reference_db(name: str) -> float:
    """Return what the reference reached on a signal, from the rows that ``--references`` wrote."""
    path = RESULTS / "fit_speed.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    found = [row["psnr_db"] for row in rows if row["kind"] == "reference" and row["signal"] == name]
    if not found:
        raise SystemExit(f"run with --references first: the quality of the reference on {name!r} is not known.")
    return found[-1]


def all_signals(*, names: list[str], seeds: int) -> None:
    """Compare the reference's 500 eager steps with the recipe `fast` at equal quality on every signal."""
    ratios = []
    corners = signals(align="corners")
    for name, signal in signals().items():
        if names and name not in names:
            continue
        target = reference_db(name)
        found = beside_eager(corners[name], signal, target, seeds)
        ratio = found["eager_seconds"] / found["seconds"]
        ratios.append(ratio)
        fewer = STEPS * signal.grid.num_samples / found["point_steps"]
        print(
            f"{name:18} {target:6.2f} dB   eager {found['eager_seconds']:6.0f} s   ligeia {found['seconds']:6.2f} s"
            f"   {ratio:6.0f} times   {fewer:5.0f} times fewer point-steps",
            flush=True,
        )
        row = {"kind": "signal", "signal": name, "target_db": target, **found, "times_sooner": ratio, "seeds": seeds}
        append_row("fit_speed", row | {"threads": torch.get_num_threads(), "kernel": kernels.current_path()})
    print(f"median {statistics.median(ratios):.0f} times, worst {min(ratios):.0f} times")


def main() -> None:
    """Run the parts asked for; by default the photograph and then every signal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--references", nargs="*", metavar="SIGNAL", help="only the reference's quality, first")
    parser.add_argument("--photograph", action="store_true", help="only the photograph")
    parser.add_argument("--signals", nargs="*", metavar="SIGNAL", help="only the signals, or some of them")
    parser.add_argument("--only-eager", action="store_true", help="only print the seconds of one eager step")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=1000, help="full batches of the reference's trajectory")
    parser.add_argument("--tuned-rate", type=float, default=5e-4)
    arguments = parser.parse_args()
    if arguments.references is not None:
        references(arguments.references)
    elif arguments.only_eager:
        signal = signals(align="corners")[PHOTOGRAPH]
        print(step_times(signal, rounds=arguments.rounds, only_eager=True)["eager"])
    else:
        if arguments.signals is None:
            most = arguments.most
            photograph(rounds=arguments.rounds, seeds=arguments.seeds, most=most, tuned_rate=arguments.tuned_rate)
        if not arguments.photograph:
            all_signals(names=arguments.signals or [], seeds=arguments.seeds)


if __name__ == "__main__":
    main()
