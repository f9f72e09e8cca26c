"""Blending of the research data's pictures beside Poisson's equation by sparse least squares: errors and time."""

import argparse
import importlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from _common import append_row, data_folder

from ligeia import equations
from ligeia.formats import read_image
from ligeia.physics import Blending

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the oracle
oracle = importlib.import_module("oracles.blending")

_NAMES = ("gradient_error", "boundary_jump", "gradient_error_written", "boundary_jump_written")


def errors_of(problem: Blending, picture: np.ndarray) -> dict[str, float]:
    """Return the errors of a picture, as it is and in bytes."""
    found = (*problem.errors(picture), *problem.errors(np.rint(picture).clip(0, 255)))
    return dict(zip(_NAMES, found, strict=True))


def shown(title: str, errors: Mapping[str, float], seconds: float) -> str:
    """Return a row of the table."""
    return f"{title:24}" + "".join(f"{errors[name]:>12.4f}" for name in _NAMES) + f"{seconds:>9.1f} s"


def main() -> None:
    """Print and keep the errors of seamless and of mixed gradients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = data_folder()
    if data is None or not (folder := data / "poisson").is_dir():
        sys.exit("no data: set LIGEIA_DATA to a folder that holds poisson/source1_aligned.png, target1.jpg, mask1.png")
    signals = [read_image(folder / name) for name in ("source1_aligned.png", "target1.jpg", "mask1.png")]
    source, target, mask = (each.values.astype(np.float64) for each in signals)
    inside = mask.mean(axis=-1) > 127.5
    print(f"{inside.sum():,} pixels inside; in levels of 255: gradient, jump, and both of the picture in bytes")
    for mixed in (False, True):
        problem = Blending(source, target, inside, mixed=mixed)
        began = time.perf_counter()
        best = oracle.blended(source, target, inside, mixed=mixed)
        sparse_seconds, least = time.perf_counter() - began, errors_of(problem, best)
        name = "mixed" if mixed else "seamless"
        print(shown(f"{name}, sparse", least, sparse_seconds))
        for seed in range(arguments.seeds):
            found = equations.blend(*signals, mixed=mixed, seed=seed)
            errors = {each: float(getattr(found, each)) for each in _NAMES}
            ratios = {each: errors[each] / least[each] for each in _NAMES}
            print(shown(f"{name}, ligeia, seed {seed}", errors, found.seconds))
            print(" " * 24 + "".join(f"{each:>12.3f}" for each in ratios.values()) + "   of it")
            row = {"mixed": mixed, "seed": seed, "threads": arguments.threads, "seconds": found.seconds}
            append_row("blend", row | {"found": errors, "sparse": least, "ratios": ratios})


if __name__ == "__main__":
    main()
