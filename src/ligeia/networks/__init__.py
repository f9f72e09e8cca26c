"""Coordinate networks: modules that map coordinates to values and know nothing about data.

Architectures are descriptions without weights and need no torch; modules that compute in torch load on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
