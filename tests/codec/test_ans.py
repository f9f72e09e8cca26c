"""Oracles: the information that the symbols hold, and constriction, whose coder this is."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ligeia.codec.entropy import _ans
from ligeia.codec.entropy._ans import Decoder, IntervalRun, TableRun, encode
from ligeia.codec.weights._models import table_of

# the run-time type checks look at a random item of each sequence, which is harmless inside strategies
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")


@pytest.fixture(params=["with constriction", "without"])
def _with_and_without_constriction(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "without":
            patch.setattr(_ans, "_stream", None)
        else:
            pytest.importorskip("constriction")
            patch.setattr(_ans, "_FEWEST_FOR_CONSTRICTION", 0)
        yield


@st.composite
def runs(draw: st.DrawFn) -> list[TableRun]:
    result = []
    for _ in range(draw(st.integers(0, 4))):
        num_symbols = draw(st.integers(2, 40))
        weights = draw(st.lists(st.integers(0, 2**30), min_size=num_symbols, max_size=num_symbols).filter(any))
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        size = draw(st.integers(1, 300))
        frequent = rng.integers(draw(st.integers(1, num_symbols)), size=size, dtype=np.int32)
        result.append(TableRun(frequent, table_of(weights)))
    return result


def as_intervals(run: TableRun) -> IntervalRun:
    starts = [run.table[symbol] for symbol in run.symbols.tolist()]
    return IntervalRun(starts, [run.table[symbol + 1] - run.table[symbol] for symbol in run.symbols.tolist()])


@given(runs())
@settings(deadline=None, max_examples=150)
@pytest.mark.usefixtures("_with_and_without_constriction")
def test_symbols_are_read_as_written_in_as_many_bits_as_they_hold(given_runs: list[TableRun]) -> None:
    stream = encode(given_runs)
    assert stream == encode([as_intervals(run) for run in given_runs])
    assert not stream.startswith(b"\0")
    decoder = Decoder(stream)
    for run in given_runs:
        assert np.array_equal(decoder.take(run.table, len(run.symbols)), run.symbols)
    assert decoder.is_spent()
    widths = [width for run in given_runs for width in as_intervals(run).widths]
    # the first symbol takes its 24 bits whole, as no state is there to hold it; and a last byte may be incomplete
    assert len(stream) <= sum(24 - math.log2(width) for width in widths) / 8 * (1 + 2**-7) + 4


@given(st.binary(max_size=60), runs())
@settings(deadline=None)
@pytest.mark.usefixtures("_with_and_without_constriction")
def test_any_bytes_are_the_only_stream_of_the_symbols_that_they_give(stream: bytes, tables: list[TableRun]) -> None:
    stream = stream.lstrip(b"\0")
    decoder = Decoder(stream)
    read = [TableRun(decoder.take(run.table, len(run.symbols)), run.table) for run in tables]
    state = decoder._state
    for run in reversed(read):
        _ans._push(state, as_intervals(run).starts, as_intervals(run).widths)
    words = [*state.words, state.value & 0xFFFFFFFF, state.value >> 32]
    assert np.array(words[::-1], ">u4").tobytes().lstrip(b"\0") == stream


@given(runs())
@settings(deadline=None)
def test_both_coders_write_the_same_bytes(given_runs: list[TableRun]) -> None:
    pytest.importorskip("constriction")
    streams = []
    for fewest in (0, 1 << 60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_ans, "_FEWEST_FOR_CONSTRICTION", fewest)
            streams.append(encode(given_runs))
    assert streams[0] == streams[1]


def test_the_coder_is_constrictions_default_one() -> None:
    stream = pytest.importorskip("constriction").stream
    table = table_of([1, 5, 30, 4, 2])
    symbols = np.random.default_rng(0).integers(5, size=999, dtype=np.int32)
    model = stream.model.Categorical(np.diff(table).astype(np.float64) - 1, perfect=False, lazy=False)
    coder = stream.stack.AnsCoder()
    coder.encode_reverse(symbols, model)
    words = coder.get_compressed()
    assert encode([TableRun(symbols, table)]) == words[::-1].astype(">u4").tobytes().lstrip(b"\0")


def test_bytes_that_are_too_few_or_too_many_leave_the_stream_unspent() -> None:
    table = table_of([1, 5, 30, 4, 2])
    symbols = np.random.default_rng(0).integers(5, size=400, dtype=np.int32)
    stream = encode([TableRun(symbols, table)])
    for wrong in (stream[:-1], stream[1:], stream + b"\0", stream + b"\1", b"\1" + stream, stream[:-4]):
        decoder = Decoder(wrong)
        decoder.take(table, 400)
        assert not decoder.is_spent()
