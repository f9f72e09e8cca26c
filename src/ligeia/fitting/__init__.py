"""Fitting: objectives, batches, recipes, stop rules, and the one loop."""

from ._adam import Adam as Adam, Moments as Moments
from ._batches import Batches as Batches
from ._block_batches import BlockBatches as BlockBatches
from ._checkpoint import Checkpointer as Checkpointer
from ._lbfgs import Evaluation as Evaluation, Minimized as Minimized, lbfgs as lbfgs
from ._loop import (
    Callback as Callback,
    Step as Step,
    fit as fit,
)
from ._muon import (
    ADAM_SIZE as ADAM_SIZE,
    POLYNOMIALS as POLYNOMIALS,
    Muon as Muon,
    orthogonalized as orthogonalized,
)
from ._objectives import (
    Averages as Averages,
    Objective as Objective,
    Prior as Prior,
    Quality as Quality,
    Values as Values,
)
from ._progress import (
    Measurement as Measurement,
    Progress as Progress,
    Report as Report,
    Restart as Restart,
)
from ._recipe import (
    Cooling as Cooling,
    Optimizer as Optimizer,
    OptimizerState as OptimizerState,
    Recipe as Recipe,
)
from ._soap import Soap as Soap
from ._state import State as State
from ._step import (
    Gradients as Gradients,
    TakeStep as TakeStep,
    autograd_step as autograd_step,
    fused_shape as fused_shape,
    gradients_of as gradients_of,
)
from ._stop import (
    Rule as Rule,
    Stop as Stop,
    passes as passes,
    plateau as plateau,
    psnr as psnr,
    seconds as seconds,
    snr as snr,
)

__all__ = [
    "ADAM_SIZE",
    "POLYNOMIALS",
    "Adam",
    "Averages",
    "Batches",
    "BlockBatches",
    "Callback",
    "Checkpointer",
    "Cooling",
    "Evaluation",
    "Gradients",
    "Measurement",
    "Minimized",
    "Moments",
    "Muon",
    "Objective",
    "Optimizer",
    "OptimizerState",
    "Prior",
    "Progress",
    "Quality",
    "Recipe",
    "Report",
    "Restart",
    "Rule",
    "Soap",
    "State",
    "Step",
    "Stop",
    "TakeStep",
    "Values",
    "autograd_step",
    "fit",
    "fused_shape",
    "gradients_of",
    "lbfgs",
    "orthogonalized",
    "passes",
    "plateau",
    "psnr",
    "seconds",
    "snr",
]
