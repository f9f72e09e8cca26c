"""Bytes to records and back: the container, its streams, and a decoder that needs NumPy alone."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
