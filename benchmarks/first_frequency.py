"""The rule for the first layer's frequency against a sweep around its choice, at the samples and at held-out ones."""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import RESULTS, append_row, data_folder
from _signals import signals
from scaling import square

from ligeia import fitting, kernels
from ligeia.core import random_stream
from ligeia.experiments import camera
from ligeia.field import Field
from ligeia.fitting import State, Values
from ligeia.fitting._step import stepping
from ligeia.metrics import decibels
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.recipes import fast, to_signal
from ligeia.signals import Signal, from_array

OMEGA_0 = 30.0
MOST_MEASURED = 1 << 17
MOST_PASSES = 60
MOST_DB = 60.0  # an error of a thousandth of the range
FACTORS = (1.0, 0.5, 2.0)


def _sea(folder: Path) -> np.ndarray:
    """Return 24 months of sea surface temperature, the land at their mean."""
    import xarray

    path = folder / "science/tos_O1_2001-2002.nc"
    with xarray.open_dataset(path, engine="scipy", decode_times=False) as data:
        values = data["tos"].to_numpy()
    return np.where(np.isnan(values), np.nanmean(values), values).astype(np.float32)


def _array(values: np.ndarray) -> Signal:
    return from_array(np.ascontiguousarray(values), align="centers")


def _head(folder: Path) -> np.ndarray:
    with np.load(folder / "volumes/headsq_quarter_93x64x64.npz") as file:
        return file[file.files[0]]


def _brain(folder: Path) -> np.ndarray:
    return to_signal(folder / "volumes/mni_icbm152_t1.nii.gz").values[..., 0]


def readers(folder: Path) -> dict[str, Callable[[], Signal]]:
    """Return what reads each signal, by its title."""
    nine = signals()
    photographs = {f"photograph {n}": lambda n=n: camera(size=n, align="centers") for n in (64, 128, 256, 512)}
    return photographs | {
        "map 1024": lambda: square(1024),
        "kodim23 768 x 512": lambda: to_signal(folder / "images/kodak/kodim23.png"),
        "kodim08 768 x 512": lambda: to_signal(folder / "images/kodak/kodim08.png"),
        "text": lambda: nine["text"],
        "texture 256": lambda: nine["texture"],
        "strings 1.5 s": lambda: nine["sound"],
        "strings 7 s": lambda: to_signal(folder / "audio/gt_bach.wav"),
        "speech 3 s": lambda: to_signal(folder / "audio/librispeech_gt.wav"),
        "head 93 x 64 x 64": lambda: _array(_head(folder)),
        "brain, every 2nd": lambda: _array(_brain(folder)[::2, ::2, ::2]),
        "sea, a month": lambda: _array(_sea(folder)[0]),
        "sea, 24 months": lambda: _array(_sea(folder)),
        "velocity model": lambda: nine["velocity model"],
        "video, 32 frames": lambda: to_signal(folder / "video/carphone_pristine.mp4", frames=(0, 32)),
    }


def kept_back(folder: Path) -> dict[str, Callable[[], Signal]]:
    """Return what reads each signal that the rule was not made on, by its title."""
    sound, speech = (to_signal(folder / f"audio/{name}.wav").values[:, 0] for name in ("gt_bach", "librispeech_gt"))
    return {
        "coffee 200 x 300": lambda: _picture(folder / "images/skimage/coffee.png", 2),
        "moon 128 x 128": lambda: _picture(folder / "images/skimage/moon.png", 4),
        "chelsea 300 x 451, gray": lambda: _picture(folder / "images/skimage/chelsea.png", 1, mode="L"),
        "kodim15, corner 256 x 256": lambda: _array(_pixels(folder / "images/kodak/kodim15.png", 1)[:256, :256]),
        "strings, 2 s": lambda: _array(sound[150_000:238_200]),
        "speech, 1 s": lambda: _array(speech[20_000:36_000]),
        "video, one row": lambda: _row(folder / "video/bikes.mp4"),
    }


def _pixels(path: Path, shrink: int, *, mode: str = "RGB") -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path).convert(mode).reduce(shrink))


def _picture(path: Path, shrink: int, *, mode: str = "RGB") -> Signal:
    return _array(_pixels(path, shrink, mode=mode))


def _row(path: Path) -> Signal:
    """Return what one row of a video shows over time, (time, column)."""
    return _array(to_signal(path).values[:, 136, :, :])


