"""Signal: the values of something on a grid, as they are on disk, with what a file needs to be written again."""

import math
import zlib
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float, Int, Shaped

from ligeia.core import SampleError, ShapeError

from ._grid import Grid

_LARGEST = 1e30  # squares and sums of what a network computes in float32 stay finite


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


Source = ArraySource | ImageSource | SoundSource | VolumeSource | VideoSource


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """Values on a grid, ``(*grid.shape, channels)``, in the dtype that they have on disk.

    Values stay in that dtype (a byte image takes a byte per sample); `normalized` scales the ones asked for.
    NaN and infinite samples are refused.
    """

    grid: Grid
    values: Shaped[np.ndarray, "*shape channels"]
    channels: tuple[Channel, ...]
    source: Source = field(repr=False)

    def __post_init__(self) -> None:
        if self.values.shape != (*self.grid.shape, len(self.channels)):
            raise ShapeError(
                f"values must be {(*self.grid.shape, len(self.channels))} for this grid and its channels, "
                f"got {self.values.shape}."
            )
        _check_finite(self.values)
        for channel in self.channels:
            if max(abs(channel.low), abs(channel.high)) > _LARGEST or channel.high - channel.low < 1 / _LARGEST:
                raise SampleError(
                    f"a range that single precision can hold was wanted, channel {channel.name!r} has {channel.low:g} "
                    f"to {channel.high:g}; scale the samples first."
                )

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return len(self.channels)

    def normalized(self, indices: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n channels"]:
        """Return the samples at flat ``indices``, scaled to [-1, 1] per channel, in float32."""
        low = np.array([channel.low for channel in self.channels], dtype=np.float64)
        high = np.array([channel.high for channel in self.channels], dtype=np.float64)
        if self.values.flags.c_contiguous:
            chosen = self.values.reshape(-1, self.num_channels)[indices]
        else:  # flattening would copy the whole signal
            chosen = self.values[np.unravel_index(indices, self.grid.shape)]
        return ((chosen.astype(np.float64) - low) / (high - low) * 2 - 1).astype(np.float32)

    def snr_offset_db(self) -> float:
        """Return by how much the PSNR of anything exceeds its SNR, in decibels; infinite for silence.

        Of channels with different ranges each counts in its own.
        """
        flat, piece = self.values.reshape(-1, self.num_channels), 1 << 20
        reach = np.array([channel.high - channel.low for channel in self.channels])
        power = sum(float(np.square(flat[start : start + piece] / reach).sum()) for start in range(0, len(flat), piece))
        return 10 * math.log10(flat.size / power) if power else math.inf

    def digest(self) -> str:
        """Return a short text that tells this signal from others: its samples, its grid and its channels."""
        checksum = zlib.crc32(np.ascontiguousarray(self.values).data)
        return f"{checksum:08x} {self.values.dtype.str} {self.grid} {self.channels}"


def _check_finite(values: np.ndarray) -> None:
    if not np.issubdtype(values.dtype, np.floating):
        return
    total, first = 0, -1
    flat = values.reshape(-1)
    piece = 1 << 22
    for start in range(0, flat.size, piece):
        bad = ~np.isfinite(flat[start : start + piece])
        count = int(bad.sum())
        if count and first < 0:
            first = start + int(bad.argmax())
        total += count
    if total:
        position = tuple(int(number) for number in np.unravel_index(first, values.shape))
        raise SampleError(
            f"finite samples were wanted, {total} of {flat.size} are NaN or infinite, the first at index {position}; "
            "replace them before fitting."
        )
