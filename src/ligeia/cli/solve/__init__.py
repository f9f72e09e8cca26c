"""`ligeia solve`: one file per equation."""

__all__ = []
