"""A small network of every architecture that a file can hold."""

from dataclasses import fields
from typing import Any

from ligeia.codec import ARCHITECTURES
from ligeia.networks import Architecture, Finer, Radiance, Voxels

SIZES = {"hidden_features": 7, "hidden_layers": 2, "num_centers": 9, "num_frequencies": 5, "table_size": 50}


def small(cls: type[Architecture]) -> Architecture:
    """Return a network of a class with few weights; wrappers are around a `Finer`."""
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    given: dict[str, Any] = {name: size for name, size in SIZES.items() if name in names}
    if "inner" in names:
        given["inner"] = Finer(hidden_features=7, hidden_layers=1)
    if cls is Radiance:
        given["scale"] = 0.5
    return cls(**given)


EVERY = [small(cls) for cls in ARCHITECTURES.values() if cls is not Voxels]
"""Those that take any number of coordinates and values."""


def name_of(architecture: Architecture) -> str:
    """Return what a test of an architecture is called."""
    return architecture.name
