"""The image files that Pillow writes: how many bytes, how close in RGB, in how many seconds."""

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image, __version__ as pillow_version, features

from ligeia.metrics import decibels, ssim

SLOWEST_AVIF = "AVIF 4:4:4, speed 0"


def _quality(setting: float) -> dict[str, object]:
    return {"quality": int(setting)}


def _bits_per_pixel(setting: float) -> dict[str, object]:
    return {"quality_mode": "rates", "quality_layers": [24 / setting]}


@dataclass(frozen=True, kw_only=True)
class ImageCodec:
    """One encoder with its options, and the settings that span 0.1 to 2 bits per pixel where it can."""

    name: str
    format: str
    library: str
    settings: tuple[float, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    option_of: Callable[[float], dict[str, object]] = _quality

    def encode(self, pixels: np.ndarray, setting: float) -> bytes:
        """Return a whole file."""
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, self.format, **self.options, **self.option_of(setting))
        return file.getvalue()


_JPEG = (1, 4, 7, 10, 15, 22, 32, 45, 60, 75, 85, 92)
_JPEG_2000 = (0.1, 0.15, 0.2, 0.3, 0.45, 0.6, 0.9, 1.3, 2.0)
_WEBP = (0, 2, 5, 10, 18, 28, 40, 55, 70, 80, 88, 94)
_TUNED_JPEG = {"optimize": True, "progressive": True, "subsampling": 0}
_ONE_THREAD = {"max_threads": 1}  # so that seconds compare; images of this size are one tile in any case

CODECS = (
    ImageCodec(name="JPEG", format="JPEG", library="libjpeg_turbo", settings=_JPEG),
    ImageCodec(name="JPEG 4:4:4", format="JPEG", library="libjpeg_turbo", settings=_JPEG, options=_TUNED_JPEG),
    ImageCodec(
        name="JPEG 2000, Pillow's default",  # which codes R, G and B each on its own
        format="JPEG2000",
        library="jpg_2000",
        settings=_JPEG_2000,
        options={"irreversible": True},
        option_of=_bits_per_pixel,
    ),
    ImageCodec(
        name="JPEG 2000",
        format="JPEG2000",
        library="jpg_2000",
        settings=_JPEG_2000,
        options={"irreversible": True, "mct": 1, "no_jp2": True},  # no_jp2: 85 bytes less
        option_of=_bits_per_pixel,
    ),
    ImageCodec(name="WebP", format="WEBP", library="webp", settings=_WEBP),  # 4:2:0: lossy WebP has nothing else
    ImageCodec(name="WebP, method 6", format="WEBP", library="webp", settings=_WEBP, options={"method": 6}),
    ImageCodec(
        name="AVIF",  # 4:2:0, speed 6
        format="AVIF",
        library="avif",
        settings=(2, 7, 13, 20, 28, 36, 45, 55, 65, 75, 83, 90),
        options=_ONE_THREAD,
    ),
    ImageCodec(
        name=SLOWEST_AVIF,
        format="AVIF",
        library="avif",
        settings=(15, 25, 35, 45, 5, 55, 65, 75),  # those around 0.3 bits per pixel first: half a minute each
        options={"speed": 0, "subsampling": "4:4:4", **_ONE_THREAD},
    ),
)


def image_psnr(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR in decibels over all samples of two images of bytes."""
    return decibels(float(np.mean((found.astype(np.float64) - truth) ** 2)), peak=255)


def qualities(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return PSNR in decibels and SSIM, the mean over channels, of two images of bytes."""
    first, second = (torch.from_numpy(each.reshape(*each.shape[:2], -1).astype(np.float32)) for each in (truth, found))
    return {"psnr_db": image_psnr(found, truth), "ssim": ssim(first, second, low=0, high=255)}


def encoded(codec: ImageCodec, pixels: np.ndarray, setting: float) -> dict[str, object]:
    """Return what one image becomes: bytes of the real file, bits per pixel, quality of what it decodes to, seconds.

    Seconds are those of the clock; ``encode_cpu_seconds`` are what other work on the machine does not change.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    file = codec.encode(pixels, setting)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    began = time.perf_counter()
    again = np.asarray(Image.open(io.BytesIO(file)).convert("L" if pixels.ndim == 2 else "RGB"))
    return {
        "codec": codec.name,
        "options": {**codec.options, **codec.option_of(setting)},
        "setting": setting,
        "bytes": len(file),
        "bpp": 8 * len(file) / (pixels.shape[0] * pixels.shape[1]),
        **qualities(again, pixels),
        "encode_seconds": seconds,
        "encode_cpu_seconds": cpu_seconds,
        "decode_seconds": time.perf_counter() - began,
        "encoder": f"Pillow {pillow_version}, {codec.library} {features.version(codec.library)}",
    }
