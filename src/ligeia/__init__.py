"""Any signal as a small, differentiable function.

>>> import numpy as np, ligeia as lg
>>> field = lg.fit(np.zeros((8, 8), np.uint8), stop=lg.passes(2), hidden_features=16)
>>> field.sample((32, 32)).shape
torch.Size([32, 32, 1])
"""

import importlib
from typing import TYPE_CHECKING

from ligeia.core import lazy_exports

if TYPE_CHECKING:
    from ligeia.calculus import (
        curl as curl,
        derivatives as derivatives,
        divergence as divergence,
        gradient as gradient,
        hessian as hessian,
        jacobian as jacobian,
        laplacian as laplacian,
    )
    from ligeia.codec import load as load, save as save
    from ligeia.field import Field as Field
    from ligeia.fitting import passes as passes, plateau as plateau, psnr as psnr, seconds as seconds, snr as snr
    from ligeia.networks import *  # noqa: F403
    from ligeia.networks import Siren as Siren
    from ligeia.recipes import compress as compress, fit as fit
    from ligeia.signals import Grid as Grid, Signal as Signal

__version__ = "0.1.0"

_MODULES = {
    "Field": "field",
    "Grid": "signals",
    "Signal": "signals",
    "Siren": "networks",
    "compress": "recipes",
    "curl": "calculus",
    "derivatives": "calculus",
    "divergence": "calculus",
    "fit": "recipes",
    "gradient": "calculus",
    "hessian": "calculus",
    "jacobian": "calculus",
    "laplacian": "calculus",
    "load": "codec",
    "passes": "fitting",
    "plateau": "fitting",
    "psnr": "fitting",
    "save": "codec",
    "seconds": "fitting",
    "snr": "fitting",
}

_load, _names = lazy_exports(__name__, {name: f".{module}" for name, module in _MODULES.items()})


def __dir__() -> list[str]:
    return sorted({*_names(), *importlib.import_module("ligeia.networks").__all__})


def __getattr__(name: str) -> object:
    if name in _MODULES or not name[0].isupper():
        return _load(name)
    networks = importlib.import_module("ligeia.networks")  # every network goes by its own name: lg.Finer
    return getattr(networks, name) if name in networks.__all__ else _load(name)


__all__ = [
    "Field",
    "Grid",
    "Signal",
    "Siren",
    "compress",
    "curl",
    "derivatives",
    "divergence",
    "fit",
    "gradient",
    "hessian",
    "jacobian",
    "laplacian",
    "load",
    "passes",
    "plateau",
    "psnr",
    "save",
    "seconds",
    "snr",
]
