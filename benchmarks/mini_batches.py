"""Do mini-batches change the result? Six batch sizes at equal passes and at equal seconds."""

import argparse
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import RESULTS, append_row, data_folder

from ligeia import fitting, recipes
from ligeia.fitting import Adam, LRSchedule, Recipe, Stop
from ligeia.recipes import Configuration, paper
from ligeia.signals import Signal, from_array

SIZE, WIDTH = 128, 128
BATCHES = (64, 256, 1024, 2048, 4096, SIZE * SIZE)
PASSES, SECONDS = 25.0, 2.0
PICTURES = {
    "camera": "images/skimage/camera.png",
    "astronaut": "images/skimage/astronaut.png",
    "kodim23": "images/kodak/kodim23.png",
    "text": "images/skimage/text.png",
}


def picture(path: Path) -> Signal:
    """Return the middle of a picture, averaged down to the common size."""
    from PIL import Image

    image = Image.open(path)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.BOX)
    return from_array(np.asarray(image), align="centers")


def configuration(batch: int, *, decayed: bool) -> Configuration:
    """Return the reference with another batch: its constant rate, or one by ligeia's rule that falls to 0."""
    base = paper()
    rate = min(2e-4 * math.sqrt(batch / 256) * 256 / WIDTH, 2e-3) if decayed else 1e-4
    optimizer = Adam(learning_rate=rate, betas=(0.8, 0.99) if decayed else (0.9, 0.999))
    schedule = LRSchedule(slow_power=0.0) if decayed else None
    recipe = Recipe(
        name=f"batch {batch}", optimizer=optimizer, batch_size=batch, schedule=schedule, divergence_threshold=None
    )
    return dataclasses.replace(base, recipe=recipe)


def measure(part: int, parts: int, seeds: int) -> None:
    """Fit every picture with every batch size, schedule, budget and seed."""
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    torch.set_num_threads(1)
    budgets: dict[str, Stop] = {"passes": fitting.passes(PASSES), "seconds": fitting.seconds(SECONDS)}
    jobs = [
        (name, batch, decayed, budget, seed)
        for seed in range(seeds)
        for name in PICTURES
        for budget in budgets
        for decayed in (True, False)
        for batch in BATCHES
    ]
    read = {name: picture(folder / path) for name, path in PICTURES.items()}
    for name, batch, decayed, budget, seed in jobs[part::parts]:
        field = recipes.fit(
            read[name],
            configuration=configuration(batch, decayed=decayed),
            stop=budgets[budget],
            hidden_features=WIDTH,
            seed=seed,
        )
        report = field.report
        assert report is not None
        row = {
            "picture": name,
            "batch": batch,
            "decayed": decayed,
            "budget": budget,
            "seed": seed,
            "psnr_db": report.psnr_db,
            "passes": report.passes,
            "seconds": report.seconds,
            "steps": report.steps,
        }
        append_row("mini_batches", row)


def rows() -> list[dict[str, Any]]:
    """Return the rows measured so far."""
    return [json.loads(line) for line in (RESULTS / "mini_batches.jsonl").read_text().splitlines()]


def table() -> None:
    """Print mean and worst PSNR per batch size, schedule and budget."""
    found = rows()
    for budget in ("passes", "seconds"):
        for decayed in (False, True):
            rate = "falling to 0" if decayed else "constant"
            print(f"equal {budget}, learning rate {rate}")
            for batch in BATCHES:
                chosen = [r for r in found if (r["budget"], r["decayed"], r["batch"]) == (budget, decayed, batch)]
                by_picture = [
                    f"{np.mean([r['psnr_db'] for r in chosen if r['picture'] == name]):6.2f}" for name in PICTURES
                ]
                quality = [r["psnr_db"] for r in chosen]
                passes = np.median([r["passes"] for r in chosen])
                print(
                    f"  {batch:6}  mean {np.mean(quality):6.2f}  worst {np.min(quality):6.2f}  {' '.join(by_picture)}"
                    f"  {passes:7.1f} passes  {len(chosen)} fits"
                )


def plot(path: Path) -> None:
    """Draw PSNR against batch size, one curve per picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    found = rows()
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 7), layout="constrained", sharex=True, sharey=True)
    titles = {"passes": f"{PASSES:g} passes", "seconds": f"{SECONDS:g} s on one thread"}
    for row, budget in zip(axes, titles, strict=True):
        for axis, decayed in zip(row, (False, True), strict=True):
            for name in PICTURES:
                runs = [
                    [
                        r["psnr_db"]
                        for r in found
                        if (r["picture"], r["budget"], r["decayed"], r["batch"]) == (name, budget, decayed, batch)
                    ]
                    for batch in BATCHES
                ]
                mean = np.array([np.mean(each) for each in runs])
                low, high = np.array([np.min(each) for each in runs]), np.array([np.max(each) for each in runs])
                axis.errorbar(BATCHES, mean, (mean - low, high - mean), fmt="o-", markersize=4, capsize=2, label=name)
            rate = "rate falling to 0" if decayed else "constant rate"
            axis.set(xscale="log", title=f"{titles[budget]}, {rate}")
            axis.set_xticks(BATCHES, [f"{batch}" if batch < SIZE * SIZE else "full" for batch in BATCHES])
            axis.minorticks_off()
            axis.grid(visible=True, alpha=0.3)
    for axis in axes[1]:
        axis.set_xlabel("batch size")
    for axis in axes[:, 0]:
        axis.set_ylabel("PSNR (dB)")
    axes[0, 0].legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, or show what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--part", type=int, default=0, help="of --parts processes that share the work")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if arguments.plot:
        plot(arguments.plot)
    elif arguments.table:
        table()
    else:
        measure(arguments.part, arguments.parts, arguments.seeds)


if __name__ == "__main__":
    main()
