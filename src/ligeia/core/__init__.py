"""Errors, files, random streams, threads and devices. Imports nothing of ligeia's."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