def quality_db(field: Field, signal: Signal, chosen: np.ndarray) -> float:
    """Return the PSNR at the samples ``chosen``."""
    total = 0.0
    for piece in np.array_split(chosen, -(-len(chosen) // 8192)):
        with torch.no_grad():
            values = field.network(torch.from_numpy(signal.grid.points(piece))).clamp(-1, 1)
        total += float((values - torch.from_numpy(signal.normalized(piece))).double().square().sum())
    return decibels(total / (len(chosen) * signal.num_channels), peak=2.0)


def measure(signal: Signal, omegas: list[float], *, steps: int, seed: int) -> dict[str, Any]:
    """Fit nine tenths of the samples from a first layer of these frequencies, and measure all ten."""
    configuration = fast()
    network = NetworkConfig(SirenArchitecture(), signal.grid.num_axes, signal.num_channels).build(
        frequencies=omegas, generator=random_stream(seed, "initial weights")
    )
    field = Field(network, signal.grid, signal.channels, signal.source)
    values = Values(signal, seed=seed)
    order = np.random.default_rng(seed).permutation(signal.grid.num_samples)
    held, kept = np.array_split(order, [len(order) // 10])
    is_kept = np.zeros(len(order), bool)
    is_kept[kept] = True
    state = State(field, configuration.recipe, values.num_points)
    batch = configuration.recipe.batch_size or values.num_points
    # batches are of equal size to within one
    stop = fitting.passes(min(steps / -(-values.num_points // batch), MOST_PASSES))
    with stepping(field, values, configuration.recipe.optimizer) as step:
        report = fitting.fit(
            field,
            values,
            configuration.recipe,
            stop,
            seed=seed,
            state=state,
            take_step=lambda state, objective, indices: step(state, objective, indices[is_kept[indices]]),
        )
    return {
        "psnr_db": quality_db(field, signal, np.sort(kept[:MOST_MEASURED])),
        "held_out_db": quality_db(field, signal, np.sort(held[:MOST_MEASURED])),
        "finest_db": min(values.finest_db, MOST_DB),
        "restarts": len(report.restarts),
        "learned_nothing": report.learned_nothing,
        "steps": report.steps,
        "seconds": report.seconds,
    }


def known(steps: int, seed: int) -> dict[tuple[str, tuple[float, ...]], dict[str, Any]]:
    """Return the rows measured so far, by signal and frequencies."""
    path = RESULTS / "first_frequency.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [row for row in map(json.loads, lines) if (row["asked_steps"], row["seed"]) == (steps, seed)]
    return {(row["signal"], tuple(row["omegas"])): row for row in rows}


def row_of(title: str, signal: Signal, omegas: list[float], *, steps: int, seed: int) -> dict[str, Any]:
    """Return the row of a fit, measured now if it is not there."""
    # to five digits, so that a row is found again
    omegas = [float(f"{omega:.5g}") for omega in omegas]
    found = known(steps, seed).get((title, tuple(omegas)))
    if found is None:
        found = {
            "signal": title,
            "shape": signal.grid.shape,
            "omegas": omegas,
            "asked_steps": steps,
            "seed": seed,
            "kernel": kernels.current_path(),
            **measure(signal, omegas, steps=steps, seed=seed),
        }
        append_row("first_frequency", found)
        turns = " ".join(f"{omega:.0f}" for omega in omegas)
        at, held = found["psnr_db"], found["held_out_db"]
        print(f"  {turns:18} {at:6.2f} dB, held out {held:6.2f}  {found['seconds']:.1f} s", flush=True)
    return found


def sweep(title: str, signal: Signal, *, steps: int, seed: int) -> str:
    """Return the line of the table for a signal: the rule, and the best factors around it."""
    chosen = [each.omega for each in fast().first_frequencies(signal, OMEGA_0)]

    def at(factor: float) -> dict[str, Any]:
        return row_of(title, signal, [factor * omega for omega in chosen], steps=steps, seed=seed)

    def earlier() -> dict[float, dict[str, Any]]:
        # what was tried around another choice of the rule counts as well, at the mean factor of its axes
        rows = {key[1]: row for key, row in known(steps, seed).items() if key[0] == title}
        return {float(f"{np.exp(np.log(np.divide(key, chosen)).mean()):.4g}"): row for key, row in rows.items()}

    def reached(factor: float) -> float:
        # beyond half a step of an integer signal there is nothing to gain
        return min(rows[factor]["psnr_db"], rows[factor]["finest_db"], MOST_DB)

    rows = earlier() | {1.0: at(1.0)}
    rows |= {factor: at(factor) for factor in FACTORS if all(abs(math.log2(factor / each)) > 0.4 for each in rows)}
    best = max(rows, key=reached)
    while best in (min(rows), max(rows)) and 1 / 16 <= best <= 16:
        wider = best * 2 if best == max(rows) else best / 2
        rows[wider] = at(wider)
        best = max(rows, key=reached)
    for factor in (best / 2**0.5, best * 2**0.5):
        if all(abs(math.log2(factor / each)) > 0.2 for each in rows):
            rows[factor] = at(factor)
    best = max(rows, key=reached)
    between = max(rows, key=lambda factor: rows[factor]["held_out_db"])
    rule, shape = rows[1.0], "x".join(map(str, signal.grid.shape))
    per_sample = ", ".join(f"{omega / size:.2f}" for omega, size in zip(chosen, signal.grid.shape, strict=True))
    cells = [
        f"{title} ({shape})",
        ", ".join(f"{omega:.0f}" for omega in chosen),
        per_sample,
        f"{reached(1.0):.2f}",
        f"{reached(best):.2f} at {best:.2g}",
        f"{reached(best) - reached(1.0):.2f}",
        f"{rule['held_out_db']:.2f}",
        f"{rows[between]['held_out_db']:.2f} at {between:.2g}",
        f"{rows[between]['held_out_db'] - rule['held_out_db']:.2f}",
        f"{rows[best]['held_out_db']:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print one table: what the rule chooses, what it reaches, and what the best of the sweep does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000, help="of 512 points, 60 passes at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--signals", nargs="*", help="titles; all by default")
    parser.add_argument("--kept-back", action="store_true", help="signals that the rule was not made on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    lines = []
    for title, read in (kept_back(folder) if arguments.kept_back else readers(folder)).items():
        if arguments.signals and title not in arguments.signals:
            continue
        print(title, flush=True)
        lines.append(sweep(title, read(), steps=arguments.steps, seed=arguments.seed))
    print(
        "| signal | rule, radians per unit | per sample | rule, dB | best | gap | held out | best | gap | of the best |"
    )
    print("|---" * 10 + "|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
