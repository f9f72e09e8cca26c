"""How wide a network must be: for a quality by the signal's cosine coefficients, for a file by its bytes."""

import bisect
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ligeia import codec
from ligeia.codec import FieldRecord
from ligeia.core import InputError
from ligeia.fitting import Stop
from ligeia.networks import Architecture, NetworkConfig, SirenArchitecture
from ligeia.signals import Signal

SIREN = SirenArchitecture()
USUAL_WIDTH = 256
_WIDEST = 2048
_WIDTH_STEP = 32  # what the kernels take whole
_WEIGHTS_PER_COEFFICIENT = 1.5  # design/network-size.md
_WHOLE = 1 << 20  # samples whose coefficients are taken together, ...
_BLOCK, _MOST_BLOCKS = 1 << 16, 16  # ... and the samples and the number of the blocks that stand for more


class Size(NamedTuple):
    """The width of a network, with the reason."""

    hidden_features: int
    reason: str


def choose_size(
    signal: Signal,
    *,
    stop: Stop | None,
    network: Architecture = SIREN,
    hidden_features: int | None = None,
    most_bytes: int | None = None,
) -> Size:
    """Return the width of a network for a signal: the one asked for, or the one that a quality or a budget needs.

    A quality that ``stop`` names takes 256 features, or more where the signal's coefficients need more weights; a
    file of ``most_bytes`` takes as many as it holds, or as the quality needs if one is named too. Neither: 256.
    Raises `InputError` where the file cannot be as small as that. That holds of a sine ``network``, whose depth and
    omegas count; any other has its own width.
    """
    if not network.width_is_chosen:
        return Size(network.num_features, f"of the network {network.name}")
    size = Size(USUAL_WIDTH, "as usual")
    target_db = None if stop is None else stop.in_psnr(signal.snr_offset_db).target_db
    if hidden_features is not None:
        size = Size(hidden_features, "as asked")
    elif target_db is not None:
        size = _for_quality(signal, target_db, network)
    if most_bytes is None:
        return size
    widest = _for_bytes(signal, most_bytes, network)
    if hidden_features is not None and hidden_features > widest.hidden_features:
        raise InputError(
            f"a field of {hidden_features} hidden features takes {_bytes_of(signal, network, hidden_features)} "
            f"bytes, more than the {most_bytes} asked for; leave one of the two out."
        )
    if target_db is None and hidden_features is None:
        return widest
    return min(size, widest, key=lambda each: each.hidden_features)


def bytes_of(signal: Signal, network: NetworkConfig) -> int:
    """Return the size of the file of a field of this signal with such a network, to the byte."""
    tensors = tuple(np.zeros(shape, np.float32) for shape in network.tensor_shapes())
    return len(codec.encode(FieldRecord(network, signal.grid, signal.channels, signal.source, tensors, signal.missing)))


def num_coefficients(signal: Signal, psnr_db: float) -> float:
    """Return how many cosine coefficients of a signal, the largest, give it back with this PSNR.

    Of the whole signal up to a million samples; beyond, of 16 evenly spread blocks that stand for it. Missing samples
    count as the middle of the range.
    """
    from scipy.fft import dctn  # late: most fits need none

    low = np.array([channel.low for channel in signal.channels])
    reach = np.array([channel.high for channel in signal.channels]) - low
    axes = range(signal.grid.num_axes)
    missing = None if signal.missing is None else signal.missing.mask().reshape(signal.grid.shape)
    energies, num_seen = [], 0
    for block in _blocks(signal.grid.shape):
        values = ((signal.values[block] - low) / reach).astype(np.float32)
        if missing is not None:
            values[missing[block]] = 0.5
        coefficients = np.asarray(dctn(values, axes=axes, norm="ortho", overwrite_x=True))
        energies.append(np.square(coefficients).ravel())
        num_seen += values.size
    lost: Float[np.ndarray, " n"] = np.cumsum(np.sort(np.concatenate(energies)), dtype=np.float64)
    num_left_out = int(np.searchsorted(lost, num_seen * 10 ** (-psnr_db / 10)))
    return (num_seen - num_left_out) * signal.values.size / num_seen


def _for_quality(signal: Signal, psnr_db: float, network: Architecture) -> Size:
    usual = _of_width(signal, network, USUAL_WIDTH).num_parameters()
    if usual >= signal.values.size:
        return Size(USUAL_WIDTH, "as usual: a weight for every value")
    if signal.points is not None:
        return Size(USUAL_WIDTH, "as usual: scattered samples have no cosine coefficients")
    found = num_coefficients(signal, psnr_db)
    wanted = min(_WEIGHTS_PER_COEFFICIENT * found, signal.values.size)
    widths = range(USUAL_WIDTH, _WIDEST + 1, _WIDTH_STEP)
    place = bisect.bisect_left(widths, wanted, key=lambda width: _of_width(signal, network, width).num_parameters())
    reason = f"{psnr_db:.4g} dB are {found:,.0f} cosine coefficients"
    return Size(widths[min(place, len(widths) - 1)], reason)


def _for_bytes(signal: Signal, most_bytes: int, network: Architecture) -> Size:
    def size_of(width: int) -> int:
        return _bytes_of(signal, network, width)

    # no wider than weights could be in as many bytes
    most = max(0, most_bytes) // 4
    widths = range(1, _WIDEST + 1)
    at_most = bisect.bisect_right(widths, most, key=lambda width: _of_width(signal, network, width).num_parameters())
    number = bisect.bisect_right(widths[: max(1, at_most)], most_bytes, key=size_of)
    if number == 0:
        raise InputError(
            f"a field of this signal with a network {network.name} so deep takes {size_of(1)} bytes at least, "
            f"{most_bytes} were asked for; allow more."
        )
    return Size(number, "the widest" if number == _WIDEST else f"the most in {most_bytes:,} bytes")


def _of_width(signal: Signal, network: Architecture, width: int) -> NetworkConfig:
    return NetworkConfig(network.of_size(width), signal.grid.num_inputs, signal.num_channels)


def _bytes_of(signal: Signal, network: Architecture, width: int) -> int:
    return bytes_of(signal, _of_width(signal, network, width))


def _blocks(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    if math.prod(shape) <= _WHOLE:
        return [tuple(slice(0, size) for size in shape)]
    edge = round(_BLOCK ** (1 / len(shape)))
    counts = [max(1, size // edge) for size in shape]
    total = math.prod(counts)
    starts = []
    for number in np.unique(np.linspace(0, total - 1, min(total, _MOST_BLOCKS)).round().astype(int)):
        places = [int(place) for place in np.unravel_index(number, counts)]
        starts.append([place * size // count for place, size, count in zip(places, shape, counts, strict=True)])
    return [tuple(slice(start, start + edge) for start in each) for each in starts]
