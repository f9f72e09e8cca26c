"""Time to a fixed quality as a picture grows, from 64 x 64 upward, with a network of half the side, 256 at least."""

import argparse
import math

import numpy as np
import torch
from _common import append_row, data_folder

from ligeia import fitting, kernels, recipes
from ligeia.signals import Signal, from_array


def square(size: int) -> Signal:
    """Return the middle of a map of Pluto, averaged down to ``size`` x ``size``."""
    from PIL import Image

    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    picture = Image.open(folder / "images/large/pluto_5926x2963.jpg").convert("L")
    left = (picture.width - picture.height) // 2
    picture = picture.crop((left, 0, left + picture.height, picture.height))
    return from_array(np.asarray(picture.resize((size, size), Image.Resampling.BOX)), align="centers")


def recommended_width(num_points: int) -> int:
    """Return the width of the network for so many pixels: three weights for four of them, 256 at least."""
    return max(256, round(math.sqrt(num_points) / 2))


def main() -> None:
    """Print one table: size, seconds, point-steps, and the exponent between the ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", type=int, default=[64, 128, 256, 512, 1024, 2048, 4096])
    parser.add_argument("--psnr", type=float, default=35.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most-seconds", type=float, default=900.0)
    arguments = parser.parse_args()
    found = []
    for size in arguments.sizes:
        signal = square(size)
        seconds = []
        for seed in range(arguments.rounds if size <= 1024 else 1):
            stop = fitting.psnr(arguments.psnr) | fitting.seconds(arguments.most_seconds)
            field = recipes.fit(signal, stop=stop, seed=seed, hidden_features=recommended_width(size * size))
            report = field.report
            assert report is not None
            seconds.append(report.seconds)
            row = {
                "size": size,
                "hidden_features": field.network.config.num_features,
                "psnr_db": report.psnr_db,
                "seconds": report.seconds,
                "point_steps": report.point_steps,
                "passes": report.passes,
                "seed": seed,
                "kernel": kernels.current_path(),
                "threads": torch.get_num_threads(),
            }
            append_row("scaling", row)
            print(
                f"{size:5}^2  {report.psnr_db:6.2f} dB  {report.seconds:8.2f} s  {report.point_steps:12,} points  "
                f"{report.passes:7.2f} passes  stopped by {report.stopped_by}",
                flush=True,
            )
        found.append((size, float(np.median(seconds))))
    for (small, fast), (large, slow) in zip(found[:1] * len(found), found, strict=True):
        if large > small:
            exponent = math.log(slow / fast) / math.log((large / small) ** 2)
            print(f"{small}^2 to {large}^2: time grows as pixels^{exponent:.2f}")


if __name__ == "__main__":
    main()
