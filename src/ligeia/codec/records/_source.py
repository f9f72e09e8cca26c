"""The source record of a file: what kind of file the samples came from (spec/container.md, s. 3, `SRCE`).

Every record has exactly one encoding; all others are refused. NumPy only: nothing here imports torch.
"""

import re
from typing import Any, Final, NamedTuple

from ligeia.core import InputError
from ligeia.signals import (
    ArraySource,
    GenericSource,
    GriddedSource,
    ImageSource,
    PointsSource,
    SceneSource,
    Settings,
    SoundSource,
    Source,
    SurfaceSource,
    VideoSource,
    VolumeSource,
)

from ._bytes import ByteReader, RecordError, text_bytes, varint_bytes
from ._cameras import read_scene, scene_bytes

_Value = str | int | bool | bytes | Settings


class _SourceField(NamedTuple):
    """How one field of a source is stored: always if ``default`` is None, else where it differs from that.

    The default is the file's, not the class's, which may change without changing what old files mean.
    """

    name: str
    type: Any
    default: _Value | None = None


# on disk: append kinds, and append fields that have a default; never renumber, reorder or change a default
_SOURCES: Final[dict[int, tuple[type[Source], tuple[_SourceField, ...]]]] = {
    1: (
        ArraySource,
        (
            _SourceField("dtype", str),
            _SourceField("has_channel_axis", bool, False),
            _SourceField("name", str, ""),
        ),
    ),
    2: (
        ImageSource,
        (
            _SourceField("format", str),
            _SourceField("mode", str),
            _SourceField("dtype", str),
            _SourceField("bits", int, 8),
            _SourceField("orientation", int, 1),
            _SourceField("icc_profile", bytes, b""),
            _SourceField("palette", bytes, b""),
            _SourceField("palette_mode", str, ""),
        ),
    ),
    3: (
        SoundSource,
        (
            _SourceField("format", str),
            _SourceField("subtype", str),
            _SourceField("sample_rate", int),
            _SourceField("dtype", str, "<f4"),
        ),
    ),
    4: (VolumeSource, (_SourceField("dtype", str), _SourceField("header", bytes))),
    5: (
        VideoSource,
        (
            _SourceField("format", str),
            _SourceField("codec", str),
            _SourceField("pixel_format", str),
            _SourceField("dtype", str),
            _SourceField("rate_numerator", int),
            _SourceField("rate_denominator", int, 1),
            _SourceField("aspect_numerator", int, 1),
            _SourceField("aspect_denominator", int, 1),
            _SourceField("color_space", int, 2),
            _SourceField("color_range", int, 0),
        ),
    ),
    6: (
        GriddedSource,
        (
            _SourceField("format", str),
            _SourceField("name", str),
            _SourceField("dtype", str),
            _SourceField("metadata", bytes),
        ),
    ),
    7: (PointsSource, (_SourceField("dtype", str),)),
    8: (
        SurfaceSource,
        (
            _SourceField("format", str),
            _SourceField("dtype", str, "<f4"),
            _SourceField("is_cloud", bool, False),
        ),
    ),
    9: (
        GenericSource,
        (
            _SourceField("format", str),
            _SourceField("dtype", str),
            _SourceField("settings", Settings, ()),
            _SourceField("data", bytes, b""),
        ),
    ),
}
_SCENE: Final = 10  # its record is one of its own
_REAL = re.compile(r"\|[biu]1|[<>]([iu][248]|f(2|4|8|12|16))")
_DTYPES: Final = {
    1: _REAL,
    2: re.compile(r"bool|u?int(8|16|32|64)|float(16|32|64)"),
    3: re.compile(r"<f[48]"),
    4: _REAL,
    5: re.compile(r"uint(8|16)"),
    6: _REAL,
    7: _REAL,
    8: re.compile(r"<f[48]"),
    9: _REAL,
    _SCENE: re.compile(r"\|u1|<u2|<f4"),
}


