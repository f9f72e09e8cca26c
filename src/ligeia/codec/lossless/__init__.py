"""Files that give back the samples themselves."""

__all__ = []
