"""Fields to files and back."""

from dataclasses import asdict
from pathlib import Path

import torch

from ligeia.core import InputError
from ligeia.field import Field
from ligeia.networks import SirenConfig

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
    network = NetworkRecord(**asdict(field.network.config))
    tensors = []
    for linear in field.network.linears():
        tensors += [linear.weight.detach().cpu().numpy(), linear.bias.detach().cpu().numpy()]
    return FieldRecord(network, field.grid, field.channels, field.source, tuple(tensors), field.missing)


def from_record(record: FieldRecord) -> Field:
    """Return the field of a record, its weights in float32."""
    described = asdict(record.network)
    assert described.pop("kind") == 1  # the record refuses all others
    config = SirenConfig(**described)
    siren = config.build()
    arrays = record.float_tensors()
    with torch.no_grad():
        for linear, weight, bias in zip(siren.linears(), arrays[::2], arrays[1::2], strict=True):
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
    return Field(siren, record.grid, record.channels, record.source, record.missing)
