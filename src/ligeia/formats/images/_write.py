"""Writer of image files: float values, in the units of a signal, to the kind of file that a suffix names."""

import io
import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import imagecodecs
import numpy as np
import tifffile
from jaxtyping import Float, Shaped
from PIL import Image

from ligeia.core import InputError, ShapeError, check_writable, write_atomically
from ligeia.signals import ArraySource, Channel, ImageSource, cast_samples

from ._kinds import CHANNEL_NAMES, IMAGE_FORMATS, NODATA_TAG, ORIENTATION_TAG, ImageFormat, as_stored, image_suffixes

# the field's error should be the only one, so each format is written at its best quality
_QUALITY: Final[dict[str, dict[str, Any]]] = {
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "GIF": {"optimize": False},  # optimizing would reorder the palette
}


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """How the samples of one file are stored."""

    mode: str
    dtype: np.dtype
    bits: int
    scaled: bool
    """Whether the range of the channels is mapped to that of the file; else values stay as they are."""
    orientation: int
    icc_profile: bytes


def check_image(path: Path, source: ArraySource | ImageSource, num_channels: int) -> None:
    """Raise the `InputError` of `write_image` for an ending or channels that cannot be written, before any work."""
    kind = _format_of_suffix(path)
    _plan(
        path, kind, _as_image(path, source, num_channels) if isinstance(source, ArraySource) else source, upright=True
    )


def write_image(
    path: Path,
    shape: tuple[int, int],
    pieces: Iterable[tuple[int, int, Float[np.ndarray, "_ _"]]],
    channels: Sequence[Channel],
    source: ArraySource | ImageSource,
    *,
    upright: bool = False,
    nodata: float | None = None,
) -> None:
    """Write upright values, in the units of the channels, as the kind of file that ``path`` ends in.

    ``pieces`` are ``(start, stop, values)`` over the flat pixels of a picture of ``shape`` (rows, columns): each is
    converted as it comes, so that a large picture is never held as floats. Values are finite.
    The file keeps the mode, bit depth, palette, ICC profile and orientation tag of ``source`` as far as its
    format can; values are rounded and clipped, or mapped to the nearest color of the palette. With
    ``upright=True`` the pixels are stored as they are displayed, without an orientation tag. A format that
    cannot hold the samples gets the range of the channels mapped to its own (0..255; 0..65535 in a PNG), and
    RGB for CMYK. ``nodata`` is the value of missing samples, which a TIFF names as GDAL does. Raises `InputError`,
    before anything is written, for an unknown suffix, too large a picture, or channels that the format cannot hold.
    """
    kind = _format_of_suffix(path)
    if isinstance(source, ArraySource):
        source = _as_image(path, source, len(channels))
    plan = _plan(path, kind, source, upright=upright)
    if max(shape) > kind.max_side or min(shape) < 1:
        raise InputError(
            f"{path}: a {kind.name} has 1 to {kind.max_side} rows and columns, "
            f"the picture has {shape[0]} x {shape[1]}; choose another size, or .png or .tif."
        )
    check_writable(path)
    flat = np.empty((math.prod(shape), 1 if plan.mode == "P" else len(channels)), dtype=plan.dtype)
    for start, stop, values in pieces:
        if values.shape[1] != len(channels):
            raise ShapeError(f"{path}: expected values of {len(channels)} channels, got {values.shape}.")
        flat[start:stop] = _converted(values, channels, plan, source)
    # the encoders read pixels row by row, so a turned picture is laid out anew
    pixels = np.ascontiguousarray(as_stored(flat.reshape(*shape, -1), plan.orientation))
    if kind.name == "TIFF":
        write_atomically(path, lambda partial: _save_tiff(partial, pixels, plan, source, nodata))
    elif kind.name == "PNG" and plan.bits in (8, 16) and plan.mode in ("L", "LA", "RGB", "RGBA"):
        write_atomically(path, lambda partial: _save_png(partial, pixels, plan))
    elif kind.name == "BMP" and plan.mode == "RGBA":
        write_atomically(path, lambda partial: _save_bmp_with_alpha(partial, pixels))
    else:
        write_atomically(path, lambda partial: _save_pillow(partial, pixels, plan, source, kind))


def _format_of_suffix(path: Path) -> ImageFormat:
    for kind in IMAGE_FORMATS:
        if path.suffix.lower() in kind.suffixes:
            return kind
    raise InputError(
        f"{path}: expected the ending of an image ({', '.join(image_suffixes())}), got {path.suffix!r}; rename it."
    )


def _as_image(path: Path, source: ArraySource, num_channels: int) -> ImageSource:
    """Return the source of an image that holds the samples of an array."""
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    if num_channels not in modes:
        raise InputError(f"{path}: an image holds 1 to 4 channels, the field has {num_channels}; choose .npy.")
    dtype = np.dtype(source.dtype)
    if dtype.kind == "b" and num_channels == 1:
        return ImageSource(format="", mode="1", dtype="bool", bits=1)
    return ImageSource(format="", mode=modes[num_channels], dtype=dtype.name, bits=8 * dtype.itemsize)


