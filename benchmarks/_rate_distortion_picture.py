"""The picture of the rate-distortion benchmark."""

from collections.abc import Sequence
from pathlib import Path

from _curves import equal_rate_curve, mean_psnr
from _published import cool_chic, mean_curves, raised
from _rate_distortion_tables import Rows, points_of
from matplotlib.figure import Figure

LIMITS = (0.1, 1.3)  # bits per pixel
COLORS = ("C0", "C1", "C2", "C9", "C4", "C5")
SHOWN = ("AVIF 4:4:4, speed 0", "AVIF", "JPEG 2000", "WebP", "JPEG 4:4:4", "JPEG")


def picture(rows: Rows, folder: Path, images: Sequence[str], test: str, path: Path) -> None:
    """Draw mean PSNR at equal rates: codecs on these images, published 24-image means raised to them."""
    figure = Figure(figsize=(9.5, 6.2), layout="constrained")
    axis = figure.subplots()
    handles = []
    for name, color in zip(SHOWN, COLORS, strict=True):
        if name in rows and name != test:
            curve = equal_rate_curve(points_of(rows[name]), mean_psnr)
            handles += axis.plot(curve.bpp, curve.db, color=color, linewidth=1.6, label=name)
    points = cool_chic(folder, "5.0")
    for number, (name, curve) in enumerate(mean_curves(folder).items()):
        known = raised(name, curve, points, images)
        label = f"{name} (published)"
        dashes = ("--", ":", "-.")[number % 3]
        color = ("black", "gray", "darkkhaki")[number // 3]
        handles += axis.plot(known.bpp, known.db, color=color, linestyle=dashes, linewidth=1.2, label=label)
    if test in rows:
        settings = {setting for _, setting in rows[test]}
        found = [[at for (_, setting), at in points_of(rows[test]).items() if setting == each] for each in settings]
        means = sorted((mean_psnr([bpp for bpp, _ in each]), mean_psnr([db for _, db in each])) for each in found)
        style = {"marker": "D", "markersize": 7, "linewidth": 2.2, "zorder": 5}
        line = axis.plot(*zip(*means, strict=True), color="crimson", label=test)
        for each in line:
            each.set(**style)
        handles = [*line, *handles]
    ticks = [0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2]
    axis.set(xscale="log", xlim=LIMITS, ylim=(22, 40), xlabel="bits per pixel", ylabel="mean RGB PSNR, dB")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xticks([], minor=True)
    note = "published: means over 24, raised by as much as these images are easier"
    axis.set_title(f"{len(images)} Kodak photographs at equal rates\n{note}", fontsize=10)
    axis.grid(alpha=0.3)
    figure.legend(handles=handles, loc="outside right center", fontsize=9, frameon=False)
    figure.savefig(path, dpi=100)
