"""Fields to files of other kinds: rendered, decoded, meshed, exported, compared."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
