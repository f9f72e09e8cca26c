"""Sine-layer and sine-network arithmetic: the plain torch reference."""

from ._reference import Jet as Jet, sine_layer as sine_layer, sine_mlp_jet as sine_mlp_jet

__all__ = ["Jet", "sine_layer", "sine_mlp_jet"]
