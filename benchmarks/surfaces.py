"""Meshes and clouds: fields of signed distance beside screened Poisson reconstruction and the paper's own loss.

``measure`` fits each shape by ``distance`` (meshes), and from 100,000 oriented points of a mesh, or from a cloud, by
``eikonal`` and by the distance that points tell; it gives the same points to screened Poisson reconstruction (Kazhdan &
Hoppe 2013, as in MeshLab, its default depth of 8) and to the paper's losses, for as many seconds as ours took. All
meshes are measured alike: 100,000 samples of each, distances in % of the bounding box's diagonal, insides at 100,000
places. ``again`` measures the fields left by it. ``speed`` meshes one of the fields at 256 and 1024 cells, against
dense evaluation followed by scikit-image's marching cubes. ``table`` prints what was found.
"""

import argparse
import importlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import RESULTS, append_row, data_folder, machine, start_ligeia

from ligeia import fitting, recipes
from ligeia.field import load, save
from ligeia.shapes import FieldSurface, Shape, prepared, surface_quality, surface_samples
from ligeia.signals import surface_of

SHAPES = {
    "armadillo": "armadillo.obj",
    "bunny": "stanford-bunny.obj",
    "fandisk": "fandisk.obj",
    "daratech": "daratech_points.ply",
}
POINTS = 100_000
FIELDS = Path(tempfile.gettempdir()) / "ligeia-surfaces"
POISSON, FROM_POINTS = "screened Poisson", "distance of points"
SIDES = (POISSON, "distance", FROM_POINTS, "eikonal", "paper")
INSTALL = ".venv/bin/pip install --no-deps pymeshlab DracoPy"
NAME = "surfaces"


