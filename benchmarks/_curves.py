"""Rate-distortion curves: what lies between their points, Bjontegaard's deltas, and two ways to average images.

*Mean PSNR* is the mean of the images' PSNRs (CompressAI, COIN, C3); *PSNR of the mean error* is that of the mean of
their squared errors (Cool-Chic's headline). Both stand at the mean of the images' rates, setting by setting. The
second is lower by 0.1 to 3 dB; numbers of one kind say nothing about numbers of the other. Both reward how bits are
shared between images: files of equal rate have the higher mean PSNR, files of equal quality the higher PSNR of the mean
error, by the same encoder. Only images that are each compared on their own, or at equal rates, leave that out.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator

_MARGIN: Final = 1.05  # of the rate: so far a curve is followed beyond its ends, since no encoder hits a rate exactly

Average = Callable[[Sequence[float]], float]


@dataclass(frozen=True, slots=True)
class Curve:
    """Bits per sample and decibels, both rising."""

    bpp: tuple[float, ...]
    db: tuple[float, ...]

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> "Curve":
        """Return the curve of ``(bpp, db)`` in any order; a point without more decibels than a cheaper one is left out.

        >>> Curve.of([(1.0, 31.0), (0.5, 30.0), (0.7, 29.0)])
        Curve(bpp=(0.5, 1.0), db=(30.0, 31.0))
        """
        kept: list[tuple[float, float]] = []
        for rate, quality in sorted(points, key=lambda point: (point[0], -point[1])):
            if not kept or quality > kept[-1][1]:
                kept.append((rate, quality))
        return cls(tuple(rate for rate, _ in kept), tuple(quality for _, quality in kept))

    def at(self, bpp: float, *, margin: float = _MARGIN) -> float | None:
        """Return the decibels at a rate, PCHIP on its logarithm; None where the curve does not reach.

        Beyond an end the curve goes on straight, for rates that differ from its own by the factor ``margin`` at most.
        """
        if len(self.bpp) < 2 or not self.bpp[0] / margin <= bpp <= self.bpp[-1] * margin:
            return None
        rates = np.log(self.bpp)
        inside = float(np.clip(math.log(bpp), rates[0], rates[-1]))
        low, high = (-2, -1) if bpp > self.bpp[-1] else (0, 1)
        slope = (self.db[high] - self.db[low]) / (rates[high] - rates[low])
        return float(PchipInterpolator(rates, self.db)(inside)) + slope * (math.log(bpp) - inside)

    def shifted(self, gain_db: Callable[[float], float]) -> "Curve":
        """Return the curve with ``gain_db(bpp)`` more decibels."""
        return Curve(self.bpp, tuple(db + gain_db(bpp) for bpp, db in zip(self.bpp, self.db, strict=True)))


def bd_rate(anchor: Curve, test: Curve) -> float:
    """Return by what share of the anchor's bits ``test`` needs more at equal quality, -0.1 for a tenth less.

    The mean of the difference of log rates over the decibels that both curves have (Bjontegaard, VCEG-M33), each
    interpolated by PCHIP; NaN where they share none.
    """
    return math.expm1(_mean_difference(anchor.db, np.log(anchor.bpp), test.db, np.log(test.bpp)))


def bd_psnr(anchor: Curve, test: Curve) -> float:
    """Return how many decibels ``test`` has more than the anchor at equal rate, over the rates that both have."""
    return _mean_difference(np.log(anchor.bpp), anchor.db, np.log(test.bpp), test.db)


def shared_db(anchor: Curve, test: Curve) -> tuple[float, float]:
    """Return the range of decibels that two curves share; empty where the first is not below the second."""
    if not (anchor.db and test.db):
        return math.nan, math.nan
    return max(anchor.db[0], test.db[0]), min(anchor.db[-1], test.db[-1])


def _mean_difference(
    places: Sequence[float] | np.ndarray,
    values: Sequence[float] | np.ndarray,
    test_places: Sequence[float] | np.ndarray,
    test_values: Sequence[float] | np.ndarray,
) -> float:
    if min(len(places), len(test_places)) < 2:
        return math.nan
    low, high = max(places[0], test_places[0]), min(places[-1], test_places[-1])
    if not low < high:
        return math.nan
    anchor, test = PchipInterpolator(places, values), PchipInterpolator(test_places, test_values)
    return float(test.integrate(low, high) - anchor.integrate(low, high)) / (high - low)


def mean_psnr(decibels: Sequence[float]) -> float:
    """Return the mean of PSNRs: the convention of CompressAI, COIN and C3."""
    return float(np.mean(decibels))


def psnr_of_mean_error(decibels: Sequence[float]) -> float:
    """Return the PSNR of the mean of the squared errors of images of one size: the convention of Cool-Chic.

    >>> round(psnr_of_mean_error([20.0, 40.0]), 3)
    22.967
    """
    return -10 * math.log10(np.mean([10 ** (-each / 10) for each in decibels]))


Points = Mapping[tuple[str, float], tuple[float, float]]  # (image, setting) to (bpp, dB)


def image_curves(points: Points) -> dict[str, Curve]:
    """Return each image's own curve."""
    images = dict.fromkeys(image for image, _ in points)
    return {image: Curve.of(at for (name, _), at in points.items() if name == image) for image in images}


def average_curve(points: Points, average: Average) -> Curve:
    """Return the mean rate and the average quality at each setting that all images have."""
    images = {image for image, _ in points}
    settings = [
        setting for setting in {each for _, each in points} if all((image, setting) in points for image in images)
    ]
    groups = [[points[image, setting] for image in sorted(images)] for setting in settings]
    return Curve.of((float(np.mean([rate for rate, _ in group])), average([db for _, db in group])) for group in groups)


def equal_rate_curve(points: Points, average: Average, num_rates: int = 33) -> Curve:
    """Return the average quality at rates that all images' own curves reach, each image at the same rate."""
    curves = list(image_curves(points).values())
    if not curves:
        return Curve((), ())
    low, high = max(curve.bpp[0] for curve in curves), min(curve.bpp[-1] for curve in curves)
    found = []
    for rate in np.geomspace(low, high, num_rates) if low < high else ():
        values = [curve.at(rate) for curve in curves]
        found.append((float(rate), average([value for value in values if value is not None])))
    return Curve.of(found)
