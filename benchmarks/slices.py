"""Thick slices of a head to cubes of 1 mm, from one stack and from two, beside cubic interpolation and projections."""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import torch
from _common import append_row, data_folder
from scipy.ndimage import zoom

from ligeia import kernels
from ligeia.enlargement import isotropic, thick_slices
from ligeia.formats import read_signal
from ligeia.signals import Signal

PEAK = 255.0  # the range of the volume


def stack_of(volume: np.ndarray, axis: int, thickness: int) -> np.ndarray:
    """Return the means of so many slices that follow each other along an axis."""
    shape = [*volume.shape[:axis], volume.shape[axis] // thickness, thickness, *volume.shape[axis + 1 :]]
    return volume.reshape(shape).mean(axis=axis + 1)


def as_file(stack: np.ndarray, axis: int, thickness: int, folder: Path) -> Signal:
    """Return a stack as it is read from its NIfTI file."""
    affine = np.eye(4)
    affine[2 - axis, 2 - axis], affine[2 - axis, 3] = thickness, (thickness - 1) / 2
    path = folder / f"stack{axis}.nii"
    nibabel.save(nibabel.Nifti1Image(stack.T.astype(np.float32), affine), path)
    return read_signal(path)


def interpolated(stack: np.ndarray, axis: int, thickness: int, order: int) -> np.ndarray:
    """Return SciPy's interpolation along an axis, voxel centers where they are."""
    factors = [thickness if each == axis else 1 for each in range(3)]
    mode = "nearest" if order == 1 else "grid-mirror"
    return np.asarray(zoom(stack, factors, order=order, grid_mode=True, mode=mode))


def projected(start: np.ndarray, stacks: dict[int, np.ndarray], thickness: int, rounds: int) -> np.ndarray:
    """Return a volume projected in turn onto those with the means of each stack, and onto those not below 0."""
    result = start.astype(np.float64)
    for _ in range(rounds):
        for axis, stack in stacks.items():
            result += np.repeat(stack - stack_of(result, axis, thickness), thickness, axis=axis)
        result = result.clip(0)
    return result


def psnr(found: np.ndarray, wanted: np.ndarray, where: np.ndarray | None = None) -> float:
    """Return the PSNR of the whole, or of a part, clipped to the range."""
    error = (found.clip(0, PEAK) - wanted) ** 2
    return float(10 * np.log10(PEAK**2 / (error if where is None else error[where]).mean()))


def rivals(stacks: dict[int, np.ndarray], thickness: int) -> dict[str, np.ndarray]:
    """Return what else can be made of the stacks."""
    found: dict[str, np.ndarray] = {}
    for axis, stack in stacks.items():
        name = "zyx"[axis]
        found[f"linear along {name}"] = interpolated(stack, axis, thickness, 1)
        found[f"cubic along {name}"] = interpolated(stack, axis, thickness, 3)
        cubic = found[f"cubic along {name}"]
        found[f"cubic along {name}, projected"] = projected(cubic, {axis: stack}, thickness, 3)
    if len(stacks) > 1:
        mean = np.mean([found[f"cubic along {'zyx'[axis]}"] for axis in stacks], axis=0)
        found["mean of the cubics"] = mean
        found["mean of the cubics, projected in turn (POCS)"] = projected(mean, stacks, thickness, 20)
    return found


def main() -> None:
    """Print PSNR over the whole volume and over the head, and seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--axes", default="z", help="slice axes of the stacks: z, or zx for two of them")
    parser.add_argument("--thickness", type=int, default=4)
    parser.add_argument("--crop", help="such as 40:104,90:154,50:114")
    parser.add_argument("--steps", type=int, default=thick_slices().steps)
    parser.add_argument("--tilings", type=int, default=thick_slices().num_tilings)
    parser.add_argument("--noise", type=float, default=0.0, help="standard deviation, of 255, in the stacks")
    parser.add_argument("--inexact", action="store_true", help="leave out the projection after the fit")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    volume = read_signal(folder / "volumes/mni_icbm152_t1.nii.gz").values[..., 0].astype(np.float64)
    if arguments.crop:
        volume = volume[tuple(slice(*map(int, part.split(":"))) for part in arguments.crop.split(","))]
    axes, thickness = ["zyx".index(each) for each in arguments.axes], arguments.thickness
    kept = tuple(
        slice(size // thickness * thickness if axis in axes else size) for axis, size in enumerate(volume.shape)
    )
    volume = volume[kept]
    stacks = {axis: stack_of(volume, axis, thickness) for axis in axes}
    random = np.random.default_rng(arguments.seed)
    stacks = {axis: each + arguments.noise * random.normal(size=each.shape) for axis, each in stacks.items()}
    found = rivals(stacks, thickness)
    settings = replace(thick_slices(), steps=arguments.steps, num_tilings=arguments.tilings)
    with tempfile.TemporaryDirectory() as name:
        signals = [as_file(stack, axis, thickness, Path(name)) for axis, stack in stacks.items()]
        started, cpu_started = time.perf_counter(), time.process_time()
        found["fields"] = isotropic(
            signals, exact=not arguments.inexact, settings=settings, seed=arguments.seed
        ).values[..., 0]
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    head = volume > 0
    figures = {name: [psnr(each, volume), psnr(each, volume, head)] for name, each in found.items()}
    for name, (whole, inside) in figures.items():
        print(f"{name:46} {whole:6.2f} dB, {inside:6.2f} dB in the head")
    print(f"{seconds:.0f} s, {cpu_seconds:.0f} s of the processor")
    row = {
        key: getattr(arguments, key)
        for key in ("axes", "thickness", "crop", "steps", "tilings", "noise", "inexact", "seed")
    }
    row |= {"shape": list(volume.shape), "kernel": kernels.current_path(), "threads": torch.get_num_threads()}
    append_row("slices", row | {"seconds": seconds, "cpu_seconds": cpu_seconds, "psnr_db_whole_and_head": figures})


if __name__ == "__main__":
    main()
