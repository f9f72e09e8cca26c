"""Where the seconds of `ligeia fit` of a small picture go, from the call to the prompt."""

import argparse
import itertools
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import append_row, start_ligeia, write_photograph

_PREAMBLE = """
import sys, time
stamps = [time.time()]
import torch
stamps.append(time.time())
import ligeia.cli, ligeia.recipes
stamps.append(time.time())
import atexit
atexit.register(lambda: print(*stamps, time.time(), file=sys.stderr))
"""
_PARTS = ("Python", "import torch", "import ligeia", "read, set up, write", "fit", "leave Python")


def one_call(folder: Path, num_threads: int) -> list[float]:
    """Return the seconds of each part of one call."""
    began = time.time()
    process = start_ligeia(
        "fit", "picture.png", "-o", "field.lig", "--json", folder=folder, preamble=_PREAMBLE, num_threads=num_threads
    )
    output, stamps = process.communicate()
    ended = time.time()
    at = [began, *map(float, stamps.split()), ended]
    parts = [later - earlier for earlier, later in itertools.pairwise(at)]
    fitting = float(json.loads(output)["seconds"])
    return [*parts[:3], parts[3] - fitting, fitting, parts[4]]


def main() -> None:
    """Print one table: seconds of each part, medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_photograph(folder / "picture.png", arguments.size)
        calls = [one_call(folder, arguments.threads) for _ in range(arguments.rounds)]
    medians = np.median(calls, axis=0)
    whole = float(np.median(np.sum(calls, axis=1)))
    for part, seconds in zip(_PARTS, medians, strict=True):
        print(f"{part:20} {seconds:6.2f} s")
    print(f"{'in all':20} {whole:6.2f} s (median of {arguments.rounds})")
    parts = {part: round(float(seconds), 3) for part, seconds in zip(_PARTS, medians, strict=True)}
    append_row("start_up", {"size": arguments.size, "threads": arguments.threads, "seconds": whole, "parts": parts})


if __name__ == "__main__":
    main()
