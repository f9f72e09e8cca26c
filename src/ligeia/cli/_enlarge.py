"""`ligeia enlarge`."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ligeia.core import InputError

from ._console import Json, NoDevice, Output, Quiet, Seed, emit
from ._parsing import check_paths, parse_scale
from ._progress import watched_tiles

if TYPE_CHECKING:
    from ligeia.enlargement import Pose
    from ligeia.signals import Signal

_PROFILES = ("box", "gaussian")
_KINDS = {"volumes": "volumes (--isotropic)", "exposures": "several exposures", "picture": "a single picture"}
_NEAR = 0.6  # gray levels: half of one, and the rounding error
_FWHM = math.sqrt(8 * math.log(2))  # of a Gaussian, in standard deviations


def enlarge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="A picture; several of one scene; a video; volumes.")
    ],
    output: Output,
    scale: Annotated[str | None, typer.Option(metavar="S|WxH", help="Factor (2, 1.7), or width x height.")] = None,
    downscaled_by: Annotated[
        str, typer.Option(metavar="K", help="How it was downsampled: box, bicubic, or unknown (as box).")
    ] = "unknown",
    poses: Annotated[
        Path | None, typer.Option(metavar="P.csv", help="Known rows, columns and degrees of each exposure.")
    ] = None,
    moving: Annotated[bool, typer.Option("--moving", help="Ignore what moves between exposures.")] = False,
    frame: Annotated[int | None, typer.Option(metavar="N", help="Video: the frame to enlarge, from 0.")] = None,
    neighbors: Annotated[int, typer.Option(metavar="N", help="Video: frames before and after it to use.")] = 3,
    isotropic: Annotated[bool, typer.Option("--isotropic", help="Volumes of thick slices to cubic voxels.")] = False,
    slice_profile: Annotated[str, typer.Option(metavar="P", help="Volumes: box or gaussian.")] = "box",
    inexact: Annotated[bool, typer.Option("--inexact", help="Noisy volumes: approximate their voxels.")] = False,
    seed: Seed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Enlarge a picture, or slices to a volume.

    Each pixel is taken for the mean over an area. Nothing is learned from other pictures. Several exposures of a
    scene, or frames of a video, give one sharper picture. Stacks of thick slices, one or several orthogonal ones,
    give a volume of cubic voxels.

    Example: ligeia enlarge photo.png -o large.png --scale 2
    """
    check_paths(output, sources)
    kind = "volumes" if isotropic else "exposures" if len(sources) > 1 or frame is not None else "picture"
    given = {
        "--scale": ("volumes", scale is not None),
        "--downscaled-by": ("volumes exposures", downscaled_by != "unknown"),
        "--poses": ("volumes picture", poses is not None),
        "--moving": ("volumes picture", moving),
        "--frame": ("volumes", frame is not None),
        "--slice-profile": ("exposures picture", slice_profile != "box"),
        "--inexact": ("exposures picture", inexact),
    }
    for name, (meaningless, is_given) in given.items():
        if is_given and kind in meaningless.split():
            raise InputError(f"{name} does not apply to {_KINDS[kind]}; leave it out.")
    began = time.perf_counter()
    if isotropic:
        found = _isotropic(sources, output, slice_profile, seed, exact=not inexact, quiet=quiet)
    else:
        if scale is None:
            raise InputError("expected the scale: --scale 2 or --scale 1920x1080; volumes take --isotropic.")
        factor, shape = parse_scale(scale)
        size = {"scale": factor, "shape": shape}
        if len(sources) > 1 or frame is not None:
            found = _fused(sources, output, size, poses, (frame, neighbors), moving=moving, seed=seed, quiet=quiet)
        else:
            found = _enlarged(sources[0], output, size, downscaled_by, seed, quiet=quiet)
    took = time.perf_counter() - began
    size_text = " x ".join(map(str, found["shape"]))
    summary = f"{output}: {size_text} samples in {took:.1f} s"
    if "consistency" in found:
        summary += f"\ndownsampled again: within {found['consistency']:.2g} gray levels"
        if found["consistency"] > _NEAR:
            summary += (
                " (at this scale new pixels overlap several old ones, and no picture within the range fits better)"
            )
    for number, pose in enumerate(found.get("poses", [])):
        summary += "\nexposure {}: {:+.3f} rows, {:+.3f} columns, {:+.3f} degrees".format(number, *pose)
    emit(found | {"seconds": took, "output": str(output), "seed": seed}, summary, as_json=as_json, quiet=quiet)


