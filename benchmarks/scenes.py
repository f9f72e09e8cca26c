"""Radiance fields: decibels on held-out views by seconds, of photographs in the research data."""

import argparse
import statistics
import time

from _common import append_row, data_folder

from ligeia import fitting
from ligeia.formats import read_views
from ligeia.recipes import fit_scene
from ligeia.scenes import quality_of_views

_WHITE = (1.0, 1.0, 1.0)


def main() -> None:
    """Fit the views that are not held out, and print the mean and the worst PSNR of those that are, on white."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", default="scenes/lego_100_train.npz", help="in the folder of the research data")
    parser.add_argument("--seconds", type=float, nargs="*", default=[20, 60])
    parser.add_argument("--hold-out", type=int, default=8, help="every such view, from the fourth one on")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data were not found; set LIGEIA_DATA to their folder.")
    views = read_views(folder / arguments.scene)
    numbers = range(len(views.cameras))
    other = views.subset([each for each in numbers if each % arguments.hold_out == 3])
    fitted = views.subset([each for each in numbers if each % arguments.hold_out != 3])
    for seconds in arguments.seconds:
        began = time.perf_counter()
        field = fit_scene(fitted, stop=fitting.seconds(seconds), background=_WHITE, seed=arguments.seed)
        wall = time.perf_counter() - began
        found = quality_of_views(field, other, _WHITE)
        row = {
            "scene": arguments.scene,
            "views": len(fitted.cameras),
            "held_out": len(other.cameras),
            "seconds": seconds,
            "wall_s": round(wall, 2),
            "psnr_db": round(statistics.mean(found), 2),
            "worst_db": round(min(found), 2),
            "parameters": sum(each.numel() for each in field.parameters()),
            "seed": arguments.seed,
        }
        print(row, flush=True)
        append_row("scenes", row)


if __name__ == "__main__":
    main()
