"""Sources: everything about a signal's original file except its samples; enough to write the same kind again."""

from dataclasses import dataclass
from typing import final

from ligeia.core import InputError

from ._camera import Camera


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
    """Everything about an image file except its samples; enough to write the same kind of file again."""

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
    """Everything about a sound file except its samples; enough to write the same kind of file again."""

    format: str
    """libsndfile's name: WAV, FLAC, OGG, MP3, AIFF, ..."""
    subtype: str
    """libsndfile's name of how samples are stored: PCM_16, PCM_24, FLOAT, VORBIS, ..."""
    sample_rate: int
    """Samples per second."""
    dtype: str = "<f4"
    """NumPy's name of the dtype of samples in memory; full scale is 1."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSource:
    """Everything about a NIfTI file except its samples; enough to write the same kind of file again."""

    dtype: str
    """NumPy's name of a sample in the file."""
    header: bytes
    """The file's own header, 348 or 540 bytes: affine, units, scaling."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class VideoSource:
    """Everything about a video file except its samples; enough to write the same kind of file again."""

    format: str
    """FFmpeg's name of the container: mov, matroska, gif, ..."""
    codec: str
    """FFmpeg's name: h264, vp9, ..."""
    pixel_format: str
    """FFmpeg's name: yuv420p, ..."""
    dtype: str
    """NumPy's name of the dtype of samples in memory: uint8 or uint16."""
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
    """Everything about a NetCDF file or a zarr group except its samples; enough to write the same kind again."""

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


Settings = tuple[tuple[str, str], ...]
"""Names and values, as texts of at most 255 bytes each; every name once."""


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class GenericSource:
    """Everything about a file of any other kind except its samples, so that a new reader needs no record of its own.

    >>> source = GenericSource(format="PGM", dtype="|u1", settings=(("maxval", "255"),))
    >>> dict(source.settings)["maxval"]
    '255'
    """

    format: str
    """The name of the kind of file, by which its writer knows what it reads."""
    dtype: str
    """NumPy's name of a sample, such as ``<f4``."""
    settings: Settings = ()
    """What the writer needs besides: numbers as the file spells them."""
    data: bytes = b""
    """What is not text, such as a header that is kept whole."""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.settings]
        if len(set(names)) < len(names):
            raise InputError(f"expected settings of different names, got {', '.join(names)[:80]}.")


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SceneSource:
    """What a scene was fitted to: photographs with known cameras."""

    cameras: tuple[Camera, ...]
    names: tuple[str, ...]
    """File names of the photographs, as the user knows them."""
    dtype: str = "|u1"
    """NumPy's name of a sample of a photograph."""
    has_alpha: bool = False
    """Whether some pixels were empty."""
    background: tuple[float, float, float] | None = None
    """Red, green and blue from 0 to 1 that stood, or is to be put, behind all else; None if nothing is known of it."""

    def __post_init__(self) -> None:
        if len(self.cameras) != len(self.names):
            raise InputError(f"expected a name for each of {len(self.cameras)} cameras, got {len(self.names)}.")
        if self.background is not None and not all(0 <= each <= 1 for each in self.background):
            raise InputError(f"expected a background of numbers from 0 to 1, got {self.background}.")


Source = (
    ArraySource
    | ImageSource
    | SoundSource
    | VolumeSource
    | VideoSource
    | GriddedSource
    | PointsSource
    | SurfaceSource
    | GenericSource
    | SceneSource
)
