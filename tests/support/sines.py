"""The sine network of a field, by its own type."""

from ligeia.field import Field
from ligeia.networks import Siren


def siren_of(field: Field) -> Siren:
    """Return the network of a field, which must be a sine network."""
    assert isinstance(field.network, Siren)
    return field.network
