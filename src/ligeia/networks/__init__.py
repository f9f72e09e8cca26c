"""Coordinate networks: plain modules, coordinates in, values out; they know nothing of data."""

from ._conventions import convention_of as convention_of, from_reference as from_reference
from ._siren import (
    Jet as Jet,
    LayerActivations as LayerActivations,
    SineLayer as SineLayer,
    Siren as Siren,
    SirenConfig as SirenConfig,
)

__all__ = ["Jet", "LayerActivations", "SineLayer", "Siren", "SirenConfig", "convention_of", "from_reference"]
