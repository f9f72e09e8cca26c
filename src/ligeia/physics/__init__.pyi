"""Fields from what is known of their derivatives: images from gradients, differential equations."""

from ._absorbing import AbsorbingLayer as AbsorbingLayer
from ._adaptive_sampling import residual_adaptive as residual_adaptive
from ._blending import Blending as Blending
from ._constraints import Constraint as Constraint, Constraints as Constraints, residuals as residuals
from ._finite_differences import finite_differences as finite_differences
from ._hard_constraint import HardConstraint as HardConstraint
from ._helmholtz import Circle as Circle, Helmholtz as Helmholtz, Speed as Speed, uniform_speed as uniform_speed
from ._inversion import Eliminated as Eliminated, Inversion as Inversion
from ._output_layer import solve_output as solve_output
from ._plane_waves import plane_wave_solution as plane_wave_solution
from ._points import points_in as points_in
from ._poisson import DerivativesOf as DerivativesOf, Known as Known
from ._smoothness import Smoothness as Smoothness, SmoothValues as SmoothValues
from ._sources import GaussianSource as GaussianSource
from ._wave import GaussianPulse as GaussianPulse, Wave as Wave
from ._weighting import balance_weights as balance_weights
