"""Scenes: radiance fields from photographs with known cameras, and new views of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
