"""The picture of the rate-distortion benchmark."""

from collections.abc import Sequence
from pathlib import Path

from _curves import average_curve, mean_psnr
from _published import cool_chic, mean_curves, shift_of
from _rate_distortion_tables import Rows, points_of
from matplotlib.figure import Figure

LIMITS = (0.09, 1.25)  # bits per pixel
SHOWN = ("JPEG", "JPEG 4:4:4", "JPEG 2000", "WebP", "AVIF", "AVIF 4:4:4, speed 0")


def picture(rows: Rows, folder: Path, images: Sequence[str], test: str, path: Path) -> None:
    """Draw mean PSNR over bits per pixel: codecs on these images, published 24-image means raised to them."""
    figure = Figure(figsize=(9.5, 6.4), layout="constrained")
    axis = figure.subplots()
    for number, name in enumerate(name for name in SHOWN if name in rows):
        curve = average_curve(points_of(rows[name]), mean_psnr)
        axis.plot(curve.bpp, curve.db, color=f"C{number}", marker="o", markersize=3, linewidth=1.3, label=name)
    shift = shift_of(cool_chic(folder, "5.0"), images)
    for number, (name, curve) in enumerate(mean_curves(folder).items()):
        raised = curve.shifted(shift)
        color, dashes = f"C{number % 4 + 6}", "--" if number < 4 else ":"
        label = f"{name} (published)"
        axis.plot(raised.bpp, raised.db, color=color, linestyle=dashes, linewidth=1.2, label=label)
    if test in rows:
        curve = average_curve(points_of(rows[test]), mean_psnr)
        axis.plot(curve.bpp, curve.db, color="black", marker="D", markersize=7, linewidth=2.2, label=test, zorder=5)
    ticks = [0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2]
    axis.set(xscale="log", xlim=LIMITS, ylim=(22, 41), xlabel="bits per pixel", ylabel="mean RGB PSNR, dB")
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xticks([], minor=True)
    axis.set_title(f"{len(images)} Kodak photographs; published means over 24, raised by what these are easier")
    axis.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize=9, frameon=False)
    figure.savefig(path, dpi=100)
