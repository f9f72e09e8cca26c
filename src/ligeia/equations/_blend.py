"""`blend`: part of one picture seamlessly into another, by a field for the difference (Perez et al. 2003)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
import torch
from jaxtyping import Float

from ligeia import fitting
from ligeia.core import InputError, checked_device, random_stream
from ligeia.field import Field
from ligeia.fitting import Callback, LRSchedule, Recipe, Stop
from ligeia.networks import SirenArchitecture
from ligeia.physics import Blending, Constraints
from ligeia.recipes import bright, muon, to_signal
from ligeia.signals import ArraySource, Blocks, Channel, ImageSource, Signal

_BATCH = 2048
_STEPS = 1000
_NARROW, _WIDE, _WIDE_FROM = 128, 256, 1 << 15  # pixels of the mask
_TURNS_PER_SAMPLE, _LEAST_TURNS = 0.45, 5.0  # radians per unit coordinate of the first layer, over the samples
_COLORS = ("red", "green", "blue")
_GRAYS = ("gray", "value")
Picture: TypeAlias = Path | str | np.ndarray | torch.Tensor | Signal


@final
@dataclass(frozen=True, eq=False, kw_only=True, slots=True)
class Blended:
    """A blended picture, and its errors against the guidance.

    Errors are root mean squares over pairs of neighboring pixels, in the target's units: of the differences minus the
    guidance inside the mask (``gradient_error``), and across its border (``boundary_jump``). Those ``_written`` are of
    the picture after rounding and clipping to the target's range.
    """

    values: Float[np.ndarray, "rows columns c"]
    """In the target's units, not clipped; the target's own outside of the mask."""
    channels: tuple[Channel, ...]
    source: ArraySource | ImageSource
    """The target's source record, without a palette, for a writer of pictures."""
    field: Field
    """The field added inside the mask, over the rows and columns of ``region``."""
    region: tuple[tuple[int, int], tuple[int, int]]
    gradient_error: float
    boundary_jump: float
    gradient_error_written: float
    boundary_jump_written: float
    seconds: float


def blend(
    source: Picture,
    target: Picture,
    mask: Picture,
    *,
    mixed: bool = False,
    stop: Stop | None = None,
    hidden_features: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    callbacks: Sequence[Callback] = (),
) -> Blended:
    """Return the target with the source's gradients where the mask is bright, above half of its largest value.

    With ``mixed`` it is the stronger of both gradients for each pair of pixels. A gray source fits any target;
    integers of other depths are scaled to the target's range. Without ``stop`` the fit takes 1,000 steps of 2,048 pairs
    of pixels; the network is 128 wide, 256 for masks of more than 32,768 pixels. There is no condition at the border of
    the picture.

    >>> source, target = np.eye(12), np.ones((12, 12))
    >>> mask = np.zeros((12, 12), bool)
    >>> mask[3:9, 3:9] = True
    >>> blend(source, target, mask, stop=fitting.passes(3), hidden_features=16).values.shape
    (12, 12, 1)
    """
    began = time.perf_counter()
    given = [_picture(each, name) for each, name in ((source, "source"), (target, "target"), (mask, "mask"))]
    shapes = [each.grid.shape for each in given]
    if len(set(shapes)) > 1:
        sizes = ", ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise InputError(
            f"expected source, target and mask of one size (rows x columns), got {sizes}; cut or pad them to match."
        )
    wanted = given[1]
    values = np.asarray(wanted.values, np.float64)
    problem = Blending(_in_units_of(given[0], wanted), values, bright(given[2]), mixed=mixed)
    field = _fitted(problem, stop, hidden_features, seed, checked_device(device), callbacks)
    picture = problem.picture(field.sample().double().numpy())
    written = picture
    if wanted.values.dtype.kind == "u":
        low, high = ([getattr(each, end) for each in wanted.channels] for end in ("low", "high"))
        written = np.rint(picture).clip(low, high)
    errors, errors_written = problem.errors(picture), problem.errors(written)
    kind = wanted.source
    assert isinstance(kind, ArraySource | ImageSource)
    if isinstance(kind, ImageSource) and kind.palette:
        kind = replace(kind, mode=kind.palette_mode, palette=b"", palette_mode="", bits=8)
    return Blended(
        values=picture,
        channels=wanted.channels,
        source=kind,
        field=field,
        region=problem.region,
        gradient_error=errors[0],
        boundary_jump=errors[1],
        gradient_error_written=errors_written[0],
        boundary_jump_written=errors_written[1],
        seconds=time.perf_counter() - began,
    )


