"""Eight shifted exposures of a picture made into one at three times their resolution, beside enlargements of one."""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from _common import append_row, data_folder
from PIL import Image
from scipy.ndimage import map_coordinates

from ligeia import enlargement, fitting
from ligeia.enlargement import Pose
from ligeia.enlargement._tiles import blended
from ligeia.formats import read_video
from ligeia.signals import Box, Signal, from_array

KINDS = {"shifts": (False, 0.0), "whole shifts": (True, 0.0), "turned": (False, 3.0)}
"""Whether shifts are whole samples of the true picture, and the largest turn in degrees."""


def load(path: Path, crop: list[int] | None) -> np.ndarray:
    """Return a picture, or ``rows, columns`` of it from a corner on, its sides divisible by 3."""
    picture = np.asarray(Image.open(path)).astype(float)
    picture = picture if picture.ndim == 3 else picture[..., None]
    if crop is not None:
        picture = picture[crop[0] : crop[0] + crop[2], crop[1] : crop[1] + crop[2]]
    return picture[: len(picture) // 3 * 3, : picture.shape[1] // 3 * 3]


def means(picture: np.ndarray, scale: int) -> np.ndarray:
    """Return the means over cells of ``scale`` x ``scale``, rounded to 8 bits."""
    height, width, channels = picture.shape
    cells = picture.reshape(height // scale, scale, width // scale, scale, channels)
    return cells.mean(axis=(1, 3)).round().clip(0, 255).astype(np.uint8)


def exposures(
    picture: np.ndarray, count: int, scale: int, whole: bool, degrees: float, noise: float, seed: int
) -> tuple[list[np.ndarray], list[Pose]]:
    """Return frames of a picture moved by up to 2 pixels of theirs along each axis, and the true poses."""
    random = np.random.default_rng(seed)
    height, width, channels = picture.shape
    grid = np.meshgrid(np.arange(height, dtype=float), np.arange(width, dtype=float), indexing="ij")
    frames, poses = [], []
    for number in range(count):
        row, column = random.uniform(-2 * scale, 2 * scale, 2) * (number > 0)
        if whole:
            row, column = round(row), round(column)
        turn = math.radians(random.uniform(-degrees, degrees)) * (number > 0)
        places = np.stack(Pose(row, column, turn).places(grid, (height, width)))
        moved = [map_coordinates(picture[..., each], places, order=5, mode="mirror") for each in range(channels)]
        frame = means(np.stack(moved, axis=-1), scale).astype(float)
        frame = frame + noise * random.standard_normal(frame.shape)
        frames.append(frame.round().clip(0, 255).astype(np.uint8))
        poses.append(Pose(row / scale, column / scale, turn))
    return frames, poses


def psnr(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the PSNR in decibels, rounded to 8 bits, without a border of 4 samples."""
    error = (found.round().clip(0, 255) - wanted)[4:-4, 4:-4]
    return 10 * math.log10(255**2 / float((error**2).mean()))


def of_one(frame: np.ndarray, scale: int, seed: int) -> dict[str, np.ndarray]:
    """Return enlargements of a single frame: Pillow's filters, and the field whose means over cells its pixels are."""
    height, width, channels = frame.shape
    size = (width * scale, height * scale)
    found = {}
    for name, method in (("bicubic", Image.Resampling.BICUBIC), ("lanczos", Image.Resampling.LANCZOS)):
        planes = [Image.fromarray(frame[..., each].astype(np.float32)).resize(size, method) for each in range(channels)]
        found[name] = np.stack([np.asarray(each) for each in planes], axis=-1)
    signal = from_array(frame, channels=True)
    grid = signal.grid.with_footprints([Box()])

    def objective_of(tile, seed: int) -> fitting.Values:
        (top, bottom), (left, right) = tile.ranges()
        values = signal.values[top:bottom, left:right]
        part = from_array(np.ascontiguousarray(values), channels=True)
        part = Signal(
            grid=part.grid.with_footprints(grid.footprints), values=values, channels=signal.channels, source=part.source
        )
        return fitting.Values(part, seed=seed, nodes_per_step=(scale,))

    shape = (height * scale, width * scale)
    found["field of one"] = blended((height, width), shape, signal.channels, objective_of, seed=seed)
    return found


def errors(found: tuple[Pose, ...], wanted: list[Pose]) -> dict[str, float]:
    """Return the largest error of a shift along an axis, in pixels, and of a turn, in degrees."""
    pairs = list(zip(found, wanted, strict=True))
    return {
        "shift_error_px": float(max(max(abs(a.row - b.row), abs(a.column - b.column)) for a, b in pairs)),
        "turn_error_degrees": math.degrees(max(abs(a.angle - b.angle) for a, b in pairs)),
    }


def still_picture(arguments: argparse.Namespace, folder: Path, name: str, kind: str) -> None:
    """Print and keep the quality for one picture."""
    whole, degrees = KINDS[kind]
    picture = load(folder / "images" / name, arguments.crop)
    frames, poses = exposures(picture, arguments.frames, 3, whole, degrees, arguments.noise, arguments.seed)
    started = time.perf_counter()
    fused = enlargement.super_resolve(
        [from_array(frame, channels=True) for frame in frames], scale=3, seed=arguments.seed
    )
    seconds = time.perf_counter() - started
    quality = {"fused": psnr(fused.values, picture)}
    quality |= {what: psnr(each, picture) for what, each in of_one(frames[0], 3, arguments.seed).items()}
    finish(
        arguments, quality, fused, seconds, picture=name, kind=kind, noise=arguments.noise, **errors(fused.poses, poses)
    )


def moment(arguments: argparse.Namespace, folder: Path) -> None:
    """Print and keep the quality for a frame of a video made half as large first."""
    signal = read_video(folder / "video" / arguments.video)
    signals, middle = enlargement.clip_around(signal, arguments.at, neighbors=arguments.neighbors)
    rows, columns = (side // 2 * 2 for side in signals[0].grid.shape)
    full = [np.asarray(each.values)[:rows, :columns].astype(float) for each in signals]
    if arguments.crop is not None:
        top, left, side = arguments.crop
        full = [each[top : top + side, left : left + side] for each in full]
    frames = [from_array(means(each, 2), channels=True) for each in full]
    quality = {
        what: psnr(each, full[middle]) for what, each in of_one(frames[middle].values, 2, arguments.seed).items()
    }
    for moving in (True, False):
        started = time.perf_counter()
        fused = enlargement.super_resolve(frames, scale=2, reference=middle, moving=moving, seed=arguments.seed)
        quality |= {"fused": psnr(fused.values, full[middle])}
        finish(
            arguments, quality, fused, time.perf_counter() - started, video=arguments.video, at=arguments.at,
            neighbors=arguments.neighbors, moving=moving, share=float(np.mean(fused.shares)),
        )  # fmt: skip


def finish(
    arguments: argparse.Namespace, quality: dict[str, float], fused: enlargement.Fused, seconds: float, **what: object
) -> None:
    """Print a line and keep a row."""
    gain = quality["fused"] - max(value for name, value in quality.items() if name != "fused")
    row = {**what, "crop": arguments.crop, "frames": len(fused.poses), "psnr_db": quality, "gain_db": gain}
    row |= {"num_steps": fused.num_steps, "seconds": seconds, "seed": arguments.seed}
    print(row, flush=True)
    append_row("exposures", row | {"threads": torch.get_num_threads()})


def main() -> None:
    """Print the quality of each picture, or of a frame of a video, and keep it in the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", nargs="*", default=["kodak/kodim08.png", "skimage/camera.png"])
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--noise", type=float, default=0.0, help="standard deviation, in levels of 255")
    parser.add_argument("--crop", type=int, nargs=3, metavar=("ROW", "COLUMN", "SIDE"))
    parser.add_argument("--video", help="of the research data, instead of pictures")
    parser.add_argument("--at", type=int, default=50)
    parser.add_argument("--neighbors", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    if arguments.video is not None:
        moment(arguments, folder)
        return
    for name in arguments.pictures:
        for kind in arguments.kinds:
            still_picture(arguments, folder, name, kind)


if __name__ == "__main__":
    main()