def pack_source(source: Source) -> bytes:
    """Return the payload of a source."""
    if isinstance(source, SceneSource):
        _check_source(_SCENE, source)
        return bytes([_SCENE]) + scene_bytes(source)
    kind = next(kind for kind, (cls, _) in _SOURCES.items() if cls is type(source))
    _check_source(kind, source)
    presence, position, parts = 0, 0, []
    for field in _SOURCES[kind][1]:
        value = getattr(source, field.name)
        if field.default is not None:
            presence |= (value != field.default) << position
            position += 1
        if value != field.default and field.type is not bool:  # the bit of a bool is all there is to say
            parts.append(_field_bytes(value))
    return b"".join([bytes([kind]), varint_bytes(presence), *parts])


def unpack_source(payload: bytes | memoryview) -> Source:
    """Return the source of a payload, or raise `RecordError`."""
    reader = ByteReader(payload, "source record")
    kind = reader.byte()
    if kind not in _DTYPES:
        raise RecordError(f"source kind {kind} is unknown, expected one of {sorted(_DTYPES)}; upgrade ligeia.")
    try:
        source = read_scene(reader) if kind == _SCENE else _read_source(kind, reader)
    except RecordError:
        raise
    except InputError as error:
        raise RecordError(f"source record: {error}") from error
    reader.close()
    _check_source(kind, source)
    return source


def _read_source(kind: int, reader: ByteReader) -> Source:
    cls, fields = _SOURCES[kind]
    presence = reader.presence(sum(field.default is not None for field in fields))
    values: dict[str, _Value] = {}
    for field in fields:
        stored = True
        if field.default is not None:
            stored, presence = bool(presence & 1), presence >> 1
            values[field.name] = field.default
        if stored:
            values[field.name] = _read_field(reader, field)
    return cls(**values)  # type: ignore[arg-type]


def _field_bytes(value: str | int | bytes | Settings) -> bytes:
    if isinstance(value, str):
        return text_bytes(value)
    if isinstance(value, bytes):
        return varint_bytes(len(value)) + value
    if isinstance(value, tuple):
        return varint_bytes(len(value)) + b"".join(text_bytes(each) for setting in value for each in setting)
    return varint_bytes(value)


def _read_field(reader: ByteReader, field: _SourceField) -> _Value:
    if field.type is bool:
        return not field.default
    if field.type is Settings:
        value = tuple((reader.text(), reader.text()) for _ in range(reader.varint()))
    else:
        value = {str: reader.text, int: reader.varint, bytes: reader.data}[field.type]()
    if value == field.default:
        raise reader.wrong(f"{field.name} must be left out where it is {field.default!r}")
    return value


def _check_source(kind: int, source: Source) -> None:
    if not _DTYPES[kind].fullmatch(source.dtype):
        raise RecordError(f"source record: expected a dtype of real numbers, got {source.dtype[:20]!r}.")
    if isinstance(source, ImageSource):
        if not 1 <= source.bits <= 64:
            raise RecordError(f"source record: bits must lie in 1 to 64, got {source.bits}.")
        if not 1 <= source.orientation <= 8:
            raise RecordError(f"source record: orientation must lie in 1 to 8, got {source.orientation}.")
    if isinstance(source, VideoSource):
        parts = (source.rate_numerator, source.rate_denominator, source.aspect_numerator, source.aspect_denominator)
        if not all(1 <= part < 2**31 for part in parts):
            raise RecordError(f"source record: expected fractions of 1 to {2**31 - 1}, got {parts}.")
        if max(source.color_space, source.color_range) > 255:
            raise RecordError("source record: expected numbers of colors up to 255.")
    if isinstance(source, VolumeSource) and len(source.header) not in (348, 540):
        raise RecordError(f"source record: expected a NIfTI header of 348 or 540 bytes, got {len(source.header)}.")
    if isinstance(source, GriddedSource) and source.format not in ("NETCDF3", "NETCDF4", "ZARR", "ZARR2"):
        raise RecordError(f"source record: expected NETCDF3, NETCDF4, ZARR or ZARR2, got {source.format[:20]!r}.")
    if isinstance(source, SoundSource) and not 1 <= source.sample_rate < 2**31:
        raise RecordError(f"source record: expected 1 to {2**31 - 1} samples per second, got {source.sample_rate}.")
