"""The pictures of the rate-distortion benchmark as files: photographs of Kodak's, and eight that no choice was made on.

What ships with ligeia for pictures was learned on others, and its sizes and steps were chosen on others and Kodak's.
"""

from pathlib import Path

import av
import matplotlib
import numpy as np
from PIL import Image

KODAK = tuple(f"kodim{number:02}" for number in (3, 4, 7, 8, 13, 15, 19, 23))
OTHERS = ("moon", "text", "hubble", "pluto", "source1", "target1", "grace_hopper", "bikes")
_FILES = {
    "moon": "images/skimage/moon.png",
    "text": "images/skimage/text.png",
    "hubble": "images/skimage/hubble_deep_field.jpg",
    "source1": "poisson/source1.jpg",
    "target1": "poisson/target1.jpg",
}
_REDUCED = 4  # of pluto's 5926 x 2963 pixels, averaged
_FRAME = 40  # of the bicycles


def picture_file(name: str, data: Path, scratch: Path) -> Path:
    """Return the file of a picture, ``name`` its stem: one of the data, or one that is made in ``scratch``."""
    if name in KODAK:
        return data / f"images/kodak/{name}.png"
    path = scratch / f"{name}.png"
    _opened(name, data).save(path)
    return path


def pixels_of(path: Path) -> np.ndarray:
    """Return a picture as bytes, ``(rows, columns)`` of a gray one, otherwise ``(rows, columns, 3)``."""
    image = Image.open(path)
    return np.asarray(image if image.mode == "L" else image.convert("RGB"))


def _opened(name: str, data: Path) -> Image.Image:
    if name == "pluto":
        return Image.open(data / "images/large/pluto_5926x2963.jpg").reduce(_REDUCED)
    if name == "grace_hopper":
        return Image.open(Path(matplotlib.get_data_path()) / "sample_data/grace_hopper.jpg")
    if name == "bikes":
        with av.open(data / "video/bikes.mp4") as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number == _FRAME:
                    return frame.to_image()
    return Image.open(data / _FILES[name])
