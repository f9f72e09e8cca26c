"""Optimizers: Adam, Muon, SOAP and L-BFGS."""

__all__ = []
