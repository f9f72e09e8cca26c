"""Sine-layer and sine-network arithmetic: the plain torch definition, and compiled kernels that agree with it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