def peer(module: str) -> Any:
    """Return a package that only this benchmark needs."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise SystemExit(f"expected {module} here; type: {INSTALL}") from error


def row_of(shape_name: str, side: str, shape: Shape, vertices: np.ndarray, faces: np.ndarray, seconds: float) -> dict:
    """Return what is told of a mesh."""
    quality = surface_quality(shape, vertices, faces)
    row = {"shape": shape_name, "side": side, "seconds": seconds, "vertices": len(vertices), "faces": len(faces)}
    return row | quality.to_plain()


def by_ligeia(name: str, shape: Shape, side: str, seconds: float | None = None) -> float:
    """Fit and measure one field; return the seconds of the fit, its preparation included."""
    given, objective = shape, side
    if side == FROM_POINTS:
        points, normals = surface_samples(shape.surface, POINTS, seed=0)
        given, objective = prepared(surface_of(points, normals=normals), hold_out=0.0), "distance"
    began = time.perf_counter()
    stop = None if seconds is None else fitting.seconds(seconds)
    fitted = recipes.fit_surface(given, objective=objective, stop=stop)  # type: ignore[arg-type]
    took = time.perf_counter() - began
    report = fitted.field.report
    assert report is not None
    FIELDS.mkdir(exist_ok=True)
    size = save(fitted.field, FIELDS / f"{name}-{side}.lig")
    told = {"threads": torch.get_num_threads(), "fit_seconds": report.seconds, "steps": report.steps, "bytes": size}
    try:
        found = FieldSurface(fitted.field).mesh(256)
    except ValueError as error:
        append_row(NAME, {"shape": name, "side": side, "seconds": took, "problem": str(error), **told})
        return took
    append_row(NAME, row_of(name, side, shape, found.vertices, found.faces, took) | told)
    return took


def by_poisson(name: str, shape: Shape) -> None:
    """Reconstruct from the points that the eikonal fit sees, and measure."""
    meshlab, draco = peer("pymeshlab"), peer("DracoPy")
    points, normals = surface_samples(shape.surface, POINTS, seed=0)
    began = time.perf_counter()
    meshes = meshlab.MeshSet()
    meshes.add_mesh(meshlab.Mesh(vertex_matrix=points, v_normals_matrix=normals))
    meshes.generate_surface_reconstruction_screened_poisson()
    took = time.perf_counter() - began
    found = meshes.current_mesh()
    vertices, faces = np.asarray(found.vertex_matrix()), np.asarray(found.face_matrix(), np.int64)
    size = len(draco.encode(vertices.astype(np.float32), faces=faces.astype(np.uint32)))
    append_row(NAME, row_of(name, POISSON, shape, vertices, faces, took) | {"bytes": size})


def measure(names: list[str], sides: list[str]) -> None:
    """Measure these sides of these shapes."""
    folder = data_folder()
    if folder is None:
        raise SystemExit("expected the research data here; LIGEIA_DATA names their folder.")
    for name in names:
        shape = recipes.read_shape(folder / "meshes" / SHAPES[name])
        took: float | None = None
        for side in sides:
            if side == POISSON:
                by_poisson(name, shape)
            elif side == "eikonal":
                took = by_ligeia(name, shape, side)
            elif side == "paper":
                by_ligeia(name, shape, side, took)
            elif not shape.surface.is_cloud:
                by_ligeia(name, shape, side)


def again(names: list[str], sides: list[str]) -> None:
    """Mesh and measure the fields that ``measure`` has left once more."""
    folder = data_folder()
    assert folder is not None
    rows = [json.loads(line) for line in (RESULTS / f"{NAME}.jsonl").read_text().splitlines()]
    for name in names:
        shape = recipes.read_shape(folder / "meshes" / SHAPES[name])
        for side in sides:
            path = FIELDS / f"{name}-{side}.lig"
            if path.exists():
                told = [row for row in rows if (row["shape"], row["side"]) == (name, side)][-1]
                found = FieldSurface(load(path)).mesh(256)
                kept = {key: told[key] for key in ("threads", "fit_seconds", "steps", "bytes")}
                kept["fitted_at"] = told["commit"]
                append_row(NAME, row_of(name, side, shape, found.vertices, found.faces, told["seconds"]) | kept)


def speed(name: str, rounds: int) -> None:
    """Time the meshing of a field that ``measure`` has left, and its memory."""
    path = FIELDS / f"{name}-distance.lig"
    surface = FieldSurface(load(path))

    def sparse() -> int:
        return len(surface.mesh(256).vertices)

    def dense() -> int:
        from skimage.measure import marching_cubes

        # as many places as the sparse mesh has corners; no step onto the surface, no normals
        ends = [np.linspace(*each, 257) for each in surface.box]
        values = np.empty((257, 257, 257), np.float32)
        for number, x in enumerate(ends[0]):
            plane = np.stack(np.meshgrid([x], ends[1], ends[2], indexing="ij"), axis=-1).reshape(-1, 3)
            values[number] = surface.values(plane).reshape(257, 257)
        return len(marching_cubes(values, 0.0)[0])

    times: dict[str, list[float]] = {"sparse": [], "dense": []}
    sides: dict[str, Callable[[], int]] = {"sparse": sparse, "dense": dense}
    for _ in range(rounds):
        for side, make in sides.items():
            began = time.perf_counter()
            make()
            times[side].append(time.perf_counter() - began)
    ratio = statistics.median(times["dense"]) / statistics.median(times["sparse"])
    append_row(NAME, {"shape": name, "side": "mesh 256", "seconds_of": times, "times_faster": ratio})
    with tempfile.TemporaryDirectory() as folder:
        process = start_ligeia(
            "mesh", path, "-o", "out.ply", "--resolution", 1024, "--json", folder=Path(folder), num_threads=2
        )
        assert process.stdout is not None
        told = json.loads(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
    row = {"shape": name, "side": "mesh 1024", "peak_mib": usage.ru_maxrss / 1024}
    append_row(NAME, row | told | {"times_fewer": told["dense_evaluations"] / told["evaluations"]})


def table() -> None:
    """Print the latest row of each shape and side."""
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    for line in (RESULTS / f"{NAME}.jsonl").read_text().splitlines():
        row = json.loads(line)
        latest[row["shape"], row["side"]] = row

    def number(value: float | None, digits: int) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    names = (
        "shape",
        "by",
        "Chamfer, %",
        "floor, %",
        "exact, %",
        "Hausdorff 95, %",
        "normals",
        "IoU",
        "parts",
        "kB",
        "s",
    )
    print("| " + " | ".join(names) + " |")
    print("|---" * len(names) + "|")
    for (shape, side), row in latest.items():
        if side.startswith("mesh "):
            continue
        if "problem" in row:
            print(f"| {shape} | {side} | no surface: {row['problem'][:40]} |" + " |" * (len(names) - 3))
            continue
        parts = f"{row['components']}{'' if row['watertight'] else ', open'}"
        parts += f" + {row['specks']} specks" if row["specks"] else ""
        cells = (
            shape,
            side,
            number(row["chamfer_percent"], 3),
            number(row["chamfer_floor_percent"], 3),
            number(row["chamfer_exact_percent"], 4),
            number(row["hausdorff_95_percent"], 3),
            number(row["normal_consistency"], 4),
            number(row["iou"], 4),
            parts,
            f"{row['bytes'] / 1000:.0f}",
            f"{row['seconds']:.0f}",
        )
        print("| " + " | ".join(cells) + " |")
    for (shape, side), row in latest.items():
        if side == "mesh 256":
            print(f"{shape}, 256 cells: {row['times_faster']:.1f} times faster than dense")
        if side == "mesh 1024":
            print(
                f"{shape}, 1024 cells: {row['times_fewer']:.1f} times fewer evaluations, {row['peak_mib']:.0f} MiB, "
                f"{row['seconds']:.0f} s, {row['vertices']:,} vertices, watertight: {row['watertight']}"
            )


def main() -> None:
    """Run one of the three parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("measure", "again", "speed", "table"))
    parser.add_argument("shapes", nargs="*", default=list(SHAPES))
    parser.add_argument("--sides", nargs="*", default=list(SIDES), choices=SIDES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    machine()  # of the code that is loaded now
    if arguments.part == "measure":
        measure(arguments.shapes, arguments.sides)
    elif arguments.part == "again":
        again(arguments.shapes, arguments.sides)
    elif arguments.part == "speed":
        speed(arguments.shapes[0], arguments.rounds)
    else:
        table()


if __name__ == "__main__":
    main()
