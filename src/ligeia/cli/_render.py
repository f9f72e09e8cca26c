"""`ligeia render`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ligeia.core import InputError, check_readable, check_writable

from ._console import AllowLarge, Crf, Device, Json, NoSeed, Numpy, Output, Quiet, emit
from ._parsing import parse_region, parse_shape, parse_tuple
from ._render_scene import SceneView, render_scene

_QUANTITIES = ("value", "gradient", "laplacian")
_LOOKS = {"value": "shaded", "depth": "depth", "normal": "normal"}
_PREVIEW_SCALE = 0.25


def render(
    source: Annotated[Path, typer.Argument(metavar="F.lig", help="A fitted field.")],
    output: Output,
    shape: Annotated[str | None, typer.Option(metavar="RxC", help="Rows x columns, such as 1024x1536.")] = None,
    scale: Annotated[float | None, typer.Option(metavar="S", help="Factor on the original size.")] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="r0:r1,c0:c1", help="Part, in samples, or as z=-40:60,y=12.5 in physical units."),
    ] = None,
    quantity: Annotated[
        str, typer.Option(help="value, gradient (magnitude), laplacian; or depth, normal, alpha.")
    ] = "value",
    camera: Annotated[
        str | None,
        typer.Option(metavar="A,E", help="View from A degrees right, E above; of a scene: view:12, orbit, path.json."),
    ] = None,
    rays: Annotated[int, typer.Option(metavar="N", help="Scene: rays of a pixel, 1, 4, 9 or 16.")] = 4,
    frames: Annotated[int | None, typer.Option(metavar="N", help="Scene: views of an orbit, usually 120.")] = None,
    background: Annotated[
        str | None, typer.Option(metavar="C", help="Scene: white, black, R,G,B; none is transparent.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Compressed picture: only coarse levels, a quarter as wide.")
    ] = False,
    crf: Crf = None,
    numpy: Numpy = False,
    allow_large: AllowLarge = False,
    seed: NoSeed = 0,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Sample a field at any resolution into a file.

    The output's ending chooses between a picture and an .npy file.

    Example: ligeia render photo.lig -o large.png --scale 4 --region 100:200,150:300

    Example: ligeia render bunny.lig -o view.png --camera 30,20

    Example: ligeia render scene.lig -o turn.mp4 --camera orbit
    """
    sizes, part = parse_shape(shape), parse_region(region)
    check_readable(source)
    check_writable(output)
    if camera is None and (quantity not in _QUANTITIES or rays != 4 or frames is not None or background is not None):
        if quantity not in _QUANTITIES:
            raise InputError(f"--quantity must be one of {', '.join(_QUANTITIES)} without --camera, got {quantity!r}.")
        raise InputError("--rays, --frames and --background go with --camera; add it, or leave them out.")
    from ligeia import files

    began = time.perf_counter()
    if camera is not None:
        if part is not None or numpy or preview:
            raise InputError("a region, --numpy and --preview do not go with --camera; leave them out.")
        asked = SceneView(
            camera=camera,
            shape=sizes,
            scale=scale,
            quantity=quantity,
            rays=rays,
            frames=frames,
            background=background,
            crf=crf,
        )
        rendered = _seen(source, output, asked, device, quiet=quiet)
    else:
        field = files.open_field(source, device=device, use_numpy=numpy, preview=preview)
        if preview and sizes is None and scale is None:
            scale = _PREVIEW_SCALE
        rendered = files.render(
            field,
            output,
            shape=sizes,
            scale=scale,
            region=part,
            quantity=quantity,  # type: ignore[arg-type]
            crf=crf,
            allow_large=allow_large,
        )
    took = time.perf_counter() - began
    size = " x ".join(map(str, rendered))
    summary = f"{output}: {size} samples in {took:.1f} s"
    emit({"shape": rendered, "seconds": took, "output": str(output)}, summary, as_json=as_json, quiet=quiet)


def _seen(source: Path, output: Path, asked: SceneView, device: str, *, quiet: bool) -> tuple[int, ...]:
    """Write a camera's view of a scene, or of the surface of a field."""
    from ligeia import core, files
    from ligeia.field import load
    from ligeia.signals import SceneSource

    field = load(source).to(core.checked_device(device))
    if isinstance(field.source, SceneSource):
        return render_scene(field, output, asked, quiet=quiet)
    if asked != SceneView(camera=asked.camera, shape=asked.shape, quantity=asked.quantity):
        raise InputError("--camera goes with --shape and --quantity only for a surface; leave the other options out.")
    if asked.quantity not in _LOOKS:
        raise InputError(f"--quantity must be one of {', '.join(_LOOKS)} for a surface, got {asked.quantity!r}.")
    azimuth, elevation = parse_tuple(asked.camera, 2, "--camera 30,20")
    sizes = asked.shape
    if sizes is not None and len(sizes) != 2:
        raise InputError(f"--shape must be rows x columns with --camera, as 600x800, got {len(sizes)} sizes.")
    return files.render_surface(
        field,
        output,
        (azimuth, elevation),
        None if sizes is None else (sizes[0], sizes[1]),
        look=_LOOKS[asked.quantity],  # type: ignore[arg-type]
    )
