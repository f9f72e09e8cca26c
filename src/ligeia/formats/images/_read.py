"""Reader of image files: PNG, JPEG, WebP, AVIF, TIFF, BMP and GIF.

Pillow decodes all but two families: 16-bit PNG, which it reduces to 8 bits (imagecodecs), and TIFF, of whose
sample types it knows few (tifffile). Its classes are called one by one rather than through ``Image.open``,
whose guard against huge images is a global setting; the limit here is `_MAX_PIXELS`.
"""

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import imagecodecs
import numpy as np
import tifffile
from jaxtyping import Shaped
from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ligeia.core import FormatError, InputError, LigeiaError, SampleError, check_readable, errors_name
from ligeia.signals import (
    Alignment,
    Channel,
    Grid,
    ImageSource,
    Missing,
    Signal,
    held_range,
    missing_in,
    value_range_of,
)

from .._opened import Opened, Reading
from ._kinds import CHANNEL_NAMES, IMAGE_FORMATS, NODATA_TAG, ORIENTATION_TAG, format_of_bytes, upright

_MAX_PIXELS: Final = 2**30  # a small file can claim any size; beyond this the buffer is not even asked for

# JpegImageFile reads the first picture of a camera's multi-picture file, which is the photograph
_PILLOW_CLASSES: Final[dict[str, type[ImageFile.ImageFile]]] = {
    "PNG": PngImageFile,
    "JPEG": JpegImageFile,
    "WEBP": WebPImageFile,
    "AVIF": AvifImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
}


@final
@dataclass(kw_only=True, slots=True)
class _Picture:
    """Pixels in the order of the file, and what the source remembers of it."""

    stored: np.ndarray
    mode: str
    bits: int
    orientation: int = 1
    icc_profile: bytes = b""
    palette: bytes = b""
    palette_mode: str = ""
    nodata: float | None = None
    """The value of missing samples."""


def read_image(path: Path, *, align: Alignment = "centers") -> Signal:
    """Read an image file as an upright signal of shape (rows, columns, channels), in the dtype of the file.

    The format is recognized by the content, not the name. Unsigned integers of up to 16 bits range from 0 to the
    highest value of their bits (1, 255, 65535) if they use a quarter of it (`value_range_of`), all other samples from
    their lowest to their highest one. The field
    of a palette image sees its colors; a color marked as transparent becomes a channel of alpha.
    Raises `FormatError` for damaged or foreign bytes, `SampleError` for NaN, infinite or complex samples, and
    `InputError` for files of several pictures.
    """
    check_readable(path)
    with Opened(path) as opened:
        return image_of(opened, Reading(align=align))


def is_image(opened: Opened) -> bool:
    """Return whether a file is an image, by its first bytes alone."""
    return format_of_bytes(opened.head) is not None


def image_of(opened: Opened, asked: Reading) -> Signal:
    """Return the signal of an image file, as `read_image` does."""
    path, head = opened.path, opened.head
    kind = format_of_bytes(head)
    if kind is None:
        names = ", ".join(kind.name for kind in IMAGE_FORMATS)
        raise FormatError(
            f"{path}: expected an image ({names}), a sound, a video, a volume, .npy or .npz, it begins with "
            f"{head[:8]!r}."
        )
    with _decoding(path, kind.name):
        picture = _read_tiff(opened) if kind.name == "TIFF" else _read_pillow(opened, kind.name)
    bits = 8 if picture.palette else picture.bits
    dtype = picture.stored.dtype
    values = np.ascontiguousarray(upright(picture.stored, picture.orientation))
    mode = picture.palette_mode or picture.mode
    missing = missing_in(values, asked.missing, fill=picture.nodata)
    channels = _channels(CHANNEL_NAMES[mode], values, missing, bits, is_palette=bool(picture.palette))
    with errors_name(path):
        return Signal(
            grid=Grid.of(values.shape[:2], align=asked.align),
            values=values,
            channels=channels,
            source=ImageSource(
                format=kind.name,
                mode=picture.mode,
                dtype=dtype.name,
                bits=picture.bits,
                orientation=picture.orientation,
                icc_profile=picture.icc_profile,
                palette=picture.palette,
                palette_mode=picture.palette_mode,
            ),
            missing=missing,
        )


def _channels(
    names: tuple[str, ...],
    values: Shaped[np.ndarray, "rows columns channels"],
    missing: Missing | None,
    bits: int,
    *,
    is_palette: bool,
) -> tuple[Channel, ...]:
    """Return the channels: colors of one range, and alpha of all that its bits hold."""
    held = held_range(values.dtype, bits)
    count = len(names) - (held is not None and len(names) > 1 and names[-1] == "alpha")
    shared = held if is_palette and held is not None else value_range_of(values[..., :count], missing, bits=bits)
    ranges = [shared] * count + [held or shared] * (len(names) - count)
    return tuple(Channel(name=name, low=low, high=high) for name, (low, high) in zip(names, ranges, strict=True))


