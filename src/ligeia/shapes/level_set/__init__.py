"""Watertight meshes of level sets, cell by cell near the surface only."""

__all__ = []
