"""Networks whose features are looked up in grids: hashed, coded, sparse."""

__all__ = []
