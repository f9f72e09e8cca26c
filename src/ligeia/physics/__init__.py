"""Fields from what is known of their derivatives: images from gradients, differential equations."""

from ._absorbing import AbsorbingLayer as AbsorbingLayer, Stretching as Stretching
from ._constraints import Constraint as Constraint, Constraints as Constraints, Residual as Residual
from ._finite_differences import finite_differences as finite_differences
from ._helmholtz import Circle as Circle, Helmholtz as Helmholtz, Speed as Speed, uniform_speed as uniform_speed
from ._inversion import Eliminated as Eliminated, Inversion as Inversion, Misfit as Misfit
from ._output_layer import solve_output as solve_output
from ._poisson import DerivativesOf as DerivativesOf, Known as Known
from ._sources import GaussianSource as GaussianSource

__all__ = [
    "AbsorbingLayer",
    "Circle",
    "Constraint",
    "Constraints",
    "DerivativesOf",
    "Eliminated",
    "GaussianSource",
    "Helmholtz",
    "Inversion",
    "Known",
    "Misfit",
    "Residual",
    "Speed",
    "Stretching",
    "finite_differences",
    "solve_output",
    "uniform_speed",
]
