"""Fields found from equations: Poisson's, blending, waves, and unknown speeds."""

from ._blend import blend as blend
from ._helmholtz import distance_from_free_field as distance_from_free_field, solve_helmholtz as solve_helmholtz
from ._inversion import Inverted as Inverted, read_recordings as read_recordings, solve_inversion as solve_inversion
from ._linear import solve_linear as solve_linear
from ._poisson import poisson as poisson
from ._solution import Solved as Solved, relative_l2 as relative_l2
from ._wave import solve_wave as solve_wave
