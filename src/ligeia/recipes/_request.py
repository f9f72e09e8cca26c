"""What is asked of a fit: one frozen object that the command line and Python both fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, final

import numpy as np
import torch

from ligeia.core import InputError
from ligeia.fitting import Stop
from ligeia.formats import PointColumns
from ligeia.networks import Architecture
from ligeia.physics import Smoothness
from ligeia.signals import MissingValue, Signal

from ._configurations import Configuration
from ._networks import checked_network

SignalLike: TypeAlias = Path | str | np.ndarray | torch.Tensor | Signal
"""A file, an array, a tensor, or a signal as it is."""
RecipeName: TypeAlias = Literal["fast", "paper"]
FootprintName: TypeAlias = Literal["point", "box", "bicubic"]
SurfaceObjective: TypeAlias = Literal["distance", "eikonal", "paper"]

BackgroundLike: TypeAlias = Literal["white", "black", "none"] | Sequence[float]

WORKING_SET = 256 << 20  # bytes
_RECIPES: tuple[RecipeName, ...] = ("fast", "paper")


class FitOptions(TypedDict, total=False):
    """The keywords of `fit`: the fields of `FitRequest`, with its defaults."""

    stop: Stop | None
    recipe: RecipeName
    configuration: Configuration | None
    prior: Smoothness | None
    objective: SurfaceObjective | None
    network: Architecture | None
    hidden_features: int | None
    most_bytes: int | None
    hidden_layers: int
    omega_0: float
    first_omegas: Sequence[float] | None
    variable: str | None
    frames: tuple[int, int] | None
    channels: bool | None
    periodic: str | Sequence[str]
    columns: PointColumns | None
    footprint: FootprintName
    mask: SignalLike | None
    missing: MissingValue
    hold_out: float | None
    background: "BackgroundLike | None"
    exposures: bool
    working_set: int
    seed: int
    device: str | torch.device


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class FitRequest:
    """What is to be fitted, by what, and for how long; `fit` takes each field as a keyword too.

    `InputError` where two of them contradict each other.

    >>> FitRequest(periodic=("lon",), hold_out=0.1).seed
    0
    """

    stop: Stop | None = None
    """The end, such as ``psnr(40) | seconds(30)``; None is a plateau, or the end that the configuration names."""
    recipe: RecipeName = "fast"
    """``paper`` is the reference: `paper`, or the paper's losses on a surface."""
    configuration: Configuration | None = None
    """A configuration of one's own, in place of a recipe by its name."""
    prior: Smoothness | None = None
    """What is believed of the field between samples; it brings its own configuration, `smooth`."""
    objective: SurfaceObjective | None = None
    """What a surface is fitted by; None is the distance of a mesh, and points and normals of a cloud."""
    network: Architecture | None = None
    """An architecture of its own sizes, such as ``lg.Finer(omega=40)``; None is a sine network of the four below."""
    hidden_features: int | None = None
    """Width of the sine network; None is 256, or what a quality or ``most_bytes`` needs (`choose_size`)."""
    most_bytes: int | None = None
    """Size of the file, which makes the network as large as it holds."""
    hidden_layers: int = 3
    omega_0: float = 30.0
    first_omegas: Sequence[float] | None = None
    """Frequencies of the first layer in radians per unit coordinate, one or one per axis; None finds them."""
    variable: str | None = None
    """One of several arrays in a file."""
    frames: tuple[int, int] | None = None
    """The first and the last (exclusive) frame of a video."""
    channels: bool | None = None
    """Whether the last axis of an array holds channels; None lets its shape say so."""
    periodic: str | Sequence[str] = ()
    """Axes, or the one axis, whose ends are the same place, such as ``lon``."""
    columns: PointColumns | None = None
    """Those of scattered samples in a table."""
    footprint: FootprintName = "point"
    """What samples are: values at points, or means over their cells (``box``, ``bicubic``)."""
    mask: SignalLike | None = None
    """A picture or an array that is bright where samples are to be filled in."""
    missing: MissingValue = None
    """A value that stands for missing samples, besides NaN; ``none`` if all are there; None is what the file says."""
    hold_out: float | None = None
    """Share of the samples that is not fitted but measured; None is a tenth of scattered samples in a file and of the
    points of a cloud, every eighth of 16 photographs or more, and none of anything else. 8 is every eighth of them."""
    background: BackgroundLike | None = None
    """What is behind a scene: white, black, none, or red, green and blue from 0 to 1; None finds it."""
    exposures: bool = False
    """Whether photographs of a scene may be brighter or darker than each other."""
    working_set: int = WORKING_SET
    """Bytes of samples that are held in memory (`to_signal`)."""
    seed: int = 0
    device: str | torch.device = "cpu"

    def __post_init__(self) -> None:
        if self.stop is not None and not isinstance(self.stop, Stop):
            raise InputError(f"expected a stop rule such as psnr(40) | seconds(30), got {self.stop!r}.")
        if self.recipe not in _RECIPES:
            raise InputError(f"the recipe must be {' or '.join(_RECIPES)}, got {self.recipe!r}.")
        if self.recipe != "fast" and self.configuration is not None:
            raise InputError(f"a configuration is a recipe of its own; leave the recipe {self.recipe} out.")
        if self.prior is not None and not isinstance(self.prior, Smoothness):
            raise InputError(f"expected a prior such as physics.Smoothness(total_variation=1e-4), got {self.prior!r}.")
        if isinstance(self.periodic, str):
            object.__setattr__(self, "periodic", (self.periodic,))
        if self.prior is not None and (self.recipe != "fast" or self.configuration is not None):
            found = "the configuration" if self.configuration is not None else f"the recipe {self.recipe}"
            raise InputError(f"a prior brings its own recipe; leave {found} out.")
        if self.mask is not None and self.hold_out is not None:
            raise InputError("mask and hold_out both say what is not fitted; leave one of them out.")
        if self.network is not None:
            name = checked_network(self.network).name
            if self.hidden_features is not None:
                raise InputError(f"the sizes of a network {name} are its own; leave hidden_features out.")
