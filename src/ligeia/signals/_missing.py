"""Missing: a compact mask of the samples of a grid that have no value."""

import zlib
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool

from ligeia.core import FormatError, ShapeError


@final
@dataclass(frozen=True, slots=True)
class Missing:
    """The samples of a grid that have no value: land in a map of the sea, what is outside of a scan.

    ``packed`` is a zlib stream of one bit per sample in row-major order, the first sample highest in the first byte,
    set if the value is missing; bits after the last sample are 0. It is unpacked on request.
    """

    num_samples: int
    num_missing: int
    packed: bytes

    def __post_init__(self) -> None:
        if not 0 < self.num_missing < self.num_samples:
            raise ShapeError(
                f"expected 1 to {self.num_samples - 1} missing samples, got {self.num_missing} of "
                f"{self.num_samples}; a signal needs at least one value."
            )

    @classmethod
    def of(cls, mask: Bool[np.ndarray, "..."]) -> "Missing | None":
        """Return the record of a mask that is True where a value is missing; None where all are there.

        >>> Missing.of(np.array([[True, False], [False, False]])).num_missing
        1
        """
        count = int(np.count_nonzero(mask))
        return cls(mask.size, count, zlib.compress(np.packbits(mask).tobytes(), 9)) if count else None

    def mask(self) -> Bool[np.ndarray, " n"]:
        """Return a flat mask that is True where a value is missing."""
        size = -(-self.num_samples // 8)
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(self.packed, size + 1)
        except zlib.error as error:
            raise FormatError(f"the mask of the missing samples is damaged ({error}); get the file again.") from error
        if len(data) != size or not stream.eof or stream.unused_data:
            raise FormatError(f"expected a mask of {size} bytes for {self.num_samples} samples; get the file again.")
        mask = np.unpackbits(np.frombuffer(data, np.uint8), count=self.num_samples).view(bool)
        if int(np.count_nonzero(mask)) != self.num_missing:
            raise FormatError(f"expected {self.num_missing} missing samples, got others; get the file again.")
        return mask
