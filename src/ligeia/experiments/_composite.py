"""The experiment on composite gradients of Sitzmann et al. 2020 (s. 4.2 and fig. 3, right): two photographs in one."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from ligeia.equations import poisson
from ligeia.reports import check_figure, write_figure
from ligeia.signals import Signal, from_array

from ._image import camera
from ._poisson import as_in_the_paper
from ._result import USUAL, Asked, PaperResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE = 256


def coins(*, size: int) -> Signal:
    """Return the upper left of scikit-image's ``coins`` photograph, a square, at ``size`` x ``size`` pixels."""
    from PIL import Image
    from skimage.data import coins as photograph

    square = photograph()[:303, :303]
    small = Image.fromarray(square).resize((size, size), Image.Resampling.BILINEAR)
    return from_array(np.asarray(small))


def paper_composite(figure_path: Path, asked: Asked = USUAL) -> PaperResult:
    """Fit a field to half the gradient of one photograph and half that of another, and measure its values.

    Half a sum of gradients is the gradient of the mean picture: the fit is `poisson` of that mean, and the PSNR against
    it, after the best constant is added, is a true error. With weights that vary in space, or a mask, the composite is
    not the gradient of any picture; use `blend` for that. The photographs are scikit-image's, not the paper's. ``full``
    takes the paper's optimizer, batch and steps.
    """
    check_figure(figure_path)
    parts = [camera(size=_SIZE, align="centers"), coins(size=_SIZE)]
    mean = np.mean([np.asarray(each.values, np.float64) for each in parts], axis=0)
    composite = from_array(mean, channels=True, value_range=(0.0, 255.0))
    recipe, stop = as_in_the_paper(asked.full)
    field = poisson(
        composite, "gradient", recipe=recipe, stop=stop, seed=asked.seed, device=asked.device, callbacks=asked.callbacks
    )
    report = field.report
    assert report is not None
    values = field.sample().numpy()
    slopes = [_slopes(np.asarray(each.values, np.float64)) for each in parts]
    wanted, found = 0.5 * slopes[0] + 0.5 * slopes[1], _slopes(values)

    def draw(figure: "Figure") -> None:
        rows = figure.subplots(2, 4)
        shown = [
            ("first photograph", parts[0].values),
            ("second photograph", parts[1].values),
            ("mean of both", mean),
            (f"the field, {report.psnr_db:.2f} dB", values),
        ]
        for axes, (title, picture) in zip(rows[0], shown, strict=True):
            axes.imshow(picture[..., 0], cmap="gray", vmin=0, vmax=255)
            axes.set_title(title)
        gradients = [
            ("its gradient", slopes[0]),
            ("its gradient", slopes[1]),
            ("half of both: the target", wanted),
            ("gradient of the field", found),
        ]
        brightest = float(np.quantile(np.hypot(*wanted), 0.99))
        for axes, (title, gradient) in zip(rows[1], gradients, strict=True):
            axes.imshow(np.hypot(*gradient), cmap="gray", vmin=0, vmax=brightest)
            axes.set_title(title)
        for axes in rows.flat:
            axes.set_axis_off()

    write_figure(figure_path, (14, 7.6), draw)
    return PaperResult(
        quantity=f"PSNR in dB of the composite against the mean picture, {report.steps:,} steps",
        measured=report.psnr_db,
        published=None,
        tolerance=0.0,
        source="a picture only; of one photograph from its gradient the paper's number is recalled as 32.91 dB",
        is_certain=False,
        is_least=True,
    )


def _slopes(picture: Float[np.ndarray, "rows columns 1"]) -> Float[np.ndarray, "2 rows columns"]:
    """Return central differences, for display."""
    rows, columns = np.gradient(picture[..., 0])
    return np.stack([rows, columns])
