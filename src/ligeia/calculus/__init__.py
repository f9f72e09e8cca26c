"""Chosen partial derivatives, gradient, divergence, curl, Jacobian, Hessian and Laplacian of any function of points."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
