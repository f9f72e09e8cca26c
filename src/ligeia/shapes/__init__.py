"""Shapes: surfaces as signed-distance fields, from meshes and point clouds, and back to watertight meshes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
