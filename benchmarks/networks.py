"""Networks at equal parameters, equal seconds and equal tuning, on eight tasks; resumable: quick | run | again | table.

Seconds are turned into steps once, by timing every network on every task side by side on two threads; all runs after
that are deterministic, so that a busy machine, or a second start, changes none of them. Each network gets the same
number of trials, a third as long as a run: first along the learning rate, then along its one scale, which is how fine
its first layer is. What is best by the score, with a seed of its own, is run with three others.
"""

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from _common import RESULTS, append_row
from _network_tables import draw, print_table
from _network_tasks import Task, task, task_names

from ligeia import fitting, kernels, recipes
from ligeia.core import DivergenceError, random_stream
from ligeia.field import Field
from ligeia.fitting import Adam, LRSchedule, Recipe
from ligeia.networks import Architecture, Inputs, NetworkConfig, Rbf

NAME = "networks"
COMPILED = "siren, compiled"
NETWORKS = (
    "siren",
    "siren-learned",
    "finer",
    "wire",
    "wire-real",
    "gauss",
    "sinc",
    "fourier",
    "nerf",
    "hash",
    "grid",
    "mfn-fourier",
    "mfn-gabor",
    "bacon",
    "rbf",
    "relu",
)
QUICK = ("siren", "finer", "fourier", "hash", "relu")
QUICK_TASKS = ("image", "inpainting", "sound")
PARAMETERS = 66_000
BATCH = 1024
TUNING_SEED = 1000
SEEDS, AGAIN_SEEDS = (0, 1, 2), (10, 11, 12)
RATES = (0.5, 1.0, 2.0, 4.0)  # times the network's usual rate: four trials, ...
SCALES = (0.35, 0.6, 1.6, 2.6)  # ... and four of its scale, which was 1 before; or of the rate where there is none
FINE_RATES = (0.25, 0.7, 1.4, 2.8)
WITHOUT_SCALE = ("relu", "tanh", "softplus", "grid")


def made(name: str, on: Task, scale: float, seed: int) -> Field:
    """Return a fresh field of a network of `PARAMETERS` weights on the domain of a task."""
    generator = random_stream(seed, "initial weights")
    ends = on.grid.num_inputs, len(on.channels)
    inputs = recipes.inputs_of(on.grid, on.turns)
    inputs = inputs.scaled(scale * architecture(name).frequency_scale)
    config = NetworkConfig(sized(name, inputs, scale, *ends), *ends)
    network = config.build(frequencies=inputs.frequencies, generator=generator)
    return Field(network, on.grid, on.channels)


def architecture(name: str) -> Architecture:
    """Return a network with its usual settings."""
    return recipes.network_named("siren" if name == COMPILED else name)


def sized(name: str, inputs: Inputs, scale: float, in_features: int, out_features: int) -> Architecture:
    """Return a network for these inputs with as many weights as there may be."""
    found = architecture(name).suited_to(inputs)
    if isinstance(found, Rbf):
        found = replace(found, sharpness=found.sharpness * scale**2)
    return found.with_parameters(PARAMETERS, in_features, out_features)


def rate_of(name: str, field: Field) -> float:
    """Return the usual learning rate of a network: that of `recipes.fast`, times its own."""
    width = field.network.config.num_features
    usual = 2e-4 * math.sqrt(BATCH / 256) * 256 / max(64, width)
    return usual * architecture(name).rate


@lru_cache(maxsize=2)
def _task(name: str) -> Task:
    return task(name)


def one_run(
    network: str, on: str, steps: int, rate: float, scale: float, seed: int, *, scored: bool = True
) -> dict[str, Any]:
    """Fit once, and return the row of it; ``scored`` is left out where only the time counts."""
    where = _task(on)
    with kernels.using(_path(network)):
        field = made(network, where, scale, seed)
        objective = where.objective(seed)
        recipe = Recipe(
            name="compared",
            optimizer=Adam(learning_rate=rate * rate_of(network, field), betas=(0.8, 0.99)),
            batch_size=BATCH,
            schedule=LRSchedule(),
        )
        stop = fitting.passes(steps * BATCH / objective.num_points)
        try:
            report = fitting.fit(field, objective, recipe, stop, seed=seed)
            score = where.score(field) if scored else -math.inf
            seconds, restarts = report.seconds, len(report.restarts)
        except DivergenceError:
            score, seconds, restarts = -math.inf, 0.0, -1
    return {
        "network": network,
        "task": on,
        "steps": steps,
        "rate": rate,
        "scale": scale,
        "seed": seed,
        "score_db": score if math.isfinite(score) else None,
        "parameters": field.network.config.num_parameters(),
        "seconds_alone": seconds,
        "restarts": restarts,
        "description": str(field.network.config),
    }


def _path(network: str) -> str:
    return kernels.system().path if network == COMPILED else "torch"


