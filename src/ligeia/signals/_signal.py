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
from ._grid import Grid
from ._missing import Missing

if TYPE_CHECKING:  # an array for all but those who asked for a working set: they check
    Samples = Any
else:
    Samples = Shaped[np.ndarray, "*shape channels"] | Blocks

_LARGEST = 1e30  # squares and sums of what a network computes in float32 stay finite

_FEWEST_STEPS = 64  # of single precision, between the ends of a range


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One channel of a signal: its name and the values that the network sees as -1 and 1.

    The same two values are the signal's range: the peak of PSNR is ``high - low``.
    """

    name: str
    low: float
    high: float
    unit: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and 0 < self.high - self.low < np.inf):
            raise SampleError(f"channel {self.name!r} needs a finite range low < high, got {self.low} to {self.high}.")


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class ArraySource:
    """A plain array, an ``.npy`` file or one array of an ``.npz`` file."""

    dtype: str
    has_channel_axis: bool = False
    name: str = ""
    """Of the array in its ``.npz`` file; else empty."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSource:
    """What an image file was, beside its samples: enough to write the same kind of file again."""

    format: str
    """Pillow's name: PNG, JPEG, WEBP, AVIF, TIFF, BMP, GIF, ..."""
    mode: str
    """1, L, LA, P, RGB, RGBA, CMYK; La and RGBa are colors multiplied by their alpha."""
    dtype: str
    """NumPy's name of a sample: bool, uint8, uint16, float32, ..."""
    bits: int = 8
    """Bits per sample in the file; of an index, for a palette image."""
    orientation: int = 1
    """EXIF orientation of the file (1 to 8); the signal itself is upright."""
    icc_profile: bytes = b""
    palette: bytes = b""
    """RGB or RGBA bytes of a palette image, in the file's order."""
    palette_mode: str = ""
    """RGB or RGBA; empty without a palette."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SoundSource:
    """What a sound file was, beside its samples: enough to write the same kind of file again."""

    format: str
    """libsndfile's name: WAV, FLAC, OGG, MP3, AIFF, ..."""
    subtype: str
    """libsndfile's name of how samples are stored: PCM_16, PCM_24, FLOAT, VORBIS, ..."""
    sample_rate: int
    """Samples per second."""
    dtype: str = "<f4"
    """NumPy's name of a sample as it is read; full scale is 1."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSource:
    """What a NIfTI file was, beside its samples: enough to write the same kind of file again."""

    dtype: str
    """NumPy's name of a sample in the file."""
    header: bytes
    """The file's own header, 348 or 540 bytes: affine, units, scaling."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class VideoSource:
    """What a video file was, beside its samples: enough to write the same kind of file again."""

    format: str
    """FFmpeg's name of the container: mov, matroska, gif, ..."""
    codec: str
    """FFmpeg's name: h264, vp9, ..."""
    pixel_format: str
    """FFmpeg's name: yuv420p, ..."""
    dtype: str
    """NumPy's name of a sample as it is read: uint8 or uint16."""
    rate_numerator: int
    rate_denominator: int = 1
    """Frames per second, as a fraction."""
    aspect_numerator: int = 1
    aspect_denominator: int = 1
    """Width of a pixel over its height, as a fraction."""
    color_space: int = 2
    """FFmpeg's number; 2 is unspecified."""
    color_range: int = 0
    """FFmpeg's number; 0 is unspecified."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class GriddedSource:
    """What a NetCDF file or a zarr group was, beside its samples: enough to write the same kind of file again."""

    format: str
    """NETCDF3, NETCDF4, ZARR (format 3) or ZARR2."""
    name: str
    """Of the variable."""
    dtype: str
    """NumPy's name of a sample in the file."""
    metadata: bytes
    """Attributes, and all variables that are not the samples, as `ligeia.signals` packs them."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class PointsSource:
    """What a file of scattered samples was."""

    dtype: str
    """NumPy's name of a value in the file."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceSource:
    """What a surface was, whose signed distance is the field: in the unit of the axes, negative inside."""

    format: str
    """PLY, OBJ, STL, OFF, GLB, XYZ or NPZ; ARRAY for arrays in memory."""
    dtype: str = "<f4"
    """NumPy's name of a distance."""
    is_cloud: bool = False
    """Whether it was points rather than triangles."""


Source = (
    ArraySource | ImageSource | SoundSource | VolumeSource | VideoSource | GriddedSource | PointsSource | SurfaceSource
)


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
                f"a mask of {self.grid.num_samples} samples was wanted, got one of {self.missing.num_samples}."
            )
        if isinstance(self.values, Blocks) and (self.missing is not None or self.points is not None):
            raise InputError(
                "samples on a grid, none of them missing, were wanted of an array larger than the working set; "
                "allow a larger one (--working-set), or fit a part."
            )
        _check_finite(self.values, self.missing)
        for channel in self.channels:
            largest, reach = max(abs(channel.low), abs(channel.high)), channel.high - channel.low
            if largest < _LARGEST and float(np.spacing(np.float32(largest))) * _FEWEST_STEPS > reach:
                raise SampleError(
                    f"samples that single precision can tell apart were wanted, channel {channel.name!r} goes from "
                    f"{channel.low:.17g} to {channel.high:.17g}; subtract {channel.low:.6g} or so first."
                )
            if max(abs(channel.low), abs(channel.high)) > _LARGEST or channel.high - channel.low < 1 / _LARGEST:
                raise SampleError(
                    f"a range that single precision can hold was wanted, channel {channel.name!r} has {channel.low:g} "
                    f"to {channel.high:g}; scale the samples first."
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
        return self.values[np.unravel_index(indices, self.grid.shape)]  # flattening would copy the whole signal

    def scaled(self, samples: Shaped[np.ndarray, "n channels"]) -> Float[np.ndarray, "n channels"]:
        """Return samples scaled to [-1, 1] per channel, in float32."""
        low = np.array([channel.low for channel in self.channels], dtype=np.float64)
        high = np.array([channel.high for channel in self.channels], dtype=np.float64)
        return ((samples.astype(np.float64) - low) / (high - low) * 2 - 1).astype(np.float32)

    def snr_offset_db(self) -> float:
        """Return by how much the PSNR of anything exceeds its SNR, in decibels; infinite for silence.

        Of channels with different ranges each counts in its own.
        """
        reach = np.array([channel.high - channel.low for channel in self.channels])
        power = sum(float(np.square(chosen / reach).sum()) for chosen in self._pieces())
        return 10 * math.log10(self.num_samples * self.num_channels / power) if power else math.inf

    def digest(self) -> str:
        """Return a short text that tells this signal from others: its samples, its grid and its channels.

        For samples on disk it also tells in what order a fit sees them.
        """
        if isinstance(self.values, Blocks):
            order = f"{self.values.working_set} bytes of blocks of {self.values.largest}"
            return f"{self.values.scan.checksum:08x} {self.values.dtype.str} {order} {self.grid} {self.channels}"
        checksum = zlib.crc32(np.ascontiguousarray(self.values).data)
        for part in (self.points, None if self.missing is None else np.frombuffer(self.missing.packed, np.uint8)):
            checksum = checksum if part is None else zlib.crc32(np.ascontiguousarray(part).data, checksum)
        return f"{checksum:08x} {self.values.dtype.str} {self.grid} {self.channels}"

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
            f"finite samples were wanted, {total} of {math.prod(values.shape)} are NaN or infinite, the first at index "
            f"{position}; replace them before fitting, or mark them as missing with a masked array."
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
