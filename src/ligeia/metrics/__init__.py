"""Measures of quality: decibels, structural similarity, distances between distributions and between surfaces."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
