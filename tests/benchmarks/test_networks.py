"""The harness that compares networks: equal parameters, resumable rows, the table; oracle: rows made up by hand."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("networks")
    for name in ("networks", "_network_tables", "_network_tasks"):
        sys.modules.pop(name, None)


def test_networks_are_equally_large(bench: ModuleType) -> None:
    on = bench.task("from gradients")
    for name in (*bench.NETWORKS, bench.COMPILED):
        count = bench.made(name, on, 1.0, 0).network.config.num_parameters()
        assert 0.97 * bench.PARAMETERS < count <= bench.PARAMETERS, name


def test_a_run_is_the_same_each_time_and_is_not_made_twice(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[dict[str, object]] = []
    monkeypatch.setattr(bench, "append_row", lambda _, row: written.append(row))
    one = bench.one_run("finer", "from gradients", 3, 1.0, 1.0, 0)
    other = bench.one_run("finer", "from gradients", 3, 1.0, 1.0, 0)
    assert one["score_db"] == other["score_db"]
    rows = [{"kind": "run", **one}]
    runs = bench.Runs(rows, "run", 1)
    assert runs.all([("finer", "from gradients", 3, 1.0, 1.0, 0)]) == rows
    assert written == []


def test_the_table_has_means_spreads_and_places(bench: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"kind": "speed", "network": name, "task": "image", "steps_per_second": 100.0} for name in ("a", "b", "c")]
    scores = {"a": (30.0, 31.0), "b": (30.4, 30.2), "c": (20.0, 20.0)}
    for name, values in scores.items():
        for seed, score in enumerate(values):
            row = {"kind": "run", "network": name, "task": "image", "steps": 300, "seed": seed, "score_db": score}
            rows.append(row | {"rate": 1.0, "scale": 1.0, "parameters": 10})
            rows.append(row | {"rate": 1.0, "scale": 1.0, "parameters": 10, "steps": 100, "score_db": 0.0})
    bench.print_table(rows, 3.0)
    printed = capsys.readouterr().out.splitlines()
    assert printed[2] == "| a | **30.50 +- 0.71** | 1.0 |"
    assert printed[3] == "| b | **30.30 +- 0.14** | 2.0 |"
    assert printed[4] == "| c | 20.00 +- 0.00 | 3.0 |"
