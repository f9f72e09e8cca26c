"""Meshes and clouds of points."""

__all__ = []
