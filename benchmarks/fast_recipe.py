"""The evidence for the settings of the recipe `fast`: variants on signals of nine kinds (design/fast-recipe.md)."""

import argparse
import dataclasses
import json
from collections.abc import Callable

import numpy as np
import torch
from _common import RESULTS, append_row
from _signals import signals

from ligeia import fitting, kernels, recipes
from ligeia.fitting import Adam, LRSchedule
from ligeia.recipes import Configuration, fast


def changed(
    *, rate: float = 1.0, batch: int | None = None, beta2: float | None = None, slow_power: float | None = None
) -> Configuration:
    """Return the recipe `fast` with some settings replaced; ``rate`` is a factor, another batch brings its own."""
    base = fast()
    adam, schedule, size = base.recipe.optimizer, base.recipe.schedule or LRSchedule(), base.recipe.batch_size or 0
    assert isinstance(adam, Adam)
    by_batch = 1.0 if batch is None else (batch / size) ** 0.5
    adam = dataclasses.replace(
        adam,
        learning_rate=adam.learning_rate * rate * by_batch,
        betas=adam.betas if beta2 is None else (0.9, beta2),
    )
    schedule = dataclasses.replace(schedule, slow_power=schedule.slow_power if slow_power is None else slow_power)
    recipe = dataclasses.replace(base.recipe, optimizer=adam, schedule=schedule, batch_size=batch or size)
    return dataclasses.replace(base, recipe=recipe)


def scaled(scale: float) -> Configuration:
    """Return the recipe `fast` with a first layer scaled by as much on every axis."""
    return dataclasses.replace(fast(), first_layer_scale=scale, per_frequency=None)


VARIANTS: dict[str, Callable[[], Configuration]] = {
    "fast": fast,
    "rate x 1/2": lambda: changed(rate=0.5),
    "rate x 1.5": lambda: changed(rate=1.5),
    "rate x 2": lambda: changed(rate=2.0),
    "rate x 4": lambda: changed(rate=4.0),
    "batch 256": lambda: changed(batch=256),
    "batch 1024": lambda: changed(batch=1024),
    "scale 1": lambda: scaled(1.0),
    "scale 3": lambda: scaled(3.0),
    "scale 6": lambda: scaled(6.0),
    "no slow fall": lambda: changed(slow_power=0.0),
    "beta2 0.999": lambda: changed(beta2=0.999),
}


def sweep(names: list[str], point_steps: int, seeds: int, part: int, parts: int) -> None:
    """Fit every signal with every variant over a known budget, and `fast` from several seeds."""
    found = signals()
    jobs = [
        (title, name, seed) for seed in range(seeds) for name in names for title in found if name == "fast" or seed == 0
    ]
    for title, name, seed in jobs[part::parts]:
        signal = found[title]
        stop = fitting.passes(point_steps / signal.grid.num_samples)
        report = recipes.fit(signal, configuration=VARIANTS[name](), stop=stop, seed=seed).report
        assert report is not None
        row = {
            "variant": name,
            "signal": title,
            "seed": seed,
            "psnr_db": report.psnr_db,
            "point_steps": report.point_steps,
            "seconds": report.seconds,
            "restarts": len(report.restarts),
            "threads": torch.get_num_threads(),
            "kernel": kernels.current_path(),
        }
        append_row("fast_recipe", row)


def table() -> None:
    """Print the PSNR of every signal and variant, mean over seeds; * where a fit had to go back."""
    rows = [json.loads(line) for line in (RESULTS / "fast_recipe.jsonl").read_text().splitlines()]
    titles = list(dict.fromkeys(row["signal"] for row in rows))
    print("| variant | " + " | ".join(titles) + " | mean | worst against fast |")
    print("|---" * (len(titles) + 3) + "|")
    base: dict[str, float] = {}
    for name in VARIANTS:
        means, cells = {}, []
        for title in titles:
            chosen = [row for row in rows if row["variant"] == name and row["signal"] == title]
            quality = [row["psnr_db"] for row in chosen]
            if not quality:
                cells.append("")
                continue
            means[title] = float(np.mean(quality))
            spread = f" ({min(quality):.1f}..{max(quality):.1f})" if len(quality) > 1 else ""
            cells.append(f"{means[title]:.1f}{spread}{'*' if any(row['restarts'] for row in chosen) else ''}")
        base = base or means
        if means:
            worst = min(means[title] - base[title] for title in means)
            print(f"| {name} | " + " | ".join(cells) + f" | {np.mean(list(means.values())):.1f} | {worst:+.1f} |")


def main() -> None:
    """Measure, or with ``--table`` show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--point-steps", type=int, default=8 << 16, help="budget of a fit")
    parser.add_argument("--seeds", type=int, default=3, help="of `fast`; the others get one")
    parser.add_argument("--part", type=int, default=0, help="of --parts processes that share the work")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.table:
        table()
    else:
        sweep(arguments.variants, arguments.point_steps, arguments.seeds, arguments.part, arguments.parts)


if __name__ == "__main__":
    main()
