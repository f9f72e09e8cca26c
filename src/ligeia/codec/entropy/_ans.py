"""The entropy coder: asymmetric numeral systems (Duda 2013, arXiv:1311.2540), as spec/container.md s. 4 says.

Integers only, so every machine reads the same symbols. The coder is constriction's default `AnsCoder`; where that
package is installed it codes long runs faster, to the same bytes. A *table* is the cumulative frequencies of n
symbols: n + 1 rising integers from 0 to 2**24.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, final

import numpy as np
from jaxtyping import Int32, UInt32

from ligeia.core import FormatError

try:
    import constriction
except ImportError:  # it is an extra
    constriction = None

_stream: Any = getattr(constriction, "stream", None)

PRECISION: Final = 24  # bits of a probability
_LOW: Final = (1 << 32) - 1
_FEWEST_FOR_CONSTRICTION: Final = 1024  # below, copying the state there and back takes longer than it saves


class StreamError(FormatError):
    """A stream does not have the announced content."""


class DigestError(FormatError):
    """The decoded values differ from those that were written."""


@final
@dataclass(frozen=True, slots=True)
class TableRun:
    """Symbols that share one table."""

    symbols: Int32[np.ndarray, " n"]
    table: Sequence[int]


@final
@dataclass(frozen=True, slots=True)
class IntervalRun:
    """Symbols given by where each one's interval starts and how wide it is, out of 2**24."""

    starts: Sequence[int]
    widths: Sequence[int]


def encode(runs: Sequence[TableRun | IntervalRun]) -> bytes:
    """Return the stream of runs; every sequence of symbols and tables has exactly one.

    >>> encode([IntervalRun([1, 5], [1 << 20, 3])]).hex()
    '06'
    """
    state = _State(0, [])
    for run in reversed(runs):  # what is read first is written last
        if isinstance(run, IntervalRun):
            _push(state, run.starts, run.widths)
        elif _stream is not None and len(run.symbols) >= _FEWEST_FOR_CONSTRICTION:
            coder = _to_constriction(state)
            coder.encode_reverse(run.symbols, _categorical(run.table))
            _from_constriction(state, coder)
        else:
            symbols = run.symbols.tolist()
            starts = [run.table[symbol] for symbol in symbols]
            _push(state, starts, [run.table[symbol + 1] - run.table[symbol] for symbol in symbols])
    words = [*state.words, state.value & _LOW, state.value >> 32]
    return np.array(words[::-1], ">u4").tobytes().lstrip(b"\0")


@final
class Decoder:
    """Reads symbols from a stream. Any bytes give some symbols; `is_spent` says whether the stream is used up."""

    def __init__(self, stream: bytes | memoryview) -> None:
        padded = bytes(-len(stream) % 4) + bytes(stream)
        self._state = _State(0, np.frombuffer(padded, ">u4")[::-1].tolist())
        for _ in range(min(2, len(self._state.words))):
            self._state.value = self._state.value << 32 | self._state.words.pop()

    def is_spent(self) -> bool:
        """Return whether exactly the symbols of the stream have been read."""
        return self._state.value == 0 and not self._state.words

    def quantile(self) -> int:
        """Return the number, below 2**24, that the interval of the next symbol holds."""
        return self._state.value & (1 << PRECISION) - 1

    def advance(self, start: int, width: int) -> None:
        """Skip a symbol whose interval contains the quantile."""
        state = self._state
        state.value = (state.value >> PRECISION) * width + (state.value & (1 << PRECISION) - 1) - start
        if state.value <= _LOW and state.words:
            state.value = state.value << 32 | state.words.pop()

    def state(self) -> tuple[int, UInt32[np.ndarray, " n"]]:
        """Return the coder's value and the words that are left, the next to be read last."""
        return self._state.value, np.array(self._state.words, np.uint32)

    def go_on(self, value: int, num_words: int) -> None:
        """Continue from a later `state`: the coder's value, and how many words are left."""
        self._state.value = value
        del self._state.words[num_words:]

    def symbol(self, table: Sequence[int]) -> int:
        """Return the next symbol, which has its own table."""
        found = bisect_right(table, self.quantile()) - 1
        self.advance(table[found], table[found + 1] - table[found])
        return found

    def take(self, table: Sequence[int], count: int) -> Int32[np.ndarray, " count"]:
        """Return the next ``count`` symbols, which share a table."""
        if _stream is not None and count >= _FEWEST_FOR_CONSTRICTION:
            coder = _to_constriction(self._state)
            symbols = np.asarray(coder.decode(_categorical(table), count), np.int32)
            _from_constriction(self._state, coder)
            return symbols
        result = np.empty(count, np.int32)
        for first in range(0, count, 1 << 16):  # in pieces: a list takes several times the memory of an array
            piece = result[first : first + (1 << 16)]
            piece[:] = _pop(self._state, table, len(piece))
        return result


@final
@dataclass(slots=True)
class _State:
    """The coder: ``value`` is below 2**64, and not below 2**32 while there are words under it."""

    value: int
    words: list[int]
    """32 bits each, the one to be read next at the end."""


def _push(state: _State, starts: Sequence[int], widths: Sequence[int]) -> None:
    value, words = state.value, state.words
    for start, width in zip(reversed(starts), reversed(widths), strict=True):
        if value >> 32 >= width << 8:  # the next line would overflow 64 bits
            words.append(value & _LOW)
            value >>= 32
        quotient, rest = divmod(value, width)
        value = (quotient << PRECISION) + start + rest
    state.value = value


def _pop(state: _State, table: Sequence[int], count: int) -> list[int]:
    value, words, mask = state.value, state.words, (1 << PRECISION) - 1
    widths = [end - start for start, end in pairwise(table)]
    symbols = []
    for _ in range(count):
        quantile = value & mask
        symbol = bisect_right(table, quantile) - 1
        value = (value >> PRECISION) * widths[symbol] + quantile - table[symbol]
        if value <= _LOW and words:
            value = value << 32 | words.pop()
        symbols.append(symbol)
    state.value = value
    return symbols


def _categorical(table: Sequence[int]) -> Any:
    # it adds 1 to each weight and scales them to 2**24: these sum to that already, so that its scale is exactly 1
    return _stream.model.Categorical(np.diff(table).astype(np.float64) - 1, perfect=False, lazy=False)


def _to_constriction(state: _State) -> Any:
    words = [*state.words, state.value & _LOW, state.value >> 32]
    while words and words[-1] == 0:
        words.pop()
    return _stream.stack.AnsCoder(np.array(words, np.uint32)) if words else _stream.stack.AnsCoder()


def _from_constriction(state: _State, coder: Any) -> None:
    compressed: UInt32[np.ndarray, " n"] = coder.get_compressed()
    words = compressed.tolist()
    state.value = 0
    for _ in range(min(2, len(words))):
        state.value = state.value << 32 | words.pop()
    state.words = words