def _enlarged(
    source: Path, output: Path, size: dict[str, Any], downscaled_by: str, seed: int, *, quiet: bool
) -> dict[str, Any]:
    from ligeia import enlargement, recipes

    if downscaled_by not in enlargement.KERNELS:
        names = ", ".join(enlargement.KERNELS)
        raise InputError(f"--downscaled-by must be one of {names}, got {downscaled_by!r}.")
    signal = recipes.to_signal(source, working_set=1 << 62)
    enlargement.check_enlarged_output(signal, output)
    with watched_tiles(quiet=quiet) as on_tile:
        enlarged = enlargement.enlarge(
            signal, **size, downscaled_by=enlargement.KERNELS[downscaled_by], seed=seed, on_tile=on_tile
        )
    enlargement.write_enlarged(output, enlarged.values, enlarged.channels, enlarged.source)
    return {"shape": enlarged.shape, "consistency": enlarged.consistency, "downscaled_by": downscaled_by}


def _fused(
    sources: list[Path],
    output: Path,
    size: dict[str, Any],
    poses: Path | None,
    clip: tuple[int | None, int],
    *,
    moving: bool,
    seed: int,
    quiet: bool,
) -> dict[str, Any]:
    from ligeia import enlargement, recipes
    from ligeia.signals import ArraySource, ImageSource

    frames, reference = [recipes.to_signal(source) for source in sources], 0
    number, neighbors = clip
    if number is not None:
        if len(frames) > 1:
            raise InputError(f"expected one video with --frame, got {len(frames)} files.")
        frames, reference = enlargement.clip_around(frames[0], number, neighbors=neighbors)
    enlargement.check_enlarged_output(frames[0], output)
    with watched_tiles(quiet=quiet) as on_tile:
        fused = enlargement.super_resolve(
            frames,
            **size,
            poses=None if poses is None else _read_poses(poses),
            reference=reference,
            moving=moving,
            seed=seed,
            on_tile=on_tile,
        )
    source = frames[reference].source
    assert isinstance(source, ArraySource | ImageSource)
    enlargement.write_enlarged(output, fused.values, frames[reference].channels, source)
    found = [(pose.row, pose.column, math.degrees(pose.angle)) for pose in fused.poses]
    return {"shape": fused.values.shape[:-1], "poses": found, "shares": fused.shares}


def _read_poses(path: Path) -> "list[Pose]":
    from ligeia import enlargement
    from ligeia.formats import read_columns

    columns = [column.numbers for column in read_columns(path, ["row", "column", "degrees"])]
    return [
        enlargement.Pose(float(row), float(column), math.radians(float(angle)))
        for row, column, angle in zip(*columns, strict=True)
    ]


def _isotropic(
    sources: list[Path], output: Path, profile: str, seed: int, *, exact: bool, quiet: bool
) -> dict[str, Any]:
    from ligeia import enlargement, recipes
    from ligeia.formats import is_volume_output
    from ligeia.signals import Box, Gaussian

    if not is_volume_output(output) and output.suffix.lower() != ".npy":
        raise InputError(f"{output}: expected a volume's ending, .nii, .nii.gz or .npy; rename the output.")

    if profile not in _PROFILES:
        raise InputError(f"--slice-profile must be one of {', '.join(_PROFILES)}, got {profile!r}.")
    stacks: list[Signal] = [recipes.to_signal(source, working_set=1 << 62) for source in sources]
    footprint = Box() if profile == "box" else Gaussian(1 / _FWHM)
    with watched_tiles(quiet=quiet) as on_tile:
        volume = enlargement.isotropic(stacks, profile=footprint, exact=exact, seed=seed, on_tile=on_tile)
    enlargement.write_isotropic(output, volume)
    return {"shape": volume.values.shape[:-1], "spacing_mm": volume.spacing_mm}
