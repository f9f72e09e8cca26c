"""Bytes against quality on eight Kodak photographs beside Pillow's codecs."""

import argparse
from pathlib import Path

import numpy as np
from _common import append_row, data_folder
from _image_codecs import CODECS, SLOWEST_AVIF, encoded
from PIL import Image

IMAGES = [f"kodim{number:02}" for number in (3, 4, 7, 8, 13, 15, 19, 23)]


def photograph(name: str) -> np.ndarray:
    """Return one Kodak photograph as bytes ``(rows, columns, 3)``."""
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    return np.asarray(Image.open(folder / "images" / "kodak" / f"{name}.png").convert("RGB"))


def anchors(images: list[str], codecs: list[str]) -> None:
    """Append a row for each image, codec and setting."""
    for codec in CODECS:
        for setting in codec.settings if codec.name in codecs else ():
            for image in images:
                found = encoded(codec, photograph(image), setting)
                append_row("rate_distortion", {"what": "anchor", "image": image, **found})
                print(image, found, flush=True)


def main() -> None:
    """Measure, or print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["anchors"])
    parser.add_argument("--images", nargs="+", default=IMAGES)
    parser.add_argument("--codecs", nargs="+", default=[codec.name for codec in CODECS])
    arguments = parser.parse_args()
    anchors(arguments.images, arguments.codecs)


if __name__ == "__main__":
    main()
