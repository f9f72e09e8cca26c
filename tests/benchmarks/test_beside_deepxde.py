"""The equations of the benchmark beside DeepXDE have the closed forms that errors are measured from."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


benchmark = _load("beside_deepxde")


@pytest.mark.parametrize("name", list(benchmark.PROBLEMS))
def test_what_meets_the_constraints_is_the_closed_form(name: str) -> None:
    solution = benchmark.by_ligeia(benchmark.PROBLEMS[name](), seed=0)
    assert solution.error < 0.01
    assert solution.reached_s == (solution.spent_s,) * 2


def test_the_median_of_times_counts_what_was_not_reached_as_the_longest() -> None:
    assert benchmark.median([1.0, None, 3.0]) == 3.0
    assert benchmark.median([None, 2.0, None]) is None


def test_without_deepxde_one_line_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deepxde", None)
    monkeypatch.setattr(sys, "argv", ["beside_deepxde.py"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # is set, and put back after the test
    monkeypatch.setenv("DDE_BACKEND", "pytorch")
    with pytest.raises(SystemExit, match=r"pip install --no-deps -c constraints\.txt deepxde"):
        benchmark.main()
