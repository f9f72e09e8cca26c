"""The price of a scaled first layer off the grid: fit every second pixel, measure the others."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import append_row
from _signals import signals

from ligeia import fitting, recipes
from ligeia.field import Field
from ligeia.metrics import decibels
from ligeia.recipes import Configuration, fast, paper
from ligeia.signals import Grid, Signal

PICTURES = ("photograph, gray", "photograph, color", "texture", "map")
STYLES: dict[str, dict[str, Any]] = {
    "paper": {"color": "black", "linewidth": 2},
    "fast": {"color": "red", "linewidth": 2},
}
LEVELS = (30.0, 35.0, 40.0)


def halved(signal: Signal, align: str) -> Signal:
    """Return every second sample along both axes."""
    values = np.ascontiguousarray(signal.values[::2, ::2])
    grid = Grid.of(values.shape[:2], align="corners" if align == "corners" else "centers")
    return dataclasses.replace(signal, values=values, grid=grid)


def held_out_db(field: Field, signal: Signal) -> float:
    """Return the PSNR at the samples of ``signal`` that were not fitted and lie between ones that were."""
    rows, columns = ((size - 1) // 2 * 2 for size in signal.grid.shape)
    row, column = np.indices((rows, columns))
    between = ((row % 2) | (column % 2)).astype(bool).ravel()
    low, step = (-1, 2) if field.grid.align == "corners" else (0, 0)
    coordinates = []
    for index, size in zip((row, column), field.grid.shape, strict=True):
        # where sample i of the fitted grid was sample 2 i of the signal
        place = index.ravel() / 2
        coordinates.append(place * step / (size - 1) + low if step else (2 * place + 1) / size - 1)
    points = torch.from_numpy(np.stack(coordinates, axis=-1).astype(np.float32))[torch.from_numpy(between)]
    indices = np.ravel_multi_index((row.ravel(), column.ravel()), signal.grid.shape)[between]
    with torch.no_grad():
        error = field.network(points).clamp(-1, 1) - torch.from_numpy(signal.normalized(indices))
    return decibels(float(error.double().square().mean()), peak=2.0)


def scaled(scale: float) -> Configuration:
    """Return the recipe `fast` with another scale of the first layer, and no limit to it."""
    return dataclasses.replace(fast(), first_layer_scale=scale, per_frequency=None, most_per_sample=None)


def measure(name: str, signal: Signal, variant: str, configuration: Configuration, seed: int) -> None:
    """Fit half the samples to one level after the other, from the start each time."""
    for level in LEVELS:
        part = halved(signal, configuration.align)
        stop = fitting.psnr(level) | fitting.passes(800 if variant == "paper" else 60)
        field = recipes.fit(part, configuration=configuration, stop=stop, seed=seed)
        report = field.report
        assert report is not None
        row: dict[str, Any] = {
            "signal": name,
            "variant": variant,
            "level_db": level,
            "train_db": report.psnr_db,
            "held_out_db": held_out_db(field, signal),
            "passes": report.passes,
            "seed": seed,
        }
        print(f"{name:18} {variant:10} train {row['train_db']:.2f}  held out {row['held_out_db']:.2f}", flush=True)
        append_row("held_out", row)
        if report.psnr_db < level:
            break


def plot(path: Path) -> None:
    """Draw the rows measured so far: quality between the samples against quality at them."""
    import json

    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    rows = [json.loads(line) for line in (Path(__file__).parent / "results/held_out.jsonl").read_text().splitlines()]
    pictures = [name for name in PICTURES if any(row["signal"] == name for row in rows)]
    figure, axes = pyplot.subplots(1, len(pictures), figsize=(4 * len(pictures), 4), layout="constrained")
    variants = sorted({row["variant"] for row in rows}, key=lambda each: (each not in STYLES, each))
    for axis, name in zip(np.atleast_1d(axes), pictures, strict=True):
        for variant in variants:
            chosen = [row for row in rows if row["signal"] == name and row["variant"] == variant]
            levels = sorted({row["level_db"] for row in chosen})
            points = [
                np.mean([(r["train_db"], r["held_out_db"]) for r in chosen if r["level_db"] == level], axis=0)
                for level in levels
            ]
            if points:
                axis.plot(*np.array(points).T, "o-", label=variant, markersize=4, **STYLES.get(variant, {}))
        axis.set(title=name, xlabel="PSNR at the samples (dB)")
        axis.grid(visible=True, alpha=0.3)
    np.atleast_1d(axes)[0].set_ylabel("PSNR between them (dB)")
    np.atleast_1d(axes)[0].legend()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measure, or with ``--plot`` draw what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", nargs="*", type=float, default=[1, 2, 4])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--pictures", nargs="*", default=PICTURES)
    parser.add_argument("--plot", type=Path, help="draw the results so far into this file")
    arguments = parser.parse_args()
    if arguments.plot:
        plot(arguments.plot)
        return
    torch.set_num_threads(1)
    found = signals()
    for name in arguments.pictures:
        for seed in range(arguments.seeds):
            measure(name, found[name], "fast", fast(), seed)
            for scale in arguments.scales:
                measure(name, found[name], f"scale {scale:g}", scaled(scale), seed)
            measure(name, found[name], "paper", paper(), seed)


if __name__ == "__main__":
    main()
