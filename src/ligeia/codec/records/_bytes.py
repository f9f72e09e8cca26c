"""The values in records, each with exactly one encoding (spec/container.md, s. 2)."""

import math
import struct
from typing import Final, final

from ligeia.core import FormatError

_MAX_TEXT_BYTES: Final = 255


class RecordError(FormatError):
    """A record has a value that its layout or its other values do not allow."""


@final
class ByteReader:
    """A cursor over bytes that never reads past their end and never copies more than they hold.

    ``place`` names the bytes in messages; ``too_short`` is raised where they end too early.
    """

    def __init__(self, data: bytes | memoryview, place: str, too_short: type[FormatError] = RecordError) -> None:
        self.position = 0
        self._data = memoryview(data)
        self._place = place
        self._too_short = too_short

    def remaining(self) -> int:
        """Return how many bytes are left."""
        return len(self._data) - self.position

    def take(self, count: int) -> memoryview:
        """Return the next ``count`` bytes."""
        if count > self.remaining():
            raise self._too_short(
                f"expected {count} more bytes at byte {self.position} of the {self._place}, {self.remaining()} are "
                "left; get the file again."
            )
        self.position += count
        return self._data[self.position - count : self.position]

    def byte(self) -> int:
        """Return the next byte as a number."""
        return self.take(1)[0]

    def flags(self, known: int) -> int:
        """Return a byte of flags of which only those in ``known`` may be set."""
        return self._known_bits(self.byte(), known)

    def varint(self) -> int:
        """Return an unsigned integer below 2**63: 7 bits a byte, low bits first, no byte too many."""
        value = 0
        for shift in range(0, 63, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise self.wrong("an integer is written in more bytes than it needs")
                return value
        raise self.wrong("an integer has more than 63 bits")

    def presence(self, num_fields: int) -> int:
        """Return a varint of one bit per optional field."""
        return self._known_bits(self.varint(), (1 << num_fields) - 1)

    def number(self) -> float:
        """Return a finite float64 whose zero low bytes are left out."""
        count = self.byte()
        if count > 8:
            raise self.wrong(f"a number has at most 8 bytes, {count} are claimed")
        stored = bytes(self.take(count))
        if stored and stored[0] == 0:
            raise self.wrong("a number is written in more bytes than it needs")
        value: float = struct.unpack("<d", stored.rjust(8, b"\0"))[0]
        if not math.isfinite(value):
            raise self.wrong(f"expected finite numbers, got {value}")
        return value

    def text(self) -> str:
        """Return a UTF-8 text of at most 255 bytes."""
        stored = bytes(self.take(self.byte()))
        try:
            return stored.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.wrong(f"a text is not UTF-8 ({error.reason})") from error

    def data(self) -> bytes:
        """Return bytes of any number that is present."""
        return bytes(self.take(self.varint()))

    def close(self) -> None:
        """Refuse bytes that are left."""
        if self.remaining():
            raise self.wrong(f"{self.remaining()} bytes follow the last value")

    def wrong(self, what: str) -> RecordError:
        """Return the error for a value that just came."""
        return RecordError(f"{self._place}: {what}, at byte {self.position}; the file is damaged or not ligeia's.")

    def _known_bits(self, value: int, known: int) -> int:
        if value & ~known:
            raise RecordError(
                f"{self._place}: reserved bits must be zero, got {value & ~known:#x}; "
                "the file is damaged or from a newer ligeia: upgrade."
            )
        return value


def varint_bytes(value: int) -> bytes:
    """Return an integer in the encoding that `ByteReader.varint` reads."""
    if not 0 <= value < 1 << 63:
        raise RecordError(f"expected an integer from 0 to 2**63 - 1, got {value}.")
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def number_bytes(value: float) -> bytes:
    """Return a number in the encoding that `ByteReader.number` reads."""
    if not math.isfinite(value):
        raise RecordError(f"expected finite numbers, got {value}.")
    stored = struct.pack("<d", value).lstrip(b"\0")  # little endian: the zero bytes in front are the low ones
    return bytes([len(stored)]) + stored


def text_bytes(value: str) -> bytes:
    """Return a text in the encoding that `ByteReader.text` reads."""
    try:
        stored = value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError(f"the text {value!r} cannot be written in UTF-8 ({error.reason}).") from error
    if len(stored) > _MAX_TEXT_BYTES:
        raise RecordError(
            f"a text holds at most {_MAX_TEXT_BYTES} bytes, got {len(stored)}: {value[:20]!r}...; shorten it."
        )
    return bytes([len(stored)]) + stored
