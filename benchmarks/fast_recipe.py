"""The recipe `fast` beside the reference, and the sweeps behind its settings (design/fast-recipe.md)."""

import argparse
import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

import torch
from _common import append_row, data_folder

from ligeia import fitting, recipes
from ligeia.field import Field
from ligeia.fitting import Cooling
from ligeia.recipes import Configuration, camera, fast
from ligeia.signals import Signal


def changed(
    *,
    rate: float | None = None,
    batch: int | None = None,
    beta2: float | None = None,
    scale: float | None = None,
    slow_power: float | None = None,
) -> Configuration:
    """Return the recipe `fast` with some settings replaced."""
    base = fast()
    adam, cooling = base.recipe.optimizer, base.recipe.cooling or Cooling()
    adam = dataclasses.replace(
        adam,
        learning_rate=adam.learning_rate if rate is None else rate,
        betas=adam.betas if beta2 is None else (0.9, beta2),
    )
    cooling = dataclasses.replace(cooling, slow_power=cooling.slow_power if slow_power is None else slow_power)
    recipe = dataclasses.replace(
        base.recipe, optimizer=adam, cooling=cooling, batch_size=base.recipe.batch_size if batch is None else batch
    )
    return dataclasses.replace(
        base, recipe=recipe, first_layer_scale=base.first_layer_scale if scale is None else scale
    )


VARIANTS: dict[str, Callable[[], Configuration]] = {
    "fast": fast,
    "rate 2e-4": lambda: changed(rate=2e-4),
    "rate 8e-4": lambda: changed(rate=8e-4),
    "rate 1.6e-3": lambda: changed(rate=1.6e-3),
    "batch 512": lambda: changed(batch=512, rate=3e-4),
    "batch 2048": lambda: changed(batch=2048, rate=5.6e-4),
    "scale 1": lambda: changed(scale=1.0),
    "scale 2": lambda: changed(scale=2.0),
    "scale 4": lambda: changed(scale=4.0),
    "no slow fall": lambda: changed(slow_power=0.0),
    "beta2 0.999": lambda: changed(beta2=0.999),
}


def sweep(names: list[str], point_steps: int, seeds: int) -> None:
    """Fit every image with every variant, over a known budget and towards a plateau."""
    signals: dict[str, Signal] = {"camera 256": camera(size=256, align="centers")}
    folder = data_folder()
    if folder is not None:
        signals["kodim23"] = recipes.to_signal(folder / "images/kodak/kodim23.png")
        signals["text"] = recipes.to_signal(folder / "images/skimage/text.png")
    for title, signal in signals.items():
        budget = min(point_steps, 14 * signal.grid.num_samples)
        for name in names:
            for seed in range(seeds):
                stop = fitting.passes(budget / signal.grid.num_samples)
                field = recipes.fit(signal, configuration=VARIANTS[name](), stop=stop, seed=seed)
                row = _row(field, variant=name, signal=title, kind="known budget")
                print(f"{title:12} {name:14} seed {seed}: {row['psnr_db']:.2f} dB, {row['restarts']} restarts")
                append_row("fast_recipe_sweep", row)


def compare(rounds: int) -> None:
    """Time the reference experiment and the recipe `fast` to the same quality, A B A B."""
    reference, quick = [], []
    for seed in range(rounds):
        configuration = recipes.paper()
        signal = camera(size=256, align=configuration.align)
        ours = recipes.fit(signal, configuration=configuration, stop=configuration.stop, seed=seed)
        assert ours.report is not None
        reference.append(_row(ours, variant="paper", signal="camera 256", kind="500 steps"))
        target = fitting.psnr(ours.report.psnr_db)
        quick.append(
            _row(
                recipes.fit(camera(size=256, align="centers"), stop=target, seed=seed),
                variant="fast",
                signal="camera 256",
                kind="to the reference's quality",
            )
        )
        for row in (reference[-1], quick[-1]):
            print(
                f"{row['variant']:6} seed {seed}: {row['psnr_db']:.2f} dB, {row['point_steps']:,} point-steps, "
                f"{row['seconds']:.1f} s"
            )
            append_row("fast_recipe", row)
    for name in ("point_steps", "seconds"):
        medians = [statistics.median(row[name] for row in rows) for rows in (reference, quick)]
        print(f"ratio of medians, {name}: {medians[0] / medians[1]:.1f}")


def _row(field: Field, **names: str) -> dict[str, Any]:
    report = field.report
    assert report is not None
    numbers = ("psnr_db", "steps", "point_steps", "passes", "seconds", "seed", "stopped_by")
    return {
        **names,
        **{name: getattr(report, name) for name in numbers},
        "restarts": len(report.restarts),
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    """Compare with the reference, or with ``--sweep`` try the variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweep", nargs="*", metavar="VARIANT", help="try these variants, by default all")
    parser.add_argument("--point-steps", type=int, default=4_000_000, help="budget of a fit of the sweep")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1, help="of the comparison")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.sweep is None:
        compare(arguments.rounds)
    else:
        sweep(arguments.sweep or list(VARIANTS), arguments.point_steps, arguments.seeds)


if __name__ == "__main__":
    main()
