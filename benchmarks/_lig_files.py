"""Signals as compressed ``.lig`` files: how they are made, and what two decoders make of them."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import torch

import ligeia as lg
from ligeia import compression, kernels
from ligeia.codec import read_plain
from ligeia.networks import SirenArchitecture

Compressor = Callable[[Path, Path, float, int, int], object]
"""Of a source, an output, bits per sample of the grid, an effort and a seed."""


def compress(source: Path, output: Path, bits_per_sample: float, effort: int, seed: int) -> object:
    """Write one compressed file as `ligeia compress` does without ``--network``: pictures as latent grids."""
    return compression.compress(source, output, bits_per_sample=bits_per_sample, effort=effort, seed=seed)


def compress_siren(source: Path, output: Path, bits_per_sample: float, effort: int, seed: int) -> object:
    """Write one compressed file of a sine network's weights."""
    return compression.compress(
        source, output, bits_per_sample=bits_per_sample, effort=effort, seed=seed, network=SirenArchitecture()
    )


COMPRESSORS: Mapping[str, Compressor] = {"grid": compress, "siren": compress_siren}


def _numpy_alone(path: Path) -> np.ndarray:
    with kernels.using("torch"):  # no compiled code, which reads the integers of grids
        return read_plain(path).sample()


def _timed(decode: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    began = time.perf_counter()
    values = decode()
    return time.perf_counter() - began, values


def measured(
    source: Path,
    output: Path,
    bits_per_sample: float,
    *,
    effort: int,
    seed: int,
    compressor: Compressor = compress_siren,
    network: str = "siren",
) -> tuple[dict[str, object], np.ndarray]:
    """Compress a signal; return its bytes, rate and seconds, and what the file decodes to, float32.

    Decoding includes reading the file but no imports: medians of three, torch and NumPy alone in turn.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    compressor(source, output, bits_per_sample, effort, seed)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    decoders = {
        "torch": lambda: lg.load(output).sample().numpy(),
        "numpy": lambda: _numpy_alone(output),
    }
    runs = [{name: _timed(decode) for name, decode in decoders.items()} for _ in range(3)]
    values = {name: runs[-1][name][1] for name in decoders}
    num_bytes, num_samples = output.stat().st_size, values["torch"][..., 0].size
    found = {
        "codec": f"ligeia {network}, effort {effort}",
        "effort": effort,
        "seed": seed,
        "setting": bits_per_sample,
        "bytes": num_bytes,
        "bpp": 8 * num_bytes / num_samples,
        "encode_seconds": seconds,
        "encode_cpu_seconds": cpu_seconds,
        **{f"decode_seconds_{name}": median(run[name][0] for run in runs) for name in decoders},
        "largest_difference_of_decoders": float(np.abs(values["torch"] - values["numpy"]).max()),
        "kernel": kernels.current_path(),
        "threads": torch.get_num_threads(),
    }
    return found, values["torch"]


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Return decoded values as an image file holds them: rounded and clipped to bytes."""
    return np.rint(values.clip(0, 255)).astype(np.uint8)
