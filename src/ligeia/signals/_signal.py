"""Signal: the values of something on a grid, as they are on disk, with what a file needs to be written again."""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float, Int, Shaped

from ligeia.core import InputError, SampleError, ShapeError

from ._blocks import Blocks
from ._channel import Channel, held_range, scaled
from ._grid import Grid
from ._missing import Missing
from ._sources import ImageSource, Source

if TYPE_CHECKING:  # an array for all but those who asked for a working set: they check
    Samples = Any
else:
    Samples = Shaped[np.ndarray, "*shape channels"] | Blocks

_LARGEST = 1e30  # squares and sums of what a network computes in float32 stay finite

_FEWEST_STEPS = 64  # of single precision, between the ends of a range


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """Values on a grid, ``(*grid.shape, channels)``, in the dtype that they have on disk; or values at points.

    Values stay in that dtype (a byte image takes a byte per sample); `normalized` scales the ones asked for. Samples
    that are ``missing`` may hold anything; of all others NaN and infinite ones are refused. With ``points`` the grid is
    the domain, and how densely it is sampled unless asked otherwise; the values are ``(n, channels)``. Values that are
    more than may be held in memory are `Blocks` on disk; all of these have a value, on the grid.
    """

    grid: Grid
    values: Samples
    channels: tuple[Channel, ...]
    source: Source = field(repr=False)
    missing: Missing | None = None
    points: Float[np.ndarray, "n d"] | None = field(default=None, repr=False)
    """Coordinates in [-1, 1] of scattered samples; None for samples on the grid."""

    def __post_init__(self) -> None:
        leading = self.grid.shape if self.points is None else (len(self.points),)
        if self.values.shape != (*leading, len(self.channels)):
            raise ShapeError(
                f"values must be {(*leading, len(self.channels))} for this grid and its channels, "
                f"got {self.values.shape}."
            )
        if self.points is not None and (self.missing is not None or self.points.shape[1] != self.grid.num_axes):
            raise ShapeError(
                f"points must be (n, {self.grid.num_axes}), and none of them missing, got {self.points.shape}."
            )
        if self.missing is not None and self.missing.num_samples != self.grid.num_samples:
            raise ShapeError(
                f"expected a mask of {self.grid.num_samples} samples, got one of {self.missing.num_samples}."
            )
        if isinstance(self.values, Blocks) and (self.missing is not None or self.points is not None):
            raise InputError(
                "expected samples on a grid, none of them missing, of an array larger than the working set; allow "
                "a larger one (--working-set), or fit a part."
            )
        _check_finite(self.values, self.missing)
        for channel in self.channels:
            largest, reach = max(abs(channel.low), abs(channel.high)), channel.high - channel.low
            if largest < _LARGEST and float(np.spacing(np.float32(largest))) * _FEWEST_STEPS > reach:
                raise SampleError(
                    f"expected samples that single precision can tell apart, channel {channel.name!r} goes from "
                    f"{channel.low:.17g} to {channel.high:.17g}; subtract {channel.low:.6g} or so first."
                )
            if max(abs(channel.low), abs(channel.high)) > _LARGEST or channel.high - channel.low < 1 / _LARGEST:
                raise SampleError(
                    f"expected a range that single precision can hold, channel {channel.name!r} has "
                    f"{channel.low:g} to {channel.high:g}; scale the samples first."
                )

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return len(self.channels)

    @property
    def num_samples(self) -> int:
        """Number of samples that have a value."""
        missing = 0 if self.missing is None else self.missing.num_missing
        return math.prod(self.values.shape[:-1]) - missing

    @property
    def held_range(self) -> tuple[float, float] | None:
        """The lowest and highest value that the samples' bits hold, as `held_range` says; they need not use it."""
        bits = None
        if isinstance(self.source, ImageSource):
            bits = 8 if self.source.palette else self.source.bits
        return held_range(self.values.dtype, bits)

    def places(self) -> Int[np.ndarray, " n"] | None:
        """Return the flat indices of the samples that have a value; None where all have one."""
        return None if self.missing is None else np.flatnonzero(~self.missing.mask())

    def coordinates(self, indices: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
        """Return the float32 coordinates in [-1, 1] of the samples at flat ``indices``."""
        return self.grid.points(indices) if self.points is None else self.points[indices]

    def normalized(self, indices: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n channels"]:
        """Return the samples at flat ``indices``, scaled to [-1, 1] per channel, in float32."""
        return self.scaled(self.samples(indices))

    def samples(self, indices: Int[np.ndarray, " n"]) -> Shaped[np.ndarray, "n channels"]:
        """Return the samples at flat ``indices`` as they are on disk."""
        if isinstance(self.values, Blocks):
            return self.values.take(indices)
        if self.values.flags.c_contiguous:
            return self.values.reshape(-1, self.num_channels)[indices]
        return self.values[np.unravel_index(indices, self.values.shape[:-1])]  # flattening would copy the whole signal

    def scaled(self, samples: Shaped[np.ndarray, "n channels"]) -> Float[np.ndarray, "n channels"]:
        """Return samples scaled to [-1, 1] per channel, in float32."""
        low = np.array([channel.low for channel in self.channels], dtype=np.float64)
        high = np.array([channel.high for channel in self.channels], dtype=np.float64)
        return scaled(samples.astype(np.float64), low, high).astype(np.float32)

    def snr_offset_db(self) -> float:
        """Return by how much the PSNR of anything exceeds its SNR, in decibels; infinite for silence.

        Of channels with different ranges each counts in its own.
        """
        reach = np.array([channel.high - channel.low for channel in self.channels])
        power = sum(float(np.square(chosen / reach).sum()) for chosen in self._pieces())
        return 10 * math.log10(self.num_samples * self.num_channels / power) if power else math.inf

    def digest(self) -> str:
        """Return a short text that tells the samples of this signal from others; grid and channels are not in it.

        For samples on disk it also tells in what order a fit sees them.
        """
        if isinstance(self.values, Blocks):
            order = f"{self.values.working_set} bytes of blocks of {self.values.largest}"
            return f"{self.values.scan.checksum:08x} {self.values.dtype.str} {order}"
        checksum = zlib.crc32(np.ascontiguousarray(self.values).data)
        for part in (self.points, None if self.missing is None else np.frombuffer(self.missing.packed, np.uint8)):
            checksum = checksum if part is None else zlib.crc32(np.ascontiguousarray(part).data, checksum)
        return f"{checksum:08x} {self.values.dtype.str}"

    def _pieces(self) -> Iterator[Shaped[np.ndarray, "_ channels"]]:
        """Yield the samples that have a value, a million at a time."""
        if isinstance(self.values, Blocks):
            yield from (samples for _, samples in self.values.walk())
            return
        flat, piece = self.values.reshape(-1, self.num_channels), 1 << 20
        there = None if self.missing is None else ~self.missing.mask()
        for start in range(0, len(flat), piece):
            chosen = flat[start : start + piece]
            yield chosen if there is None else chosen[there[start : start + piece]]


def _check_finite(values: np.ndarray | Blocks, missing: Missing | None) -> None:
    if not np.issubdtype(values.dtype, np.floating):
        return
    total, first = (values.scan.num_bad, values.scan.first_bad) if isinstance(values, Blocks) else _bad(values, missing)
    if total:
        position = tuple(int(number) for number in np.unravel_index(first, values.shape))
        raise SampleError(
            f"expected finite samples, {total} of {math.prod(values.shape)} are NaN or infinite, the first at "
            f"index {position}; replace them before fitting, or mark them as missing with NaN."
        )


def _bad(values: np.ndarray, missing: Missing | None) -> tuple[int, int]:
    """Return how many samples that should have a value have none, and the flat index of the first."""
    total, first = 0, -1
    flat = values.reshape(-1, values.shape[-1])
    there = None if missing is None else ~missing.mask()
    piece = 1 << 22
    for start in range(0, len(flat), piece):
        bad = ~np.isfinite(flat[start : start + piece])
        if there is not None:
            bad &= there[start : start + piece, None]
        count = int(bad.sum())
        if count and first < 0:
            first = start * values.shape[-1] + int(bad.argmax())
        total += count
    return total, first
