"""Published rate-distortion points on Kodak: means over the 24 images, and Cool-Chic's for each image."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from _curves import Average, Curve, Points, average_curve, image_curves, mean_psnr

COOL_CHIC = ("1.0", "2.0", "3.0", "3.4", "5.0")
_FILES = {
    "COIN": "coin/coin.json",
    "Strümpler basic, 8 bit": "strumpler/kodak_basic_8_bit.json",
    "Strümpler meta-learned, 7 bit": "strumpler/kodak_meta_learned_7_bit.json",
    "COIN++": "coin/coinpp.json",
}
_OF_C3 = {"RECOMBINER": "RECOMBINER", "C3": "C3"}
SAME_CODECS = {  # ours on eight images, theirs on 24
    "JPEG": "compressai/jpeg.json",
    "WebP": "compressai/webp.json",
    "JPEG 2000": "compressai/jpeg2000.json",
}


def mean_curve(path: Path) -> Curve:
    """Return the curve of a file of 24-image means: ``results`` with ``bpp`` and ``psnr`` or ``psnr-rgb``."""
    results = json.loads(path.read_text())["results"]
    return Curve.of(zip(results["bpp"], results.get("psnr-rgb") or results["psnr"], strict=True))


def mean_curves(folder: Path) -> dict[str, Curve]:
    """Return the published 24-image means of fitted networks, mean PSNR; rates are mostly estimates, not files."""
    curves = {name: mean_curve(folder / path) for name, path in _FILES.items()}
    of_c3 = json.loads((folder / "c3_kodak.json").read_text())
    curves |= {name: Curve.of(zip(of_c3[key]["bpp"], of_c3[key]["psnr"], strict=True)) for name, key in _OF_C3.items()}
    return curves | {"Cool-Chic 5.0": average_curve(cool_chic(folder, "5.0"), mean_psnr)}


def cool_chic(folder: Path, version: str) -> dict[tuple[str, float], tuple[float, float]]:
    """Return rate and PSNR of each of the 24 images at each lambda."""
    lines = (folder / "coolchic" / f"v{version}_image-kodak.tsv").read_text().splitlines()
    rows = [{key.strip(): value for key, value in row.items()} for row in csv.DictReader(lines, delimiter="\t")]
    return {(row["seq_name"], float(row["lmbda"])): (float(row["rate_bpp"]), float(row["psnr_db"])) for row in rows}


def of_images(points: Points, images: Sequence[str]) -> dict[tuple[str, float], tuple[float, float]]:
    """Return the points of some images."""
    return {key: at for key, at in points.items() if key[0] in images}


def shift_at_equal_rate(points: Points, images: Sequence[str], bpp: float, average: Average = mean_psnr) -> float:
    """Return how many decibels ``images`` are above all images, each image's own curve taken at one rate.

    A curve that does not reach the rate goes on straight, as far as it takes (0.15 is below 0.171, the cheapest
    file of one image): to leave hard images out would say that the others are hardly easier.
    """
    curves = image_curves(points)
    found = {image: curve.at(bpp, margin=np.inf) for image, curve in curves.items()}
    values = {image: value for image, value in found.items() if value is not None}
    return average([values[image] for image in images]) - average(list(values.values()))


def num_beyond(points: Points, bpp: float) -> int:
    """Return how many images' curves do not reach a rate."""
    return sum(not curve.bpp[0] <= bpp <= curve.bpp[-1] for curve in image_curves(points).values())


def shift_by_setting(points: Points, images: Sequence[str], bpp: float, average: Average = mean_psnr) -> float | None:
    """Return how many decibels the average curve of ``images`` is above that of all, by settings, at one rate."""
    ours, all_images = (average_curve(each, average).at(bpp) for each in (of_images(points, images), points))
    return None if ours is None or all_images is None else ours - all_images


def shift_of(points: Points, images: Sequence[str]) -> Callable[[float], float]:
    """Return the shift at equal rate as a function of the rate; beyond the mean curve's ends it is that at the end."""
    ends = average_curve(points, mean_psnr).bpp
    return lambda bpp: shift_at_equal_rate(points, images, float(np.clip(bpp, ends[0], ends[-1])))
