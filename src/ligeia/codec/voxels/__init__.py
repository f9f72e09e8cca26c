"""Sparse voxels in a file: which cells are occupied, and the integers of their nodes."""

__all__ = []
