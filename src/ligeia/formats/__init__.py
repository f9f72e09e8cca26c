"""Files to signals and back: one table of formats, with a reader and a writer for each."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
