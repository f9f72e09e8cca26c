"""Queries of a signed-distance function: curvatures, and closest points of its surface."""

import torch
from jaxtyping import Float
from torch import Tensor

from ligeia.calculus import PointFunction, derivatives
from ligeia.core import InputError, ShapeError

_LEAST_SLOPE = 0.5  # a distance has slope 1; where it is cut off the slope vanishes, and a full step would go anywhere


def curvatures(
    function: PointFunction, points: Float[Tensor, "n 3"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Return the mean and the Gaussian curvature of the level set through each point.

    Per the unit of the function's coordinates, and its square; a sphere of radius r whose values grow outwards has 1/r
    and 1/r^2. Holds for any function with a gradient, not for distances alone; where the gradient vanishes the results
    are not finite. A field (``field.physical``) gives gradient and Hessian in one sweep, any other callable is
    differentiated automatically. Where gradients are recorded, results carry their graph.

    >>> mean, gaussian = curvatures(lambda x: x.norm(dim=1, keepdim=True) - 1, torch.tensor([[0.0, 0.0, 2.0]]))
    >>> mean.item(), gaussian.item()
    (0.5, 0.25)
    """
    _check(points)
    found = derivatives(function, points, "0", "1", "2", "00", "11", "22", "01", "02", "12")
    x, y, z, xx, yy, zz, xy, xz, yz = (_scalar(each) for each in found)
    squared = x**2 + y**2 + z**2
    bend = x * x * xx + y * y * yy + z * z * zz + 2 * (x * y * xy + x * z * xz + y * z * yz)
    mean = (squared * (xx + yy + zz) - bend) / (2 * squared**1.5)  # Goldman 2005, eq. 4.2, the other sign
    # eq. 4.1: the gradient on both sides of the adjoint of the Hessian
    adjoint = (
        x * x * (yy * zz - yz * yz)
        + y * y * (xx * zz - xz * xz)
        + z * z * (xx * yy - xy * xy)
        + 2 * (x * y * (xz * yz - xy * zz) + x * z * (xy * yz - xz * yy) + y * z * (xy * xz - yz * xx))
    )
    return mean, adjoint / squared**2


@torch.no_grad()
def closest_points(
    function: PointFunction, points: Float[Tensor, "n 3"], *, most_steps: int = 10, tolerance: float = 1e-4
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, " n"]]:
    """Return the closest place of the surface ``function = 0`` for each point, and the signed distance to it.

    Steps of ``-f grad f / |grad f|^2`` until ``|f|`` is at most ``tolerance``, in the unit of the coordinates; no step
    is longer than ``2 |f|``. One step is exact for an exact distance; for a fitted one the place is on the surface to
    the tolerance and the distance an upper bound. The distance has the sign of the function at the point; it is NaN
    where ``most_steps`` did not suffice (the place is then the last one reached), as where a gradient vanishes. Results
    carry no graph. A step may leave the domain of a field, which warns of it.

    >>> place, distance = closest_points(lambda x: x.norm(dim=1, keepdim=True) - 1, torch.tensor([[0.0, 0.0, 4.0]]))
    >>> place.tolist(), distance.item()
    ([[0.0, 0.0, 1.0]], 3.0)
    """
    _check(points)
    if most_steps < 1 or not tolerance > 0:
        raise InputError(f"expected at least 1 step and a positive tolerance, got {most_steps} and {tolerance}.")
    points = points.detach()
    closest = points.clone()
    inside = torch.zeros(len(points), dtype=torch.bool, device=points.device)
    going = torch.arange(len(points), device=points.device)
    for taken in range(most_steps + 1):
        if len(going) == 0:
            break
        here = closest[going]
        value, *slopes = derivatives(function, here, "", "0", "1", "2")
        value, slope = _scalar(value), torch.stack([_scalar(each) for each in slopes], dim=1)
        if taken == 0:
            inside = value < 0
        far = ~(value.abs() <= tolerance)  # NaN goes on, and ends as not converged
        going = going[far]
        if taken < most_steps:
            steepness = slope[far].norm(dim=1, keepdim=True)
            direction = slope[far] / steepness.clamp(min=torch.finfo(points.dtype).tiny)
            closest[going] = here[far] - value[far, None] * direction / steepness.clamp(min=_LEAST_SLOPE)
    distance = (points - closest).norm(dim=1)
    distance = torch.where(inside, -distance, distance)
    distance[going] = torch.nan
    return closest, distance


def _scalar(values: Tensor) -> Tensor:
    if values.shape[1] != 1:
        raise ShapeError(f"expected a function with 1 channel, this one has {values.shape[1]}.")
    return values[:, 0]


def _check(points: Tensor) -> None:
    if points.ndim != 2 or points.shape[1] != 3:
        raise ShapeError(f"points must be (n, 3), got {tuple(points.shape)}.")
