"""Weights as integers times a step (spec/container.md, s. 4). NumPy only."""

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float32, Int

from ligeia.core import FormatError, InputError

LARGEST_STEP: Final = 15.0
SMALLEST_STEP: Final = 2.0**-28


class TensorError(FormatError):
    """A weight tensor does not fit the network, is coded in an unknown way or holds NaN or infinite values."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class QuantizedTensor:
    """A tensor that is ``step`` times integers; ``step`` is one of those that a byte gives (`nearest_step`).

    A file keeps no step for a tensor of zeros: it comes back with the step 1.

    >>> tensor = QuantizedTensor(np.array([-3, 0, 7], np.int32), nearest_step(0.1))
    >>> tensor.step, tensor.values()
    (0.1015625, array([-0.3046875,  0.       ,  0.7109375], dtype=float32))
    """

    integers: Int[np.ndarray, "..."]
    step: float

    def __post_init__(self) -> None:
        if self.integers.dtype != np.int32:
            raise TensorError(f"quantized weights are int32, got {self.integers.dtype}; convert them first.")
        step_byte(self.step)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.integers.shape

    @property
    def size(self) -> int:
        """Number of weights."""
        return self.integers.size

    def values(self) -> Float32[np.ndarray, "..."]:
        """Return the weights, each the product in float64 rounded once."""
        return (np.float64(self.step) * self.integers).astype(np.float32)


def step_of_byte(byte: int) -> float:
    """Return the step that a byte stands for.

    >>> step_of_byte(0), step_of_byte(24), step_of_byte(255)
    (8.0, 1.0, 6.984919309616089e-09)
    """
    return math.ldexp(8 + byte % 8, -(byte // 8))


def step_byte(step: float) -> int:
    """Return the byte of a step, which must be exactly one that a byte gives."""
    mantissa, exponent = math.frexp(step) if math.isfinite(step) else (0.0, 0)  # mantissa in 0.5 to 1
    eighths, byte_exponent = mantissa * 16, 4 - exponent
    if not (8 <= eighths < 16 and eighths.is_integer() and 0 <= byte_exponent < 32):
        raise TensorError(f"a step is (8 to 15) / 2**(0 to 31), got {step}; `nearest_step` rounds to one.")
    return 8 * byte_exponent + int(eighths) - 8


def nearest_step(step: float) -> float:
    """Return the step nearest in ratio to a positive number; the largest or smallest one beyond the ends."""
    if not (math.isfinite(step) and step > 0):
        raise InputError(f"expected a positive, finite step, got {step}.")
    below, above = step_below(step), step_above(step)
    return below if step / below <= above / step else above


def step_below(step: float) -> float:
    """Return the largest step that is at most ``step``; the smallest there is where none is.

    >>> step_below(0.1), step_above(0.1)
    (0.09375, 0.1015625)
    """
    mantissa, exponent = math.frexp(min(max(step, SMALLEST_STEP), LARGEST_STEP))
    return math.ldexp(math.floor(mantissa * 16), exponent - 4)


def step_above(step: float) -> float:
    """Return the smallest step that is at least ``step``; the largest there is where none is."""
    mantissa, exponent = math.frexp(min(max(step, SMALLEST_STEP), LARGEST_STEP))
    return math.ldexp(math.ceil(mantissa * 16), exponent - 4)
