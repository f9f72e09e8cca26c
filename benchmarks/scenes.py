"""Radiance fields: decibels on held-out views by seconds, of photographs in the research data."""

import argparse
import resource
import statistics
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from _common import append_row, data_folder

from ligeia import fitting
from ligeia.field import Field
from ligeia.formats import read_views
from ligeia.networks import Architecture, HashGrid, LatentGrid, SirenArchitecture
from ligeia.recipes import fit_radiance, fit_scene
from ligeia.scenes import compare_views
from ligeia.signals import Camera, Views

_WHITE: Final = (1.0, 1.0, 1.0)
_EVERY: Final = 8  # view is held out, from the fourth one on


@dataclass(frozen=True)
class Case:
    """A fit of photographs, and the views it is scored on."""

    scene: str
    seconds: float
    num_views: int | None = None
    has_alpha: bool = True
    scored_on: str | None = None
    """Photographs of the same cameras in another size."""
    network: Architecture | None = None
    """Fitted by the plain definition; voxels if None."""
    is_uneven: bool = False
    """Whether each photograph that is fitted is brighter or darker, by up to a quarter, and by up to 5 % of white."""
    exposures: bool = False


_LEGO: Final = "scenes/lego_100_train.npz"
_LEGO_200: Final = "scenes/lego_200_train.npz"
CASES: Final = {
    "20s": Case(_LEGO, 20),
    "60s": Case(_LEGO, 60),
    "22-views": Case(_LEGO, 60, num_views=22),
    "no-alpha": Case(_LEGO, 60, has_alpha=False),
    "200x200": Case(_LEGO_200, 60),
    "scored-at-200": Case(_LEGO, 60, scored_on=_LEGO_200),
    "300s": Case(_LEGO, 300),
    "fox": Case("scenes/fox_270x480", 300),
    "hash": Case(_LEGO, 60, network=HashGrid()),
    "grid": Case(_LEGO, 60, network=LatentGrid()),
    "fox-exposures": Case("scenes/fox_270x480", 300, exposures=True),
    "uneven": Case(_LEGO, 60, is_uneven=True),
    "uneven-exposures": Case(_LEGO, 60, is_uneven=True, exposures=True),
    "even-exposures": Case(_LEGO, 60, exposures=True),
    "siren": Case(_LEGO, 60, network=SirenArchitecture()),
}


def main() -> None:
    """Fit the views that are not held out, and print the mean and the worst PSNR of those that are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--seconds", type=float, help="instead of those of the cases")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.cases:
        case = CASES[name] if arguments.seconds is None else replace(CASES[name], seconds=arguments.seconds)
        row = {"case": name, **run(case, arguments.seed)}
        print(row, flush=True)
        append_row("scenes", row)


def run(case: Case, seed: int) -> dict[str, object]:
    """Fit one case and score it."""
    views = _views(case.scene)
    background = _WHITE
    if not case.has_alpha:
        views = _without_alpha(views)
    elif not views.has_alpha:
        background = tuple(_mean_color(views))
    fitted, held_out = _divided(views)
    if case.num_views is not None:
        count = len(fitted.cameras)
        fitted = fitted.subset([round(each) for each in np.linspace(0, count - 1, case.num_views)])
    began = time.perf_counter()
    if case.is_uneven:
        fitted = _uneven(fitted)
    if case.network is None:
        fit = partial(fit_scene, exposures=case.exposures)
    else:
        fit = partial(fit_radiance, network=case.network)
    field = fit(fitted, stop=fitting.seconds(case.seconds), background=background, seed=seed)
    wall = time.perf_counter() - began
    if case.scored_on is not None:
        held_out = _divided(_views(case.scored_on))[1]
    found = compare_views(field, held_out, background)
    view_seconds = {}
    if case.network is None:  # the plain definition takes a minute
        camera = held_out.cameras[0].resized((400, 400))
        view_seconds = {f"{side**2} rays": round(_view_seconds(field, camera, side), 3) for side in (1, 2)}
    return {
        "scene": case.scene,
        "views": len(fitted.cameras),
        "held_out": len(held_out.cameras),
        "seconds": case.seconds,
        "wall_s": round(wall, 2),
        "psnr_db": round(statistics.mean(each.psnr_db for each in found), 2),
        "ssim": round(statistics.mean(each.ssim for each in found if each.ssim is not None), 4),
        "worst_db": round(min(each.psnr_db for each in found), 2),
        "view_400x400_s": view_seconds,
        "parameters": sum(each.numel() for each in field.parameters()),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "seed": seed,
    }


def _view_seconds(field: Field, camera: Camera, side: int) -> float:
    """Return the median time of a view, after a first one."""
    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        field.render(camera, side=side)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])


def _views(name: str) -> Views:
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data were not found; set LIGEIA_DATA to their folder.")
    return read_views(folder / name)


def _divided(views: Views) -> tuple[Views, Views]:
    numbers = range(len(views.cameras))
    return (
        views.subset([each for each in numbers if each % _EVERY != 3]),
        views.subset([each for each in numbers if each % _EVERY == 3]),
    )


def _uneven(views: Views) -> Views:
    """Return 8-bit photographs with gains and offsets, 1 and 0 in the mean."""
    random = np.random.default_rng(0)
    count = len(views.cameras)
    gains = random.uniform(0.75, 1.25, count)
    offsets = random.uniform(-0.05, 0.05, count)
    gains, offsets = gains / gains.mean(), offsets - offsets.mean()
    pictures = []
    for picture, gain, offset in zip(views.pictures, gains, offsets, strict=True):
        assert picture.dtype == np.uint8
        changed = picture.copy()
        changed[..., :3] = np.rint(np.clip(gain * picture[..., :3] + 255 * offset, 0, 255))
        pictures.append(changed)
    return replace(views, pictures=tuple(pictures))


def _without_alpha(views: Views) -> Views:
    """Return photographs before white, as 8-bit files have them."""
    rgba = [views.rgba(number) for number in range(len(views.cameras))]  # multiplied by alpha
    pictures = tuple(np.rint(255 * (each[..., :3] + 1 - each[..., 3:])).astype(np.uint8) for each in rgba)
    return replace(views, pictures=pictures)


def _mean_color(views: Views) -> np.ndarray:
    return np.mean([views.rgba(number)[..., :3].mean(axis=(0, 1)) for number in range(len(views.cameras))], axis=0)


if __name__ == "__main__":
    main()
