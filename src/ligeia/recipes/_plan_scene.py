"""`fit` of photographs with known cameras: what is fitted, what is held out, and what is behind the scene."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, final

import numpy as np

from ligeia.core import InputError, errors_name
from ligeia.field import Background, Field
from ligeia.fitting import Callback, Checkpointer
from ligeia.formats import read_views
from ligeia.scenes import ViewQuality, backdrop, compare_views
from ligeia.signals import Views

from ._fit_radiance import fit_radiance
from ._fit_scene import fit_scene
from ._request import BackgroundLike, FitRequest

_NAMED: Final = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}
_EVERY: Final = 8  # photograph is held out unless asked otherwise
_LEAST: Final = 3  # views of a fit
_FEW: Final = 16  # views of which none is held out unless asked
_MOST_MEASURED: Final = 25  # held-out views
_MOST_PIXELS: Final = 12_000_000  # of all photographs, as they are fitted
_FITTED: Final = "transforms_train.json"
_DIFFERS: Final = 0.1  # a background from the one that photographs have


@final
@dataclass(frozen=True, slots=True)
class FittedScene:
    """A radiance field, what it was made from, and how close it comes to each held-out view."""

    field: Field
    plan: "ScenePlan"
    qualities: tuple[ViewQuality, ...]
    """Of the held-out views; of the fitted ones where none is held out."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class ScenePlan:
    """How photographs are going to be fitted."""

    request: FitRequest
    views: Views
    held_out: Views | None
    background: Background
    """What is behind the scene, or, where there is something everywhere, the mean color."""
    remarks: tuple[str, ...]
    """What is worth saying of the photographs before the fit."""

    @property
    def offset_db(self) -> float:
        """By how much a PSNR exceeds an SNR: a scene has none."""
        return 0.0

    def fit(self, *, callbacks: Sequence[Callback] = (), checkpoint: Checkpointer | None = None) -> FittedScene:
        """Fit the field; callbacks see every step, ``checkpoint`` keeps the state or goes on from it."""
        network = self.request.network
        if network is None:
            fit_views = partial(fit_scene, exposures=self.request.exposures)
        else:
            fit_views = partial(fit_radiance, network=network)
        field = fit_views(
            self.views,
            stop=self.request.stop,
            background=self.background,
            held_out=self.held_out,
            box=_cube(self.request),
            seed=self.request.seed,
            callbacks=callbacks,
            checkpoint=checkpoint,
        )
        measured = self.views if self.held_out is None else self.held_out
        return FittedScene(field, self, tuple(compare_views(field, measured, self.background)))


def plan_scene(source: Path | Views, request: FitRequest) -> ScenePlan:
    """Read photographs and choose what is held out; `InputError` for what cannot be said of a scene."""
    path = "" if isinstance(source, Views) else f"{source}: "
    if not_meant := _not_meant(request):
        raise InputError(f"{path}{', '.join(not_meant)} cannot be said of a scene; leave it out.")
    if request.exposures and request.network is not None:
        raise InputError(f"{path}exposures are found with voxels; leave them (--exposures) or the network out.")
    _cube(request)  # refused before anything is read
    every = _every(request.hold_out)
    if isinstance(source, Views):  # in memory: fitted whole, as any signal there
        return _planned(source, request, 0 if every is None else every)
    views, apart = read_views(source), None
    if every is None:
        apart = _kept_apart(source)
    with errors_name(source):
        return _planned(views, request, every, apart)


def _kept_apart(source: Path) -> Views | None:
    """Return views from a file of their own beside that of the views to fit, if there is one."""
    folder = source if source.is_dir() else source.parent
    if not (source.is_dir() or source.name == _FITTED) or not (folder / _FITTED).is_file():
        return None
    names = [each for each in ("transforms_val.json", "transforms_test.json") if (folder / each).is_file()]
    return _some(read_views(folder / names[0], at_least=1)) if names else None


def _planned(views: Views, request: FitRequest, every: int | None, apart: Views | None = None) -> ScenePlan:
    background = scene_background(views, request.background)
    remarks = []
    factor = math.ceil(math.sqrt(views.num_pixels / _MOST_PIXELS))
    if factor > 1:
        before, views = views.cameras[0].shape, views.reduced(factor)
        now = views.cameras[0].shape
        sizes = f"{before[1]} x {before[0]} pixels to {now[1]} x {now[0]}"
        remarks.append(f"{len(views.cameras)} photographs are averaged for the fit, from {sizes}.")
    fitted, held_out = (views, apart.reduced(factor)) if apart is not None else _divided(views, every)
    return ScenePlan(request=request, views=fitted, held_out=held_out, background=background, remarks=tuple(remarks))


def _some(views: Views) -> Views:
    """Return no more views than are measured, evenly among all."""
    count = len(views.cameras)
    chosen = np.linspace(0, count - 1, min(count, _MOST_MEASURED)).round().astype(int)
    return views.subset([int(each) for each in chosen])


