"""Latent grids as a stream: layout, context models and the learned networks they begin with."""

__all__ = []
