"""`ligeia demo`."""

from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import OutputError

from ._console import Device, Json, Quiet, Seed, decibels, emit, say
from ._progress import watched_fit
from ._summaries import summarize


def demo(
    folder: Annotated[Path, typer.Option("-o", "--output", help="Folder for the pictures.")] = Path("ligeia-demo"),
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit a built-in photograph and draw the result.

    Example: ligeia demo
    """
    from ligeia import core, experiments, files, recipes, reports
    from ligeia.field import save

    core.checked_device(device)  # before the folder is created
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot create this folder ({error.strerror}); choose another with -o.") from error
    signal = experiments.camera(size=256, align="centers")
    say("fitting a 256 x 256 photograph ...", quiet=quiet)
    with watched_fit(quiet=quiet, checkpoint=None) as callback:
        field = recipes.fit(signal, stop=experiments.demo_stop(), seed=seed, device=device, callbacks=[callback])
    output = folder / "camera.lig"
    size = save(field, output)
    say("drawing ...", quiet=quiet)
    files.decode(field, folder / "reconstructed.png")
    files.render(field, folder / "enlarged-4x.png", scale=4)
    files.render(field, folder / "gradient.png", quantity="gradient")
    files.render(field, folder / "laplacian.png", quantity="laplacian")
    reports.draw_report(field, signal, folder / "report.png")
    result = summarize(field, output, size)
    result["pictures"] = str(folder.resolve())
    summary = (
        f"{decibels(result['psnr_db'])} after {result['seconds']:.1f} s: the photograph is now a function of "
        f"{result['parameters']:,} weights.\n"
        f"Pictures: {folder.resolve()} (look at report.png first)\n"
        f"Next: ligeia fit YOUR.png -o your.lig --report your-report.png"
    )
    emit(result, summary, as_json=as_json, quiet=quiet)
