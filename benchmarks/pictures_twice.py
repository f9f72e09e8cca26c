"""A picture file of the half-size version, rendered at twice its size: beside Lanczos of what it decodes to.

Photographs are halved by means over 2 x 2 pixels and compressed; both enlargements are compared with the original.
From the repository root:

    python benchmarks/pictures_twice.py --bpp 0.3 1 2.5 --effort 3
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
from _common import append_row, data_folder
from _image_codecs import qualities
from _lig_files import as_bytes, compress
from _pictures import KODAK, picture_file, pixels_of
from PIL import Image

import ligeia as lg


def twice(path: Path, scratch: Path, bpp: float, effort: int, seed: int) -> dict[str, object]:
    """Return the row of one photograph at one rate of the half-size picture."""
    with Image.open(path) as image:
        original = image.convert("RGB")
    original = original.crop((0, 0, original.width // 2 * 2, original.height // 2 * 2))
    half, output = scratch / "half.png", scratch / "half.lig"
    original.reduce(2).save(half)
    compress(half, output, bpp, effort, seed)
    field, truth = lg.load(output), np.asarray(original)
    decoded = as_bytes(field.sample().numpy())
    lanczos = Image.fromarray(decoded).resize(original.size, Image.Resampling.LANCZOS)
    found = {
        "field": as_bytes(field.sample(truth.shape[:2]).numpy()),
        "lanczos": np.asarray(lanczos),
    }
    row: dict[str, object] = {"image": path.stem, "bpp_asked": bpp, "effort": effort, "seed": seed}
    row["decoded_psnr_db"] = qualities(decoded, pixels_of(half))["psnr_db"]
    for name, pixels in found.items():
        row |= {f"{name}_{key}": value for key, value in qualities(pixels, truth).items()}
    return row


def main() -> None:
    """Measure each photograph at each rate, append the rows and print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", nargs="+", default=KODAK)
    parser.add_argument("--bpp", type=float, nargs="+", default=[0.3, 1.0, 2.5])
    parser.add_argument("--effort", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    gains: dict[float, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for bpp, image in product(arguments.bpp, arguments.images):
            path = picture_file(image, folder, Path(scratch))
            row = twice(path, Path(scratch), bpp, arguments.effort, arguments.seed)
            append_row("pictures_twice", row)
            gain = float(str(row["field_psnr_db"])) - float(str(row["lanczos_psnr_db"]))
            gains.setdefault(bpp, []).append(gain)
            print(image, bpp, {key: round(value, 3) for key, value in row.items() if isinstance(value, float)})
    for bpp, each in gains.items():
        print(f"{bpp} bpp: field less Lanczos {np.mean(each):+.3f} dB, least {min(each):+.3f}, most {max(each):+.3f}")


if __name__ == "__main__":
    main()
