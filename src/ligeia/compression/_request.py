"""What is asked of `compress`: one frozen object that the command line and Python both fill."""

import math
from dataclasses import dataclass
from typing import TypedDict, final

from ligeia.core import InputError
from ligeia.networks import Architecture
from ligeia.recipes import WORKING_SET, Configuration

USUAL_EFFORT = 5
_EFFORTS = range(1, 10)


class CompressOptions(TypedDict, total=False):
    """The keywords of `compress`: the fields of `CompressRequest`, with its defaults."""

    bits_per_pixel: float | None
    bits_per_sample: float | None
    most_bytes: int | None
    psnr_db: float | None
    snr_db: float | None
    lossless: bool
    effort: int
    seconds: float | None
    configuration: Configuration | None
    network: Architecture | None
    working_set: int
    seed: int


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class CompressRequest:
    """One target, and how to reach it; `compress` takes each field as a keyword too.

    `InputError` unless there is exactly one target.

    >>> CompressRequest(bits_per_pixel=0.3).effort
    5
    """

    bits_per_pixel: float | None = None
    """The same as ``bits_per_sample``, for a picture."""
    bits_per_sample: float | None = None
    """Of all channels together. A size is never exceeded."""
    most_bytes: int | None = None
    psnr_db: float | None = None
    """Missed by at most 0.2 dB; it takes several fits, of which no checkpoint is kept."""
    snr_db: float | None = None
    """The same, for sound."""
    lossless: bool = False
    """Restore integer samples bit for bit; the field matters little then, and is fitted only briefly."""
    effort: int = USUAL_EFFORT
    """1 to 9: each step doubles the time, which grows with the pixels of a picture; for other signals with the size of
    the file and with the samples, up to 393,216 of them."""
    seconds: float | None = None
    """With a size: `InputError`, early, if it is estimated to take longer."""
    configuration: Configuration | None = None
    """How networks are fitted, in place of `compact`; its optimizer is `compression.CodedWeights`, whose size is set by
    `compress` and whose learning rate is that for a network 64 features wide."""
    network: Architecture | None = None
    """None is latent grids for a picture from a file, and a sine network of four hidden layers for anything else;
    another architecture is made as large as the file needs, and fitted by Adam alone."""
    working_set: int = WORKING_SET
    """Bytes of samples that are held in memory."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.effort not in _EFFORTS:
            raise InputError(f"expected an effort of 1 to 9, got {self.effort!r}.")
        targets = (self.bits_per_pixel, self.bits_per_sample, self.most_bytes, self.psnr_db, self.snr_db)
        given = [each for each in targets if each is not None]
        if self.lossless and given:
            raise InputError(
                "expected no size or quality for a lossless file, it is as small as possible; leave it out."
            )
        if not self.lossless and len(given) != 1:
            raise InputError(f"expected one size or one quality (bits, bytes, PSNR or SNR), got {len(given)} of them.")
        if not all(math.isfinite(each) and each > 0 for each in given):
            raise InputError(f"expected a finite size or quality above 0, got {given[0]}.")
        if self.seconds is not None and (self.lossless or self.psnr_db is not None or self.snr_db is not None):
            raise InputError("expected a size with a deadline: a quality or a lossless file has none; leave it out.")
