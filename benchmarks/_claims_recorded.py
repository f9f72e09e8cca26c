"""What the rows of ``benchmarks/results`` say, as README and guides have it: figures rounded there as they are here."""

import contextlib
import io
import json
import statistics
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import numpy as np
from _common import RESULTS, data_folder
from _curves import Curve, average_curve, bd_rate, equal_rate_curve, image_curves, mean_psnr

Row = dict[str, Any]


def rows_of(name: str, **wanted: object) -> list[Row]:
    """Return the rows of a file of results, the oldest first, whose values are those wanted."""
    rows = [json.loads(line) for line in (RESULTS / f"{name}.jsonl").read_text().splitlines()]
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def latest(name: str, **wanted: object) -> Row:
    """Return the newest of those rows."""
    return rows_of(name, **wanted)[-1]


def printed(show: Callable[[], object]) -> list[str]:
    """Return the lines of tables that a benchmark prints, without their heads."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        show()
    lines = [line.replace("+-", "±") for line in output.getvalue().splitlines() if line.startswith("|")]
    heads = {number for number, line in enumerate(lines) if line.startswith("|---")}
    return [line for number, line in enumerate(lines) if number not in heads and number + 1 not in heads]


def _several(values: Iterable[float], form: str) -> str:
    return ", ".join(format(value, form) for value in values)


def reference_quality() -> list[str]:
    row = latest("fit_speed", kind="reference", signal="photograph, gray")
    return [f"{row['psnr_db']:.1f} dB"]


def fast_recipe() -> list[str]:
    row = latest("fit_speed", kind="photograph")
    work = 500 * 256**2 / row["point_steps"][0]
    return [f"1/{work:.0f} of the point-steps, 1/{row['seconds']['eager'][0] / row['seconds']['ligeia fast'][0]:.0f}"]


def fast_recipe_on_signals() -> list[str]:
    newest = {row["signal"]: row["times_sooner"] for row in rows_of("fit_speed", kind="signal")}
    assert len(newest) == 9
    return [f"1/{statistics.median(newest.values()):.0f} of the time (median), 1/{min(newest.values()):.0f} (worst)"]


def fast_recipe_to_50_db() -> list[str]:
    seconds = [row["seconds"]["ligeia fast"][-1] for row in rows_of("fit_speed", kind="photograph")]
    return [f"{min(seconds):.0f} to {max(seconds):.0f} s"]


def start_up() -> list[str]:
    row = latest("start_up")
    return [f"{row['seconds']:.1f} s, {row['parts']['import torch']:.1f} of them"]


def _codec_rows(network: str) -> tuple[dict[str, Any], Any]:
    tables, pictures = import_module("_rate_distortion_tables"), import_module("_pictures")
    rows = tables.read_rows(images=pictures.KODAK)
    return {name: tables.points_of(each) for name, each in rows.items()}, rows[f"ligeia {network}, effort 5"]


def _at_rates(points: Any) -> list[float]:
    curves = image_curves(points).values()
    return [mean_psnr([value for curve in curves if (value := curve.at(bpp)) is not None]) for bpp in _RATES]


_RATES = (0.15, 0.3, 0.6, 1.2)


def picture_files() -> list[str]:
    points, rows = _codec_rows("grid")
    seconds = statistics.median(row["encode_seconds"] for row in rows.values())
    return [f"{_several(_at_rates(points['ligeia grid, effort 5']), '.1f')} dB", f"{seconds:.0f} s each"]


def picture_files_in_full() -> list[str]:
    points, _ = _codec_rows("grid")
    return [" | ".join(format(value, ".2f") for value in _at_rates(points["ligeia grid, effort 5"]))]


def _mean_bd_rate(points: dict[str, Any], test: str, anchor: str) -> float:
    ours, theirs = image_curves(points[test]), image_curves(points[anchor])
    found = [bd_rate(theirs[image], curve) for image, curve in ours.items()]
    return 100 * float(np.mean([each for each in found if not np.isnan(each)]))


def bytes_beside_codecs() -> list[str]:
    points, _ = _codec_rows("grid")
    anchors = ("JPEG", "WebP, method 6", "AVIF", "AVIF 4:4:4, speed 0")
    return [f"{_several((_mean_bd_rate(points, 'ligeia grid, effort 5', each) for each in anchors), '.0f')} %"]


def siren_bytes_beside_codecs() -> list[str]:
    points, _ = _codec_rows("siren")
    ours, published = points["ligeia siren, effort 5"], import_module("_published")
    folder = data_folder()
    assert folder is not None
    folder /= "rd_kodak"
    coin: Curve = published.mean_curves(folder)["COIN"]
    images = [image for image, _ in ours]
    raised = published.raised("COIN", coin, published.cool_chic(folder, "5.0"), images)
    beside_coin = 100 * bd_rate(raised, equal_rate_curve(ours, mean_psnr))
    anchors = ("JPEG", "WebP", "AVIF")  # WebP as Pillow writes it by default; its method 6 makes it +15 %
    jpeg, webp, avif = (_mean_bd_rate(points, "ligeia siren, effort 5", each) for each in anchors)
    return [f"{_several((jpeg, beside_coin, webp, avif), '+.0f')} %"]


def shares_of_bytes() -> list[str]:
    points, _ = _codec_rows("grid")
    names = {"JPEG": "JPEG", "WebP, method 6": "WebP", "AVIF": "AVIF"}
    found = {name: 100 + _mean_bd_rate(points, "ligeia grid, effort 5", anchor) for anchor, name in names.items()}
    return [f"{share:.0f} % of {name}'s" for name, share in found.items()]


def codec_table() -> list[str]:
    """Return the cells of the codecs that all eight photographs reach."""
    points, _ = _codec_rows("grid")
    found = []
    for name in ("AVIF 4:4:4, speed 0", "AVIF", "WebP, method 6", "WebP", "JPEG 2000", "JPEG", "JPEG 4:4:4"):
        curves = image_curves(points[name]).values()
        values = [[value for curve in curves if (value := curve.at(bpp)) is not None] for bpp in _RATES]
        found.append(" | ".join(f"{mean_psnr(each):.2f}" for each in values if len(each) == len(curves)))
    return found


def bytes_by_ssim() -> list[str]:
    tables, pictures = import_module("_rate_distortion_tables"), import_module("_pictures")
    points = {name: tables.points_of(each, "ssim") for name, each in tables.read_rows(images=pictures.KODAK).items()}
    anchors = ("JPEG", "WebP, method 6", "AVIF", "AVIF 4:4:4, speed 0")
    return [f"{_mean_bd_rate(points, 'ligeia grid, effort 5', each):+.0f} %" for each in anchors]


def bytes_by_mean_curves() -> list[str]:
    points, _ = _codec_rows("grid")
    ours = average_curve(points["ligeia grid, effort 5"], mean_psnr)
    found = [100 * bd_rate(average_curve(points[each], mean_psnr), ours) for each in ("JPEG", "WebP, method 6")]
    return [f"{value:.0f} %" for value in found]


def jet_speed() -> list[str]:
    found = {row["cpu"]: row["times_faster"]["sweep"] for row in rows_of("jet_speed", dtype="float32")}
    return [f"{found['Intel(R) Xeon(R) Processor']:.1f} times (Intel", f"{found['AMD EPYC']:.1f} times faster (AMD"]


def blend(*, mixed: bool = False) -> list[str]:
    ratios = latest("blend", mixed=mixed)["ratios"]
    return [f"{ratios['gradient_error']:.2f}, {ratios['boundary_jump']:.2f}"]


def inpainting_gains() -> list[str]:
    rows = rows_of("inpainting", gaps="90 % at random")
    return [f"{_several((row['tv_db'] - row['biharmonic_db'] for row in rows), '+.1f')} dB"]


def inpainting() -> list[str]:
    found = []
    for gaps, prior in (("90 % at random", "tv_db"), ("text", "hessian_db")):
        rows = rows_of("inpainting", gaps=gaps)
        found += [f"{_several((row[key] for row in rows), '.1f')} dB" for key in (prior, "biharmonic_db")]
    return found


def inversion() -> list[str]:
    row = latest("inversion", seed=0, medium="faster")
    change, center = 100 * row["of_change"], row["center_off"]
    return [f"{100 * row['relative_l2']:.1f} % ({change:.0f} % of its change), center to {center:.3f}"]


def _equation_times(problem: str) -> list[tuple[float, float | None]]:
    bench = import_module("beside_deepxde")
    rows = {side: rows_of("beside_deepxde", problem=problem, side=side) for side in ("ligeia", "deepxde")}
    ours, theirs = ([bench.median([row["reached_s"][n] for row in rows[side]]) for n in (0, 1)] for side in rows)
    return list(zip(ours, theirs, strict=True))


def least_gain_on_equations() -> list[str]:
    times = [pair for problem in ("poisson", "helmholtz") for pair in _equation_times(problem)]
    return [f"{min(theirs / ours for ours, theirs in times if theirs is not None):.0f} times faster"]


def equations() -> list[str]:
    found = []
    for problem in ("poisson", "helmholtz"):
        (ours, soon), (_, late) = _equation_times(problem)
        assert soon is not None
        assert late is not None
        digits = 1 if soon < 10 else 0
        times = f"{soon:.{digits}f}, {late:.{digits}f}"
        found.append(f"{ours:.2f} | {times} | {soon / ours:.0f}, {late / ours:.0f}")
    (ours, never), _ = _equation_times("wave, c 10")
    assert never is None
    return [*found, f"{ours:.2f} | not in 180 | above {180 / ours:.0f}"]


def surfaces() -> list[str]:
    rows = [latest("surfaces", shape=shape, side="distance") for shape in ("armadillo", "fandisk")]
    ratios = _several((row["chamfer_percent"] / row["chamfer_floor_percent"] for row in rows), ".2f")
    return [f"{ratios}; {_several((row['iou'] for row in rows), '.3f')}"]


def surfaces_beside_poisson() -> list[str]:
    def chamfer(shape: str, side: str) -> float:
        return latest("surfaces", shape=shape, side=side)["chamfer_percent"]

    ratios = [
        chamfer(each, "eikonal") / chamfer(each, "screened Poisson") for each in ("armadillo", "bunny", "fandisk")
    ]
    paper = chamfer("armadillo", "eikonal") / chamfer("armadillo", "paper")
    return [f"{min(ratios):.2f} to {max(ratios):.2f}; {paper:.2f}"]


def meshing() -> list[str]:
    coarse, fine = (latest("surfaces", side=f"mesh {cells}") for cells in (256, 1024))
    gibibytes = fine["peak_mib"] / 1024
    return [f"{coarse['times_faster']:.0f} times faster; 1/{fine['times_fewer']:.0f}, {gibibytes:.1f} GiB"]


def fine_mesh() -> list[str]:
    row = latest("surfaces", side="mesh 1024")
    cost = f"{row['vertices'] / 1e6:.1f} million vertices in {row['seconds']:.0f} s and {row['peak_mib']:.0f} MiB"
    return [cost, f"{row['times_fewer']:.0f} times fewer evaluations"]


def memory() -> list[str]:
    return [f"{latest('bigger_than_memory', case='memory')['peak_gib']:.2f} GiB"]


def sea() -> list[str]:
    errors = latest("gridded")["held_out"]
    linear = min(error for name, error in errors.items() if name != "the field")
    return [f"{errors['the field']:.2f} K, linear interpolation {linear:.2f}"]


def enlargement() -> list[str]:
    bench = import_module("enlarge")
    newest = {(row["scale"], row["picture"]): row for row in rows_of("enlarge", kind="box", told=True)}
    gains = []
    for scale in (2, 3, 4):
        rows = [row for (its_scale, _), row in newest.items() if its_scale == scale]
        best = [max(row[name]["psnr_db"] for name in bench.INTERPOLATIONS) for row in rows]
        gains.append(np.mean([row["field"]["psnr_db"] - one for row, one in zip(rows, best, strict=True)]))
    return [f"{_several(gains, '+.2f')} dB"]


def exposures() -> list[str]:
    names = ("skimage/camera.png", "kodak/kodim08.png")
    rows = [latest("exposures", picture=name, kind="shifts", noise=0.0) for name in names]
    return [f"{_several((row['gain_db'] for row in rows), '+.1f')} dB"]


def exposure_table() -> list[str]:
    kinds = [("kodak/kodim08.png", "shifts"), ("kodak/kodim08.png", "turned")]
    kinds += [("skimage/camera.png", "shifts"), ("skimage/camera.png", "whole shifts")]
    rows = [latest("exposures", picture=name, kind=kind) for name, kind in kinds]
    rows.append(latest("exposures", video="carphone_pristine.mp4", moving=False))
    best = [max(value for name, value in row["psnr_db"].items() if name != "fused") for row in rows]
    pairs = zip(best, rows, strict=True)
    return [f"| {one:.2f} | {row['psnr_db']['fused']:.2f} | {row['gain_db']:+.1f} |" for one, row in pairs]


def _slice_rows() -> list[dict[str, list[float]]]:
    return [latest("slices", crop=None, axes=axes)["psnr_db_whole_and_head"] for axes in ("z", "zx")]


def slices() -> list[str]:
    gains = [row["fields"][0] - row["cubic along z"][0] for row in _slice_rows()]
    return [f"{_several(gains, '+.1f')} dB"]


def slice_table() -> list[str]:
    rivals = ("cubic along z, projected", "mean of the cubics, projected in turn (POCS)")
    found = []
    for row, rival in zip(_slice_rows(), rivals, strict=True):
        cells = [" / ".join(format(value, ".2f") for value in row[name]) for name in ("cubic along z", rival, "fields")]
        found.append(f"| {cells[0]} | {cells[1]} | **{cells[2]}** |")
    return found


def network_table() -> list[str]:
    tables = import_module("_network_tables")
    return printed(lambda: tables.print_table(rows_of("networks"), 3.0))


def enlargement_table() -> list[str]:
    return printed(import_module("enlarge").tables)


def surface_table() -> list[str]:
    return printed(import_module("surfaces").table)


def ablation_table() -> list[str]:
    bench = import_module("compression_ablation")
    return printed(lambda: bench.table(bench.IMAGES, 0.3, 2, 0))


def mini_batch_table() -> list[str]:
    bench, found = import_module("mini_batches"), []
    for budget, title in (("passes", "25 passes"), ("seconds", "2 s")):
        for decayed, rate in ((False, "constant rate"), (True, "rate falling to 0")):
            rows = rows_of("mini_batches", budget=budget, decayed=decayed)
            means = [np.mean([row["psnr_db"] for row in rows if row["batch"] == batch]) for batch in bench.BATCHES]
            found.append(f"| {title}, {rate} | {' | '.join(format(mean, '.1f') for mean in means)} |")
    return found


def effort_table() -> list[str]:
    found = []
    for image in ("kodim23", "kodim08"):
        rows = [latest("rate_distortion", image=image, codec=f"ligeia grid, effort {n}") for n in range(1, 9) if n != 5]
        rows.insert(4, latest("rate_distortion", image=image, codec="ligeia grid, effort 5", setting=0.3))
        found.append(f"| {' | '.join(format(row['psnr_db'], '.2f') for row in rows)} |")
    return found


def twice_the_size() -> list[str]:
    found = []
    for bpp in (0.3, 1.0):
        rows = rows_of("pictures_twice", bpp_asked=bpp, effort=3)
        gains = [row["field_psnr_db"] - row["lanczos_psnr_db"] for row in rows]
        found.append(f"({min(gains):+.2f} to {max(gains):+.2f})")
    return found


def other_signals() -> list[str]:
    """Return the decibels of the sound's codecs at exactly 64 kbit/s, and of our sound and our volume."""
    sounds: dict[str, list[tuple[float, float]]] = {}
    for row in rows_of("rate_distortion", what="sound"):
        sounds.setdefault(row["codec"], []).append((row["kbit_per_second"], row["snr_db"]))
    curves = ((name, Curve.of(sounds[name]).at(64.0)) for name in ("Opus", "MP3 (LAME)", "AAC (FFmpeg's)"))
    ours = {what: latest("rate_distortion", what=what, codec="ligeia siren, effort 5") for what in ("sound", "volume")}
    return [
        f"| **ligeia, effort 5** (10 minutes) | {ours['sound']['snr_db']:.1f} |",
        f"| **ligeia, effort 5** (5 minutes) | {ours['volume']['psnr_db']:.1f} |",
        *(f"| {name} | {value:.1f} |" for name, value in curves),
    ]


def scenes() -> list[str]:
    views = _several((latest("scenes", case=case)["psnr_db"] for case in ("20s", "60s")), ".1f")
    return [f"{views} dB; {latest('scenes', case='hash')['psnr_db']:.1f} dB"]


def scene_table() -> list[str]:
    """Return the columns of the guide's table that all of its rows have."""
    cases = ("22-views", "no-alpha", "200x200", "scored-at-200")
    found = [f"| 60 | {latest('scenes', case=case)['psnr_db']:.1f} | | |" for case in cases]
    for case in ("20s", "60s", "300s", "hash", "grid", "siren"):
        row = latest("scenes", case=case)
        figures = f"{row['psnr_db']:.1f} | {row['ssim']:.3f} | {row['worst_db']:.1f}"
        found.append(f"| {row['seconds']} | {figures} |")
    return found
