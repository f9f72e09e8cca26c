"""Straight lines in contracted space, in torch.

All of space in a box, as in MERF (Reiser et al. 2023, arXiv:2302.12249, p. 4). In half sides of the scene from its
middle, with r the largest of |x|, |y| and |z|: a place with r <= 1 stays; of others, the coordinate that is largest
becomes 2 - 1/r with its sign, the other two are divided by r. A line is straight in each of the seven parts, since what
lies beyond a side is mapped projectively.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ._grid import MOST_PIECES, VoxelGrid


class ContractedLines(NamedTuple):
    """Samples at given lengths along contracted lines."""

    distance: Float[Tensor, "n samples"]
    """In space, from where the line begins, in units of the scene."""
    places: Float[Tensor, "n samples 3"]
    """In cells from the corner of contracted space."""
    is_inside: Bool[Tensor, "n samples"]
    """Whether the line is as long; all of it, to infinity, has a finite length."""


class _Ends(NamedTuple):
    """An end of a piece: where it is, and 1/r and distance/r, which are linear along the piece in contracted space."""

    place: Float[Tensor, "n 3"]
    nearness: Float[Tensor, " n"]
    ratio: Float[Tensor, " n"]


def contracted_lines(
    grid: VoxelGrid, begins: Float[Tensor, "n 3"], step: Float[Tensor, "n 3"], lengths: Float[Tensor, "n samples"]
) -> ContractedLines:
    """Return the samples of lines that begin at places and go ``step`` per unit of length, both in cells, uncontracted.

    ``lengths`` are those in contracted space, in units of the scene: within the scene, they are distances.
    """
    quarter = torch.tensor(grid.cells, dtype=begins.dtype) / 4
    per_unit = torch.from_numpy(grid.per_unit).to(begins.dtype)
    begins, step = begins / quarter - 2, step / quarter  # in half sides from the middle
    # r is the largest of seven numbers that are linear along the line, so each is the largest on one piece at most
    values = torch.cat([begins, -begins, torch.ones_like(begins[:, :1])], dim=1)
    slopes = torch.cat([step, -step, torch.zeros_like(begins[:, :1])], dim=1)
    at = torch.zeros_like(begins[:, 0])
    largest = torch.argmax(values, dim=1)
    whole, is_over = torch.zeros_like(at), torch.zeros_like(at, dtype=torch.bool)
    distance, places = torch.zeros_like(lengths), torch.zeros_like(lengths)[..., None].repeat(1, 1, 3)
    for _ in range(MOST_PIECES):
        value, slope = (each.gather(1, largest[:, None]) for each in (values, slopes))
        gap = (value - values + at[:, None] * (slope - slopes)).clamp(min=0)
        rises = slopes > slope
        wait = torch.where(rises, gap / torch.where(rises, slopes - slope, 1), torch.inf)
        until = at + wait.amin(dim=1)
        begin, end = (_end(begins, step, largest, each) for each in (at, until))
        piece = (end.place - begin.place) * (quarter / per_unit)
        length = torch.where(is_over, 0, piece.norm(dim=1))
        share = (lengths - whole[:, None]) / torch.where(length > 0, length, 1)[:, None]
        is_here = (share >= 0) & (share < 1) & (length > 0)[:, None]
        here = begin.place[:, None] + share[..., None] * (end.place - begin.place)[:, None]
        places = torch.where(is_here[..., None], (here + 2) * quarter, places)
        ratio, nearness = (
            first[:, None] + share * (last - first)[:, None]
            for first, last in ((begin.ratio, end.ratio), (begin.nearness, end.nearness))
        )
        distance = torch.where(is_here, ratio / torch.where(is_here, nearness, 1), distance)
        whole = whole + length
        is_over = is_over | until.isinf()
        at = torch.where(is_over, at, until)
        largest = torch.where(is_over, largest, wait.argmin(dim=1))
    return ContractedLines(distance, places, lengths < whole[:, None])


def _end(
    begins: Float[Tensor, "n 3"], step: Float[Tensor, "n 3"], largest: Int[Tensor, " n"], at: Float[Tensor, " n"]
) -> _Ends:
    """Return where lines are at a distance that may be infinite, in the parts whose number is that of the largest."""
    is_far = at.isinf()
    finite = torch.where(is_far, 0, at)
    place = torch.where(is_far[:, None], step, begins + finite[:, None] * step)  # times r, which is infinite far away
    axis, is_beyond = largest % 3, largest < 2 * 3
    sign = 1.0 - 2 * (largest >= 3)
    r = torch.where(is_beyond, sign * place.gather(1, axis[:, None])[:, 0], 1)
    nearness = torch.where(is_far, 0, 1 / r)
    is_axis = (torch.arange(3) == axis[:, None]) & is_beyond[:, None]
    place = torch.where(is_axis, (sign * (2 - nearness))[:, None], place / r[:, None])
    return _Ends(place, nearness, torch.where(is_far, 1, finite) / r)
