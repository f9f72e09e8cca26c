"""Any signal as a small, differentiable function.

>>> import numpy as np, ligeia as lg
>>> field = lg.fit(np.zeros((8, 8), np.uint8), stop=lg.passes(2), hidden_features=16)
>>> field.sample((32, 32)).shape
torch.Size([32, 32, 1])
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
