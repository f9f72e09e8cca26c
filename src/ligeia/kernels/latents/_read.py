"""Reading the integers of a picture's grid in compiled code. Imports no torch."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt32

from .. import _choice, _native
from ._plan import OTHER, Source


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
    """Return whether grids are read in compiled code: it is installed, and plain arithmetic was not requested."""
    if _choice.asked_path() == _choice.TORCH:
        return False
    try:
        _native.library()
    except _native.Broken:
        return False
    return True


def read_grid(
    shape: tuple[int, int],
    inputs: Sequence[Source],
    known: Sequence[Int32[np.ndarray, "..."]],
    parent: Int32[np.ndarray, "parent_h parent_w"] | None,
    weights: Sequence[Float64[np.ndarray, "..."]],
    tails: Int64[np.ndarray, "scales longest"],
    reaches: Int64[np.ndarray, " scales"],
    state: tuple[int, UInt32[np.ndarray, " n"]],
) -> tuple[Int32[np.ndarray, "h w"], int, int] | None:
    """Return the integers, the coder's final state and the number of words left; None if an integer is too large.

    ``known`` are the grids that inputs may be of; ``weights`` are those of `ligeia.codec`'s context network, in its
    order; of the words the last is read first.
    """
    values = np.zeros(shape, np.int32)
    kept: list[Any] = [np.ascontiguousarray(each, np.float64) for each in weights]
    others = {each.grid: np.ascontiguousarray(known[each.grid], np.int32) for each in inputs if each.source == OTHER}
    rows = [
        _Input(each.source, each.row, each.column, others[each.grid].ctypes.data if each.source == OTHER else None)
        for each in inputs
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