@contextmanager
def _decoding(path: Path, name: str) -> Iterator[None]:
    """Turn any error of a decoder on damaged bytes into a `FormatError`, and suppress its warnings."""
    logger = logging.getLogger("tifffile")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on metadata that nobody here reads
            yield
    except (LigeiaError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: {error}; cut the image into parts.") from error
    except Exception as error:  # decoders fed with damaged bytes raise nearly anything, KeyError and struct.error too
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise FormatError(
            f"{path}: expected a whole {name} image, its bytes are damaged or end early ({reason}); get a new copy "
            "of the file."
        ) from error
    finally:
        logger.disabled = was_disabled


def _check_size(path: Path, columns: int, rows: int) -> None:
    if columns < 1 or rows < 1:
        raise FormatError(f"{path}: expected at least one pixel, the image has {columns} x {rows}.")
    if columns * rows > _MAX_PIXELS:
        raise InputError(
            f"{path}: at most {_MAX_PIXELS} pixels are read, the image has {columns} x {rows}; cut it into parts."
        )


def _read_pillow(opened: Opened, name: str) -> _Picture:
    path, head = opened.path, opened.head
    with _PILLOW_CLASSES[name](opened.file) as image:
        _check_size(path, *image.size)
        num_frames = getattr(image, "n_frames", 1)
        if num_frames > 1:
            raise InputError(
                f"{path}: expected one picture, this {name} holds {num_frames} frames; save one frame as a file."
            )
        image.load()
        orientation = image.getexif().get(ORIENTATION_TAG, 1) if name not in ("BMP", "GIF") else 1
        picture = _deep_png(opened) if name == "PNG" and head[24] == 16 else _pixels(image, name, head)
        picture.orientation = orientation if orientation in range(1, 9) else 1
        picture.icc_profile = image.info.get("icc_profile") or b""
    if picture.mode not in (*CHANNEL_NAMES, "P"):
        raise FormatError(f"{path}: expected a gray, RGB, CMYK or palette image, this is {picture.mode}.")
    return picture


def _pixels(image: ImageFile.ImageFile, name: str, head: bytes) -> _Picture:
    """Return the pixels of a loaded image."""
    transparency = image.info.get("transparency")
    bits = head[24] if name == "PNG" else 8
    if image.mode == "P" or (name == "GIF" and transparency is not None):
        colors = _palette(image, transparency)
        indices = _rows_of(image)
        lookup = np.zeros((256, colors.shape[1]), dtype=np.uint8)  # an index past the palette shows as black
        lookup[: len(colors)] = colors
        return _Picture(
            stored=lookup[indices[..., 0]],
            mode="P",
            bits=bits,
            palette=colors.tobytes(),
            palette_mode="RGB" if colors.shape[1] == 3 else "RGBA",
        )
    if transparency is not None and image.mode in ("1", "L", "RGB"):
        with image.convert("RGBA" if image.mode == "RGB" else "LA") as whole:
            return _Picture(stored=_rows_of(whole), mode=whole.mode, bits=8)
    stored = _rows_of(image)
    if image.mode == "1":
        return _Picture(stored=stored, mode="1", bits=1)
    if image.mode == "L" and bits in (2, 4):
        stored //= 255 // (2**bits - 1)  # Pillow spreads few bits over 0..255
        return _Picture(stored=stored, mode="L", bits=bits)
    return _Picture(stored=stored, mode=image.mode, bits=8)


def _rows_of(image: Image.Image) -> np.ndarray:
    """Return pixels as (rows, columns, channels), strip by strip: NumPy's own way holds two copies more."""
    columns, rows = image.size
    shape = (rows, columns, len(image.getbands()))
    result = np.empty(shape, dtype=bool if image.mode == "1" else np.uint8)
    step = max(1, 2**22 // columns)
    for start in range(0, rows, step):
        stop = min(rows, start + step)
        result[start:stop] = np.asarray(image.crop((0, start, columns, stop))).reshape(-1, *shape[1:])
    return result


def _palette(image: ImageFile.ImageFile, transparency: bytes | int | None) -> np.ndarray:
    """Return the palette as bytes of shape (colors, 3), or (colors, 4) if some color is transparent."""
    if image.mode == "L":  # Pillow calls a GIF whose palette is the ramp of grays an L image
        colors = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    else:
        colors = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)[:256]
    if transparency is None:
        return colors
    alpha = np.full(len(colors), 255, dtype=np.uint8)
    if isinstance(transparency, int):
        alpha[transparency : transparency + 1] = 0
    else:
        given = np.frombuffer(transparency, dtype=np.uint8)[: len(colors)]
        alpha[: len(given)] = given
    return np.column_stack([colors, alpha])


def _deep_png(opened: Opened) -> _Picture:
    with PngImageFile(opened.file) as image:
        image.verify()  # checksums first: libpng prints its complaints on the screen
    stored = imagecodecs.png_decode(opened.file.read())
    stored = stored.reshape(*stored.shape[:2], -1)
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[stored.shape[2]]
    return _Picture(stored=stored, mode=mode, bits=16)


def _read_tiff(opened: Opened) -> _Picture:
    path = opened.path
    with tifffile.TiffFile(opened.file) as file:
        page = _only_page(path, file)
        _check_size(path, page.imagewidth, page.imagelength)
        if page.dtype is None:
            raise FormatError(f"{path}: expected numbers of a known type, the TIFF has {page.sampleformat}.")
        if page.dtype.kind == "c":
            raise SampleError(
                f"{path}: expected real samples, the TIFF holds {page.dtype}; save its real and imaginary parts as "
                "the channels of an .npy file."
            )
        mode = _tiff_mode(path, page)
        if len(page.dataoffsets) < math.prod(page.chunked):  # tifffile would fill the rest with zeros
            raise EOFError(f"{len(page.dataoffsets)} of {math.prod(page.chunked)} strips or tiles")
        # planes, depth 1, rows, columns, samples: tifffile's one shape for both planar configurations
        planes, _, rows, columns, samples = page.shaped
        stored = page.asarray().reshape(planes, rows, columns, samples)
        stored = stored.transpose(1, 2, 0, 3).reshape(rows, columns, planes * samples)
        stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        orientation = int(_tag(page, "Orientation", 1))
        picture = _Picture(
            stored=stored,
            mode=mode,
            bits=page.bitspersample,
            orientation=orientation if orientation in range(1, 9) else 1,
            icc_profile=bytes(_tag(page, "InterColorProfile", b"")),
            nodata=nodata_of(page),
        )
        if mode == "P":
            colors = np.ascontiguousarray((np.asarray(page.colormap) >> 8).T.astype(np.uint8))
            picture.stored, picture.palette, picture.palette_mode = (
                colors[stored[..., 0]],
                colors.tobytes(),
                "RGB",
            )
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        picture.stored = _inverted(picture.stored, picture.bits)
    if mode == "L" and picture.stored.dtype == bool:
        picture.mode = "1"
    elif picture.stored.dtype == bool:
        picture.stored, picture.bits = picture.stored * np.uint8(255), 8
    return picture


def _only_page(path: Path, file: tifffile.TiffFile) -> tifffile.TiffPage:
    """Return the only page that is a picture; thumbnails, pyramid levels and masks are ignored."""
    pages = [page.aspage() for page in file.pages]
    pages = [page for page in pages if not (page.is_reduced or page.is_mask)]
    if not pages:
        raise FormatError(f"{path}: expected a picture, the TIFF holds only thumbnails; develop raw files first.")
    num_pages = len(pages)
    if num_pages == 1:  # one page may stand for many: a depth, or ImageJ's stacks
        num_pages = max(pages[0].imagedepth, file.series[0].size // max(1, pages[0].size))
    if num_pages > 1:
        raise InputError(
            f"{path}: expected one picture, this TIFF holds {num_pages} pages; save one page as a file, or the "
            "whole volume as an .npy array."
        )
    return pages[0]


def _tiff_mode(path: Path, page: tifffile.TiffPage) -> str:
    """Return Pillow's name for what the samples mean; La and RGBa have their color multiplied by alpha."""
    photometric, samples = page.photometric, page.samplesperpixel
    kinds = tifffile.PHOTOMETRIC
    # tifffile converts JPEG's YCbCr to RGB while decoding, but no other YCbCr
    decoded_to_rgb = photometric == kinds.YCBCR and page.compression in (6, 7)
    modes: dict[tuple[int, int], str] = {
        (kinds.MINISBLACK, 1): "L",
        (kinds.MINISWHITE, 1): "L",
        (kinds.MINISBLACK, 2): "LA",
        (kinds.RGB, 3): "RGB",
        (kinds.RGB, 4): "RGBA",
        (kinds.SEPARATED, 4): "CMYK",
        (kinds.PALETTE, 1): "P",
    }
    mode = modes.get((kinds.RGB if decoded_to_rgb else photometric, samples))
    if mode is None:
        name = getattr(photometric, "name", photometric)
        raise InputError(
            f"{path}: expected gray or RGB with or without alpha, CMYK or a palette, the TIFF has {samples} "
            f"samples of {name}; convert it, or save it as an .npy array."
        )
    if page.extrasamples and page.extrasamples[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:
        return {"LA": "La", "RGBA": "RGBa"}.get(mode, mode)
    return mode


def _tag(page: tifffile.TiffPage, name: str, default: int | bytes) -> int | bytes:
    return page.tags[name].value if name in page.tags else default


def nodata_of(page: tifffile.TiffPage) -> float | None:
    """Return the value of missing samples that a TIFF names as GDAL does; None without one."""
    if NODATA_TAG not in page.tags:
        return None
    try:
        return float(str(page.tags[NODATA_TAG].value).strip("\0 "))
    except ValueError:
        return None


def _inverted(stored: np.ndarray, bits: int) -> np.ndarray:
    if stored.dtype == bool:
        return ~stored
    if stored.dtype.kind == "u":
        return stored.dtype.type(2**bits - 1) - stored
    return stored  # signed and float samples are measurements: their sign says more than their shade