def _divided(views: Views, every: int | None) -> tuple[Views, Views | None]:
    """Return the views to fit, and those that are measured."""
    count = len(views.cameras)
    if every is None:
        every = _EVERY if count >= _FEW else 0
    others = list(range(every // 2, count, every)) if every else []
    if not others:
        return views, None
    if count - len(others) < _LEAST:
        raise InputError(
            f"expected {_LEAST} photographs to fit and some to hold out, got {count} of which every {every}th is held "
            "out; hold fewer out."
        )
    fitted = views.subset([number for number in range(count) if number not in others])
    return fitted, _some(views.subset(others))


def scene_background(views: Views, asked: BackgroundLike | None) -> Background:
    """Return what is behind photographs: what was asked, or white behind alpha, or the color of all edges.

    Where there is none of these, it is the mean color of all.

    `InputError` where the edges of opaque photographs have another color than the one that was asked: a fit would fill
    the scene with fog.
    """
    named = None if asked is None else background_named(asked)
    if views.has_alpha:
        if asked == "none":
            raise InputError("photographs with alpha are compared on a background; choose white, black or R,G,B.")
        return _NAMED["white"] if named is None else named
    found = backdrop(views)
    if named is None:
        return found if found is not None and asked is None else _mean_color(views)
    if found is not None and np.abs(np.subtract(found, named)).max() > _DIFFERS:
        wanted, got = (",".join(f"{each:.2g}" for each in color) for color in (named, found))
        raise InputError(
            f"expected photographs before the background {wanted}, nearly all of their edges are {got}; "
            f"say --background {got} (background in Python), or leave it out."
        )
    return named


def _mean_color(views: Views) -> Background:
    means = [views.rgba(number)[..., :3].mean(axis=(0, 1)) for number in range(len(views.cameras))]
    red, green, blue = (float(each) for each in np.mean(means, axis=0))
    return red, green, blue


def background_named(asked: BackgroundLike) -> Background | None:
    """Return the color from 0 to 1 of a name or three numbers; None for ``none``."""
    if isinstance(asked, str):
        if asked == "none" or asked in _NAMED:
            return _NAMED.get(asked)
    elif len(asked) == 3 and all(0 <= each <= 1 for each in asked):
        return float(asked[0]), float(asked[1]), float(asked[2])
    raise InputError(f"expected a background of white, black, none or R,G,B from 0 to 1, got {asked!r}.")


def _every(hold_out: float | None) -> int | None:
    """Return which photograph is held out each time, 0 for none; None where nothing is said."""
    if hold_out is None:
        return None
    if hold_out == 0:
        return 0
    if 0 < hold_out <= 0.5:
        return round(1 / hold_out)
    if hold_out >= 2 and hold_out == int(hold_out):
        return int(hold_out)
    raise InputError(
        f"expected a share of the photographs up to 0.5 to hold out, or 8 for every eighth, got {hold_out:g}."
    )


def _cube(request: FitRequest) -> tuple[list[float], list[float]] | None:
    """Return the corners of the cube around the box that is asked for; None if none is."""
    if request.columns is None or request.columns.box is None:
        return None
    box = np.array(request.columns.box, np.float64)
    if box.shape != (3, 2) or not np.isfinite(box).all() or not (box[:, 0] < box[:, 1]).all():
        raise InputError(f"expected a box of three ranges as -1:1,-1:1,0:2 for a scene, got {request.columns.box}.")
    half = (box[:, 1] - box[:, 0]).max() / 2
    return (box.mean(axis=1) - half).tolist(), (box.mean(axis=1) + half).tolist()


def _not_meant(request: FitRequest) -> list[str]:
    """Return what is asked that cannot be said of a scene."""
    columns, usual = request.columns, FitRequest()
    said = {
        "snr": request.stop is not None and any(rule.name == "snr" for rule in request.stop.rules),
        "recipe": request.recipe != "fast",
        "configuration": request.configuration is not None,
        "prior": request.prior is not None,
        "objective": request.objective is not None,
        "hidden_features": request.hidden_features is not None,
        "most_bytes (--bytes)": request.most_bytes is not None,
        "hidden_layers": request.hidden_layers != usual.hidden_layers,
        "omega_0 (--omega)": request.omega_0 != usual.omega_0,
        "device": str(request.device) not in ("cpu", "auto"),
        "first_omegas": request.first_omegas is not None,
        "variable": request.variable is not None,
        "frames": request.frames is not None,
        "channels": request.channels is not None,
        "periodic": bool(request.periodic),
        "coordinates": columns is not None and bool(columns.coordinates),
        "values": columns is not None and bool(columns.values),
        "mask": request.mask is not None,
        "missing": request.missing is not None,
        "footprint": request.footprint != "point",
    }
    return [name for name, is_said in said.items() if is_said]
