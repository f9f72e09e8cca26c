"""Distances between two surfaces, each given by samples: points on it, and inside or outside at random places.

Distances, normal consistency and intersection over union as in Mescheder et al. 2019 (Occupancy Networks,
arXiv:1812.03828, s. 4 and the supplement). Differs: distances are in % of a diagonal, not in tenths of an edge.
"""

import math
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float

from ligeia.core import InputError, ShapeError


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceDistance:
    """Distances between samples of two surfaces, in % of the given diagonal."""

    chamfer: float
    """Mean of accuracy and completeness: plain distances (L1), not squared."""
    accuracy: float
    """Mean distance from the candidate's samples to the nearest sample of the reference."""
    completeness: float
    """Mean distance from the reference's samples to the nearest sample of the candidate."""
    hausdorff_95: float
    """The larger of the 95th percentiles of these two distances."""
    normal_consistency: float | None
    """Mean over both directions of ``|n . n'|`` at nearest samples, in [0, 1]; None without normals."""


def surface_distance(
    reference_points: Float[np.ndarray, "n 3"],
    candidate_points: Float[np.ndarray, "m 3"],
    *,
    reference_normals: Float[np.ndarray, "n 3"] | None = None,
    candidate_normals: Float[np.ndarray, "m 3"] | None = None,
    diagonal: float,
) -> SurfaceDistance:
    """Return the distances between two surfaces from samples that are spread evenly over each.

    ``diagonal`` is that of the reference's bounding box, in the unit of the points. Normals may have any length and
    either sign; they come for both surfaces or for none. Distances go from sample to sample: with n samples on an area
    A, two samplings of the very same surface are about ``0.5 sqrt(A / n)`` apart; smaller distances cannot be resolved.

    >>> floor = np.stack([*np.mgrid[:4, :4], np.zeros((4, 4))], axis=-1).reshape(-1, 3)
    >>> surface_distance(floor, floor + [0.0, 0.0, 0.1], diagonal=10.0).chamfer
    1.0
    """
    from scipy.spatial import KDTree  # slow to import, and only comparisons need it

    if not (diagonal > 0 and math.isfinite(diagonal)):
        raise InputError(f"the diagonal must be positive and finite, got {diagonal}.")
    if (reference_normals is None) != (candidate_normals is None):
        raise InputError("expected normals of both surfaces or of none, got those of one; leave them out.")
    reference, candidate = _checked(reference_points, "reference"), _checked(candidate_points, "candidate")
    trees: tuple[Any, Any] = (KDTree(reference), KDTree(candidate))
    to_reference, nearest_reference = trees[0].query(candidate, workers=-1)
    to_candidate, nearest_candidate = trees[1].query(reference, workers=-1)
    consistency = None
    if reference_normals is not None and candidate_normals is not None:
        first, second = _unit(reference_normals, reference), _unit(candidate_normals, candidate)
        there = np.abs((second * first[nearest_reference]).sum(axis=1)).mean()
        back = np.abs((first * second[nearest_candidate]).sum(axis=1)).mean()
        consistency = float((there + back) / 2)
    percent = 100 / diagonal
    accuracy, completeness = float(to_reference.mean()) * percent, float(to_candidate.mean()) * percent
    return SurfaceDistance(
        chamfer=(accuracy + completeness) / 2,
        accuracy=accuracy,
        completeness=completeness,
        hausdorff_95=float(max(np.percentile(to_reference, 95), np.percentile(to_candidate, 95))) * percent,
        normal_consistency=consistency,
    )


def intersection_over_union(first: Bool[np.ndarray, " n"], second: Bool[np.ndarray, " n"]) -> float:
    """Return the volume of the intersection of two solids over that of their union, in [0, 1].

    Each solid is given by which of the same random places lie inside it. Two empty solids score 1.

    >>> intersection_over_union(np.array([True, True, False]), np.array([True, False, False]))
    0.5
    """
    if first.shape != second.shape:
        raise ShapeError(f"expected insides at the same places, got {first.shape} and {second.shape} of them.")
    union = np.count_nonzero(first | second)
    return 1.0 if union == 0 else float(np.count_nonzero(first & second) / union)


def _checked(points: np.ndarray, name: str) -> np.ndarray:
    if points.ndim != 2 or points.shape[1] != 3 or len(points) == 0:
        raise ShapeError(f"the {name}'s points must be (n, 3) with n at least 1, got {points.shape}.")
    if not np.isfinite(points).all():
        raise InputError(f"expected finite points, the {name} has others; leave those out.")
    return points.astype(np.float64)


def _unit(normals: np.ndarray, points: np.ndarray) -> np.ndarray:
    if normals.shape != points.shape:
        raise ShapeError(f"expected a normal for each point, {points.shape}, got {normals.shape}.")
    lengths = np.linalg.norm(normals.astype(np.float64), axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise InputError("expected normals of a positive, finite length; leave such points out.")
    return normals / lengths
