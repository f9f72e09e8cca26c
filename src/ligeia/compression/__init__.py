"""Files of a given size or quality: weights and latent grids that are fitted as a file holds them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
