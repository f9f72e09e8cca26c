"""Latent grids: the plain definition of their fit, and compiled code that agrees with it."""

__all__ = []
