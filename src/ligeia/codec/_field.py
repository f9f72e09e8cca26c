"""Fields to files and back."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.networks import CoordinateNetwork, NetworkConfig, SirenConfig

from ._container import FieldRecord
from ._read import read_record, write_record
from ._records import NetworkRecord


def save(field: Field, path: Path | str) -> int:
    """Write a field as a ``.lig`` file, whole or not at all; weights stay bit-exact. Return the size in bytes."""
    if not isinstance(field, Field):
        raise InputError(
            f"a Field was wanted, got {type(field).__name__}; `Field(network, grid)` makes one of a network."
        )
    return write_record(to_record(field), Path(path))


def load(path: Path | str) -> Field:
    """Read a field from a ``.lig`` file, onto the CPU.

    Anything that is not one is refused with a `FormatError` before its content is acted upon.
    """
    return from_record(read_record(Path(path)))


def to_record(field: Field) -> FieldRecord:
    """Return what a file of this field says."""
    config = field.network.config
    network = config if isinstance(config, NetworkConfig) else NetworkRecord(**asdict(config))
    tensors = [each.detach().cpu().numpy() for each in field.network.tensors()]
    return FieldRecord(network, field.grid, field.channels, field.source, tuple(tensors), field.missing)


def from_record(record: FieldRecord) -> Field:
    """Return the field of a record, its weights in float32."""
    network: Any  # of either kind, in which Field is generic
    if isinstance(record.network, NetworkConfig):
        network = CoordinateNetwork(record.network, given=record.float_tensors())
    else:
        network = SirenConfig(**asdict(record.network)).build()
        with torch.no_grad():
            for tensor, values in zip(network.tensors(), record.float_tensors(), strict=True):
                tensor.copy_(torch.from_numpy(values))
    return Field(network, record.grid, record.channels, record.source, record.missing)
