"""Reading the integers of a picture's grid in compiled code. Imports no torch."""

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt32

from . import _choice, _native


class ReadInput(NamedTuple):
    """One input of a context: 0 the same grid, 1 another of its shape, 2 the parent, 3 nothing; and where there."""

    source: int
    row: int
    column: int
    other: Int32[np.ndarray, "h w"] | None


class _Input(ctypes.Structure):
    _fields_ = [*[(name, ctypes.c_int) for name in ("source", "row", "column")], ("other", ctypes.c_void_p)]


_WEIGHTS = ("first", "bias", "second", "second_bias", "output", "straight", "output_bias")


class _Grid(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_int) for name in ("rows", "columns", "num_inputs")],
        ("inputs", ctypes.c_void_p),
        ("parent", ctypes.c_void_p),
        ("parent_rows", ctypes.c_int),
        ("parent_columns", ctypes.c_int),
        *[(name, ctypes.c_void_p) for name in _WEIGHTS],
        ("values", ctypes.c_void_p),
    ]


class _State(ctypes.Structure):
    _fields_ = [("value", ctypes.c_uint64), ("words", ctypes.c_void_p), ("left", ctypes.c_int64)]


def has_reader() -> bool:
    """Tell whether grids are read in compiled code: where there is some, and plain arithmetic was not asked for."""
    if _choice.asked_path() == _choice.TORCH:
        return False
    try:
        _native.library()
    except _native.Broken:
        return False
    return True


def read_grid(
    shape: tuple[int, int],
    inputs: Sequence[ReadInput],
    parent: Int32[np.ndarray, "parent_h parent_w"] | None,
    weights: Sequence[Float64[np.ndarray, "..."]],
    tails: Int64[np.ndarray, "scales longest"],
    reaches: Int64[np.ndarray, " scales"],
    state: tuple[int, UInt32[np.ndarray, " n"]],
) -> tuple[Int32[np.ndarray, "h w"], int, int] | None:
    """Return integers, and the coder's value and number of words that are left; None where one is too large.

    ``weights`` are those of `ligeia.codec`'s context network, in its order; of the words the last is read first.
    """
    values = np.zeros(shape, np.int32)
    kept: list[Any] = [np.ascontiguousarray(each, np.float64) for each in weights]
    others = [None if each.other is None else np.ascontiguousarray(each.other, np.int32) for each in inputs]
    rows = [
        _Input(each.source, each.row, each.column, None if other is None else other.ctypes.data)
        for each, other in zip(inputs, others, strict=True)
    ]
    array = (_Input * len(rows))(*rows)
    above = None if parent is None else np.ascontiguousarray(parent, np.int32)
    height, width = (0, 0) if above is None else above.shape
    grid = _Grid(
        *shape,
        len(rows),
        ctypes.addressof(array),
        None if above is None else above.ctypes.data,
        height,
        width,
        *[each.ctypes.data for each in kept],
        values.ctypes.data,
    )
    value, words = state
    native = _State(value, words.ctypes.data, len(words))
    tails, reaches = np.ascontiguousarray(tails, np.int64), np.ascontiguousarray(reaches, np.int64)
    failed = _native.library().ligeia_latents_read(
        ctypes.addressof(grid), tails.ctypes.data, reaches.ctypes.data, tails.shape[1], ctypes.addressof(native)
    )
    return None if failed else (values, native.value, native.left)
