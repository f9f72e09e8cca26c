"""Fields from what is known of their derivatives: images from gradients, differential equations."""

from ._absorbing import AbsorbingLayer as AbsorbingLayer, Stretching as Stretching
from ._balanced import balanced as balanced
from ._blending import Blending as Blending
from ._constraints import (
    Constraint as Constraint,
    Constraints as Constraints,
    Residual as Residual,
    residuals as residuals,
)
from ._finite_differences import finite_differences as finite_differences
from ._focused import focused as focused
from ._held import Held as Held
from ._helmholtz import Circle as Circle, Helmholtz as Helmholtz, Speed as Speed, uniform_speed as uniform_speed
from ._inversion import Eliminated as Eliminated, Inversion as Inversion, Misfit as Misfit
from ._light_cone import light_cone as light_cone
from ._output_layer import solve_output as solve_output
from ._points import points_in as points_in
from ._poisson import DerivativesOf as DerivativesOf, Known as Known
from ._smoothness import Smoothness as Smoothness, SmoothValues as SmoothValues
from ._sources import GaussianSource as GaussianSource
from ._wave import GaussianPulse as GaussianPulse, Wave as Wave

__all__ = [
    "AbsorbingLayer",
    "Blending",
    "Circle",
    "Constraint",
    "Constraints",
    "DerivativesOf",
    "Eliminated",
    "GaussianPulse",
    "GaussianSource",
    "Held",
    "Helmholtz",
    "Inversion",
    "Known",
    "Misfit",
    "Residual",
    "SmoothValues",
    "Smoothness",
    "Speed",
    "Stretching",
    "Wave",
    "balanced",
    "finite_differences",
    "focused",
    "light_cone",
    "points_in",
    "residuals",
    "solve_output",
    "uniform_speed",
]
