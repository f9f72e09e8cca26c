"""Figures of README and guides that take seconds to a minute to measure again; each returns them in a claim's order."""

import statistics
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from _claims import ROOT
from _claims_threads import on_free_cores, threads
from _common import data_folder, machine

import ligeia as lg
from ligeia import compression, equations, experiments, fitting, kernels, recipes
from ligeia.core import random_stream
from ligeia.formats import read_image
from ligeia.networks import NetworkConfig, Siren, SirenArchitecture

_KERNEL_POINTS: Final = 4096

JET_RATIO: Final = 2.1 if "Intel" in machine()["cpu"] else 3.8
"""How many times faster a jet is than nested autograd, on the processors that the page names."""


def point_steps_of_photograph() -> tuple[float]:
    """Return the point-steps of the recipe `fast` to the quality of the reference experiment: the median of 3 seeds."""
    bench = import_module("fit_speed")
    signal = experiments.camera(size=256, align="centers")
    target = bench.reference_db(bench.PHOTOGRAPH)
    return (statistics.median(bench.fast_fit(signal, target, seed)[1] for seed in range(3)),)


def quality_of_photograph() -> tuple[float]:
    """Return the PSNR of that photograph by a fit that is asked for 50 dB."""
    report = recipes.fit(experiments.camera(size=256, align="centers"), stop=fitting.psnr(50)).report
    assert report is not None
    return (report.psnr_db,)


def default_weights() -> tuple[float]:
    """Return the number of weights of the default network of a gray picture."""
    return (NetworkConfig(SirenArchitecture(), 2, 1).num_parameters(),)


def default_bytes() -> tuple[float]:
    """Return the bytes of a file of the default network."""
    field = lg.Field(Siren(2, 256, 3, 1), lg.Grid.of((256, 256)))
    with tempfile.TemporaryDirectory() as folder:
        lg.save(field, Path(folder) / "field.lig")
        return ((Path(folder) / "field.lig").stat().st_size,)


def most_bytes() -> tuple[float]:
    """Return the bytes of a fit's file where 100,000 are allowed."""
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    with tempfile.TemporaryDirectory() as folder:
        lg.save(recipes.fit(pixels, most_bytes=100_000, stop=fitting.passes(1)), Path(folder) / "field.lig")
        return ((Path(folder) / "field.lig").stat().st_size,)


def compressed_bytes() -> tuple[float, float]:
    """Return the bytes of two files of a small photograph of which 600 and 2,000 bytes are wanted."""
    from skimage.data import astronaut

    pixels = np.ascontiguousarray(astronaut()[60:124, 140:204])
    sizes = (compression.compress(pixels, most_bytes=most, effort=1).num_bytes for most in (600, 2000))
    first, second = sizes
    return first, second


def learned_bytes() -> tuple[float]:
    """Return the bytes of the networks that ship for pictures."""
    return (sum(path.stat().st_size for path in (ROOT / "src/ligeia/codec/latents/learned").glob("*.bin")),)


def jet_ratio() -> tuple[float]:
    """Return how many times faster one sweep is than nested autograd, in turns."""
    bench = import_module("jet_speed")
    network = Siren(3, 256, 3, 1, generator=random_stream(0, "bench"))
    points = 2 * torch.rand(_KERNEL_POINTS, 3, generator=random_stream(1, "bench")) - 1

    def ratio() -> float:
        calls = [partial(bench.gradients, way, network, points) for way in (bench.nested, bench.sweep)]
        nested, sweep = experiments.interleaved(calls, rounds=5)
        return nested / sweep

    return (on_free_cores(ratio),)


def kernel_error() -> tuple[float]:
    """Return the largest relative distance of a gradient by the compiled kernels from one in plain torch."""
    bench = import_module("jet_speed")
    network = Siren(2, 256, 3, 1, generator=random_stream(0, "bench"))
    points = 2 * torch.rand(_KERNEL_POINTS, 2, generator=random_stream(1, "bench")) - 1
    found = []
    for name in (kernels.current_path(), "torch"):
        with kernels.using(name):
            loss = network(points).square().mean()
            found.append(torch.autograd.grad(loss, list(network.parameters())))
    return (bench.distance(*found),)


def helmholtz_error() -> tuple[float]:
    """Return the relative distance of waves of wavenumber 20 from the closed form, in percent."""
    with tempfile.TemporaryDirectory() as folder:
        return (experiments.paper_helmholtz(Path(folder) / "waves.png").measured,)


def wave_error() -> tuple[float]:
    """Return the relative distance of a pulse from the closed form, in percent, at the worst of three times."""
    with tempfile.TemporaryDirectory() as folder:
        return (experiments.paper_wave(Path(folder) / "pulse.png").measured,)


def example_error(name: str) -> tuple[float]:
    """Return the relative error of an example."""
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        return (import_module(name).main(),)
    finally:
        sys.path.pop(0)


def _research_file(name: str) -> Path:
    folder = data_folder()
    assert folder is not None
    return folder / name


def blend_ratios() -> tuple[float, float]:
    """Return gradient error and jump at the border of a seamless blend over those of sparse least squares."""
    bench = import_module("blend")
    names = ("source1_aligned.png", "target1.jpg", "mask1.png")
    signals = [read_image(_research_file(f"poisson/{name}")) for name in names]
    source, target, mask = (np.asarray(each.values, np.float64) for each in signals)
    inside = mask.mean(axis=-1) > 127.5
    problem = bench.Blending(source, target, inside, mixed=False)
    least = bench.errors_of(problem, bench.oracle.blended(source, target, inside, mixed=False))
    found = equations.blend(*signals, seed=0)
    return found.gradient_error / least["gradient_error"], found.boundary_jump / least["boundary_jump"]


def inpainting_gain() -> tuple[float]:
    """Return what a prior of total variation gains on biharmonic inpainting where nine tenths of camera are missing."""
    bench = import_module("inpainting")
    seen, gone = recipes.hold_out(experiments.camera(size=256, align="centers"), 0.9, seed=0)
    assert gone is not None
    with threads(1):  # as published: a fit that ends early depends on the order of its sums, and two threads gave +1.27
        return (gone.quality(bench.WAYS["tv"](seen)).psnr_db - bench.biharmonic_db(seen, gone),)


def mini_batch_quality() -> tuple[float]:
    """Return the PSNR of camera after 25 passes in batches of 256, the rate falling to 0: one cell of the table.

    Another kernel or number of threads rounds otherwise, and ends up to a decibel away: here they are fixed.
    """
    bench = import_module("mini_batches")
    with threads(1), kernels.using(kernels.available()[1]):
        field = recipes.fit(
            bench.picture(_research_file(bench.PICTURES["camera"])),
            configuration=bench.configuration(256, decayed=True),
            stop=fitting.passes(bench.PASSES),
            hidden_features=bench.WIDTH,
            seed=0,
        )
    assert field.report is not None
    return (field.report.psnr_db,)


def compressed_quality() -> tuple[float]:
    """Return the PSNR of kodim23 in a file of 0.3 bits per pixel, effort 1."""
    bench = import_module("rate_distortion")
    row: dict[str, Any] = bench.our_image(_research_file("images/kodak/kodim23.png"), 0.3, effort=1, seed=0)
    return (row["psnr_db"],)
