"""What zlib, Zstandard and JPEG 2000 make of a volume of 16-bit integers: bytes, and PSNR over the range it fills."""

import io
import time
from collections.abc import Callable

import imagecodecs
import numpy as np
from PIL import Image, __version__ as pillow_version, features

from ligeia.metrics import decibels


def range_psnr(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR in decibels; the peak is the range that the truth fills, not that of its type of numbers."""
    error = float(np.mean((found.astype(np.float64) - truth) ** 2))
    return decibels(error, peak=float(truth.max()) - float(truth.min()))


def _jpeg_2000(plane: np.ndarray, bits_per_voxel: float) -> bytes:
    file = io.BytesIO()
    options = {"irreversible": True, "no_jp2": True, "quality_mode": "rates", "quality_layers": [16 / bits_per_voxel]}
    Image.fromarray(plane).save(file, "JPEG2000", **options)
    return file.getvalue()


def _row(name: str, num_bytes: int, values: np.ndarray, seconds: float) -> dict[str, object]:
    return {
        "codec": name,
        "bytes": num_bytes,
        "bits_per_sample": 8 * num_bytes / values.size,
        "encode_seconds": seconds,
        "encoder": f"imagecodecs {imagecodecs.__version__}; Pillow {pillow_version}, {features.version('jpg_2000')}",
    }


def lossless(values: np.ndarray) -> list[dict[str, object]]:
    """Return what byte coders make of a volume."""
    coders: dict[str, Callable[[bytes], bytes | bytearray]] = {
        "zlib, level 9": lambda raw: imagecodecs.zlib_encode(raw, level=9),
        "zstd, level 19": lambda raw: imagecodecs.zstd_encode(raw, level=19),
    }
    rows = []
    for name, encode in coders.items():
        began = time.perf_counter()
        num_bytes = len(encode(values.tobytes()))
        rows.append(_row(name, num_bytes, values, time.perf_counter() - began))
    return rows


def jpeg_2000_slices(values: np.ndarray, bits_per_voxel: float) -> list[dict[str, object]]:
    """Return what JPEG 2000 makes of the slices, each a file of its own, and of one picture of all below each other.

    A file for a slice is what a user writes; at some hundred bytes a slice its headers are a large share.
    """
    rows = []
    for name, planes in {
        "JPEG 2000, a file for each slice": list(values),
        "JPEG 2000, one tall picture": [values.reshape(-1, values.shape[2])],
    }.items():
        began = time.perf_counter()
        files = [_jpeg_2000(plane, bits_per_voxel) for plane in planes]
        seconds = time.perf_counter() - began
        again = [np.asarray(Image.open(io.BytesIO(file))).astype(np.float64) for file in files]
        found = np.concatenate(again).reshape(values.shape)
        row = _row(name, sum(map(len, files)), values, seconds)
        rows.append({**row, "setting": bits_per_voxel, "psnr_db": range_psnr(found, values)})
    return rows
