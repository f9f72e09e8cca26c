"""Arithmetic of sine networks, latent grids and scenes: plain definitions, and compiled kernels that agree."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