def _plan(path: Path, kind: ImageFormat, source: ImageSource, *, upright: bool) -> _Plan:
    mode = _mode(path, kind, source)
    if mode == "P":
        dtype, bits, scaled = np.dtype(np.uint8), source.bits if kind.name == "PNG" else 8, False
    else:
        # for a palette image `bits` counts those of an index; its colors are bytes
        given = (np.dtype(source.dtype), 8 if source.palette else source.bits)
        dtype, bits = _depth(kind, mode, *given)
        scaled = (dtype, bits) != given
    is_gray = mode in ("1", "L", "LA", "La")
    keeps_colors = (kind.gray or not is_gray) and (kind.cmyk or mode != "CMYK")
    return _Plan(
        mode=mode,
        dtype=dtype,
        bits=bits,
        scaled=scaled,
        orientation=1 if upright or not kind.orientation else source.orientation,
        icc_profile=source.icc_profile if keeps_colors else b"",  # a profile of CMYK would spoil RGB
    )


def _mode(path: Path, kind: ImageFormat, source: ImageSource) -> str:
    """Return the mode of the file; CMYK stays here where only RGB can be stored, and is converted last."""
    if source.mode == "P":
        keeps_palette = kind.name in ("PNG", "TIFF", "BMP", "GIF") and source.palette_mode == "RGB"
        if keeps_palette or kind.name == "PNG" or kind.name == source.format == "GIF":
            return "P"
    mode = source.palette_mode or source.mode
    if "alpha" in CHANNEL_NAMES[mode] and not kind.alpha:
        fitting = ", ".join(suffix for other in IMAGE_FORMATS if other.alpha for suffix in other.suffixes)
        raise InputError(f"{path}: a {kind.name} cannot hold the alpha channel; choose {fitting}.")
    if kind.name == "GIF" and mode not in ("1", "L"):
        raise InputError(f"{path}: a GIF holds at most 256 colors, the field gives any; choose .png or .webp.")
    if kind.name == "TIFF":
        return mode
    if kind.name == "BMP" and mode in ("LA", "La", "RGBa"):
        return "RGBA"
    if mode == "1" and 1 not in kind.bits:
        return "L"
    return {"La": "LA", "RGBa": "RGBA"}.get(mode, mode)


def _depth(kind: ImageFormat, mode: str, dtype: np.dtype, bits: int) -> tuple[np.dtype, int]:
    """Return the dtype and the bits of a sample of the file: the source's own if the format has it."""
    byte = (np.dtype(np.uint8), 8)
    if kind.name == "TIFF" or (mode == "1" and dtype.kind == "b"):
        return (dtype, bits) if dtype.kind != "b" or mode == "1" else byte
    if kind.name == "PNG" and dtype == np.uint8 and bits in kind.bits and (bits == 8 or mode == "L"):
        return dtype, bits
    deep = 16 in kind.bits and mode != "CMYK" and bits > 8
    return (np.dtype(np.uint16), 16) if deep else byte


def _converted(
    values: Float[np.ndarray, "n channels"], channels: Sequence[Channel], plan: _Plan, source: ImageSource
) -> Shaped[np.ndarray, "n stored"]:
    """Return pixels as the file holds them: indices into the palette, or samples of its depth."""
    if plan.mode == "P":
        return _nearest_entries(values, _palette_colors(source))
    top = 2**plan.bits - 1
    result = values.astype(np.float64)
    if plan.scaled:
        low = np.array([channel.low for channel in channels])
        high = np.array([channel.high for channel in channels])
        result = (result - low) * (top / (high - low))
    multiplied = ("La", "RGBa")
    if source.mode in multiplied and plan.mode not in multiplied:
        result[..., :-1] *= top / np.maximum(result[..., -1:], 1e-6 * top)
    if plan.dtype.kind == "u" and plan.bits < 64:
        result = np.clip(result, 0, top)  # 12 bits of a uint16, say
    return cast_samples(result, plan.dtype)


def _palette_colors(source: ImageSource) -> np.ndarray:
    return np.frombuffer(source.palette, dtype=np.uint8).reshape(-1, len(source.palette_mode))


