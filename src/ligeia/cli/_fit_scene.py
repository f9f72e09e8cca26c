"""What `ligeia fit` prints of photographs with known cameras."""

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ligeia.recipes import FittedScene
    from ligeia.scenes import ViewQuality


def scene_summary(fitted: "FittedScene") -> tuple[dict[str, Any], list[str]]:
    """Return for JSON and for people how a scene was fitted, and how close it comes to its held-out views."""
    from ligeia.networks import Radiance

    plan, axes = fitted.plan, fitted.field.grid.axes
    architecture = fitted.field.network.architecture
    held_out = 0 if plan.held_out is None else len(plan.held_out.cameras)
    cells = fitted.field.grid.shape
    result: dict[str, Any] = {
        "kind": "scene",
        "network": (architecture.inner if isinstance(architecture, Radiance) else architecture).name,
        "views": len(plan.views.cameras),
        "views_held_out": held_out,
        "background": list(plan.background),
        "has_alpha": plan.views.has_alpha,
        "cells": list(cells),
        "box": [list(axis.extent) for axis in axes],
    } | quality_of_all(fitted.qualities)
    which = f"{held_out} views held out" if held_out else f"the {len(plan.views.cameras)} views that were fitted"
    behind = ", ".join(f"{each:.2g}" for each in plan.background)
    lines = [
        f"{which}: {describe_views(fitted.qualities)}",
        f"{len(plan.views.cameras)} views fitted, background {behind}, {' x '.join(map(str, cells))} cells",
    ]
    if not held_out:
        lines.append("no view was held out: new views are less exact than these figures; --hold-out 8 measures them")
    return result, lines


def quality_of_all(qualities: "Sequence[ViewQuality]") -> dict[str, Any]:
    """Return for JSON the means over views, the worst view, and each of them."""
    similar = [each.ssim for each in qualities if each.ssim is not None]
    worst = min(qualities, key=lambda each: each.psnr_db)
    return {
        "psnr_db": statistics.fmean(each.psnr_db for each in qualities),
        "ssim": statistics.fmean(similar) if similar else None,
        "worst_view": {"file": worst.name, "psnr_db": worst.psnr_db},
        "qualities": [{"file": each.name, "psnr_db": each.psnr_db, "ssim": each.ssim} for each in qualities],
    }


def describe_views(qualities: "Sequence[ViewQuality]") -> str:
    """Return the mean over views, and the worst, as people read them."""
    found = quality_of_all(qualities)
    similarity = "" if found["ssim"] is None else f", SSIM {found['ssim']:.4f}"
    worst = found["worst_view"]
    return f"PSNR {found['psnr_db']:.2f} dB{similarity} (means); worst {worst['file']} {worst['psnr_db']:.2f} dB"