def _fitted(
    problem: Blending,
    stop: Stop | None,
    hidden_features: int | None,
    seed: int,
    device: torch.device,
    callbacks: Sequence[Callback],
) -> Field:
    if hidden_features is None:
        hidden_features = _NARROW if problem.mask.sum() <= _WIDE_FROM else _WIDE
    constraints = problem.constraints()
    num_channels = problem.target.shape[-1]
    turns = [max(_TURNS_PER_SAMPLE * size, _LEAST_TURNS) for size in problem.grid.shape]
    network = SirenArchitecture(hidden_features=hidden_features).build(
        2, num_channels, frequencies=turns, generator=random_stream(seed, "initial weights")
    )
    missing = [np.abs(each.known[-1]).max() for each in constraints]
    reach = float(max(missing)) or 1.0  # nothing is missing where source and target are alike
    channels = [Channel(name=f"change{each}", low=-reach, high=reach) for each in range(num_channels)]
    field = Field(network, problem.grid, channels).to(device)
    scale = sum(each.weight * float(np.square(each.known[-1]).mean()) for each in constraints)
    objective = Constraints(constraints, scale=scale or 1.0)
    recipe = Recipe(
        name="blend",
        optimizer=muon(hidden_features),
        batch_size=_BATCH,
        schedule=LRSchedule(),
    )
    stop = fitting.passes(_STEPS * _BATCH / objective.num_points) if stop is None else stop
    field.report = fitting.fit(field, objective, recipe, stop, seed=seed, callbacks=callbacks)
    return field


def _picture(given: Picture, name: str) -> Signal:
    signal = to_signal(given, working_set=1 << 62)
    label = f"{given}, the {name}" if isinstance(given, str | Path) else f"the {name}"
    kind = type(signal.source).__name__.removesuffix("Source").lower()
    if not isinstance(signal.source, ArraySource | ImageSource) or signal.grid.num_axes != 2:
        raise InputError(f"{label}: expected a picture, got a signal of kind {kind} with {signal.grid.num_axes} axes.")
    if signal.missing is not None or isinstance(signal.values, Blocks):
        raise InputError(
            f"{label}: expected samples in memory that all have a value; load them, and fill in what is missing."
        )
    if name != "mask":
        _check_samples(signal, label)
    return signal


def _check_samples(signal: Signal, label: str) -> None:
    names, kind = tuple(channel.name for channel in signal.channels), signal.source
    if names != _COLORS and not (len(names) == 1 and names[0] in _GRAYS):
        raise InputError(
            f"{label}: expected a gray or RGB picture without alpha, its channels are {', '.join(names)}; convert it."
        )
    if isinstance(kind, ImageSource) and not kind.palette and kind.bits < 8:
        raise InputError(f"{label}: expected 8 bits per sample or more, got {kind.bits}: too few shades; convert it.")


def _in_units_of(source: Signal, target: Signal) -> Float[np.ndarray, "rows columns c"]:
    """Return the samples of a source in the target's format."""
    values = np.asarray(source.values, np.float64)
    if source.num_channels > target.num_channels:
        raise InputError(
            f"expected a source of {target.num_channels} channel for a gray target, got {source.num_channels}; "
            "convert one of them."
        )
    kinds = [each.values.dtype.kind for each in (source, target)]
    if kinds == ["u", "u"]:
        if source.held_range is not None and target.held_range is not None:
            values = values * (target.held_range[1] / source.held_range[1])
    elif "u" in kinds:
        raise InputError(
            f"expected a source and a target of integers, or neither, got {source.values.dtype} and "
            f"{target.values.dtype}; convert one of them."
        )
    return np.repeat(values, target.num_channels, axis=-1) if source.num_channels == 1 else values
