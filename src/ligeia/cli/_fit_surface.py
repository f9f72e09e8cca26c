"""`ligeia fit` of a mesh or a cloud of points."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ligeia.core import InputError

from ._console import discard, emit, keeping, open_checkpoint, parse_numbers, say, watched_fit
from ._summaries import describe, stop_of, summarize

if TYPE_CHECKING:
    from ligeia.recipes import SurfaceObjective
    from ligeia.shapes import SurfaceQuality

_OBJECTIVES = ("distance", "eikonal")
_NOT_MEANT = {
    "snr": "--snr",
    "most_bytes": "--bytes",
    "frames": "--frames",
    "channels": "--channels",
    "periodic": "--periodic",
    "values": "--values",
    "box": "--box",
    "mask": "--mask",
    "prior": "--prior",
    "footprint": "--footprint",
}


def surface_objective(objective: str | None, recipe: str) -> "SurfaceObjective | None":
    """Return what a surface is fitted by; the recipe ``paper`` is the paper's eikonal losses."""
    if objective not in (None, *_OBJECTIVES):
        raise InputError(f"--objective must be one of {', '.join(_OBJECTIVES)}, got {objective!r}.")
    if recipe not in ("fast", "paper"):
        raise InputError(f"--recipe must be fast or paper, got {recipe!r}.")
    if recipe == "paper":
        if objective == "distance":
            raise InputError("--recipe paper is the paper's eikonal losses; leave --objective distance out.")
        return "paper"
    return objective  # type: ignore[return-value]


def fit_surface(
    *,
    source: Path,
    output: Path,
    objective: str | None,
    recipe: str,
    psnr: float | None,
    seconds: float | None,
    passes: float | None,
    hold_out: float | None,
    network: str,
    hidden_features: int | None,
    hidden_layers: int | None,
    omega: float | None,
    first_omega: str | None,
    report: Path | None,
    resume: bool,
    seed: int,
    device: str,
    as_json: bool,
    quiet: bool,
    **others: Any,
) -> None:
    """Fit a surface, write its field, mesh it, and print how near the mesh comes to it.

    ``others`` are options that cannot be said of a surface: `InputError` unless they are as they are by default.
    """
    held_to = surface_objective(objective, recipe)
    not_meant = [name for key, name in _NOT_MEANT.items() if others[key] not in (None, "point")]
    if not_meant:
        raise InputError(f"{source}: {', '.join(not_meant)} cannot be said of a surface; leave it out.")
    from ligeia import codec, recipes
    from ligeia.kernels import current_path

    architecture = recipes.network_named(
        network, hidden_features=hidden_features, hidden_layers=hidden_layers, omega=omega
    )
    if report is not None:
        recipes.check_figure(report)
    shape = recipes.read_shape(source, hold_out=0.1 if hold_out is None else hold_out, seed=seed)
    if hold_out is not None and not shape.surface.is_cloud:
        raise InputError(f"{source}: points are held out of a cloud, this is a mesh; leave --hold-out out.")
    for remark in shape.remarks:
        say(f"ligeia: {source}: {remark}", quiet=quiet)
    checkpoint = open_checkpoint(output, resume=resume, quiet=quiet)
    with keeping(checkpoint), watched_fit(quiet=quiet, checkpoint=checkpoint) as callback:
        fitted = recipes.fit_surface(
            shape,
            objective=held_to,
            stop=stop_of(psnr, None, seconds, passes),
            network=architecture,
            hidden_features=hidden_features,
            hidden_layers=3 if hidden_layers is None else hidden_layers,
            omega_0=30.0 if omega is None else omega,
            first_omega=recipes.single_omega(None if first_omega is None else parse_numbers(first_omega)),
            seed=seed,
            device=device,
            callbacks=[callback],
            checkpoint=checkpoint,
        )
    result = summarize(fitted.field, output, codec.save(fitted.field, output)) | {
        "objective": fitted.objective,
        "network": network,
        "hidden_features": fitted.field.network.config.num_features,
        "device": str(next(fitted.field.parameters()).device),
        "kernel": current_path(),
        "remarks": list(shape.remarks),
    }
    discard(checkpoint, quiet=quiet)
    summary = describe(result, fitted.field, psnr=psnr)
    try:
        quality = recipes.quality_of_surface(fitted)
    except InputError as error:
        say(f"ligeia: {output}: the field was written, but has no surface to measure: {error}", quiet=quiet)
    else:
        result |= quality.to_plain()
        summary += f"\n{describe_quality(quality)}"
    if report is not None:
        recipes.draw_surface_report(fitted, report)
    emit(result, summary, as_json=as_json, quiet=quiet)


def describe_quality(quality: "SurfaceQuality") -> str:
    """Return the lines that people read of a mesh beside a surface."""
    distance = quality.distance
    floor = "" if quality.floor is None else f" (two samplings of the original: {quality.floor:.3f} %)"
    normals = "" if distance.normal_consistency is None else f", normals {distance.normal_consistency:.4f}"
    overlap = "" if quality.iou is None else f", IoU {quality.iou:.4f}"
    parts = f"{quality.components} component{'' if quality.components == 1 else 's'}"
    specks = f" and {quality.specks} of less than 1 % of the area" if quality.specks else ""
    return (
        f"Chamfer {distance.chamfer:.3f} % of the diagonal{floor}, to the triangles {quality.exact:.3f} %, "
        f"Hausdorff 95 % {distance.hausdorff_95:.3f} %{normals}{overlap}\n"
        f"surface: {'watertight' if quality.watertight else 'not watertight'}, {parts}{specks}"
    )
