"""How many weights a quality takes: fits of several widths, beside what cheap predictors foretell."""

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
from first_frequency import readers as larger
from scaling import square

from ligeia import fitting, kernels, recipes
from ligeia.recipes import num_coefficients, to_signal
from ligeia.signals import Signal, from_array

WIDTHS = (32, 64, 128)
TARGETS_DB = (30.0, 35.0, 40.0)


def _brain(folder: Path) -> Signal:
    volume = to_signal(folder / "volumes/mni_icbm152_t1.nii.gz").values[..., 0]
    return from_array(np.ascontiguousarray(volume[80:120, 100:140, 60:100]), align="centers")


def _video(folder: Path) -> Signal:
    frames = to_signal(folder / "video/carphone_pristine.mp4", frames=(0, 16)).values
    return from_array(np.ascontiguousarray(frames[:, 40:104, 50:114]), align="centers")


def readers(folder: Path) -> dict[str, Callable[[], Signal]]:
    """Return what reads each signal, by its title; 30,000 to 262,144 samples, so that a fit settles soon."""
    nine, large = signals(), larger(folder)
    titles = ("photograph, gray", "photograph, color", "text", "texture", "map", "velocity model")
    return {
        **{title: lambda title=title: nine[title] for title in titles},
        "speech": large["speech 3 s"],
        "brain, 40^3": lambda: _brain(folder),
        "sea, a month": large["sea, a month"],
        "video, 16 x 64 x 64": lambda: _video(folder),
        "photograph 512": large["photograph 512"],
    }


def known(passes: float, seed: int) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the rows measured so far, by signal and width."""
    path = RESULTS / "network_size.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [row for row in map(json.loads, lines) if (row["passes"], row["seed"]) == (passes, seed)]
    return {(row["signal"], row["hidden_features"]): row for row in rows}


def measure(title: str, signal: Signal, width: int, *, passes: float, seed: int) -> dict[str, Any]:
    """Return the row of a fit, measured now if it is not there."""
    found = known(passes, seed).get((title, width))
    if found is None:
        report = recipes.fit(signal, stop=fitting.passes(passes), hidden_features=width, seed=seed).report
        assert report is not None
        found = {
            "signal": title,
            "shape": signal.grid.shape,
            "num_values": signal.values.size,
            "hidden_features": width,
            "parameters": report.parameters,
            "passes": passes,
            "seed": seed,
            "psnr_db": report.psnr_db,
            "restarts": len(report.restarts),
            "seconds": report.seconds,
            "kernel": kernels.current_path(),
            "coefficients": {f"{target:g}": num_coefficients(signal, target) for target in TARGETS_DB},
        }
        append_row("network_size", found)
        print(f"{title:20} {width:4}  {report.psnr_db:6.2f} dB  {report.seconds:.1f} s", flush=True)
    return found


def crossing(weights: list[int], found_db: list[float], target_db: float) -> float:
    """Return the weights that a quality takes, between the fits on a logarithmic scale; NaN outside of them."""
    for few, many, low, high in zip(weights, weights[1:], found_db, found_db[1:], strict=False):
        if low <= target_db <= high:
            return few * (many / few) ** ((target_db - low) / (high - low))
    return math.nan


def line(rows: list[dict[str, Any]], target_db: float) -> str | None:
    """Return the line of the table for a signal and a target, or None where the widths do not enclose it."""
    weights, found_db = [row["parameters"] for row in rows], [row["psnr_db"] for row in rows]
    needed = crossing(weights, found_db, target_db)
    if math.isnan(needed):
        return None
    coefficients = rows[0]["coefficients"][f"{target_db:g}"]
    slope = max(0.5, (found_db[1] - found_db[0]) / math.log2(weights[1] / weights[0]))
    by_slope = weights[1] * 2 ** ((target_db - found_db[1]) / slope)
    cells = [
        f"{rows[0]['signal']}, {target_db:g} dB",
        f"{needed:,.0f}",
        f"{coefficients:,.0f}",
        f"{needed / coefficients:.2f}",
        f"{by_slope:,.0f}",
        f"{needed / by_slope:.2f}",
        f"{needed / rows[0]['num_values']:.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _stones(folder: Path) -> Signal:
    from PIL import Image

    gray = np.asarray(Image.open(folder / "images/kodak/kodim13.png").convert("L"))
    return from_array(np.ascontiguousarray(gray[:512, :512]), align="centers")


def check(folder: Path, *, most_passes: float, seed: int) -> None:
    """Fit larger signals to a quality with the width of the rule; none of these was used to find it."""
    jobs = {
        "stones 512": (lambda: _stones(folder), 37.0),
        "photograph 512": (larger(folder)["photograph 512"], 42.0),
        "map 512": (lambda: square(512), 42.0),
    }
    for title, (read, target_db) in jobs.items():
        signal = read()
        size = recipes.choose_size(signal, stop=fitting.psnr(target_db))
        stop = fitting.psnr(target_db) | fitting.passes(most_passes)
        report = recipes.fit(signal, stop=stop, seed=seed, hidden_features=size.hidden_features).report
        assert report is not None
        row = {
            "signal": title,
            "target_db": target_db,
            "coefficients": num_coefficients(signal, target_db),
            "hidden_features": size.hidden_features,
            "parameters": report.parameters,
            "psnr_db": report.psnr_db,
            "stopped_by": report.stopped_by,
            "passes": report.passes,
            "seconds": report.seconds,
            "seed": seed,
        }
        append_row("network_size_check", row)
        print(
            f"{title}: {report.psnr_db:.2f} of {target_db:g} dB at {size.hidden_features}, "
            f"{report.parameters:,} weights for {row['coefficients']:,.0f} coefficients, "
            f"{report.passes:.1f} passes, {report.seconds:.0f} s",
            flush=True,
        )


def main() -> None:
    """Fit, then print PSNR by width, and weights needed beside weights foretold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=float, default=20.0)
    parser.add_argument("--widths", nargs="*", type=int, default=WIDTHS)
    parser.add_argument("--check", action="store_true", help="fit larger signals with the width of the rule instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--signals", nargs="*", help="titles; all by default")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    if arguments.check:
        check(folder, most_passes=40.0, seed=arguments.seed)
        return
    found = []
    for title, read in readers(folder).items():
        if not arguments.signals or title in arguments.signals:
            signal = read()
            chosen = {"passes": arguments.passes, "seed": arguments.seed}
            found.append([measure(title, signal, width, **chosen) for width in arguments.widths])
    print("| PSNR, dB, at a width of | " + " | ".join(map(str, arguments.widths)) + " |")
    print("|---" * (len(arguments.widths) + 1) + "|")
    for rows in found:
        print(f"| {rows[0]['signal']} | " + " | ".join(f"{row['psnr_db']:.1f}" for row in rows) + " |")
    print("\n| signal, target | weights needed | coefficients | ratio | by two probes | ratio | weights per value |")
    print("|---" * 7 + "|")
    lines = [line(rows, target) for rows in found for target in TARGETS_DB]
    print("\n".join(each for each in lines if each is not None))


if __name__ == "__main__":
    main()