def speeds(networks: Sequence[str], tasks: Sequence[str], rows: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """Return the steps per second of every network on every task, two threads, timed side by side where unknown."""
    torch.set_num_threads(2)
    known = {(row["network"], row["task"]): row["steps_per_second"] for row in rows if row["kind"] == "speed"}
    for on in tasks:
        missing = [name for name in networks if (name, on) not in known]
        taken: dict[str, list[float]] = {name: [] for name in missing}
        counts = dict.fromkeys(missing, 4)
        for number in range(4):  # the first finds how many steps take a fifth of a second; then A B C A B C A B C
            for name in missing:
                row = one_run(name, on, counts[name], 0.1, 1.0, 0, scored=False)
                per_second = counts[name] / max(row["seconds_alone"], 1e-3)
                if number:
                    taken[name].append(per_second)
                else:
                    counts[name] = max(4, round(0.3 * per_second))
        for name in missing:
            known[name, on] = statistics.median(taken[name])
            row = {"kind": "speed", "network": name, "task": on, "steps_per_second": known[name, on]}
            append_row(NAME, row)
            rows.append(row)
            print(f"{on}: {name} takes {known[name, on]:.0f} steps of {BATCH} a second", flush=True)
    return known


class Runs:
    """Runs that are known from the results or are made by workers, a thread each."""

    def __init__(self, rows: list[dict[str, Any]], kind: str, workers: int) -> None:
        self._rows, self._kind = rows, kind
        self._pool = ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))

    def all(self, wanted: Sequence[tuple[str, str, int, float, float, int]]) -> list[dict[str, Any]]:
        """Return the rows of all runs wanted, in their order."""
        keys = ("network", "task", "steps", "rate", "scale", "seed")
        known = {tuple(row[key] for key in keys): row for row in self._rows if row["kind"] in ("trial", "run", "again")}
        started = {self._pool.submit(one_run, *each): each for each in wanted if each not in known}
        for future in as_completed(started):
            row = {"kind": self._kind, **future.result()}
            append_row(NAME, row)
            self._rows.append(row)
            known[started[future]] = row
        return [known[each] for each in wanted]


def tuned(runs: Runs, network: str, on: str, steps: int) -> tuple[float, float]:
    """Return the best rate and scale of eight trials."""
    trials = runs.all([(network, on, steps, rate, 1.0, TUNING_SEED) for rate in RATES])
    best = max(trials, key=_score)
    if network in WITHOUT_SCALE:
        wanted = [(network, on, steps, times * best["rate"], 1.0, TUNING_SEED) for times in FINE_RATES]
    else:
        wanted = [(network, on, steps, best["rate"], scale, TUNING_SEED) for scale in SCALES]
    best = max([*trials, *runs.all(wanted)], key=_score)
    return best["rate"], best["scale"]


def _score(row: dict[str, Any]) -> float:
    return -math.inf if row["score_db"] is None else row["score_db"]


def compare(
    networks: Sequence[str], tasks: Sequence[str], seconds: float, seeds: Sequence[int], *, kind: str, workers: int
) -> None:
    """Tune and run every network on every task; runs that the results have are not made again."""
    rows = list(known_rows())
    known = speeds(networks, tasks, rows)
    began = time.perf_counter()
    for on in tasks:
        runs = Runs(rows, "trial", workers)
        for network in networks:
            steps = max(50, round(seconds * known[network, on]))
            rate, scale = tuned(runs, network, on, max(25, steps // 3))
            runs._kind = kind
            found = [_score(row) for row in runs.all([(network, on, steps, rate, scale, seed) for seed in seeds])]
            runs._kind = "trial"
            print(
                f"{time.perf_counter() - began:6.0f} s  {on}: {network} {statistics.mean(found):.2f} dB "
                f"+- {statistics.pstdev(found):.2f}, {steps} steps, rate x{rate:g}, scale x{scale:g}",
                flush=True,
            )


def known_rows() -> Iterator[dict[str, Any]]:
    """Yield the rows of the results."""
    path = RESULTS / f"{NAME}.jsonl"
    if path.exists():
        with path.open() as file:
            yield from map(json.loads, file)


def main() -> None:
    """Compare, or show what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("quick", "run", "again", "table"))
    parser.add_argument("--seconds", type=float, default=3.0, help="of two cores, per run")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--tasks", default="", help="some of them, joined by commas")
    parser.add_argument("--networks", default="", help="some of them, joined by commas")
    arguments = parser.parse_args()
    tasks = [each for each in task_names() if not arguments.tasks or each in arguments.tasks.split(",")]
    networks = [each for each in NETWORKS if not arguments.networks or each in arguments.networks.split(",")]
    options = {"seconds": arguments.seconds, "workers": arguments.workers}
    if arguments.what == "quick":
        compare(QUICK, QUICK_TASKS, seeds=SEEDS[:1], kind="run", **options)
    elif arguments.what == "run":
        compare([*networks, COMPILED], tasks, seeds=SEEDS, kind="run", **options)
    elif arguments.what == "again":
        compare([*networks, COMPILED], tasks, seeds=AGAIN_SEEDS, kind="again", **options)
    rows = list(known_rows())
    print_table(rows, arguments.seconds)
    draw(rows, RESULTS.parent.parent / "docs" / "networks.png", arguments.seconds)


if __name__ == "__main__":
    main()
