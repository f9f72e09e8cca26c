"""Sea surface temperature as a field: error on the sea, and on a twentieth held out beside linear interpolation."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from _common import append_row, data_folder
from scipy.interpolate import LinearNDInterpolator

from ligeia import files, fitting, kernels, recipes
from ligeia.formats import read_signal
from ligeia.signals import Signal


def linear_along(values: np.ndarray, known: np.ndarray, axis: int) -> np.ndarray:
    """Return values whose unknown ones lie on straight lines between the known ones along an axis."""
    lines, there = (np.moveaxis(each, axis, -1).reshape(-1, values.shape[axis]) for each in (values, known))
    found = np.full(lines.shape, np.nan)
    place = np.arange(lines.shape[1])
    for number, (line, mask) in enumerate(zip(lines, there, strict=True)):
        if mask.any():
            found[number] = np.interp(place, place[mask], line[mask])
    shape = np.moveaxis(values, axis, -1).shape
    return np.moveaxis(found.reshape(shape), -1, axis)


def triangles(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return what SciPy's linear interpolation makes of each map."""
    found = np.empty(values.shape)
    for number, (plane, mask) in enumerate(zip(values, known, strict=True)):
        places = np.argwhere(mask)
        found[number] = LinearNDInterpolator(places, plane[mask])(*np.indices(plane.shape))
    return found


def interpolators(values: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """Return linear interpolation in the ways that a grid allows."""
    along = [linear_along(values, known, axis) for axis in range(3)]
    return {
        "linear in time": along[0],
        "linear along meridians": along[1],
        "linear along parallels": along[2],
        "mean of those three": np.mean(along, axis=0),
        "linear on triangles of a map": triangles(values, known),
    }


def rmse(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the root mean square error where there is something to compare."""
    error = (found - wanted)[np.isfinite(found)]
    return float(np.sqrt(np.mean(error**2)))


def sea(path: Path, seconds: float, seed: int) -> tuple[Signal, dict[str, float]]:
    """Fit all samples, write them and read them again; return the signal and what came back."""
    signal = recipes.to_signal(path)
    field = recipes.fit(signal, stop=fitting.seconds(seconds), seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        files.decode(field, Path(folder) / "again.nc")
        again = read_signal(Path(folder) / "again.nc")
    values = signal.values[..., 0].astype(np.float64)
    ends = [field.sel(lon=lon).numpy() for lon in (0.0, 360.0)]
    return signal, {
        "rmse": rmse(again.values[..., 0], np.where(np.isnan(values), 0, values)),
        "same_land": float(np.array_equal(np.isnan(values), np.isnan(again.values[..., 0]))),
        "largest_seam": float(np.abs(ends[0] - ends[1]).max()),
    }


def main() -> None:
    """Print the error on the sea, and the held-out error beside that of linear interpolation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = data_folder()
    if folder is None:
        raise SystemExit("the research data are not here; see LIGEIA_DATA.")
    signal, found = sea(folder / "science/tos_O1_2001-2002.nc", arguments.seconds, arguments.seed)
    print(f"all samples: {found}", flush=True)
    kept, _ = recipes.hold_out(signal, 0.05, seed=arguments.seed)
    assert kept.missing is not None
    assert signal.missing is not None
    field = recipes.fit(kept, stop=fitting.seconds(arguments.seconds), seed=arguments.seed)
    known = ~kept.missing.mask().reshape(signal.grid.shape)
    wanted = signal.values[..., 0].astype(np.float64)
    held = ~known & ~signal.missing.mask().reshape(signal.grid.shape)
    errors = {"the field": rmse(field.sample()[..., 0].double().numpy()[held], wanted[held])}
    errors |= {name: rmse(each[held], wanted[held]) for name, each in interpolators(wanted, known).items()}
    for name, error in errors.items():
        print(f"{name:30} {error:.4f} K on {int(held.sum()):,} held-out samples")
    row = {"seconds": arguments.seconds, "seed": arguments.seed, "kernel": kernels.current_path(), **found}
    append_row("gridded", row | {"threads": torch.get_num_threads(), "held_out": errors})


if __name__ == "__main__":
    main()
