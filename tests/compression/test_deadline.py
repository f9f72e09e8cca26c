"""A fit that would take too long is refused, with the effort that would not."""

import time
from itertools import count

import numpy as np
import pytest

import ligeia as lg
from ligeia.compression import compress
from ligeia.compression._deadline import Deadline
from ligeia.core import InputError
from ligeia.fitting import State, Step
from ligeia.recipes import fast

LENGTHS = {effort: 100.0 * 2**effort for effort in range(1, 10)}


def foretold(monkeypatch: pytest.MonkeyPatch, seconds: float, effort: int) -> float:
    """Let a fit go on in a hundred steps of a second each, after ten seconds before; return how far it came."""
    clock = count(0.0, 10.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    deadline = Deadline(seconds, effort, LENGTHS)
    state = State(lg.Field(lg.Siren(2, 4, 0, 1), lg.Grid.of((4, 4))), fast().recipe, 16)
    deadline(Step(state, 0.01))
    clock = count(11.0)
    done = 0.01
    for step in range(2, 101):
        done = step / 100
        deadline(Step(state, done))
    return done


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (100.0, "effort 5 takes about 109 s here, 100 were allowed; effort 4 takes about 60 s."),
        (45.0, "45 were allowed; effort 3 takes about 35 s."),
        (11.0, "11 were allowed, and no effort takes so little; allow more."),
    ],
)
def test_too_long_a_fit_is_refused(monkeypatch: pytest.MonkeyPatch, seconds: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        foretold(monkeypatch, seconds, 5)


def test_a_fit_that_ends_in_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert foretold(monkeypatch, 111.0, 5) == 1.0


def test_a_second_fit_is_foretold_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0.0, 1.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    deadline = Deadline(150.0, 5, LENGTHS)
    state = State(lg.Field(lg.Siren(2, 4, 0, 1), lg.Grid.of((4, 4))), fast().recipe, 16)
    for step in (*range(1, 101), 1, 2, 3):  # each of a second, and so in the second fit: 200 seconds in all
        deadline(Step(state, step / 100))
    with pytest.raises(InputError, match="effort 5 takes about 200 s here, 150 were allowed"):
        deadline(Step(state, 0.04))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan")])
def test_a_deadline_is_above_zero(seconds: float) -> None:
    with pytest.raises(InputError, match="expected a deadline above 0 seconds"):
        Deadline(seconds, 5, LENGTHS)


def test_compress_has_deadlines_of_sizes_only() -> None:
    values = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    with pytest.raises(InputError, match="no effort takes so little"):
        compress(values, most_bytes=900, effort=9, seconds=1e-9)
    with pytest.raises(InputError, match="expected a size with a deadline"):
        compress(values, psnr_db=20, seconds=1000)
