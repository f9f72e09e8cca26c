"""Gradient, divergence, curl, Jacobian, Hessian and Laplacian of any function of points."""

from ._operators import (
    PointFunction as PointFunction,
    curl as curl,
    divergence as divergence,
    gradient as gradient,
    hessian as hessian,
    jacobian as jacobian,
    laplacian as laplacian,
)

__all__ = ["PointFunction", "curl", "divergence", "gradient", "hessian", "jacobian", "laplacian"]
