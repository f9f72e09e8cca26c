"""Every example runs, at toy size where it takes long, and those that do not are right."""

import runpy
from pathlib import Path

import pytest

QUICK = {"own_loop": {"num_steps": 20}, "burgers": {"num_steps": 20}}
MOST_ERROR = {"heat": 1e-4, "l_shape": 0.05}  # of those that take seconds as they are
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_is_short(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = runpy.run_path(str(path))
    error = names["main"](**QUICK.get(path.stem, {}))
    assert error < MOST_ERROR.get(path.stem, float("inf"))
    assert capsys.readouterr().out
    assert len(path.read_text().splitlines()) < 60
