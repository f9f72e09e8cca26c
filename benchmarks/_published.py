"""Published rate-distortion points on Kodak: means over the 24 images, and Cool-Chic's for each image."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _curves import Average, Curve, Points, average_curve, equal_rate_curve, image_curves, mean_psnr

COOL_CHIC = ("1.0", "2.0", "3.0", "3.4", "5.0")
_FILES = {
    "COIN": "coin/coin.json",
    "Strümpler basic, 8 bit": "strumpler/kodak_basic_8_bit.json",
    "Strümpler meta-learned, 7 bit": "strumpler/kodak_meta_learned_7_bit.json",
    "COIN++": "coin/coinpp.json",
}
KNOWN = (0.15, 0.65)  # bits per pixel that Cool-Chic's curves of nearly all images reach
_OF_C3 = {"RECOMBINER": "RECOMBINER", "C3": "C3"}
# ours on eight images, theirs on 24; not their JPEG 2000, whose settings are qualities where ours are rates
SAME_CODECS = {"JPEG": "compressai/jpeg.json", "WebP": "compressai/webp.json"}


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
    rows = csv.DictReader(lines, delimiter="\t")
    image, setting = ("seq", "lambda") if version == "1.0" else ("seq_name", "lmbda")
    return {(row[image], float(row[setting])): (float(row["rate_bpp"]), float(row["psnr_db"])) for row in rows}


def of_images(points: Points, images: Sequence[str]) -> dict[tuple[str, float], tuple[float, float]]:
    """Return the points of some images."""
    return {key: at for key, at in points.items() if key[0] in images}


def at_equal_rate(points: Points, bpp: float, average: Average = mean_psnr) -> float:
    """Return the average over images, each image's own curve taken at one rate.

    A curve that does not reach the rate goes on straight, as far as it takes (0.15 is below 0.171, Cool-Chic's
    cheapest file of one image): to leave hard images out would say that the others are hardly easier.
    """
    found = [curve.at(bpp, margin=np.inf) for curve in image_curves(points).values()]
    return average([value for value in found if value is not None])


def num_beyond(points: Points, bpp: float) -> int:
    """Return how many images' curves do not reach a rate."""
    return sum(not curve.bpp[0] <= bpp <= curve.bpp[-1] for curve in image_curves(points).values())


def shift_at_equal_rate(points: Points, images: Sequence[str], bpp: float, average: Average = mean_psnr) -> float:
    """Return how many decibels ``images`` are above all images where every file has the same rate."""
    return at_equal_rate(of_images(points, images), bpp, average) - at_equal_rate(points, bpp, average)


def shift_by_setting(points: Points, images: Sequence[str], bpp: float, average: Average = mean_psnr) -> float | None:
    """Return how many decibels the average curve of ``images`` is above that of all, by settings, at one rate."""
    ours, all_images = (average_curve(each, average).at(bpp) for each in (of_images(points, images), points))
    return None if ours is None or all_images is None else ours - all_images


def raised(name: str, curve: Curve, points: Points, images: Sequence[str]) -> Curve:
    """Return a published 24-image mean curve as it would be of ``images`` at equal rates; ``points`` are Cool-Chic's.

    Networks of one size per setting have about equal rates already: what these images are easier at equal rate is
    added. C3 stands at mean rates of files of one lambda: added is what Cool-Chic's equal rates on these images are
    above its mean rates on all. Below and above `KNOWN` the shift is that at its end.
    """
    if name.startswith("Cool-Chic"):  # known of each image
        return equal_rate_curve(of_images(points, images), mean_psnr)
    by_setting = average_curve(points, mean_psnr)

    def shift(bpp: float) -> float:
        bpp = float(np.clip(bpp, *KNOWN))
        if name != "C3":
            return shift_at_equal_rate(points, images, bpp)
        mean = by_setting.at(bpp)
        assert mean is not None
        return at_equal_rate(of_images(points, images), bpp) - mean

    return curve.shifted(shift)
