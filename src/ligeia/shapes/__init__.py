"""Shapes: surfaces as signed-distance fields, from meshes and point clouds, and back to watertight meshes."""

__all__ = []
