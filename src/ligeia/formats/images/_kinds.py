"""The capabilities of each image format, and how stored pixels become the upright picture."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Shaped

CHANNEL_NAMES: Final = {
    "1": ("gray",),
    "L": ("gray",),
    "LA": ("gray", "alpha"),
    "La": ("gray", "alpha"),
    "RGB": ("red", "green", "blue"),
    "RGBA": ("red", "green", "blue", "alpha"),
    "RGBa": ("red", "green", "blue", "alpha"),
    "CMYK": ("cyan", "magenta", "yellow", "black"),
}
"""Names of the channels of Pillow's modes; not P, whose field sees the palette's RGB or RGBA."""

ORIENTATION_TAG: Final = 0x0112
TIFF_SUFFIXES: Final = (".tif", ".tiff")
NODATA_TAG: Final = 42113  # GDAL's: the value of missing samples, as text


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFormat:
    """One image format: how its files begin and end, and what they can hold."""

    name: str
    suffixes: tuple[str, ...]
    magic: tuple[bytes, ...]
    """First bytes; a dot stands for any byte."""
    bits: tuple[int, ...] = (8,)
    """Bits per sample that it is written with; empty where any number is possible."""
    alpha: bool = False
    gray: bool = True
    """Whether gray stays gray, rather than three equal colors."""
    cmyk: bool = False
    orientation: bool = True
    max_side: int = 2**31 - 1
    """Most rows or columns."""


IMAGE_FORMATS: Final = (
    ImageFormat(name="PNG", suffixes=(".png",), magic=(b"\x89PNG\r\n\x1a\n",), bits=(1, 2, 4, 8, 16), alpha=True),
    # 65500 is libjpeg's own limit, a little under the 65535 that the format could count
    ImageFormat(name="JPEG", suffixes=(".jpg", ".jpeg"), magic=(b"\xff\xd8\xff",), cmyk=True, max_side=65500),
    ImageFormat(name="WEBP", suffixes=(".webp",), magic=(b"RIFF....WEBP",), alpha=True, gray=False, max_side=16383),
    # 32768 is the longest side that readers built on libavif accept by default
    ImageFormat(
        name="AVIF",
        suffixes=(".avif",),
        magic=(b"....ftypavif", b"....ftypavis", b"....ftypmif1"),
        alpha=True,
        gray=False,
        max_side=32768,
    ),
    ImageFormat(
        name="TIFF",
        suffixes=(".tif", ".tiff"),
        magic=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        bits=(),
        alpha=True,
        cmyk=True,
    ),
    ImageFormat(name="BMP", suffixes=(".bmp",), magic=(b"BM",), bits=(1, 8), alpha=True, orientation=False),
    ImageFormat(name="GIF", suffixes=(".gif",), magic=(b"GIF87a", b"GIF89a"), orientation=False, max_side=65535),
)


def image_suffixes() -> tuple[str, ...]:
    """Return the file endings of the images that are read and written, in lower case, with their dots."""
    return tuple(suffix for kind in IMAGE_FORMATS for suffix in kind.suffixes)


def format_of_bytes(head: bytes) -> ImageFormat | None:
    """Return the format of a file from its first 16 bytes; its name does not matter."""
    for kind in IMAGE_FORMATS:
        for magic in kind.magic:
            start = head[: len(magic)]
            if len(start) == len(magic) and all(m in (b, ord(".")) for m, b in zip(magic, start, strict=True)):
                return kind
    return None


def upright(
    stored: Shaped[np.ndarray, "rows columns channels"], orientation: int
) -> Shaped[np.ndarray, "rows2 columns2 channels"]:
    """Return a view of stored pixels as they are displayed under an EXIF orientation of 1 to 8."""
    transposed, row_step, column_step = _TURNS[orientation]
    return (stored.swapaxes(0, 1) if transposed else stored)[::row_step, ::column_step]


def as_stored(
    displayed: Shaped[np.ndarray, "rows columns channels"], orientation: int
) -> Shaped[np.ndarray, "rows2 columns2 channels"]:
    """Return a view of displayed pixels as they are stored: the inverse of `upright`."""
    return upright(displayed, {6: 8, 8: 6}.get(orientation, orientation))  # the others undo themselves


# EXIF 2.32, table 6: swap rows and columns?, then the steps along rows and columns
_TURNS: Final = {
    1: (False, 1, 1),
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}
