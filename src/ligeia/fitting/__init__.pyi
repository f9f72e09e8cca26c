"""Fitting: objectives, batches, recipes, stop rules, and the one loop."""

from ._averages import FootprintSamples as FootprintSamples
from ._batches import Batches as Batches, ShuffledBatches as ShuffledBatches
from ._block_batches import BlockBatches as BlockBatches
from ._checkpoint import Checkpointer as Checkpointer
from ._identity import (
    Part as Part,
    identity as identity,
    network_part as network_part,
    numbers_of as numbers_of,
    optimizer_part as optimizer_part,
    recipe_part as recipe_part,
    samples_part as samples_part,
)
from ._loop import Callback as Callback, Step as Step, fit as fit
from ._objective import (
    LeastSquares as LeastSquares,
    Objective as Objective,
    Quality as Quality,
    squared_error as squared_error,
)
from ._progress import Progress as Progress
from ._recipe import LRSchedule as LRSchedule, Optimizer as Optimizer, Recipe as Recipe
from ._state import State as State
from ._step import (
    TakeStep as TakeStep,
    autograd_step as autograd_step,
    fused_shape as fused_shape,
    gradients_of as gradients_of,
)
from ._stop import Stop as Stop, passes as passes, plateau as plateau, psnr as psnr, seconds as seconds, snr as snr
from ._values import Values as Values
from .optimizers._adam import Adam as Adam, AdamState as AdamState
from .optimizers._lbfgs import Evaluation as Evaluation, lbfgs as lbfgs
from .optimizers._muon import (
    ADAM_SIZE as ADAM_SIZE,
    POLYNOMIALS as POLYNOMIALS,
    Muon as Muon,
    orthogonalized as orthogonalized,
)
from .optimizers._soap import Soap as Soap
