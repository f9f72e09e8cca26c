"""A field at its samples, as integers that every machine finds alike (spec/container.md, s. 5).

Values in float64 differ between machines in their last digits alone. They are cut to integers with an offset, which
the writer puts where no sample comes near a change of integer.
"""

import math
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int, Int64

from ligeia.core import InputError
from ligeia.networks import NumpyArithmetic

from .._container import FieldRecord

MARGIN: Final = 1e-7
"""How far all samples stay from a change of integer, at least."""
_SAFETY: Final = 64  # how many times what another order of summation changes the margin must be
_WORKING_SET: Final = 1 << 16
_PROBED: Final = 1 << 12


class InexactError(InputError):
    """The values of a field come too near to a change of integer to be cut alike everywhere."""


def double_values(
    record: FieldRecord, start: int, stop: int, *, reverse: bool = False
) -> Float[np.ndarray, "n channels"]:
    """Return the field at samples, as the network gives it: float64, -1 and 1 are the ends of a channel.

    ``reverse`` sums in the opposite order, which shows how much rounding does.
    """
    grid, network = record.grid, record.network
    sampling, indices = grid.sampling(), np.unravel_index(np.arange(start, stop), grid.shape)
    points = np.stack([sampling.coordinates(number, index) for number, index in enumerate(indices)], axis=-1)
    tensors = [each.astype(np.float64) for each in record.float_tensors()]
    do = NumpyArithmetic(np.float64, reverse=reverse)
    with np.errstate(over="ignore", invalid="ignore"):  # of weights that are finite and absurd
        return network.architecture.values(do, grid.network_inputs(do, points), tensors)


def walk(record: FieldRecord, *, reverse: bool = False, most: int | None = None) -> np.ndarray:
    """Return `double_values` of all samples, or of the first ones."""
    num_samples = record.grid.num_samples if most is None else min(most, record.grid.num_samples)
    result = np.empty((num_samples, len(record.channels)))
    size = max(1, _WORKING_SET // record.network.max_width)
    for start in range(0, num_samples, size):
        stop = min(start + size, num_samples)
        result[start:stop] = double_values(record, start, stop, reverse=reverse)
    return result


def in_steps(
    values: Float[np.ndarray, " n"], record: FieldRecord, channel: int, low: int, bits: int
) -> Float[np.ndarray, " n"]:
    """Return the values of one channel, counted from ``low`` in steps of ``2**-bits``."""
    with np.errstate(over="ignore", invalid="ignore"):
        return (record.channels[channel].physical(values) - low) * 2.0**bits


def cut(steps: Float[np.ndarray, " n"], offset: float, most: int) -> Int64[np.ndarray, " n"]:
    """Return the integers of values in steps, from 0 to ``most``."""
    if np.isnan(steps).any():
        raise InexactError("expected a field of finite values, some are NaN; fit it again.")
    return np.floor(np.clip(steps + offset, 0, most)).astype(np.int64)


def choose_offset(steps: Float[np.ndarray, " n"], most: int, error: float) -> float:
    """Return the offset, from 0 to 1, that keeps all values within the range the farthest from a change.

    It is the shortest binary fraction that keeps at least half of the largest distance. Raises `InexactError` where the
    distance is less than `MARGIN` or than 64 times ``error``, what the order of summation changes in a value.
    """
    inside: Bool[np.ndarray, " n"] = (steps > -2) & (steps < most + 2)
    parts = np.sort(np.unique(np.mod(steps[inside], 1.0)))
    if not len(parts):
        return 0.0
    gaps = np.diff(parts, append=parts[0] + 1)
    widest = int(gaps.argmax())
    gap, needed = float(gaps[widest]), max(MARGIN, _SAFETY * error)
    half = gap / 2
    middle = -(float(parts[widest]) + half)  # brings the middle of the gap to a whole number
    for bits in range(53):
        offset = round(math.ldexp(middle % 1.0, bits)) / 2**bits % 1.0
        above = (-offset - float(parts[widest])) % 1.0
        if min(above, gap - above) >= max(half / 2, needed):
            return offset
    raise InexactError(
        f"expected values of a field that stay {needed:.1g} of a step away from some cut, the best is {half:.1g}; "
        "do without the field, or compress a part."
    )


def exact_offset(
    steps: Float[np.ndarray, " n"], samples: Int[np.ndarray, " n"], most: int, error: float
) -> float | None:
    """Return an offset that makes the integers of values the samples, far enough from any change; None without one."""
    if not np.isfinite(steps).all():
        return None
    behind = samples - steps
    first = float(behind[samples > 0].max(initial=0.0))
    last = float(behind[samples < most].min(initial=0.0)) + 1
    needed = max(MARGIN, _SAFETY * error)
    for bits in range(53):  # the shortest binary fraction
        offset = round(math.ldexp((first + last) / 2, bits)) / 2**bits
        if 0 <= offset < 1 and first + needed <= offset <= last - needed:
            return offset
    return None


def rounding_error(record: FieldRecord) -> float:
    """Return the largest change that summing in the opposite order makes in any of the first values, -1 to 1."""
    one, other = (walk(record, reverse=reverse, most=_PROBED) for reverse in (False, True))
    with np.errstate(invalid="ignore"):
        return float(np.abs(one - other).max())
