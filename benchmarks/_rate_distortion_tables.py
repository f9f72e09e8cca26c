"""The tables of the rate-distortion benchmark, in Markdown, from the rows that are there."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from _common import RESULTS
from _curves import (
    Average,
    Curve,
    average_curve,
    bd_psnr,
    bd_rate,
    equal_rate_curve,
    image_curves,
    mean_psnr,
    psnr_of_mean_error,
    shared_db,
)
from _image_codecs import CODECS
from _published import (
    COOL_CHIC,
    SAME_CODECS,
    at_equal_rate,
    cool_chic,
    mean_curve,
    mean_curves,
    num_beyond,
    of_images,
    raised,
    shift_at_equal_rate,
    shift_by_setting,
)

RATES: Final = (0.15, 0.3, 0.6, 1.2)
AVERAGES: dict[str, Average] = {"mean PSNR": mean_psnr, "PSNR of the mean error": psnr_of_mean_error}
_OURS: Final = {"encode_seconds": "encode, s", "decode_seconds_torch": "decode, s", "decode_seconds_numpy": "NumPy, s"}
Rows = dict[str, dict[tuple[str, float], dict[str, Any]]]
"""Codec to (image, setting) to a row."""


def read_rows(
    what: Sequence[str] = ("anchor", "ligeia"), *, seed: int = 0, images: Sequence[str] | None = None
) -> Rows:
    """Return the latest row of each codec, image and setting, those of ligeia of one seed."""
    found: Rows = {}
    for line in (RESULTS / "rate_distortion.jsonl").read_text().splitlines():
        row = json.loads(line)
        is_of_images = images is None or row["image"] in images
        if row["what"] in what and is_of_images and row.get("seed", seed) == seed:
            found.setdefault(row["codec"], {})[row["image"], row.get("setting", 0)] = row
    return found


def points_of(
    rows: dict[tuple[str, float], dict[str, Any]], quality: str = "psnr_db"
) -> dict[tuple[str, float], tuple[float, float]]:
    """Return rate and PSNR of rows of one codec, or SSIM in decibels, that of 0.99 being 20, of those that have it."""
    if quality == "ssim":
        return {key: (row["bpp"], -10 * math.log10(1 - row["ssim"])) for key, row in rows.items() if "ssim" in row}
    return {key: (row["bpp"], row["psnr_db"]) for key, row in rows.items()}


def _print(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    print(f"\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for line in lines:
        print(f"| {' | '.join(line)} |")


def _decibels(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.2f}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.1%}"


def _difference(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.2f}"


def rates_table(rows: Rows, average: Average, images: Sequence[str]) -> None:
    """Print each codec's quality at given rates, every image's own curve taken at exactly that rate."""
    lines = []
    for name, each in rows.items():
        curves = image_curves(points_of(each))
        cells = []
        for bpp in RATES:
            values = [value for curve in curves.values() if (value := curve.at(bpp)) is not None]
            count = f" ({len(values)} of {len(images)})" if len(values) < len(images) else ""
            cells.append(f"{average(values):.2f}{count}" if values else "-")
        found = [(row["encode_seconds"], row["encode_cpu_seconds"], _decode_seconds(row)) for row in each.values()]
        lines.append([name, *cells, *(f"{np.median(seconds):.2f}" for seconds in zip(*found, strict=True))])
    _print(["same images", *(f"{bpp} bpp, dB" for bpp in RATES), "encode, s", "encode, CPU s", "decode, s"], lines)


def _decode_seconds(row: dict[str, Any]) -> float:
    return row["decode_seconds_torch" if "decode_seconds_torch" in row else "decode_seconds"]


def ssim_table(rows: Rows, test: str) -> None:
    """Print each codec's SSIM at given rates, means over images, and what one codec needs beside it at equal SSIM."""
    ours = image_curves(points_of(rows[test], "ssim")) if test in rows else {}
    lines = []
    for name, each in rows.items():
        curves = image_curves(points_of(each, "ssim"))
        if not curves:
            continue
        cells = []
        for bpp in RATES:
            values = [1 - 10 ** (-value / 10) for curve in curves.values() if (value := curve.at(bpp)) is not None]
            cells.append(f"{np.mean(values):.4f}" if len(values) == len(curves) else "-")
        deltas = [bd_rate(curve, ours[image]) for image, curve in curves.items() if image in ours]
        kept = [delta for delta in deltas if not math.isnan(delta)]
        lines.append([name, *cells, _share(float(np.mean(kept))) if kept and name != test else "-"])
    _print(["SSIM", *(f"{bpp} bpp" for bpp in RATES), f"BD-rate of {test} beside it"], lines)


