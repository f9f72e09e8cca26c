"""Fields from what is known of their derivatives: images from gradients, differential equations."""

from ._constraints import Constraint as Constraint, Constraints as Constraints, Residual as Residual
from ._output_layer import solve_output as solve_output
from ._poisson import DerivativesOf as DerivativesOf, Known as Known

__all__ = ["Constraint", "Constraints", "DerivativesOf", "Known", "Residual", "solve_output"]
