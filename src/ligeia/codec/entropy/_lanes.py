"""Interleaved entropy coding: several streams with the coder of `_ans`, which NumPy advances together.

Symbols go to the streams, the *lanes*, in turn. Each *run* starts at lane 0; its symbols can be decoded without
knowing one another. All lanes share one sequence of words (spec/container.md, s. 5). Integers only, like `_ans`.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Int, Int64, UInt64

from ._ans import PRECISION, StreamError

MOST_LANES_LOG2: Final = 10
_RENEW: Final = np.uint64(32)  # bits of a word
_PRECISION: Final = np.uint64(PRECISION)
_FIRST: Final = np.uint64(1 << 32)  # a state that holds nothing
_PIECE_BITS: Final = 16  # of plain bits, coded at a time


class Run(NamedTuple):
    """Symbols, each given by the start and the width of its interval, out of 2**24."""

    starts: Int[np.ndarray, " n"]
    widths: Int[np.ndarray, " n"]


def bit_runs(values: Int[np.ndarray, " n"], bits: Int[np.ndarray, " n"]) -> list[Run]:
    """Return the runs of plain numbers below ``2**bits``: all bits above the lowest 16 of each first, then the rest."""
    runs = []
    for above in (_PIECE_BITS, 0):
        chosen = bits > above
        shifts = PRECISION - np.minimum(bits[chosen] - above, _PIECE_BITS)
        runs.append(Run((values[chosen] >> above & (1 << _PIECE_BITS) - 1) << shifts, 1 << shifts))
    return runs


def encode_lanes(runs: Sequence[Run], lanes_log2: int) -> bytes:
    """Return the stream of runs: the states, then the words."""
    num_lanes = 1 << lanes_log2
    states = np.full(num_lanes, _FIRST)
    words = []  # what is read first is written last
    for run in reversed(runs):
        starts, widths = run.starts.astype(np.uint64), run.widths.astype(np.uint64)
        for first in range((len(starts) - 1) // num_lanes * num_lanes, -1, -num_lanes):
            width = widths[first : first + num_lanes]
            state = states[: len(width)]
            is_full = state >> _RENEW >= width << np.uint64(8)
            if is_full.any():
                words.append(state[is_full].astype(">u4"))
                state[is_full] >>= _RENEW
            quotient, rest = np.divmod(state, width)
            state[:] = (quotient << _PRECISION) + starts[first : first + num_lanes] + rest
    return b"".join([states.astype(">u8").tobytes(), *(each.tobytes() for each in reversed(words))])


@final
class LaneDecoder:
    """Reads runs from a stream. Any bytes give some symbols; `check_end` raises if the stream is not used up."""

    def __init__(self, stream: bytes | memoryview, lanes_log2: int) -> None:
        size = 8 << lanes_log2
        if len(stream) < size or (len(stream) - size) % 4:
            raise StreamError(f"a stream of {1 << lanes_log2} lanes has {size} bytes and words, got {len(stream)}.")
        self._states = np.frombuffer(stream[:size], ">u8").astype(np.uint64)
        if (self._states < _FIRST).any():
            raise StreamError("a lane of the stream begins below 2**32; the file is damaged.")
        self._words = np.frombuffer(stream[size:], ">u4").astype(np.uint64)
        self._position = 0

    def check_end(self) -> None:
        """Refuse a stream that has not been read exactly to its end."""
        if self._position != len(self._words) or (self._states != _FIRST).any():
            raise StreamError("the stream does not end with its last symbol; the file is damaged.")

    def take(self, rows: Int64[np.ndarray, " n"], starts: Int64[np.ndarray, "rows symbols"]) -> Int64[np.ndarray, " n"]:
        """Return a run of symbols; each is of the table whose row is given: where its symbols start, first to last."""
        # one search finds the symbol in its table: the tables lie end to end
        ends = (starts + (np.arange(len(starts), dtype=np.int64) << PRECISION)[:, None]).ravel().astype(np.uint64)
        widths = np.diff(ends, append=np.uint64(len(starts) << PRECISION))
        offsets = rows.astype(np.uint64) << _PRECISION
        result = np.empty(len(rows), np.int64)
        mask = np.uint64((1 << PRECISION) - 1)
        num_lanes = len(self._states)
        for first in range(0, len(rows), num_lanes):
            offset = offsets[first : first + num_lanes]
            state = self._states[: len(offset)]
            place = (state & mask) + offset
            found = ends.searchsorted(place, "right") - 1
            result[first : first + num_lanes] = found
            self._advance(state, place - ends[found], widths[found])
        return result - rows * starts.shape[1]

    def take_bits(self, bits: Int[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Return plain numbers below ``2**bits``, as `bit_runs` codes them."""
        result = np.zeros(len(bits), np.int64)
        mask = np.uint64((1 << PRECISION) - 1)
        num_lanes = len(self._states)
        for above in (_PIECE_BITS, 0):
            chosen = np.flatnonzero(bits > above)
            shifts = (PRECISION - np.minimum(bits[chosen] - above, _PIECE_BITS)).astype(np.uint64)
            for first in range(0, len(chosen), num_lanes):
                shift = shifts[first : first + num_lanes]
                state = self._states[: len(shift)]
                place = state & mask
                result[chosen[first : first + num_lanes]] |= (place >> shift).astype(np.int64) << above
                self._advance(state, place & (np.uint64(1) << shift) - np.uint64(1), np.uint64(1) << shift)
        return result

    def _advance(
        self, state: UInt64[np.ndarray, " m"], into: UInt64[np.ndarray, " m"], width: UInt64[np.ndarray, " m"]
    ) -> None:
        state[:] = (state >> _PRECISION) * width + into
        low = np.flatnonzero(state < _FIRST)
        if len(low):
            end = self._position + len(low)
            if end > len(self._words):
                raise StreamError("the stream ends before its last symbol; the file is damaged.")
            state[low] = state[low] << _RENEW | self._words[self._position : end]
            self._position = end
