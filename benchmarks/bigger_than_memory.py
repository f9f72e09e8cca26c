"""Arrays larger than memory: what a fit of 8 GiB holds, and what the order of samples on disk costs in quality."""

import argparse
import dataclasses
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from _common import append_row, data_folder

from ligeia import fitting, recipes
from ligeia.fitting import Values, _block_batches
from ligeia.signals import BoxBlocks, FileBlocks, Signal, from_array

SHAPE = (512, 2048, 2048)  # 8 GiB in float32
MOST_GIB = 2.0
STEPS = 3000
ORDER_STEPS, ORDER_WIDTH = 2000, 128
RATIOS = (4, 16, 64)
BLOCKS = ("default", "16^3", "16^3, whole", "8 KiB", "8 KiB, whole")


def slices(shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    """Yield the slices of a smooth field with detail: two waves that drift, a finer one whose strength varies."""
    y, x = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape[1:])
    y = y[:, None]
    for z in np.linspace(-1, 1, shape[0], dtype=np.float32):
        smooth = np.sin(3 * x + 2 * z) * np.cos(4 * y - z) + 0.5 * np.sin(9 * y * x + 5 * z)
        detail = 0.2 * np.sin(40 * x + 20 * z) * np.cos(35 * y) * np.exp(-4 * (x * x + y * y))
        yield (smooth + detail).astype(np.float32)


def measure_memory(folder: Path | None, working_set: int) -> None:
    """Fit an array of 8 GiB by the command line, in a process of its own whose largest resident size is told."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = Path(temporary) / "large.npy"
        free = shutil.disk_usage(temporary).free
        if free < (10 << 30):
            raise SystemExit(f"10 GiB of disk are needed in {temporary}, {free / 2**30:.1f} are free; see --folder.")
        with path.open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": SHAPE}
            np.lib.format.write_array_header_1_0(file, header)
            for plane in slices(SHAPE):
                file.write(plane.data)
        size = path.stat().st_size
        passes = STEPS * 512 / math.prod(SHAPE)
        command = [sys.executable, "-c", "from ligeia.cli import main; main()", "fit", str(path)]
        options = ["-o", str(path.with_suffix(".lig")), "--passes", f"{passes:.9f}", "--json"]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, *options, "--working-set", str(working_set)], capture_output=True, text=True, check=True
        )
        seconds = time.perf_counter() - began
    peak_gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # KiB on Linux
    found = json.loads(done.stdout)
    row = {
        "case": "memory",
        "file_gib": size / 2**30,
        "working_set_mib": working_set,
        "peak_gib": peak_gib,
        "holds": peak_gib < MOST_GIB,
        "psnr_db": found["psnr_db"],
        "steps": found["steps"],
        "seconds_of_fit": found["seconds"],
        "seconds_in_all": seconds,
    }
    print(json.dumps(row))
    append_row("bigger_than_memory", row)


def on_disk(signal: Signal, path: Path, blocks: str, working_set: int) -> Signal:
    """Return a signal that is read in blocks of the kind named."""
    array = signal.values[..., 0]
    # parts of many blocks at a time, as ever, or blocks as a whole
    _block_batches._MOST_PARTS = 1 if "whole" in blocks else 17
    if blocks.startswith("16^3"):
        boxes = BoxBlocks(
            signal.values.shape, array.dtype, (16, 16, 16), lambda part: array[part], working_set=working_set
        )
        return dataclasses.replace(signal, values=boxes)
    size = None if blocks == "default" else 8192
    runs = FileBlocks.open(path, 0, signal.values.shape, array.dtype, working_set=working_set, block_bytes=size)
    return dataclasses.replace(signal, values=runs)


def measure_order(kinds: tuple[str, ...], seeds: int) -> None:
    """Fit a volume with samples shuffled as a whole, and in groups of blocks, for as many steps."""
    found = data_folder()
    if found is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    volume = np.asarray(recipes.to_signal(found / "volumes" / "mni_icbm152_t1.nii.gz").values)[..., 0]
    signal = from_array(np.ascontiguousarray(volume, dtype=np.float32), channels=False)
    stop = fitting.passes(ORDER_STEPS * 512 / signal.num_samples)
    objective = Values(signal)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "raw"
        signal.values.tofile(path)

        def quality(case: Signal, seed: int) -> float:
            field = recipes.fit(case, stop=stop, seed=seed, hidden_features=ORDER_WIDTH)
            return objective.quality(field).psnr_db

        for seed in range(seeds):
            whole_db = quality(signal, seed)
            print(f"seed {seed}, shuffled as a whole: {whole_db:.2f} dB", flush=True)
            for blocks in kinds:
                for ratio in RATIOS:
                    case = on_disk(signal, path, blocks, signal.values.nbytes // ratio)
                    values = case.values
                    assert isinstance(values, FileBlocks | BoxBlocks)
                    num_blocks = values.working_set // (2 * (values.sample_bytes + 4)) // values.largest
                    if not num_blocks:
                        continue
                    psnr_db = quality(case, seed)
                    row = {
                        "case": "order",
                        "signal": "mni_icbm152_t1",
                        "seed": seed,
                        "steps": ORDER_STEPS,
                        "hidden_features": ORDER_WIDTH,
                        "blocks": blocks,
                        "samples_of_a_block": values.largest,
                        "working_set_ratio": f"1/{ratio}",
                        "blocks_in_a_group": num_blocks,
                        "whole_db": whole_db,
                        "psnr_db": psnr_db,
                        "cost_db": whole_db - psnr_db,
                    }
                    print(json.dumps(row), flush=True)
                    append_row("bigger_than_memory", row)


def main() -> None:
    """Run one of the measurements, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=("memory", "order"))
    parser.add_argument("--folder", type=Path, help="for the 8 GiB, by default that for temporary files")
    parser.add_argument("--working-set", type=int, default=256, help="MiB")
    parser.add_argument("--blocks", nargs="+", choices=BLOCKS, default=BLOCKS)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.part != "order":
        measure_memory(options.folder, options.working_set)
    if options.part != "memory":
        measure_order(tuple(options.blocks), options.seeds)


if __name__ == "__main__":
    main()
