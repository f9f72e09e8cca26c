"""The residual of a field against the samples, as a stream: order, prediction, entropy coding."""

__all__ = []
