"""Fields from constraints on their derivatives: images from gradients, differential equations."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
