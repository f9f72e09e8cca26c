"""Hard constraints: a field that meets boundary conditions for any weights of its network (Lagaris et al. 1998).

Source: arXiv:physics/9705023, eq. 2: ``known + factor * u`` with a factor that is 0 where the values are known.
"""

import itertools
from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.calculus import PointFunction, derivatives, parse_derivative
from ligeia.field import Field

Axes = tuple[int, ...]


@runtime_checkable
class OfPlaces(Protocol):
    """A field of physical coordinates, or its stand-in while an output layer is solved for."""

    field: Field

    def __call__(self, points: Tensor) -> Tensor:
        """Return values."""
        ...

    def derivatives(self, points: Tensor, *wanted: str) -> tuple[Tensor, ...]:
        """Return derivatives, named as in `ligeia.derivatives`."""
        ...


@final
class HardConstraint:
    """``known + factor * u``, a function of physical coordinates that `ligeia.derivatives` accepts like a field.

    ``known`` and ``factor`` are functions of points in torch, differentiated automatically. The derivatives of ``u``
    come from its single sweep, and the product rule combines them. Not differentiable in the points.

    >>> import ligeia as lg
    >>> rod = lg.Field(lg.Siren(1, 8, 0, 1), lg.Grid.of((16,)))
    >>> u = HardConstraint(rod.physical, lambda x: 3 * x, lambda x: 1 - x**2)
    >>> u(torch.tensor([[-1.0], [1.0]])).tolist()
    [[-3.0], [3.0]]
    """

    def __init__(self, u: OfPlaces, known: PointFunction, factor: PointFunction) -> None:
        self._u, self._known, self._factor = u, known, factor

    def __call__(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """Return values at physical coordinates."""
        return self._known(points) + self._factor(points) * self._u(points)

    def derivatives(self, points: Float[Tensor, "n d"], *wanted: str) -> tuple[Float[Tensor, "n c"], ...]:
        """Return partial derivatives per the unit of each axis, named as `ligeia.derivatives` says."""
        names = [axis.name for axis in self._u.field.grid.axes]
        parsed = [parse_derivative(each, names).parts for each in wanted]
        parts = {part for each in parsed for part in each}
        fewer = sorted({axes for part in parts for pair in _shared_out(part) for axes in pair})
        texts = ["".join(map(str, axes)) for axes in fewer]
        with torch.no_grad():
            known = dict(zip(fewer, derivatives(self._known, points, *texts), strict=True))
            factor = dict(zip(fewer, derivatives(self._factor, points, *texts), strict=True))
        u = dict(zip(fewer, self._u.derivatives(points, *texts), strict=True))
        along = {part: sum((factor[a] * u[b] for a, b in _shared_out(part)), start=known[part]) for part in parts}
        return tuple(sum((along[part] for part in each[1:]), start=along[each[0]]) for each in parsed)


def _shared_out(part: Axes) -> list[tuple[Axes, Axes]]:
    """Return all ways to distribute the differentiations of a product over its factors."""
    choices = itertools.product((True, False), repeat=len(part))
    return [
        (tuple(itertools.compress(part, first)), tuple(itertools.compress(part, [not each for each in first])))
        for first in choices
    ]
