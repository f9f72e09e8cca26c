"""The small records of a file, one payload each: grid and channels (spec/container.md, s. 3).

Every record has exactly one encoding; all others are refused. NumPy only: nothing here imports torch.
"""

from typing import Final

from ligeia.core import InputError
from ligeia.signals import (
    POINT,
    Axis,
    Bicubic,
    Box,
    Channel,
    Footprint,
    Gaussian,
    Grid,
    Missing,
    Profile,
)

from ._bytes import ByteReader, RecordError, number_bytes, text_bytes, varint_bytes

_MAX_CHANNELS: Final = 65535  # a channel is a byte on disk and some hundred in memory
_DEFAULT_EXTENT: Final = (-1.0, 1.0)


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
            raise reader.wrong(f"footprint {kind} is unknown, expected 1 to 4")


def _present_text(reader: ByteReader, what: str) -> str:
    text = reader.text()
    if not text:
        raise reader.wrong(f"an empty {what} must be left out")
    return text


def pack_missing(missing: Missing) -> bytes:
    """Return the payload of a mask."""
    return varint_bytes(missing.num_missing) + missing.packed


def unpack_missing(payload: bytes | memoryview, grid: Grid, fill: bytes | memoryview | None) -> Missing:
    """Return the mask of a payload, still packed, and what stood there in the original; or raise `RecordError`."""
    reader = ByteReader(payload, "missing record")
    num_missing = reader.varint()
    try:
        return Missing(grid.num_samples, num_missing, bytes(reader.take(reader.remaining())), _fill(fill))
    except InputError as error:
        raise RecordError(f"missing record: {error}") from error


def _fill(payload: bytes | memoryview | None) -> float | None:
    if payload is None:
        return None
    reader = ByteReader(payload, "fill record")
    value = reader.number()
    reader.close()
    return value


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
        raise reader.wrong(f"expected 1 to {_MAX_CHANNELS} channels, got {count}")
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
