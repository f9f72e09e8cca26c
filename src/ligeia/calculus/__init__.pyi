"""Chosen partial derivatives, gradient, divergence, curl, Jacobian, Hessian and Laplacian of any function of points."""

from ._derivatives import (
    JetPlan as JetPlan,
    derivatives as derivatives,
    parse_derivative as parse_derivative,
    plan_jet as plan_jet,
)
from ._operators import (
    PointFunction as PointFunction,
    curl as curl,
    divergence as divergence,
    gradient as gradient,
    hessian as hessian,
    jacobian as jacobian,
    laplacian as laplacian,
)
