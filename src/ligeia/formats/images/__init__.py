"""Pictures and stacks of pictures."""

__all__ = []
