"""Figures of a fit: the reconstructed signal, and the inside of the network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
