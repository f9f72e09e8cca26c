"""Nine signals of some 65,000 samples each, of different kinds, that the recipe is held to."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _common import data_folder

from ligeia.experiments import camera
from ligeia.recipes import to_signal
from ligeia.signals import Alignment, Grid, Signal, from_array


def _picture(path: str, *, shrink: int) -> Callable[[Path], Signal]:
    def read(folder: Path) -> Signal:
        from PIL import Image

        picture = Image.open(folder / path).convert("RGB").reduce(shrink)
        return from_array(np.asarray(picture), align="centers")

    return read


def _texture(folder: Path) -> Signal:
    from PIL import Image

    gray = np.asarray(Image.open(folder / "images/kodak/kodim13.png").convert("L"))  # stones and water
    return from_array(gray[-256:, :256], align="centers")


def _text(folder: Path) -> Signal:
    return to_signal(folder / "images/skimage/text.png")


def _velocities(folder: Path) -> Signal:
    model = np.fromfile(folder / "seismic/marmousi_vp_1601x401_f32.bin", "<f4").reshape(1601, 401)
    return from_array(np.ascontiguousarray(model[::8]), align="centers")


def _sound(folder: Path) -> Signal:
    from scipy.io import wavfile

    _, samples = wavfile.read(folder / "audio/gt_bach.wav")
    return from_array(samples[:65536].astype(np.float32), align="centers")


def _volume(folder: Path) -> Signal:
    with np.load(folder / "volumes/headsq_quarter_93x64x64.npz") as file:
        volume = file[file.files[0]]
    return from_array(np.ascontiguousarray(volume[26:66, 12:52, 12:52]), align="centers")


_READERS: dict[str, Callable[[Path], Signal]] = {
    "photograph, gray": lambda _: camera(size=256, align="centers"),
    "photograph, color": _picture("images/kodak/kodim23.png", shrink=2),
    "portrait, color": _picture("images/skimage/astronaut.png", shrink=2),
    "text": _text,
    "texture": _texture,
    "map": _picture("images/large/pluto_5926x2963.jpg", shrink=16),
    "velocity model": _velocities,
    "sound": _sound,
    "volume": _volume,
}


def signals(*, align: Alignment = "centers") -> dict[str, Signal]:
    """Return the signals by name; only the gray photograph without the research data."""
    folder = data_folder()
    found = {name: read(folder or Path()) for name, read in _READERS.items() if folder or name == "photograph, gray"}
    return {name: dataclasses.replace(each, grid=Grid.of(each.grid.shape, align=align)) for name, each in found.items()}
