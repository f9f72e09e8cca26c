"""Coordinate networks: plain modules, coordinates in, values out; they know nothing of data."""

from ._siren import (
    LayerActivations as LayerActivations,
    SineLayer as SineLayer,
    Siren as Siren,
    SirenConfig as SirenConfig,
)

__all__ = ["LayerActivations", "SineLayer", "Siren", "SirenConfig"]