def _nearest_entries(
    values: Float[np.ndarray, "n channels"], colors: Shaped[np.ndarray, "entries channels"]
) -> Shaped[np.ndarray, "n 1"]:
    """Return the index of the color nearest to each pixel, the first of equals."""
    # |v - c|^2 = |v|^2 - 2 (v . c - |c|^2 / 2), so the nearest color is the one of the highest score
    weights = colors.astype(np.float32).T
    offsets = (weights**2).sum(axis=0) / 2
    result = np.empty((len(values), 1), dtype=np.uint8)
    step = max(1, 2**17 // len(colors))  # half a megabyte of scores stays in the cache
    for start in range(0, len(values), step):
        scores = values[start : start + step].astype(np.float32) @ weights
        scores -= offsets
        result[start : start + step, 0] = scores.argmax(axis=1)
    return result


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    return exif.tobytes()


def _save_pillow(path: Path, pixels: np.ndarray, plan: _Plan, source: ImageSource, kind: ImageFormat) -> None:
    options = dict(_QUALITY.get(kind.name, {}))
    if plan.orientation != 1:
        options["exif"] = _exif(plan.orientation)
    if plan.icc_profile and kind.name not in ("BMP", "GIF"):
        options["icc_profile"] = plan.icc_profile
    if plan.mode == "L" and plan.bits < 8:
        pixels = pixels * np.uint8(255 // (2**plan.bits - 1))  # Pillow packs the high bits of a byte
    if kind.name == "PNG" and plan.mode in ("L", "P"):
        options["bits"] = plan.bits
    mode = "L" if plan.mode == "P" else plan.mode
    rows, columns, _ = pixels.shape
    # frombuffer, unlike fromarray, takes the mode: four bytes may be CMYK or RGBA
    raw_mode = "1;8" if mode == "1" else mode
    image = Image.frombuffer(mode, (columns, rows), pixels, "raw", raw_mode, 0, 1)
    if plan.mode == "P":
        colors = _palette_colors(source)
        image.putpalette(colors[:, :3].tobytes(), "RGB")
        if source.palette_mode == "RGBA":
            alpha = colors[:, 3]
            options["transparency"] = int(alpha.argmin()) if kind.name == "GIF" else alpha.tobytes()
    elif plan.mode == "CMYK" and not kind.cmyk:
        image = image.convert("RGB")
    # by way of memory: Pillow's own file writer overlooks a last write that a full disk cuts short
    encoded = io.BytesIO()
    image.save(encoded, format=kind.name, **options)
    path.write_bytes(encoded.getbuffer())


def _save_png(path: Path, pixels: np.ndarray, plan: _Plan) -> None:
    # Pillow has no 16-bit color, and holds bytes a second time
    encoded = imagecodecs.png_encode(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    after_header = 8 + 25  # the signature and the IHDR chunk; color profiles come before the pixels
    with path.open("wb") as file:
        file.write(encoded[:after_header])
        if plan.icc_profile:
            file.write(_png_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(plan.icc_profile)))
        if plan.orientation != 1:
            file.write(_png_chunk(b"eXIf", _exif(plan.orientation).removeprefix(b"Exif\0\0")))
        file.write(memoryview(encoded)[after_header:])


def _png_chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def _save_bmp_with_alpha(path: Path, pixels: np.ndarray) -> None:
    """Write a BMP with a BITMAPV4HEADER; Pillow's own lacks the mask that tells readers of the alpha."""
    rows, columns, _ = pixels.shape
    num_bytes = 4 * rows * columns
    order = [0, 0, 0, 1] if pixels.shape[2] == 2 else [2, 1, 0, 3]
    header_bytes, masks = 14 + 108, (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
    with path.open("wb") as file:
        file.write(struct.pack("<2sIHHI", b"BM", header_bytes + num_bytes, 0, 0, header_bytes))
        file.write(struct.pack("<IiiHHIIiiII", 108, columns, rows, 1, 32, 3, num_bytes, 2835, 2835, 0, 0))
        file.write(struct.pack("<4I4s48x", *masks, b"BGRs"))
        for row in pixels[::-1]:  # bottom to top
            file.write(np.ascontiguousarray(row[:, order]).data)


def _save_tiff(path: Path, pixels: np.ndarray, plan: _Plan, source: ImageSource, nodata: float | None) -> None:
    photometric = {"P": "palette", "RGB": "rgb", "RGBA": "rgb", "RGBa": "rgb", "CMYK": "separated"}
    extra = {"LA": ["unassalpha"], "RGBA": ["unassalpha"], "La": ["assocalpha"], "RGBa": ["assocalpha"]}
    options: dict[str, Any] = {"compression": "zlib"}
    if plan.bits != 8 * plan.dtype.itemsize and plan.bits > 1:
        options = {"bitspersample": plan.bits}  # tifffile packs 12 bits and the like only without compression
    if plan.mode == "P":
        colors = np.zeros((256, 3), dtype=np.uint16)
        palette = _palette_colors(source)
        colors[: len(palette)] = palette * np.uint16(257)
        options["colormap"] = colors.T
    tags: list[tuple[Any, ...]] = []
    if plan.orientation != 1:
        tags.append(("Orientation", "H", 1, plan.orientation, True))
    if nodata is not None and not np.isnan(nodata):
        tags.append((NODATA_TAG, "s", 0, f"{nodata:.17g}", True))
    if tags:
        options["extratags"] = tags
    tifffile.imwrite(
        path,
        pixels[..., 0] if pixels.shape[2] == 1 else pixels,
        photometric=photometric.get(plan.mode, "minisblack"),
        planarconfig="contig" if pixels.shape[2] > 1 else None,
        extrasamples=extra.get(plan.mode),
        iccprofile=plan.icc_profile or None,
        bigtiff=pixels.nbytes > 2**32 - 2**25,  # the classic file counts bytes in 32 bits
        metadata=None,
        software=False,
        **options,
    )
