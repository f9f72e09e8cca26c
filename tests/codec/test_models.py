"""Oracles: bells and scales written out in loops, and the sum of what each symbol costs."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ligeia.codec.entropy._ans import Decoder, encode
from ligeia.codec.weights import _choice, _models
from ligeia.codec.weights._choice import BY_SCALE_TAG, PriceCache, _adaptive_bits, choose
from ligeia.codec.weights._models import (
    FLAT,
    NUM_STRENGTHS,
    Adaptive,
    Fixed,
    Model,
    Raw,
    bell_table,
    half_bell,
    initial_counts,
    mean_magnitude,
    ratio,
    scales_of,
)

# the run-time type checks look at a random item of each sequence, which is harmless inside strategies
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies")

reaches, firsts, changes = st.integers(1, 127), st.integers(0, FLAT), st.integers(0, 255)


def test_ratios_rise_with_their_codes_to_one_and_above() -> None:
    ratios = [ratio(code) for code in range(256)]
    assert ratios == sorted(set(ratios))
    assert (ratios[0], ratios[FLAT]) == (0, 1 << 16)


@given(st.integers(1, 4095), firsts, changes)
@settings(deadline=None)
def test_every_bell_is_a_table_in_which_each_symbol_has_a_place(reach: int, first: int, change: int) -> None:
    widths = np.diff(bell_table(reach, first, change))
    assert (len(widths), widths.sum(), widths.min() >= 1) == (2 * reach + 1, 1 << 24, True)
    half = half_bell(reach, first, change)
    assert half == sorted(half, reverse=True)
    assert np.abs(widths - widths[::-1]).max() <= 1


@given(st.integers(1, 300), firsts, changes)
@settings(deadline=None)
def test_a_bell_is_that_of_the_loop(reach: int, first: int, change: int) -> None:
    weight, fall, weights = 1 << 24, ratio(first), [1 << 24]
    for _ in range(reach):
        weight, fall = weight * fall >> 16, min(fall * ratio(change) >> 16, 1 << 16)
        weights.append(weight)
    assert half_bell(reach, first, change) == weights


@pytest.mark.parametrize("sigma", [0.7, 3.0, 20.0])
def test_bells_come_close_to_the_laws_they_span(sigma: float) -> None:
    rng, distances = np.random.default_rng(0), np.arange(-400, 401)
    for log_law in (-(distances**2) / (2 * sigma**2), -np.abs(distances) / sigma):
        law = np.exp(log_law) / np.exp(log_law).sum()
        drawn = rng.choice(distances, size=20_000, p=law).astype(np.int32).reshape(100, 200)
        entropy = -(law * np.log2(np.maximum(law, 1e-300))).sum() * drawn.size / 8
        (choice,) = choose([drawn], [True])
        assert choice is not None
        assert len(choice.parameters) <= 4
        model = Fixed(int(np.abs(drawn).max()), *choice.parameters[-2:])
        sampled = (law @ -np.log2(np.maximum(law, 1e-300))) * 0.02 * drawn.size / 8
        assert len(encode([model.run(drawn)])) < entropy + sampled


MODELS = st.one_of(
    st.builds(Fixed, reaches, firsts, changes),
    st.builds(Adaptive, reaches, firsts, changes, st.integers(0, 15), by_scale=st.booleans()),
)


@given(MODELS, st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
@settings(deadline=None, max_examples=200)
def test_a_model_reads_what_it_wrote(model: Model, num_rows: int, num_columns: int, seed: int) -> None:
    reach = model._reach  # type: ignore[attr-defined]
    rng = np.random.default_rng(seed)
    most = rng.integers(reach + 1)
    tensors = [rng.integers(-most, most + 1, size=(num_rows, num_columns), dtype=np.int32) for _ in range(3)]
    tensors.append(np.array([-reach, reach], np.int32))
    fresh = copy.deepcopy(model)
    decoder = Decoder(encode([model.run(tensor) for tensor in tensors]))
    for tensor in tensors:
        assert np.array_equal(fresh.read(decoder, tensor.shape), tensor)
    assert decoder.is_spent()


@given(st.integers(1, 32), st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20))
def test_raw_integers_of_any_size_are_read_as_written(bits: int, values: list[int]) -> None:
    integers = (np.array(values, np.int64) >> 32 - bits).astype(np.int32)
    decoder = Decoder(encode([Raw(bits).run(integers)]))
    assert np.array_equal(Raw(bits).read(decoder, integers.shape), integers)
    assert decoder.is_spent()


@given(reaches, firsts, changes, st.integers(0, 2**32))
@settings(deadline=None)
def test_the_scale_of_each_weight_is_that_of_the_loop(reach: int, first: int, change: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    integers = rng.integers(-reach, reach + 1, size=tuple(rng.integers(1, 8, size=2)), dtype=np.int32)
    mean, scales = mean_magnitude(reach, first, change), scales_of(integers, mean_magnitude(reach, first, change))
    for row in range(integers.shape[0]):
        for column in range(integers.shape[1]):
            in_row, in_column = np.abs(integers[row, :column]).sum(), np.abs(integers[:row, column]).sum()
            scale = _models._scale(int(in_row), column, int(in_column), row, mean)
            assert scales[row, column] == scale


@given(st.integers(1, 20), st.integers(60, FLAT), st.integers(100, 220), st.integers(0, 12), st.integers(0, 2**32))
@settings(deadline=None)
def test_the_price_of_an_adaptive_model_is_what_its_symbols_cost(
    reach: int, first: int, change: int, strength: int, seed: int
) -> None:
    integers = np.random.default_rng(seed).binomial(2 * reach, 0.5, size=300).astype(np.int32) - np.int32(reach)
    counts = np.bincount(integers + reach, minlength=2 * reach + 1)
    priced = _adaptive_bits(counts, initial_counts(bell_table(reach, first, change), strength))
    run = Adaptive(reach, first, change, strength, by_scale=False).run(integers)
    assert sum(24 - math.log2(width) for width in run.widths) == pytest.approx(priced, rel=1e-3, abs=0.1)


def test_scales_that_differ_between_rows_pay() -> None:
    rng = np.random.default_rng(0)
    spread = np.exp(rng.normal(0, 1, size=(64, 1)))
    weights = np.rint(rng.normal(size=(64, 64)) * spread * 2).astype(np.int32)
    law = np.unique(weights, return_counts=True)[1] / weights.size
    (choice,) = choose([weights], [True])
    assert choice is not None
    assert BY_SCALE_TAG <= choice.tag < BY_SCALE_TAG + NUM_STRENGTHS
    reach, first, change = choice.parameters[-3:]
    model = Adaptive(reach, first, change, choice.tag % NUM_STRENGTHS, by_scale=True)
    order_0_bits = weights.size * -(law @ np.log2(law))
    assert 8 * len(encode([model.run(weights)])) < 0.95 * order_0_bits


def test_tensors_alike_share_a_model() -> None:
    rng = np.random.default_rng(0)
    alike = [np.rint(rng.normal(0, 3, size=64)).astype(np.int32) for _ in range(4)]
    wide = np.rint(rng.normal(0, 90, size=2000)).astype(np.int32)
    shared = choose([*alike, wide], [True] * 5)
    assert [choice is None for choice in shared] == [False, True, True, True, False]
    assert all(choose([*alike, wide], [False] * 5))


def test_a_cache_changes_no_choice_and_stays_bounded() -> None:
    rng, prices = np.random.default_rng(0), PriceCache(most_groups=5, most_floats=1000)
    tensors = [np.rint(rng.normal(0, 3, size=(4, 8))).astype(np.int32) for _ in range(3)]
    for spread in (3, 40, 3):
        tensors[2] = np.rint(rng.normal(0, spread, size=(4, 8))).astype(np.int32)
        for given_tensors in (tensors, [each.reshape(8, 4) for each in tensors], [each.ravel() for each in tensors]):
            assert choose(given_tensors, [True] * 3, prices) == choose(given_tensors, [True] * 3)
            assert len(prices._prices) <= 5
            assert sum(each.size for kept in (prices._bells, prices._costs) for each in kept.values()) <= 1000


def test_a_cache_spares_what_was_priced_before(monkeypatch: pytest.MonkeyPatch) -> None:
    priced: list[int] = []
    price = _choice._price

    def counted(tensors: Sequence[np.ndarray], prices: PriceCache) -> _choice._Priced:
        priced.append(len(tensors))
        return price(tensors, prices)

    monkeypatch.setattr(_choice, "_price", counted)
    rng, prices = np.random.default_rng(0), PriceCache()
    tensors = [np.rint(rng.normal(0, 3, size=64)).astype(np.int32) for _ in range(3)]
    choose(tensors, [True] * 3, prices)
    assert len(priced) == 6  # all runs of neighbors
    tensors[2] = tensors[2] + np.int32(1)
    choose(tensors, [True] * 3, prices)
    assert sorted(priced[6:]) == [1, 2, 3]  # those with the tensor that changed
