"""New views beside photographs of them."""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.field import Background, Field, composited
from ligeia.metrics import psnr, ssim
from ligeia.signals import Views

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


def quality_of_views(field: Field, views: Views, background: Background) -> list[float]:
    """Return the PSNR of each view alone, as `compare_views` has it with four rays a pixel."""
    pairs = (_pair(field, views, number, background, 2) for number in range(len(views.cameras)))
    return [_psnr(*pair, mask) for pair, mask in zip(pairs, views.masks, strict=True)]


def _quality(field: Field, views: Views, number: int, background: Background, side: int) -> ViewQuality:
    pair, mask = _pair(field, views, number, background, side), views.masks[number]
    has_ssim = mask is None and min(pair[0].shape[:2]) >= _LEAST_SSIM
    return ViewQuality(
        name=views.names[number],
        psnr_db=_psnr(*pair, mask),
        ssim=ssim(*pair, low=0.0, high=1.0) if has_ssim else None,
    )


def _pair(
    field: Field, views: Views, number: int, background: Background, side: int
) -> tuple[Float[Tensor, "rows columns 3"], Float[Tensor, "rows columns 3"]]:
    """Return a photograph on the background, and what the field shows in its place."""
    rgba = views.rgba(number)
    seen = field.render(views.cameras[number], background=background, side=side).color
    return torch.from_numpy(composited(rgba[..., :3], rgba[..., 3], background)), torch.from_numpy(seen)


def _psnr(
    wanted: Float[Tensor, "rows columns 3"], seen: Float[Tensor, "rows columns 3"], mask: np.ndarray | None
) -> float:
    if mask is None:
        return psnr(wanted, seen, low=0.0, high=1.0)
    known = torch.from_numpy(~mask)
    return psnr(wanted[known], seen[known], low=0.0, high=1.0)
