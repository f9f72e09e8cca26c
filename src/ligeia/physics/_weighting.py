"""Balanced constraints: unbalanced, second derivatives outweigh values by the fourth power of a frequency."""

from collections.abc import Sequence
from dataclasses import replace

from ligeia.core import InputError
from ligeia.field import Field

from ._constraints import Constraint
from ._output_layer import linearized, pieces

_LOOKED_AT = 1 << 8  # points of a constraint on which its scale is measured


def balance_weights(constraints: Sequence[Constraint], field: Field, *, seed: int = 0) -> list[Constraint]:
    """Return constraints that weigh equally on a field's waves, each multiplied by its own weight.

    The weight is divided by the mean square of the residual's derivatives for the weights of the output layer, at 256
    points: a residual of order m then measures the error of waves, no longer scaled by their frequency to the power m.
    """
    result = []
    like = next(field.parameters())
    for number, constraint in enumerate(constraints):
        points, known, _ = next(pieces(constraint, _LOOKED_AT, like, seed + number))
        slopes, _ = linearized(field, constraint, points, known)
        size = float(slopes.square().mean())
        if not size > 0:
            raise InputError(f"expected residuals that depend on the field, and number {number} does not.")
        result.append(replace(constraint, weight=constraint.weight / size))
    return result
