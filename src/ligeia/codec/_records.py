"""The small records of a file, one payload each: network, grid, channels, source (spec/container.md, s. 3).

Every record has exactly one encoding; all others are refused. NumPy only: nothing here imports torch.
"""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

from ligeia.core import InputError
from ligeia.signals import (
    POINT,
    ArraySource,
    Axis,
    Bicubic,
    Box,
    Channel,
    Footprint,
    Gaussian,
    Grid,
    GriddedSource,
    ImageSource,
    Missing,
    PointsSource,
    Profile,
    SoundSource,
    Source,
    SurfaceSource,
    VideoSource,
    VolumeSource,
)

from ._bytes import ByteReader, RecordError, number_bytes, text_bytes, varint_bytes

_NETWORK_KINDS: Final = {1: "Siren"}  # on disk: append, never renumber
_MAX_HIDDEN_LAYERS: Final = 255
_MAX_CHANNELS: Final = 65535  # a channel is a byte on disk and some hundred in memory
_DEFAULT_EXTENT: Final = (-1.0, 1.0)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRecord:
    """Everything that fixes a network but its weights, without torch.

    The fields are those of `ligeia.networks.SirenConfig`, which is the only kind so far.
    """

    kind: int = 1
    """1 is Siren."""
    in_features: int
    hidden_features: int | Sequence[int]
    """Width of the hidden sine layers, or the width of each; kept as one number where they are equal."""
    hidden_layers: int
    """``n`` means n + 1 sine layers; at most 255."""
    out_features: int
    outermost_linear: bool
    omegas: tuple[float, ...]
    """Frequency factor of each sine layer, first to last."""

    def __post_init__(self) -> None:
        if self.kind not in _NETWORK_KINDS:
            raise RecordError(f"network kind {self.kind} is unknown, wanted one of {_NETWORK_KINDS}; upgrade ligeia.")
        if not 0 <= self.hidden_layers <= _MAX_HIDDEN_LAYERS:
            raise RecordError(f"hidden_layers must lie in 0 to {_MAX_HIDDEN_LAYERS}, got {self.hidden_layers}.")
        object.__setattr__(self, "hidden_features", _simplest(self.hidden_features))
        if not isinstance(self.hidden_features, int) and len(self.hidden_features) != self.hidden_layers + 1:
            raise RecordError(
                f"{self.hidden_layers + 1} widths were wanted, one per hidden sine layer, "
                f"got {len(self.hidden_features)}."
            )
        smallest = {
            "in_features": self.in_features,
            "hidden_features": min(self.hidden_widths()),
            "out_features": self.out_features,
        }
        for name, value in smallest.items():
            if value < 1:
                raise RecordError(f"{name} of the network must be at least 1, got {value}.")
        wanted = num_sine_layers(self.hidden_layers, self.outermost_linear)
        if len(self.omegas) != wanted:
            raise RecordError(f"{wanted} omegas were wanted, one per sine layer, got {len(self.omegas)}.")
        if not all(math.isfinite(omega) and omega > 0 for omega in self.omegas):
            raise RecordError("every omega of the network must be positive and finite.")

    def hidden_widths(self) -> tuple[int, ...]:
        """Return the width of each hidden sine layer, first to last."""
        widths = self.hidden_features
        return (widths,) * (self.hidden_layers + 1) if isinstance(widths, int) else tuple(widths)

    def tensor_shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of weight, bias, weight, bias, ... from the first layer to the last."""
        widths = [self.in_features, *self.hidden_widths(), self.out_features]
        shapes: list[tuple[int, ...]] = []
        for fan_in, fan_out in itertools.pairwise(widths):
            shapes += [(fan_out, fan_in), (fan_out,)]
        return shapes


def _simplest(widths: int | Sequence[int]) -> int | tuple[int, ...]:
    if isinstance(widths, int):
        return widths
    return widths[0] if len(set(widths)) == 1 else tuple(widths)


def num_sine_layers(hidden_layers: int, outermost_linear: bool) -> int:
    """Return how many layers of a sine network end in a sine."""
    return hidden_layers + (1 if outermost_linear else 2)


def pack_network(network: NetworkRecord) -> bytes:
    """Return the payload of a network."""
    omegas = [number_bytes(omega) for omega in network.omegas]
    all_equal = len(set(omegas)) == 1
    widths_differ = not isinstance(network.hidden_features, int)
    widths = b"".join(map(varint_bytes, network.hidden_widths()))
    return b"".join(
        [
            bytes([network.kind, network.outermost_linear | all_equal << 1 | widths_differ << 2]),
            varint_bytes(network.in_features),
            b"" if widths_differ else varint_bytes(network.hidden_widths()[0]),
            bytes([network.hidden_layers]),
            widths if widths_differ else b"",
            varint_bytes(network.out_features),
            *(omegas[:1] if all_equal else omegas),
        ]
    )


def unpack_network(payload: bytes | memoryview) -> NetworkRecord:
    """Return the network of a payload, or raise `RecordError`."""
    reader = ByteReader(payload, "network record")
    kind = reader.byte()
    if kind not in _NETWORK_KINDS:
        raise RecordError(f"network kind {kind} is unknown, wanted one of {_NETWORK_KINDS}; upgrade ligeia.")
    flags = reader.flags(0b111)
    outermost_linear, all_equal, widths_differ = bool(flags & 1), bool(flags & 2), bool(flags & 4)
    in_features = reader.varint()
    hidden_features = 0 if widths_differ else reader.varint()
    hidden_layers = reader.byte()
    if widths_differ:
        hidden_features = tuple(reader.varint() for _ in range(hidden_layers + 1))
        if len(set(hidden_features)) == 1:
            raise reader.wrong("equal widths must be written once")
    out_features = reader.varint()
    num_omegas = num_sine_layers(hidden_layers, outermost_linear)
    if all_equal:
        omegas = (reader.number(),) * num_omegas
    else:
        omegas = tuple(reader.number() for _ in range(num_omegas))
        if len(set(omegas)) == 1:
            raise reader.wrong("equal omegas must be written once")
    reader.close()
    return NetworkRecord(
        kind=kind,
        in_features=in_features,
        hidden_features=hidden_features,
        hidden_layers=hidden_layers,
        out_features=out_features,
        outermost_linear=outermost_linear,
        omegas=omegas,
    )


def pack_grid(grid: Grid) -> bytes:
    """Return the payload of a grid."""
    if grid.num_axes > 255:
        raise RecordError(f"a file holds at most 255 axes, got {grid.num_axes}.")
    parts = [bytes([grid.align == "corners", grid.num_axes])]
    for axis in grid.axes:
        has_footprint = axis.footprint != POINT
        present = (
            axis.extent != _DEFAULT_EXTENT,
            axis.unit,
            axis.ticks,
            axis.is_periodic,
            axis.calendar,
            has_footprint,
        )
        flags = sum(bool(each) << bit for bit, each in enumerate(present))
        parts += [text_bytes(axis.name), varint_bytes(axis.size), bytes([flags])]
        parts += [number_bytes(end) for end in axis.extent if axis.extent != _DEFAULT_EXTENT]
        parts += [text_bytes(axis.unit)] if axis.unit else []
        parts += [number_bytes(tick) for tick in axis.ticks]
        parts += [text_bytes(axis.calendar)] if axis.calendar else []
        parts += [_footprint_bytes(axis.footprint)] if has_footprint else []
    return b"".join(parts)


def unpack_grid(payload: bytes | memoryview) -> Grid:
    """Return the grid of a payload, or raise `RecordError`; nothing is allocated for its samples."""
    reader = ByteReader(payload, "grid record")
    align = "corners" if reader.flags(0b1) else "centers"
    try:
        axes = tuple(_read_axis(reader) for _ in range(reader.byte()))
        reader.close()
        return Grid(axes, align)
    except RecordError:
        raise
    except InputError as error:
        raise RecordError(f"grid record: {error}") from error


def _read_axis(reader: ByteReader) -> Axis:
    name, size = reader.text(), reader.varint()
    flags = reader.flags(0b111111)
    extent = _DEFAULT_EXTENT
    if flags & 1:
        extent = (reader.number(), reader.number())
        if extent == _DEFAULT_EXTENT:
            raise reader.wrong("the extent (-1, 1) must be left out")
    unit = _present_text(reader, "unit") if flags & 2 else ""
    if flags & 4 and size > reader.remaining():  # a tick takes a byte at least
        raise reader.wrong(f"the ticks of {size} samples end inside a value")
    ticks = tuple(reader.number() for _ in range(size)) if flags & 4 else ()
    calendar = _present_text(reader, "calendar") if flags & 16 else ""
    return Axis(
        name=name,
        size=size,
        extent=extent,
        unit=unit,
        ticks=ticks,
        is_periodic=bool(flags & 8),
        calendar=calendar,
        footprint=_read_footprint(reader) if flags & 32 else POINT,
    )


def _footprint_bytes(footprint: Footprint) -> bytes:
    match footprint:
        case Box(width):
            return b"\x01" + number_bytes(width)
        case Gaussian(sigma):
            return b"\x02" + number_bytes(sigma)
        case Bicubic():
            return b"\x03"
        case Profile(weights, width):
            numbers = b"".join(map(number_bytes, weights))
            return b"\x04" + varint_bytes(len(weights)) + numbers + number_bytes(width)
        case _:
            raise RecordError(f"a file has no kind for the footprint {footprint!r}.")


def _read_footprint(reader: ByteReader) -> Footprint:
    match reader.byte():  # on disk: append, never renumber
        case 1:
            return Box(reader.number())
        case 2:
            return Gaussian(reader.number())
        case 3:
            return Bicubic()
        case 4:
            count = reader.varint()
            if count > reader.remaining():  # a weight takes a byte at least
                raise reader.wrong(f"{count} weights of a footprint end inside a value")
            return Profile(tuple(reader.number() for _ in range(count)), reader.number())
        case kind:
            raise reader.wrong(f"footprint {kind} is unknown, wanted 1 to 4")


def _present_text(reader: ByteReader, what: str) -> str:
    text = reader.text()
    if not text:
        raise reader.wrong(f"an empty {what} must be left out")
    return text


def pack_missing(missing: Missing) -> bytes:
    """Return the payload of a mask."""
    return varint_bytes(missing.num_missing) + missing.packed


def unpack_missing(payload: bytes | memoryview, grid: Grid) -> Missing:
    """Return the mask of a payload, still packed, or raise `RecordError`."""
    reader = ByteReader(payload, "missing record")
    num_missing = reader.varint()
    try:
        return Missing(grid.num_samples, num_missing, bytes(reader.take(reader.remaining())))
    except InputError as error:
        raise RecordError(f"missing record: {error}") from error


def pack_channels(channels: tuple[Channel, ...]) -> bytes:
    """Return the payload of the channels."""
    if not 1 <= len(channels) <= _MAX_CHANNELS:
        raise RecordError(f"a file holds 1 to {_MAX_CHANNELS} channels, got {len(channels)}.")
    scales = [number_bytes(each.low) + number_bytes(each.high) + text_bytes(each.unit) for each in channels]
    shared = len(set(scales)) == 1
    parts = [bytes([shared]), varint_bytes(len(channels)), *(scales[:1] if shared else [])]
    for channel, scale in zip(channels, scales, strict=True):
        parts += [text_bytes(channel.name)] if shared else [text_bytes(channel.name), scale]
    return b"".join(parts)


def unpack_channels(payload: bytes | memoryview) -> tuple[Channel, ...]:
    """Return the channels of a payload, or raise `RecordError`."""
    reader = ByteReader(payload, "channels record")
    shared = bool(reader.flags(0b1))
    count = reader.varint()
    if not 1 <= count <= _MAX_CHANNELS:
        raise reader.wrong(f"1 to {_MAX_CHANNELS} channels were wanted, got {count}")
    common = _read_scale(reader) if shared else None
    channels = []
    try:
        for _ in range(count):
            name = reader.text()
            low, high, unit = common or _read_scale(reader)
            channels.append(Channel(name=name, low=low, high=high, unit=unit))
    except RecordError:
        raise
    except InputError as error:
        raise RecordError(f"channels record: {error}") from error
    reader.close()
    result = tuple(channels)
    if not shared and pack_channels(result)[0]:
        raise reader.wrong("a range and unit that all channels share must be written once")
    return result


def _read_scale(reader: ByteReader) -> tuple[float, float, str]:
    return reader.number(), reader.number(), reader.text()


class _SourceField(NamedTuple):
    """How one field of a source is stored: always if ``default`` is None, else where it differs from that.

    The default is the file's, not the class's, which may change without changing what old files mean.
    """

    name: str
    type: type
    default: str | int | bool | bytes | None = None


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
}
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
}


def pack_source(source: Source) -> bytes:
    """Return the payload of a source."""
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
    if kind not in _SOURCES:
        raise RecordError(f"source kind {kind} is unknown, wanted one of {sorted(_SOURCES)}; upgrade ligeia.")
    cls, fields = _SOURCES[kind]
    presence = reader.presence(sum(field.default is not None for field in fields))
    values: dict[str, str | int | bool | bytes] = {}
    for field in fields:
        stored = True
        if field.default is not None:
            stored, presence = bool(presence & 1), presence >> 1
            values[field.name] = field.default
        if stored:
            values[field.name] = _read_field(reader, field)
    reader.close()
    try:
        source = cls(**values)  # type: ignore[arg-type]
    except InputError as error:
        raise RecordError(f"source record: {error}") from error
    _check_source(kind, source)
    return source


def _field_bytes(value: str | int | bytes) -> bytes:
    if isinstance(value, str):
        return text_bytes(value)
    if isinstance(value, bytes):
        return varint_bytes(len(value)) + value
    return varint_bytes(value)


def _read_field(reader: ByteReader, field: _SourceField) -> str | int | bool | bytes:
    if field.type is bool:
        return not field.default
    value = {str: reader.text, int: reader.varint, bytes: reader.data}[field.type]()
    if value == field.default:
        raise reader.wrong(f"{field.name} must be left out where it is {field.default!r}")
    return value


def _check_source(kind: int, source: Source) -> None:
    if not _DTYPES[kind].fullmatch(source.dtype):
        raise RecordError(f"source record: a dtype of real numbers was wanted, got {source.dtype[:20]!r}.")
    if isinstance(source, ImageSource):
        if not 1 <= source.bits <= 64:
            raise RecordError(f"source record: bits must lie in 1 to 64, got {source.bits}.")
        if not 1 <= source.orientation <= 8:
            raise RecordError(f"source record: orientation must lie in 1 to 8, got {source.orientation}.")
    if isinstance(source, VideoSource):
        parts = (source.rate_numerator, source.rate_denominator, source.aspect_numerator, source.aspect_denominator)
        if not all(1 <= part < 2**31 for part in parts):
            raise RecordError(f"source record: fractions of 1 to {2**31 - 1} were wanted, got {parts}.")
        if max(source.color_space, source.color_range) > 255:
            raise RecordError("source record: numbers of colors up to 255 were wanted.")
    if isinstance(source, VolumeSource) and len(source.header) not in (348, 540):
        raise RecordError(f"source record: a NIfTI header of 348 or 540 bytes was wanted, got {len(source.header)}.")
    if isinstance(source, GriddedSource) and source.format not in ("NETCDF3", "NETCDF4", "ZARR", "ZARR2"):
        raise RecordError(f"source record: NETCDF3, NETCDF4, ZARR or ZARR2 was wanted, got {source.format[:20]!r}.")
    if isinstance(source, SoundSource) and not 1 <= source.sample_rate < 2**31:
        raise RecordError(f"source record: 1 to {2**31 - 1} samples per second were wanted, got {source.sample_rate}.")