def published_table(folder: Path, images: Sequence[str]) -> None:
    """Print published 24-image means at given rates, and Cool-Chic's on the same images."""
    lines = [[name, *(_decibels(curve.at(bpp)) for bpp in RATES)] for name, curve in mean_curves(folder).items()]
    points = cool_chic(folder, "5.0")
    cells = []
    for bpp in RATES:
        beyond = num_beyond(of_images(points, images), bpp)
        value = f"{at_equal_rate(of_images(points, images), bpp):.2f}"
        cells.append(value + (f" ({beyond} extrapolated)" if beyond else ""))
    lines.append([f"Cool-Chic 5.0, these {len(images)} at equal rate", *cells])
    _print(["published, 24 images", *(f"{bpp} bpp, dB" for bpp in RATES)], lines)


def shift_table(folder: Path, rows: Rows, images: Sequence[str]) -> None:
    """Print how much easier these images are than the 24, by what is known of both."""
    lines = []
    for version in COOL_CHIC:
        points = cool_chic(folder, version)
        equal = [
            f"{shift_at_equal_rate(points, images, bpp):+.2f}"
            + (f" ({beyond} beyond)" if (beyond := num_beyond(points, bpp)) else "")
            for bpp in RATES
        ]
        lines.append([f"Cool-Chic {version}, equal rate", *equal])
        for name, average in AVERAGES.items():
            found = [shift_by_setting(points, images, bpp, average) for bpp in RATES]
            lines.append(
                [f"Cool-Chic {version}, by setting, {name}", *("-" if x is None else f"{x:+.2f}" for x in found)]
            )
    for name, path in SAME_CODECS.items():
        if name in rows:
            ours = average_curve(points_of(rows[name]), mean_psnr)
            theirs = mean_curve(folder / path)
            pairs = [(ours.at(bpp), theirs.at(bpp)) for bpp in RATES]
            cells = ["-" if one is None or two is None else f"{one - two:+.2f}" for one, two in pairs]
            lines.append([f"{name}, by setting, ours less CompressAI's", *cells])
    _print([f"{len(images)} images less 24, dB", *(f"{bpp} bpp" for bpp in RATES)], lines)


def bd_table(rows: Rows, test: str) -> None:
    """Print Bjontegaard's deltas of one codec beside each of the others on the same images."""
    ours = points_of(rows[test])
    titles = [f"{test} beside"]
    titles += [f"{kind}, {name}" for name in AVERAGES for kind in ("BD-rate", "BD-PSNR")]
    titles += ["BD-rate, mean of images", "best", "worst", "BD-PSNR, mean of images", "images", "shared dB"]
    lines = []
    for name, each in rows.items():
        if name == test:
            continue
        theirs = of_images(points_of(each), [image for image, _ in ours])
        line = [name]
        for average in AVERAGES.values():
            anchor, curve = average_curve(theirs, average), average_curve(ours, average)
            line += [_share(bd_rate(anchor, curve)), _difference(bd_psnr(anchor, curve))]
        low, high = shared_db(average_curve(theirs, mean_psnr), average_curve(ours, mean_psnr))
        anchors, curves = image_curves(theirs), image_curves(ours)
        pairs = [(anchors[image], curve) for image, curve in curves.items() if image in anchors]
        rates, gains = ([delta(*pair) for pair in pairs] for delta in (bd_rate, bd_psnr))
        kept, gains = ([value for value in each if not math.isnan(value)] or [math.nan] for each in (rates, gains))
        line += [_share(float(np.mean(kept))), _share(min(kept)), _share(max(kept)), _difference(float(np.mean(gains)))]
        num_images = f"{sum(not math.isnan(value) for value in kept)} of {len(curves)}"
        lines.append([*line, num_images, f"{low:.1f} to {high:.1f}" if low < high else "-"])
    _print(titles, lines)


