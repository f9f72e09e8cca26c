"""`ligeia mesh`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ligeia.core import check_readable, check_writable

from ._console import Device, Json, NoSeed, Output, Quiet, emit, say
from ._progress import watched_layers


def mesh(
    source: Annotated[
        Path, typer.Argument(metavar="F.lig", help="A field of signed distance, a volume's or a scene's.")
    ],
    output: Output,
    resolution: Annotated[int, typer.Option(metavar="N", help="Cells along the domain, 2 to 2048.")] = 256,
    level: Annotated[
        float | None, typer.Option(metavar="D", help="Distance from the surface; a volume's value, a scene's density.")
    ] = None,
    color: Annotated[
        str | None, typer.Option(metavar="C", help="Color vertices by curvature: mean or gaussian.")
    ] = None,
    seed: NoSeed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the surface of a field as a mesh.

    Only cells that the surface can cross are evaluated. Vertices are moved onto the surface; normals are the field's
    gradient. The ending chooses the format: .ply, .obj, .stl, .off, .glb or .npz. Coordinates are the original's.

    Example: ligeia mesh bunny.lig -o bunny.ply --resolution 512
    """
    check_readable(source)
    check_writable(output)
    from ligeia import core, files
    from ligeia.field import load
    from ligeia.formats import check_surface_output

    check_surface_output(output)
    field = load(source).to(core.checked_device(device))
    with watched_layers(quiet=quiet) as progress:
        found = files.mesh(
            field,
            output,
            resolution=resolution,
            level=level,
            color=color,  # type: ignore[arg-type]
            progress=progress,
        )
    if found.cuts_domain:
        say(f"ligeia: {source}: the surface reaches the edge of the domain and is open there.", quiet=quiet)
    result: dict[str, Any] = asdict(found) | {
        "components": len(found.components),
        "component_areas": list(found.components[:10]),
        "resolution": resolution,
        "bytes": output.stat().st_size,
        "output": str(output),
    }
    parts = f"{len(found.components)} component{'' if len(found.components) == 1 else 's'}"
    saved = found.dense_evaluations / found.evaluations
    summary = (
        f"{output}: {found.vertices:,} vertices, {found.faces:,} triangles, "
        f"{'watertight' if found.watertight else 'not watertight'}, {parts}, in {found.seconds:.1f} s\n"
        f"area {found.area:.6g}, volume {found.volume:.6g}; {found.evaluations:,} evaluations, "
        f"{saved:.1f} times fewer than the whole grid"
    )
    emit(result, summary, as_json=as_json, quiet=quiet)
