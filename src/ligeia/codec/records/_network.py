"""The record of a network (spec/container.md, s. 3, spec/networks.md): a tag, then the fields of the architecture.

Every record has exactly one encoding; all others are refused. The sine network, tag 1, predates the table of the others
and has its own encoding.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

import numpy as np

from ligeia import networks
from ligeia.core import FormatError, InputError
from ligeia.networks import Architecture, NetworkConfig, SirenArchitecture, Voxels

from ..voxels._cells import check_cells, pack_cells, unpack_cells
from ._bytes import ByteReader, RecordError, number_bytes, varint_bytes

ARCHITECTURES: Final[dict[int, type[Architecture]]] = {  # on disk: append, never renumber
    1: networks.SirenArchitecture,
    2: networks.ReluMlp,
    3: networks.TanhMlp,
    4: networks.SoftplusMlp,
    5: networks.Rbf,
    6: networks.PositionalEncoding,
    7: networks.FourierFeatures,
    8: networks.Gauss,
    9: networks.Wire,
    10: networks.RealWire,
    11: networks.Finer,
    12: networks.Sinc,
    13: networks.FourierNet,
    14: networks.GaborNet,
    15: networks.Bacon,
    16: networks.HashGrid,
    17: networks.LearnedSiren,
    18: networks.Bounded,
    19: networks.Symmetric,
    20: networks.Periodic,
    21: networks.LatentGrid,
    22: networks.Voxels,
    23: networks.Radiance,
}
"""The tag of each architecture in a file."""

_VOXELS: Final = 22
_MOST_NESTED: Final = 4
_MOST_FEATURES: Final = 65535


def pack_network(network: NetworkConfig) -> bytes:
    """Return the payload of a network."""
    tag = _tag(network.architecture)
    if tag[0] in _OWN_ENCODINGS:
        return tag + _OWN_ENCODINGS[tag[0]][0](network)
    parts = [tag, varint_bytes(network.in_features), varint_bytes(network.out_features)]
    return b"".join([*parts, *_packed(network.architecture)])


def pack_occupied(network: NetworkConfig) -> bytes | None:
    """Return the payload of the cells of voxels; None for any other network."""
    voxels = network.architecture
    return pack_cells(voxels.occupied_cells()) if isinstance(voxels, Voxels) else None


def has_cells(payload: bytes | memoryview) -> bool:
    """Return whether a network has a payload of cells besides."""
    return bytes(payload[:1]) == bytes([_VOXELS])


def unpack_network(
    payload: bytes | memoryview, cells: bytes | memoryview = b"", *, file_bytes: int = 0
) -> NetworkConfig:
    """Return the network of a payload, or raise a `FormatError`.

    ``cells`` is the other payload of voxels, ``file_bytes`` what pays for their memory.
    """
    reader = ByteReader(payload, "network record")
    kind = reader.byte()
    try:
        if kind == _VOXELS:
            found = _read_voxels(reader, cells, file_bytes)
        else:
            found = _OWN_ENCODINGS[kind][1](reader) if kind in _OWN_ENCODINGS else _read_network(kind, reader)
    except FormatError:
        raise
    except InputError as error:
        raise RecordError(f"network record: {error}") from error
    return found


def _read_voxels(reader: ByteReader, payload: bytes | memoryview, file_bytes: int) -> NetworkConfig:
    in_features, out_features = reader.varint(), reader.varint()
    known = [field for field in fields(Voxels) if field.type is not bytes]
    named = {field.name: _KINDS[field.type][1](reader, 0) for field in known}
    reader.close()
    check_cells(named["cells"], file_bytes)
    occupied = np.packbits(unpack_cells(payload, named["cells"])).tobytes()
    voxels = Voxels(occupied=occupied, **named)
    voxels.output(out_features)  # refuses other numbers
    return NetworkConfig(voxels, in_features, out_features)


def _read_network(kind: int, reader: ByteReader) -> NetworkConfig:
    in_features, out_features = reader.varint(), reader.varint()
    ends = f"{in_features} and {out_features}"
    if not (1 <= in_features <= _MOST_FEATURES and 1 <= out_features <= _MOST_FEATURES):
        raise reader.wrong(f"expected 1 to {_MOST_FEATURES} coordinates and values, got {ends}")
    found = NetworkConfig(_read(kind, reader, 0), in_features, out_features)
    reader.close()
    return found


def _siren_bytes(network: NetworkConfig) -> bytes:
    architecture = network.architecture
    assert isinstance(architecture, SirenArchitecture)
    omegas = [number_bytes(omega) for omega in architecture.layer_omegas()]
    all_equal = len(set(omegas)) == 1
    widths_differ = not isinstance(architecture.hidden_features, int)
    widths = b"".join(map(varint_bytes, architecture.hidden_widths()))
    return b"".join(
        [
            bytes([architecture.outermost_linear | all_equal << 1 | widths_differ << 2]),
            varint_bytes(network.in_features),
            b"" if widths_differ else varint_bytes(architecture.num_features),
            bytes([architecture.hidden_layers]),
            widths if widths_differ else b"",
            varint_bytes(network.out_features),
            *(omegas[:1] if all_equal else omegas),
        ]
    )


def _read_siren(reader: ByteReader) -> NetworkConfig:
    flags = reader.flags(0b111)
    outermost_linear, all_equal, widths_differ = bool(flags & 1), bool(flags & 2), bool(flags & 4)
    in_features = reader.varint()
    hidden_features: int | tuple[int, ...] = 0 if widths_differ else reader.varint()
    hidden_layers = reader.byte()
    if widths_differ:
        hidden_features = tuple(reader.varint() for _ in range(hidden_layers + 1))
        if len(set(hidden_features)) == 1:
            raise reader.wrong("equal widths must be written once")
    out_features = reader.varint()
    if all_equal:
        omegas: float | tuple[float, ...] = reader.number()
    else:
        omegas = tuple(reader.number() for _ in range(hidden_layers + (1 if outermost_linear else 2)))
        if len(set(omegas)) == 1:
            raise reader.wrong("equal omegas must be written once")
    architecture = SirenArchitecture(
        hidden_features=hidden_features,
        hidden_layers=hidden_layers,
        outermost_linear=outermost_linear,
        omegas=omegas,
    )
    reader.close()
    return NetworkConfig(architecture, in_features, out_features)


_OWN_ENCODINGS: Final[dict[int, tuple[Callable[[NetworkConfig], bytes], Callable[[ByteReader], NetworkConfig]]]] = {
    1: (_siren_bytes, _read_siren)
}
"""What follows the tags that are older than the encoding of all others."""


def known_kinds() -> str:
    """Return the tags that this ligeia reads, with their names."""
    return ", ".join(f"{tag} {cls.name}" for tag, cls in ARCHITECTURES.items())


def _tag(architecture: Architecture) -> bytes:
    for tag, cls in ARCHITECTURES.items():
        if type(architecture) is cls:
            return bytes([tag])
    raise RecordError(f"a file has no tag for the network {type(architecture).__name__}; add it to ARCHITECTURES.")


def _packed(architecture: Architecture) -> list[bytes]:
    known = [field for field in fields(architecture) if field.type is not bytes]  # type: ignore[arg-type]
    return [_KINDS[field.type][0](getattr(architecture, field.name)) for field in known]  # type: ignore[index]


def _read(kind: int, reader: ByteReader, depth: int) -> Architecture:
    cls = ARCHITECTURES.get(kind)
    if kind in _OWN_ENCODINGS or kind == _VOXELS:
        raise reader.wrong(f"a network {ARCHITECTURES[kind].name} stands in no other one")
    if cls is None:
        raise RecordError(f"network kind {kind} is unknown, known are {known_kinds()}; upgrade ligeia.")
    if depth > _MOST_NESTED:
        raise reader.wrong(f"networks within networks go {_MOST_NESTED} deep")
    return cls(**{field.name: _KINDS[field.type][1](reader, depth) for field in fields(cls)})  # type: ignore[arg-type, index]


def _nested_bytes(value: Architecture) -> bytes:
    if isinstance(value, Voxels):
        raise RecordError("a file has no networks around voxels; save the voxels alone.")
    return b"".join([_tag(value), *_packed(value)])


def _sequence_bytes(one: Callable[[Any], bytes]) -> Callable[[tuple[Any, ...]], bytes]:
    return lambda values: b"".join([varint_bytes(len(values)), *map(one, values)])


def _read_sequence(one: Callable[[ByteReader], Any]) -> Callable[[ByteReader, int], tuple[Any, ...]]:
    def read(reader: ByteReader, _: int) -> tuple[Any, ...]:
        count = reader.varint()
        if count > reader.remaining():  # each takes a byte at least
            raise reader.wrong(f"{count} numbers of a network end inside a value")
        return tuple(one(reader) for _ in range(count))

    return read


_KINDS: Final[dict[Any, tuple[Callable[[Any], bytes], Callable[[ByteReader, int], Any]]]] = {
    int: (varint_bytes, lambda reader, _: reader.varint()),
    float: (number_bytes, lambda reader, _: reader.number()),
    bool: (lambda value: bytes([value]), lambda reader, _: bool(reader.flags(1))),
    tuple[int, ...]: (_sequence_bytes(varint_bytes), _read_sequence(ByteReader.varint)),
    tuple[float, ...]: (_sequence_bytes(number_bytes), _read_sequence(ByteReader.number)),
    Architecture: (_nested_bytes, lambda reader, depth: _read(reader.byte(), reader, depth + 1)),
}