def our_table(rows: dict[tuple[str, float], dict[str, Any]], test: str) -> None:
    """Print what our files of each rate are: means over images, and the largest difference between decoders."""
    lines = []
    for setting in sorted({setting for _, setting in rows}):
        each = [row for (_, its_setting), row in rows.items() if its_setting == setting]
        means = [f"{np.mean([row[key] for row in each]):.2f}" for key in ("psnr_db", *_OURS)]
        rates = f"{min(row['bpp'] for row in each):.4f} to {max(row['bpp'] for row in each):.4f}"
        difference = max(row["largest_difference_of_decoders"] for row in each)
        lines.append([f"{setting:g}", f"{len(each)}", rates, *means, f"{difference:.1e}"])
    _print([test, "images", "bpp", "mean PSNR, dB", *_OURS.values(), "torch less NumPy, of 255"], lines)


def published_bd_table(folder: Path, rows: Rows, test: str, images: Sequence[str]) -> None:
    """Print the deltas of one codec on these images beside 24-image means, as they are and raised to these images."""
    ours = points_of(rows[test])
    points = cool_chic(folder, "5.0")
    lines = []
    for name, curve in mean_curves(folder).items():
        raw = average_curve(ours, mean_psnr)
        cells = [_share(bd_rate(curve, raw)), _difference(bd_psnr(curve, raw))]
        corrected, equal = raised(name, curve, points, images), equal_rate_curve(ours, mean_psnr)
        cells += [_share(bd_rate(corrected, equal)), _difference(bd_psnr(corrected, equal))]
        low, high = shared_db(corrected, equal)
        lines.append([name, *cells, f"{low:.1f} to {high:.1f}" if low < high else "-"])
    titles = ["BD-rate, raw", "BD-PSNR, raw", "BD-rate, corrected", "BD-PSNR, corrected", "shared dB, corrected"]
    _print([f"{test} beside published means, mean PSNR", *titles], lines)


def other_tables() -> None:
    """Print what is known of the sound and of the volume."""
    rows = read_rows(("sound", "volume"))
    for signal, quality in (("sound", "snr_db"), ("volume", "psnr_db")):
        lines = []
        for name, each in rows.items():
            for (_, setting), row in sorted(each.items()):
                if row["what"] == signal:
                    rate = f"{row['kbit_per_second']:.1f}" if signal == "sound" else f"{row['bits_per_sample']:.3f}"
                    value = f"{row[quality]:.2f}" if quality in row else "lossless"
                    lines.append([name, f"{setting:g}" if setting else "-", f"{row['bytes']:,}", rate, value])
        rate = "kbit/s" if signal == "sound" else "bits per voxel"
        _print([signal, "setting", "bytes", rate, quality.split("_")[0].upper() + ", dB"], lines)
    curves = {
        name: Curve.of((row["kbit_per_second"], row["snr_db"]) for row in each.values())
        for name, each in rows.items()
        if all(row["what"] == "sound" for row in each.values()) and len(each) > 1
    }
    _print(
        ["sound", "SNR at exactly 64 kbit/s, dB"], [[name, _decibels(each.at(64.0))] for name, each in curves.items()]
    )


def tables(folder: Path, images: Sequence[str], test: str, seed: int) -> None:
    """Print all tables; ``test`` is the codec that the others stand beside."""
    order = {codec.name: number for number, codec in enumerate(CODECS)}  # ours before them
    rows = dict(sorted(read_rows(seed=seed, images=images).items(), key=lambda row: order.get(row[0], -1)))
    print("(k of n): so many images reach the rate, and the mean is over those: the easier ones, no comparison.")
    for name, average in AVERAGES.items():
        print(f"\n{len(images)} images, {name}, each image's own curve at exactly the rate:")
        rates_table(rows, average, images)
    ssim_table(rows, test)
    is_published = all(image.startswith("kodim") for image in images)
    if is_published:
        published_table(folder, images)
        shift_table(folder, rows, images)
    if test.startswith("ligeia") and test in rows:
        our_table(rows[test], test)
    if test in rows:
        bd_table(rows, test)
        if is_published:
            published_bd_table(folder, rows, test, images)
    else:
        print(f"\nno rows of {test}: its deltas are left out; there are {', '.join(rows)}.")
    other_tables()
