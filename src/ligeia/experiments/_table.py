"""The one table of the paper's experiments."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ._audio import paper_audio
from ._composite import paper_composite
from ._image import paper_activations, paper_image
from ._inpainting import paper_inpainting
from ._inversion import paper_inversion
from ._poisson import paper_poisson
from ._result import Asked, PaperResult
from ._sdf import paper_sdf
from ._video import paper_video
from ._waves import paper_helmholtz, paper_wave

EXPERIMENTS: Final[dict[str, Callable[[Path, Asked], PaperResult]]] = {
    "image": paper_image,
    "activations": paper_activations,
    "audio": paper_audio,
    "video": paper_video,
    "sdf": paper_sdf,
    "poisson-gradient": lambda figure, asked: paper_poisson(figure, "gradient", asked),
    "poisson-laplacian": lambda figure, asked: paper_poisson(figure, "laplacian", asked),
    "composite": paper_composite,
    "inpainting": paper_inpainting,
    "helmholtz": paper_helmholtz,
    "wave": paper_wave,
    "inversion": paper_inversion,
}
"""Draws the figure of an experiment, and returns our number and the paper's."""
