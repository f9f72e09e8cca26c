"""Pictures of which a part is missing: sine networks with and without a prior, beside biharmonic inpainting."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _common import append_row, data_folder

from ligeia import experiments, recipes
from ligeia.field import Field
from ligeia.metrics import decibels
from ligeia.physics import Smoothness
from ligeia.recipes import HeldOut
from ligeia.signals import Signal

WAYS: dict[str, Callable[[Signal], Field]] = {
    "fit": recipes.fit,
    "tv": lambda seen: recipes.fit(seen, configuration=recipes.smooth(seen, Smoothness(total_variation=0.1))),
    "hessian": lambda seen: recipes.fit(seen, configuration=recipes.smooth(seen, Smoothness(hessian=0.03))),
}


def biharmonic_db(seen: Signal, gone: HeldOut) -> float:
    """Return the PSNR of scikit-image's biharmonic inpainting at what is missing."""
    from skimage.restoration import inpaint_biharmonic

    assert seen.missing is not None
    mask = seen.missing.mask().reshape(seen.grid.shape)
    values = np.asarray(gone.signal.values, np.float64) / 255
    found = np.asarray(inpaint_biharmonic(values, mask, channel_axis=-1)).clip(0, 1)
    return decibels(float(np.square(found - values)[mask].mean()), peak=1.0)


def letters(signal: Signal) -> Signal:
    """Return a mask of lines of text over a picture."""
    from PIL import Image, ImageDraw, ImageFont

    rows, columns = signal.grid.shape
    mask = Image.new("L", (columns, rows))
    draw = ImageDraw.Draw(mask)
    for number in range(rows // 48):
        line = "What is missing is filled in from what is known around it. " * 3
        draw.text((4 - 40 * number, 10 + 48 * number), line, fill=255, font=ImageFont.load_default(24))
    return recipes.to_signal(np.asarray(mask))


def main() -> None:
    """Print and keep one row per picture and kind of gap."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pictures = {"camera 256": experiments.camera(size=256, align="centers")}
    if (folder := data_folder()) is not None:
        for path in ("skimage/astronaut.png", "kodak/kodim07.png"):
            pictures[Path(path).stem] = recipes.to_signal(folder / "images" / path)
    for name, signal in pictures.items():
        for gaps in ("90 % at random", "text"):
            if gaps == "text":
                seen, gone = recipes.hold_out_masked(signal, letters(signal))
            else:
                seen, gone = recipes.hold_out(signal, 0.9, seed=arguments.seed)
            assert gone is not None
            row: dict[str, object] = {"picture": name, "gaps": gaps, "seed": arguments.seed}
            row["biharmonic_db"] = biharmonic_db(seen, gone)
            for way, run in WAYS.items():
                field = run(seen)
                assert field.report is not None
                row[f"{way}_db"] = gone.quality(field).psnr_db
                row[f"{way}_seconds"] = field.report.seconds
            print(
                ", ".join(
                    f"{key} {value:.2f}" if isinstance(value, float) else f"{value}" for key, value in row.items()
                )
            )
            append_row("inpainting", row)


if __name__ == "__main__":
    main()
