"""Sine networks: the plain definition, and compiled code that agrees with it."""

__all__ = []
