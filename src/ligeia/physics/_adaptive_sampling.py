"""Residual-adaptive sampling: more points where a residual is large.

Source: Wu et al. 2023, arXiv:2207.10289, eq. 2 with k = 1 and c = 1 (RAD). Points with a large residual are more
likely, and no point is excluded. The loss over the chosen points deliberately differs from that over all points.
"""

from dataclasses import replace

import numpy as np

from ligeia.core import InputError
from ligeia.field import Field

from ._constraints import Constraint, residuals


def residual_adaptive(
    field: Field, constraint: Constraint, num_points: int, *, generator: np.random.Generator
) -> Constraint:
    """Return a constraint at ``num_points`` of its points, each as likely as 1 plus its residual over the mean one.

    For several equations the norm counts. A fit in rounds draws again from the same large set of points in each round.
    """
    if not 0 < num_points <= len(constraint.points):
        raise InputError(f"expected 1 to {len(constraint.points)} of the constraint's points, got {num_points}.")
    size = residuals(field, constraint).norm(dim=1).double().cpu().numpy()
    chances = 1 + size / (size.mean() or 1.0)
    chosen = generator.choice(len(size), num_points, replace=False, p=chances / chances.sum())
    known = tuple(each[chosen] for each in constraint.known)
    return replace(constraint, points=constraint.points[chosen], known=known)
