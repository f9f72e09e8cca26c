"""Enlargement of twelve photographs beside bicubic, Lanczos and iterative back-projection: PSNR and SSIM of the truth.

Each photograph is made smaller by a mean over pixels or by Pillow's bicubic kernel, rounded to bytes and enlarged
again: knowing how ("told"), or not. Iterative back-projection (Irani & Peleg 1991) is always told. Four pixels of the
border are left out. ``table`` prints the table of docs/enlargement.md from the rows that are
there, ``picture`` draws its picture.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import RESULTS, append_row, data_folder
from PIL import Image
from skimage.metrics import structural_similarity

from ligeia import enlargement, kernels
from ligeia.signals import Footprint, from_array

KODAK = [f"kodak/kodim{number:02}.png" for number in (3, 4, 7, 8, 13, 15, 19, 23)]
PICTURES = [*KODAK, *(f"skimage/{name}.png" for name in ("camera", "astronaut", "coffee", "chelsea"))]
BORDER = 4
INTERPOLATIONS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


def photograph(path: Path, scale: int) -> np.ndarray:
    """Return a photograph as bytes ``(rows, columns, channels)``, cut to a multiple of the scale."""
    pixels = np.asarray(Image.open(path))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels[..., :3]
    return pixels[: len(pixels) // scale * scale, : pixels.shape[1] // scale * scale]


def smaller(pixels: np.ndarray, scale: int, kind: str) -> np.ndarray:
    """Return what Pillow makes of a photograph at 1 / scale of its size."""
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
    size = (image.width // scale, image.height // scale)
    image = image.reduce(scale) if kind == "box" else image.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image).reshape(size[1], size[0], -1)


def interpolated(pixels: np.ndarray, scale: int, how: Image.Resampling) -> np.ndarray:
    """Return samples at ``scale`` times the size, in float32."""
    size = (pixels.shape[1] * scale, pixels.shape[0] * scale)
    channels = (Image.fromarray(np.float32(pixels[..., each])) for each in range(pixels.shape[2]))
    return np.stack([np.asarray(channel.resize(size, how)) for channel in channels], axis=-1)


def back_projected(
    given: np.ndarray, scale: int, how: Image.Resampling, kernel: Footprint, num_steps: int = 20
) -> np.ndarray:
    """Return what iterative back-projection makes of an interpolation: the rival that knows what pixels are."""
    found = interpolated(given, scale, how)
    ways = [enlargement.Downsampling(new, old, kernel) for new, old in zip(found.shape, given.shape[:2], strict=False)]
    for _ in range(num_steps):
        found = found + interpolated(given - enlargement.downsampled(found, ways), scale, how)
    return found


def quality(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return PSNR and SSIM of rounded samples within the border."""
    inside = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    found, right = (np.rint(each.clip(0, 255))[inside].astype(np.float64) for each in (found, truth))
    ssim: Any = structural_similarity(
        found,
        right,
        data_range=255,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return {"psnr_db": 10 * np.log10(255**2 / np.mean((found - right) ** 2)), "ssim": float(ssim)}


def measure(path: Path, scale: int, kind: str, told: bool, seed: int) -> dict[str, object]:
    """Enlarge one photograph in every way, and return the qualities."""
    truth = photograph(path, scale)
    given = smaller(truth, scale, kind)
    kernel = enlargement.KERNELS[kind]
    began = time.perf_counter()
    enlarged = enlargement.enlarge(
        from_array(given, channels=True), scale=scale, downscaled_by=kernel if told else None, seed=seed
    )
    seconds = time.perf_counter() - began
    found = {"field": quality(enlarged.values, truth)}
    for name, how in INTERPOLATIONS.items():
        found[name] = quality(interpolated(given, scale, how), truth)
    rivals = (back_projected(given, scale, how, kernel) for how in INTERPOLATIONS.values())
    found["back-projection"] = max((quality(each, truth) for each in rivals), key=lambda each: each["psnr_db"])
    return {"seconds": seconds, "consistency": enlarged.consistency, **found}


def tables() -> None:
    """Print, per scale and kind, the mean gains over interpolation and over back-projection."""
    rows = [json.loads(line) for line in (RESULTS / "enlarge.jsonl").read_text().splitlines()]
    latest = {(row["scale"], row["kind"], row["told"], row["picture"]): row for row in rows}
    titles = ("scale", "by", "told", "gain, dB", "worst", "wins", "over IBP, dB", "worst", "SSIM", "seconds")
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for scale, kind, told in sorted({key[:3] for key in latest}):
        cell = [row for key, row in latest.items() if key[:3] == (scale, kind, told)]
        best = np.array([max(row[name]["psnr_db"] for name in INTERPOLATIONS) for row in cell])
        field = np.array([row["field"]["psnr_db"] for row in cell])
        rival = np.array([row["back-projection"]["psnr_db"] for row in cell])
        ssim = np.mean([row["field"]["ssim"] - row["back-projection"]["ssim"] for row in cell])
        gain, over = field - best, field - rival
        print(
            f"| {scale} | {kind} | {'yes' if told else 'no'} | {gain.mean():+.2f} | {gain.min():+.2f} "
            f"| {(gain > 0).sum()} of {len(cell)} | {over.mean():+.2f} | {over.min():+.2f} | {ssim:+.4f} "
            f"| {np.mean([row['seconds'] for row in cell]):.0f} |"
        )


CROPS = {"camera": (180, 100), "coffee": (150, 250), "astronaut": (40, 180)}  # top left corners of 96 x 96 pixels


def picture(folder: Path, path: Path) -> None:
    """Draw crops of three photographs at a third of their size, and what is made of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8.4), layout="constrained")
    axes = figure.subplots(len(CROPS), 5)
    for line, (name, (top, left)) in zip(axes, CROPS.items(), strict=True):
        truth = photograph(folder / f"images/skimage/{name}.png", 3)
        given = smaller(truth, 3, "box")
        ways = {
            "a third of the size": given.repeat(3, axis=0).repeat(3, axis=1),
            "bicubic": interpolated(given, 3, Image.Resampling.BICUBIC),
            "back-projection": back_projected(given, 3, Image.Resampling.BICUBIC, enlargement.KERNELS["box"]),
            "ligeia enlarge": enlargement.enlarge(from_array(given, channels=True), scale=3).values,
            "the original": truth,
        }
        for axis, (way, values) in zip(line, ways.items(), strict=True):
            crop = values[top : top + 96, left : left + 96]
            crop = np.rint(crop.clip(0, 255)).astype(np.uint8)
            axis.imshow(crop.squeeze(-1) if crop.shape[2] == 1 else crop, cmap="gray", vmin=0, vmax=255)
            found = quality(values, truth)["psnr_db"] if way != "the original" else np.inf
            axis.set_title(way if np.isinf(found) else f"{way}\n{found:.2f} dB", fontsize=11)
            axis.set_axis_off()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Enlarge and compare, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["measure", "table", "picture"])
    parser.add_argument("--scales", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--kinds", nargs="+", default=["box", "bicubic"])
    parser.add_argument("--untold", action="store_true", help="do not say how the photographs were made smaller")
    parser.add_argument("--pictures", nargs="+", default=PICTURES)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.what == "table":
        tables()
        return
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    if arguments.what == "picture":
        picture(folder, Path(__file__).parents[1] / "docs" / "enlargement.png")
        return
    for scale in arguments.scales:
        for kind in arguments.kinds:
            for name in arguments.pictures:
                told = not arguments.untold
                found = measure(folder / "images" / name, scale, kind, told, arguments.seed)
                case = {"picture": name, "scale": scale, "kind": kind, "told": told, "seed": arguments.seed}
                machine = {"kernel": kernels.current_path(), "threads": torch.get_num_threads()}
                append_row("enlarge", case | found | machine)
                print(case, found, flush=True)


if __name__ == "__main__":
    main()
