"""Videos, frame by frame."""

__all__ = []
