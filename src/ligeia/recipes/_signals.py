"""Whatever is given as a signal, read and aligned, with what its samples are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ligeia.core import InputError
from ligeia.formats import PointColumns, read_signal
from ligeia.signals import POINT, Alignment, Bicubic, Box, Footprint, MissingValue, Signal, declare_periodic, from_array

from ._request import WORKING_SET, FootprintName, SignalLike

_FOOTPRINTS: Final[dict[FootprintName, Footprint]] = {"point": POINT, "box": Box(), "bicubic": Bicubic()}


def to_signal(
    source: SignalLike,
    *,
    align: Alignment = "centers",
    variable: str | None = None,
    frames: tuple[int, int] | None = None,
    periodic: Sequence[str] = (),
    columns: PointColumns | None = None,
    channels: bool | None = None,
    missing: MissingValue = None,
    working_set: int = WORKING_SET,
) -> Signal:
    """Return the signal of a file, an array or a tensor; a Signal as it is.

    ``align`` says where the samples lie, ``variable`` names one of several arrays in a file, ``frames`` the first and
    the last (exclusive) frame of a video, ``periodic`` axes whose ends are the same place, ``columns`` those of
    scattered samples, ``channels`` whether the last axis of an array holds channels, ``missing`` what is missing.
    Memory maps, ``.npy`` files, zarr
    arrays and videos of more than ``working_set`` bytes stay on disk: a fit holds so many bytes of their samples at a
    time, and sees them group by group (design/bigger-than-memory.md).
    """
    if isinstance(source, Signal):
        signal = source
    elif isinstance(source, (torch.Tensor, np.ndarray)):
        signal = from_array(_as_numpy(source), channels=channels, align=align, working_set=working_set, missing=missing)
    elif isinstance(source, (str, Path)):
        signal = read_signal(
            Path(source),
            variable=variable,
            frames=frames,
            columns=columns,
            channels=channels,
            missing=missing,
            align=align,
            working_set=working_set,
        )
    else:
        raise InputError(f"expected a path, an array, a tensor or a Signal, got {type(source).__name__}.")
    return declare_periodic(signal, periodic) if periodic else signal


def with_footprint(signal: Signal, name: FootprintName) -> Signal:
    """Return a signal whose samples are values at points, means over their cells or bicubic means, along every axis."""
    if name not in _FOOTPRINTS:
        raise InputError(f"expected a footprint of {', '.join(_FOOTPRINTS)}, got {name!r}.")
    if name == "point":
        return signal
    if signal.points is not None:
        raise InputError(f"scattered samples are values at points; the footprint {name} is for samples on a grid.")
    return replace(signal, grid=signal.grid.with_footprints([_FOOTPRINTS[name]]))


def _as_numpy(array: torch.Tensor | np.ndarray) -> np.ndarray:
    if isinstance(array, np.ndarray):
        return array
    array = array.detach().cpu()
    return (array.float() if array.dtype == torch.bfloat16 else array).numpy()
