"""Scattered samples: a field beside SciPy's interpolators, on points that neither has seen.

The vorticity behind a cylinder at 46,881 places, and random pixels of a photograph; a random tenth is held out. Places
that come more than once are one before the split: the value of a held-out point must not be among those that are seen.
"""

import argparse
import dataclasses
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _common import append_row, data_folder
from scipy.interpolate import (
    CloughTocher2DInterpolator,
    LinearNDInterpolator,
    NearestNDInterpolator,
    RBFInterpolator,
)

from ligeia import experiments, fitting, recipes
from ligeia.formats import read_points
from ligeia.kernels import current_path
from ligeia.signals import Signal, from_points

KERNELS = ("thin_plate_spline", "cubic", "linear", "quintic")
Interpolator = Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]


def interpolators() -> dict[str, Interpolator]:
    """Return SciPy's interpolators of scattered samples by name."""
    found: dict[str, Interpolator] = {
        "nearest": NearestNDInterpolator,
        "linear": LinearNDInterpolator,
        "Clough-Tocher": CloughTocher2DInterpolator,
    }
    for count in (50, 150):
        for kernel in KERNELS:

            def of_kernel(points: np.ndarray, values: np.ndarray, kernel: str = kernel, count: int = count) -> Any:
                return RBFInterpolator(points, values, neighbors=count, kernel=kernel)

            found[f"RBF {kernel}, {count} neighbors"] = of_kernel
    return found


def wake() -> Signal | None:
    """Return the vorticity behind a cylinder; None without the research data."""
    folder = data_folder()
    path = None if folder is None else folder / "science" / "cylinder_nektar_t0_vorticity.mat"
    if path is None or not path.exists():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # places of several elements are averaged, as the page says
        return read_points(path, ["x", "y"], ["w"])


def pixels() -> Signal:
    """Return a third of the pixels of a photograph, at random."""
    picture = experiments.camera(size=256, align="centers")
    chosen = np.random.default_rng(0).permutation(picture.grid.num_samples)[:22_000]
    values = picture.values.reshape(-1)[chosen]
    return from_points(picture.grid.points(chosen), values, box=[(-1, 1), (-1, 1)])


def measure_scipy(name: str, kept: Signal, held_out: recipes.HeldOut, seed: int) -> None:
    """Measure each interpolator; outside of the hull, where some say nothing, the nearest sample stands in."""
    assert kept.points is not None
    assert held_out.signal.points is not None
    known = kept.grid.to_physical(kept.points.astype(np.float64))
    asked = kept.grid.to_physical(held_out.signal.points[held_out.indices].astype(np.float64))
    values, truth = kept.values[:, 0].astype(np.float64), held_out.signal.values[held_out.indices, 0]
    for method, interpolator in interpolators().items():
        began = time.perf_counter()
        got = np.ravel(interpolator(known, values)(asked))
        outside = np.isnan(got)
        if outside.any():
            got[outside] = NearestNDInterpolator(known, values)(asked[outside])
        took = time.perf_counter() - began
        found = float(np.linalg.norm(got - truth) / np.linalg.norm(truth))
        row = {"signal": name, "method": method, "relative_l2": found, "seconds": took, "seed": seed}
        append_row("scattered", row | {"num_samples": len(known), "outside_of_hull": int(outside.sum())})
        print(f"{name:8} {method:32} {found:.5f}  {took:.1f} s", flush=True)


def measure_field(
    name: str, kept: Signal, held_out: recipes.HeldOut, seed: int, stop: fitting.Stop | None, **options: Any
) -> None:
    """Fit a field as `ligeia fit` does, with ``options`` of `recipes.fit` or a factor to the first frequencies."""
    configuration = recipes.fast(hidden_features=options.get("hidden_features", 256))
    per_point = options.pop("per_point", None)
    if per_point is not None:
        configuration = dataclasses.replace(configuration, most_per_point=per_point)
    field = recipes.fit(kept, stop=stop, configuration=configuration, seed=seed, **options)
    report, found = field.report, held_out.quality(field)
    assert report is not None
    row: dict[str, Any] = {
        "signal": name,
        "method": "ligeia",
        "relative_l2": found.relative_l2,
        "psnr_db": found.psnr_db,
        "train_db": report.psnr_db,
        "seconds": report.seconds,
        "steps": report.steps,
        "stopped_by": report.stopped_by,
        "parameters": report.parameters,
        "per_point": configuration.most_per_point,
        "first_omegas": [each.omega for each in configuration.first_frequencies(kept, 30.0)],
        "num_samples": kept.num_samples,
        "kernel": current_path(),
        "threads": torch.get_num_threads(),
        "seed": seed,
        **options,
    }
    append_row("scattered", row)
    shown = ", ".join(f"{each:.4g}" for each in row["first_omegas"])
    print(
        f"{name:8} {f'ligeia, first layer {shown}':32} {found.relative_l2:.5f}  {report.seconds:.1f} s, "
        f"at the samples {report.psnr_db:.2f} dB, held out {found.psnr_db:.2f} dB",
        flush=True,
    )


def main() -> None:
    """Measure all on one split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", nargs="*", default=["wake", "pixels"])
    parser.add_argument("--seconds", type=float, help="of a fit; by default it ends at its plateau")
    parser.add_argument("--passes", type=float, help="of a fit, the same")
    parser.add_argument("--per-point", nargs="*", type=float, help="other limits of the first layer")
    parser.add_argument("--hidden-features", type=int, default=256)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--no-scipy", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    stop = None if arguments.seconds is None else fitting.seconds(arguments.seconds)
    stop = stop if arguments.passes is None else fitting.passes(arguments.passes)
    for name in arguments.signals:
        signal = {"wake": wake, "pixels": pixels}[name]()
        if signal is None:
            print(f"{name}: the research data are not here; see LIGEIA_DATA.")
            continue
        for seed in arguments.seeds:
            kept, held_out = recipes.hold_out(signal, 0.1, seed=seed)
            assert held_out is not None
            if not arguments.no_scipy:
                measure_scipy(name, kept, held_out, seed)
            for per_point in arguments.per_point or [None]:
                options = {"per_point": per_point, "hidden_features": arguments.hidden_features}
                measure_field(name, kept, held_out, seed, stop, **options)


if __name__ == "__main__":
    main()
