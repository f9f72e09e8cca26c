"""Architectures in the record of a network (spec/container.md, s. 3): a tag, then their fields, one encoding each."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from ligeia import networks
from ligeia.core import InputError
from ligeia.networks import Architecture, NetworkConfig

from ._bytes import ByteReader, RecordError, number_bytes, varint_bytes

ARCHITECTURES: Final[dict[int, type[Architecture]]] = {  # on disk: append, never renumber; 1 is Siren
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
}
"""The tag of each architecture in a file."""

_MOST_NESTED: Final = 4
_MOST_FEATURES: Final = 65535


def pack_architecture(network: NetworkConfig) -> bytes:
    """Return the payload of a network that is not a `Siren`."""
    parts = [_tag(network.architecture), varint_bytes(network.in_features), varint_bytes(network.out_features)]
    return b"".join([*parts, *_packed(network.architecture)])


def unpack_architecture(kind: int, reader: ByteReader) -> NetworkConfig:
    """Return the network of a payload whose first byte was ``kind``, or raise `RecordError`."""
    in_features, out_features = reader.varint(), reader.varint()
    ends = f"{in_features} and {out_features}"
    if not (1 <= in_features <= _MOST_FEATURES and 1 <= out_features <= _MOST_FEATURES):
        raise reader.wrong(f"1 to {_MOST_FEATURES} coordinates and values were wanted, got {ends}")
    try:
        return NetworkConfig(_read(kind, reader, 0), in_features, out_features)
    except RecordError:
        raise
    except InputError as error:
        raise RecordError(f"network record: {error}") from error


def known_kinds() -> str:
    """Return the tags that this ligeia reads, with their names."""
    return ", ".join(["1 siren", *(f"{tag} {cls.name}" for tag, cls in ARCHITECTURES.items())])


def _tag(architecture: Architecture) -> bytes:
    for tag, cls in ARCHITECTURES.items():
        if type(architecture) is cls:
            return bytes([tag])
    raise RecordError(f"a file has no tag for the network {type(architecture).__name__}; add it to ARCHITECTURES.")


def _packed(architecture: Architecture) -> list[bytes]:
    return [_KINDS[field.type][0](getattr(architecture, field.name)) for field in fields(architecture)]  # type: ignore[arg-type, index]


def _read(kind: int, reader: ByteReader, depth: int) -> Architecture:
    cls = ARCHITECTURES.get(kind)
    if cls is None:
        raise RecordError(f"network kind {kind} is unknown, known are {known_kinds()}; upgrade ligeia.")
    if depth > _MOST_NESTED:
        raise reader.wrong(f"networks within networks go {_MOST_NESTED} deep")
    return cls(**{field.name: _KINDS[field.type][1](reader, depth) for field in fields(cls)})  # type: ignore[arg-type, index]


def _nested_bytes(value: Architecture) -> bytes:
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
