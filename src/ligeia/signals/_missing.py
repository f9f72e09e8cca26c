"""Missing: a compact mask of the samples of a grid that have no value."""

import zlib
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from jaxtyping import Bool, Shaped

from ligeia.core import FormatError, SampleError, ShapeError

MissingValue: TypeAlias = float | Literal["none"] | None
"""What is missing: samples of this value, besides NaN; none at all; or, if None, NaN and what a file says."""


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
    value: float | None = None
    """What stands in the original for a missing sample, such as -9999; None if that is NaN, or said elsewhere."""

    def __post_init__(self) -> None:
        if self.value is not None and not np.isfinite(self.value):
            raise ShapeError(f"expected a finite number for a missing sample, or none, got {self.value}.")
        if not 0 < self.num_missing < self.num_samples:
            raise ShapeError(
                f"expected 1 to {self.num_samples - 1} missing samples, got {self.num_missing} of "
                f"{self.num_samples}; a signal needs at least one value."
            )

    @classmethod
    def of(cls, mask: Bool[np.ndarray, "..."], value: float | None = None) -> "Missing | None":
        """Return the record of a mask that is True where a value is missing; None where all are there.

        >>> Missing.of(np.array([[True, False], [False, False]])).num_missing
        1
        """
        count = int(np.count_nonzero(mask))
        return cls(mask.size, count, zlib.compress(np.packbits(mask).tobytes(), 9), value) if count else None

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


def missing_in(
    values: Shaped[np.ndarray, "*shape channels"],
    asked: MissingValue = None,
    *,
    fill: float | None = None,
    mask: Bool[np.ndarray, "*shape"] | None = None,
) -> Missing | None:
    """Return which samples are missing: those that are NaN in a channel, equal to a value, or True in a mask.

    The value is the one that is ``asked`` for, or else the ``fill`` that a file names. A sample of integers has it in
    all channels, one of floating-point numbers in one.
    """
    if asked == "none":
        return None
    value = fill if asked is None else asked
    missing = np.zeros(values.shape[:-1], bool) if mask is None else mask.copy()
    if values.dtype.kind == "f":
        missing |= np.isnan(values).any(axis=-1)
    if value is not None and np.isfinite(value):
        missing |= _equal(values, value)
    else:
        value = None
    if missing.size and missing.all():
        raise SampleError(f"expected samples, all {missing.size:,} of them are missing; get the file again.")
    return Missing.of(missing, value)


def _equal(values: Shaped[np.ndarray, "*shape channels"], value: float) -> Bool[np.ndarray, "*shape"]:
    if values.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            stored = np.array(value).astype(values.dtype)  # -3.4e38 as text is not the number in single precision
            near = np.abs(stored) * (4 * np.finfo(values.dtype).eps)
            return np.asarray((np.abs(values - stored) <= near).any(axis=-1))
    return np.asarray((values == value).all(axis=-1))
