"""Entropy coding: asymmetric numeral systems, alone and interleaved."""

__all__ = []
