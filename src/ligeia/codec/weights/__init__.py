"""Quantized weights as a stream: models, and the choice between them."""

__all__ = []
