"""The inpainting experiment of Sitzmann et al. 2020 (supplement): a photograph from a tenth of its pixels."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ligeia.field import Field
from ligeia.fitting import passes
from ligeia.metrics import decibels
from ligeia.physics import Smoothness
from ligeia.recipes import fit, hold_out, smooth
from ligeia.reports import check_figure, write_figure

from ._image import camera
from ._result import USUAL, Asked, PaperResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MISSING = 0.9
_PAPER_STEPS = 10_000


def paper_inpainting(figure_path: Path, asked: Asked = USUAL) -> PaperResult:
    """Fill in nine tenths of a photograph's pixels, with total variation and with the Hessian as priors.

    The paper prints no number; ours is compared with biharmonic inpainting of the pixels (scikit-image). By default
    the photograph has 256 x 256 pixels and a fit 48 passes; ``full`` takes the paper's 512 x 512 and 10,000 steps.
    """
    from skimage.restoration import inpaint_biharmonic

    check_figure(figure_path)
    signal = camera(size=512 if asked.full else 256, align="centers")
    seen, gone = hold_out(signal, _MISSING, seed=asked.seed)
    assert gone is not None
    assert seen.missing is not None
    mask = seen.missing.mask().reshape(signal.grid.shape)
    picture = np.asarray(signal.values[..., 0], np.float64) / 255
    biharmonic = np.asarray(inpaint_biharmonic(picture, mask)).clip(0, 1)
    biharmonic_db = decibels(float(np.square(biharmonic - picture)[mask].mean()), peak=1.0)

    def filled(smoothness: Smoothness) -> tuple[Field, float]:
        configuration = smooth(seen, smoothness)
        size = configuration.recipe.batch_size or seen.num_samples
        stop = passes(_PAPER_STEPS * size / seen.num_samples) if asked.full else None
        field = fit(
            seen,
            configuration=configuration,
            stop=stop,
            seed=asked.seed,
            device=asked.device,
            callbacks=asked.callbacks,
        )
        return field, gone.quality(field).psnr_db

    fields = {
        "total variation": filled(Smoothness(total_variation=0.1)),
        "Hessian": filled(Smoothness(hessian=0.03)),
    }

    def draw(figure: "Figure") -> None:
        shown = {
            "known pixels": np.where(mask, 1.0, picture),
            f"biharmonic, {biharmonic_db:.2f} dB": biharmonic,
        }
        for name, (field, psnr_db) in fields.items():
            shown[f"{name}, {psnr_db:.2f} dB"] = field.sample().numpy()[..., 0] / 255
        shown["the photograph"] = picture
        for axes, (title, values) in zip(figure.subplots(1, len(shown)), shown.items(), strict=True):
            axes.imshow(values, cmap="gray", vmin=0, vmax=1)
            axes.set_title(title)
            axes.set_axis_off()

    write_figure(figure_path, (20, 4.4), draw)
    best = max(fields, key=lambda name: fields[name][1])
    return PaperResult(
        quantity=f"PSNR in dB at the pixels filled in, prior {best}",
        measured=fields[best][1],
        published=None,
        tolerance=0.0,
        source=f"pictures only; biharmonic inpainting of the same pixels has {biharmonic_db:.2f} dB",
        is_certain=False,
        is_least=True,
    )
