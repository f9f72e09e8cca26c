"""`ligeia compare`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ligeia.core import check_readable

from ._console import Json, NoDevice, NoSeed, Quiet, decibels, emit
from ._fit_scene import describe_views, quality_of_all
from ._fit_surface import describe_quality


def compare(
    reference: Annotated[Path, typer.Argument(metavar="REFERENCE", help="The original: a file or a field.")],
    candidate: Annotated[Path, typer.Argument(metavar="CANDIDATE", help="The copy to measure: a file or a field.")],
    seed: NoSeed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure how well one file or field matches another.

    Prints PSNR and SSIM, or the SNR of a sound, and the mean squared error. The reference's range is the peak. A
    field is sampled as the other file is, or at the places of a table.

    For photographs with known cameras and a scene, prints means over the views, and the worst.

    For surfaces, prints distances between 100,000 samples, in % of the reference's diagonal.

    Example: ligeia compare photo.png photo.lig
    """
    from ligeia.formats import holds_scene, is_surface

    is_scene = holds_scene(reference)
    for path in (candidate,) if is_scene else (reference, candidate):
        check_readable(path)
    from ligeia import files

    if is_scene:
        qualities, background = files.compare_scene(reference, candidate)
        measured = quality_of_all(qualities) | {"background": list(background)}
        emit(measured, f"{len(qualities)} views: {describe_views(qualities)}", as_json=as_json, quiet=quiet)
        return
    both = (reference, candidate)
    if any(map(is_surface, both)) or all(map(files.is_surface_field, both)):
        quality = files.compare_surfaces(reference, candidate)
        emit(quality.to_plain(), describe_quality(quality), as_json=as_json, quiet=quiet)
        return
    found = files.compare(reference, candidate)
    result: dict[str, Any] = {"psnr_db": found.psnr_db, "ssim": found.ssim, "mse": found.mse, "shape": found.shape}
    if found.snr_db is not None:
        result["snr_db"] = found.snr_db
    if found.relative_l2 is not None:
        result["relative_l2"] = found.relative_l2
    similarity = "" if found.ssim is None else f", SSIM {found.ssim:.4f}"
    quality = decibels(found.psnr_db) if found.snr_db is None else f"SNR {decibels(found.snr_db)}"
    similarity += "" if found.relative_l2 is None else f", relative L2 {found.relative_l2:.4g}"
    summary = f"{quality}{similarity}, mean squared error {found.mse:.4g}"
    emit(result, summary, as_json=as_json, quiet=quiet)
