"""`ligeia compress`."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ligeia.codec import is_field_file
from ligeia.core import InputError, check_readable, check_writable

from ._checkpoints import discard, keeping, open_checkpoint
from ._compress_scene import compress_scene
from ._console import Json, NoDevice, Output, Quiet, Seed, check_field_output, decibels, emit
from ._parsing import parse_frames, parse_names
from ._progress import watched_fit

if TYPE_CHECKING:
    from ligeia.compression import Compressed
    from ligeia.fitting import Step

_WANTED = ("--bpp", "--bytes", "--psnr", "--snr", "--lossless")


def compress(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="An image, sound, video, volume or array.")],
    output: Output,
    bpp: Annotated[
        float | None, typer.Option(metavar="R", help="Bits per pixel, or per sample of other signals.")
    ] = None,
    most_bytes: Annotated[int | None, typer.Option("--bytes", metavar="N", help="Size of the file.")] = None,
    psnr: Annotated[float | None, typer.Option(metavar="DB", help="Quality to reach.")] = None,
    snr: Annotated[float | None, typer.Option(metavar="DB", help="Quality to reach (sound).")] = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="Restore integer samples bit for bit.")] = False,
    effort: Annotated[int, typer.Option(min=1, max=9, help="How long to work: each step doubles it.")] = 5,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="With a size: stop early if it would take longer.")
    ] = None,
    variable: Annotated[str | None, typer.Option(metavar="NAME", help="One of several arrays in a file.")] = None,
    frames: Annotated[str | None, typer.Option(metavar="A:B", help="Part of a video, such as 0:60.")] = None,
    channels: Annotated[
        bool | None, typer.Option("--channels/--no-channels", help="Whether an array's last axis holds channels.")
    ] = None,
    periodic: Annotated[str | None, typer.Option(metavar="AXIS", help="Axes whose ends meet, such as lon.")] = None,
    network: Annotated[
        str | None, typer.Option(metavar="NAME", help="As in `fit`; default: grids for pictures, else siren.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="With a size: continue a stopped run.")] = False,
    seed: Seed = 0,
    device: NoDevice = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compress a signal to a size or a quality.

    A size is never exceeded. A picture becomes latent grids, anything else a network with integer weights,
    entropy-coded. `ligeia decode` restores the signal; render and enlarge accept it like any other field. The
    reported quality is that of the decoded file. The file of a scene is made smaller without any of these options.

    Example: ligeia compress photo.png -o photo.lig --bpp 0.3
    """
    check_field_output(output)
    wanted = (bpp, most_bytes, psnr, snr, lossless or None)
    if is_field_file(source) and not any(each is not None for each in wanted):
        compress_scene(source, output, seed=seed, as_json=as_json, quiet=quiet)
        return
    _check_wanted(wanted)
    is_of_size = bpp is not None or most_bytes is not None
    if resume and not is_of_size:
        raise InputError(
            "expected a size with --resume: a fit to a quality, or a lossless one, cannot be resumed; leave it out."
        )
    check_readable(source)
    check_writable(output)
    from ligeia import compression, recipes
    from ligeia.signals import SoundSource

    request = compression.CompressRequest(
        bits_per_sample=bpp,
        most_bytes=most_bytes,
        psnr_db=psnr,
        snr_db=snr,
        lossless=lossless,
        effort=effort,
        seconds=seconds,
        network=None if network is None else recipes.network_named(network),
        seed=seed,
    )
    part, around = parse_frames(frames), parse_names(periodic)
    signal = recipes.to_signal(source, channels=channels, variable=variable, frames=part, periodic=around)
    checkpoint = open_checkpoint(output, resume=resume, quiet=quiet) if is_of_size else None
    began = time.perf_counter()
    is_sound = isinstance(signal.source, SoundSource)
    offset_db = signal.snr_offset_db() if is_sound else 0.0
    watched = watched_fit(quiet=quiet, checkpoint=checkpoint, offset_db=offset_db, remark=_bytes_now)
    with keeping(checkpoint), watched as callback:
        made = compression.compress(signal, output, request, callbacks=[callback], checkpoint=checkpoint)
    discard(checkpoint, quiet=quiet)
    result = {
        "bytes": made.num_bytes,
        "bpp": made.bits_per_sample,
        "psnr_db": made.psnr_db,
        **({"snr_db": made.report.snr_db} if is_sound else {}),
        "seconds": time.perf_counter() - began,
        "passes": made.report.passes,
        "parameters": made.report.parameters,
        "network": "grid" if made.record.latents else made.record.network.architecture.name,
        "output": str(output),
        "effort": effort,
        "seed": seed,
    }
    unit = "bits per pixel" if signal.grid.num_axes == 2 else "bits per sample"
    emit(result, _summary(result, source, made, unit), as_json=as_json, quiet=quiet)


def _check_wanted(values: Sequence[float | None]) -> None:
    given = [name for name, value in zip(_WANTED, values, strict=True) if value is not None]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        raise InputError(f"expected one of {', '.join(_WANTED[:-1])} and {_WANTED[-1]}, got {got}.")


def _summary(result: dict[str, Any], source: Path, made: "Compressed", unit: str) -> str:
    report = made.report
    quality = decibels(made.psnr_db) if report.snr_db is None else f"SNR {decibels(report.snr_db)}"
    size = f"{made.num_bytes:,} bytes, {made.bits_per_sample:.4g} {unit}"
    lines = [
        f"{result['output']}: {size}, {quality} in {result['seconds']:.1f} s",
        f"{report.parameters:,} weights",
    ]
    if report.learned_nothing:
        lines.append("warning: no better than a constant; allow more bytes or effort")
    if source.is_file() and made.num_bytes >= (size_before := source.stat().st_size):
        lines.append(f"{source} itself has {size_before:,} bytes")
    return "\n".join(lines)


def _bytes_now(step: "Step") -> str:
    from ligeia.compression import CodedState, LatentTrainer
    from ligeia.fitting import State

    state = step.state
    if isinstance(state, LatentTrainer):
        return f"{state.estimated_bytes:,} bytes"
    if isinstance(state, State) and isinstance(state.optimizer_state, CodedState):
        return f"{state.optimizer_state.estimated_bytes:,} bytes"
    return ""
