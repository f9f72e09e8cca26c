"""Rays through sparse voxels: the plain torch definition, and compiled kernels that agree with it."""

__all__ = []
