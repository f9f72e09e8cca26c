"""Photographs with known cameras."""

__all__ = []
