"""`ligeia compare`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import check_readable

from ._console import Json, NoDevice, NoSeed, Quiet, decibels, emit


def compare(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="The truth: a file or a field.")],
    candidate: Annotated[Path, typer.Argument(metavar="CANDIDATE", help="What is measured: a file or a field.")],
    seed: NoSeed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a file or a field against another.

    Prints PSNR, SSIM and mean squared error. The reference's range is the peak. A field is sampled as the other
    file is.

    Example: ligeia compare photo.png photo.lig
    """
    check_readable(reference)
    check_readable(candidate)
    from ligeia import recipes

    found = recipes.compare(reference, candidate)
    result = {"psnr_db": found.psnr_db, "ssim": found.ssim, "mse": found.mse, "shape": found.shape}
    similarity = "" if found.ssim is None else f", SSIM {found.ssim:.4f}"
    summary = f"{decibels(found.psnr_db)}{similarity}, mean squared error {found.mse:.4g}"
    emit(result, summary, as_json=as_json, quiet=quiet)
