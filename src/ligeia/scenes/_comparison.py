"""New views beside photographs of them."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from ligeia.field import Field
from ligeia.metrics import psnr, ssim
from ligeia.signals import Views

from ._rendering import Background, composited, render

_LEAST_SSIM = 11  # rows and columns that its window needs


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class ViewQuality:
    """How close a rendered view comes to its photograph, both on the same background."""

    name: str
    psnr_db: float
    ssim: float | None
    """None where a mask hides a part, or there are fewer than 11 x 11 pixels."""


def compare_views(field: Field, views: Views, background: Background, *, side: int = 2) -> list[ViewQuality]:
    """Return the quality of each view; a pixel is the mean over its area of ``side**2`` rays.

    Colors are clipped after composition. Pixels that a mask ignores do not count. The peak is 1.
    """
    return [_quality(field, views, number, background, side) for number in range(len(views.cameras))]


def _quality(field: Field, views: Views, number: int, background: Background, side: int) -> ViewQuality:
    rgba, mask = views.rgba(number), views.masks[number]
    wanted = composited(rgba[..., :3], rgba[..., 3], background)
    seen = render(field, views.cameras[number], background=background, side=side).color.clip(0, 1)
    known = np.ones(wanted.shape[:2], bool) if mask is None else ~mask
    one, other = torch.from_numpy(wanted), torch.from_numpy(seen)
    has_ssim = mask is None and min(wanted.shape[:2]) >= _LEAST_SSIM
    return ViewQuality(
        name=views.names[number],
        psnr_db=psnr(one[known], other[known], low=0.0, high=1.0),
        ssim=ssim(one, other, low=0.0, high=1.0) if has_ssim else None,
    )
