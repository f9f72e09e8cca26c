"""A small file that declares a huge sampling is not decoded before that is asked for."""

import re
import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from ligeia.cli import run
from ligeia.codec import FieldRecord, read_record, write_record
from ligeia.core import InputError
from ligeia.files import open_field, render
from ligeia.signals import Axis, Box, Grid

pytest_plugins = ["support.fixtures"]


def declaring(field: Path, grid: Grid, path: Path) -> Path:
    record = read_record(field)
    write_record(FieldRecord(record.network, grid, record.channels, record.source, record.tensors), path)
    return path


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.parametrize(
    ("grid", "words", "wanted"),
    [
        (Grid.of((2**20, 2**20)), "decode {} -o new.png", r"got 1048576 x 1048576 x 3 values; .*--allow-l"),
        (Grid.of((2**20, 2**20)), "decode {} -o new.npy --numpy", "got 1048576 x 1048576 x 3 values"),
        (Grid.of((2**31, 2**31)), "decode {} -o new.npy", "got 2147483648 x 2147483648 x 3 values"),
        (Grid.of((2**20, 2**20)), "render {} -o new.png", "got 1048576 x 1048576 x 3 values"),
        (Grid.of((2**31, 2**31)), "render {} -o new.png --shape 4x4", r"4 x 4 x 3 values, each a mean of 2.88e\+17 pl"),
        (
            Grid((Axis(name="row", size=4, footprint=Box(1e12)), Axis(name="column", size=4))),
            "decode {} -o new.npy",
            r"4 x 4 x 3 values, each a mean of 2e\+12 places",
        ),
        (Grid.of((4, 4)), "render {} -o new.png --shape 100000000x100000000", "got 100000000 x 100000000"),
    ],
)
def test_it_is_refused_in_one_line_with_nothing_written_or_allocated(
    grid: Grid, words: str, wanted: str, field: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declaring(field, grid, Path("huge.lig"))
    before, files = peak_bytes(), sorted(field.parent.iterdir())
    assert run(words.format("huge.lig").split()) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "--allow-large" in captured.err
    assert re.search(wanted, captured.err), captured.err
    assert sorted(field.parent.iterdir()) == files
    assert peak_bytes() - before < 64 << 20


def test_a_large_output_is_written_when_it_is_asked_for(
    field: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ligeia.files._outputs._MOST_VALUES", 12 * 16 * 3 - 1)
    for words in (["decode", str(field), "-o", "a.png"], ["render", str(field), "-o", "a.png"]):
        assert run(words) == 2
        assert "--allow-large" in capsys.readouterr().err
        assert run([*words, "--allow-large"]) == 0
        Path("a.png").unlink()


def test_python_is_told_of_its_argument(field: Path) -> None:
    with pytest.raises(InputError, match=r"allow_large=True in Python"):
        render(open_field(field), Path("a.npy"), shape=(2**20, 2**20))
    assert np.prod(render(open_field(field), Path("a.npy"), shape=(8, 8), allow_large=True)) == 64
