"""The walk of CONTRIBUTING through a reader of a new kind of file is walked: a copy of the source, then commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
WALK = TEXT[TEXT.index("## A reader of a new kind of file") : TEXT.index("## A network from its paper")]
TABLE = "src/ligeia/formats/_formats.py"
HEADER = "ncols 16\nnrows 12\nxllcorner 500000.5\nyllcorner 4100000\ncellsize 30\nNODATA_value -9999\n"

PROGRAM = """
import sys
from pathlib import Path
# the copy, not what is installed
sys.meta_path = [each for each in sys.meta_path if "editable" not in type(each).__module__]
sys.path[:0] = [str(Path("src").resolve()), str(Path("tests").resolve())]
import ligeia
assert Path(ligeia.__file__).is_relative_to(Path.cwd()), ligeia.__file__
from ligeia.cli import run
for line in sys.argv[1:]:
    assert run(line.split()) == 0, line
import pytest
options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-o", "pythonpath=tests"]
assert pytest.main([*options, "tests/formats/test_esri_grid.py"]) == 0
"""


def touched() -> dict[str, str]:
    """Return the code of each touch, by its file."""
    return dict(re.findall(r"`((?:src|tests)/[\w/]+\.py)`[^\n]*\n\n```python\n(.*?)```", WALK, flags=re.DOTALL))


def test_the_walk_touches_two_files_and_a_test() -> None:
    assert list(touched()) == ["src/ligeia/formats/_esri_grid.py", TABLE, "tests/formats/test_esri_grid.py"]


def test_the_walk_makes_a_reader_that_every_command_takes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src" / "ligeia", tmp_path / "src" / "ligeia", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "formats").mkdir(parents=True)
    imports, row = touched()[TABLE].rsplit("\n\n", 1)
    table = (tmp_path / TABLE).read_text().removesuffix(")\n") + row + ")\n"
    (tmp_path / TABLE).write_text(table.replace("\nfrom ._", f"\n{imports}\nfrom ._", 1))
    for name in ("src/ligeia/formats/_esri_grid.py", "tests/formats/test_esri_grid.py"):
        (tmp_path / name).write_text(touched()[name])
    heights = np.add.outer(np.arange(12.0), 2 * np.arange(16.0))
    heights[0, :2] = -9999
    with (tmp_path / "heights.asc").open("w") as file:
        file.write(HEADER)
        np.savetxt(file, heights, fmt="%g")
    commands = [
        "fit heights.asc -o heights.lig --hidden-features 32 --passes 300 --quiet",
        "info heights.lig --quiet",
        "decode heights.lig -o again.asc --quiet",
        "decode heights.lig -o plain.asc --numpy --quiet",
        "render heights.lig -o large.asc --scale 2 --quiet",
        "render heights.lig -o part.asc --region 2:8,4:10 --quiet",
        "render heights.lig -o look.png --quiet",
        "compare heights.asc heights.lig --quiet",
        "export heights.lig -o heights.safetensors --quiet",
        "compress heights.asc -o small.lig --bytes 400 --effort 1 --quiet",
        "decode small.lig -o small.asc --quiet",
    ]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *commands], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("again.asc", "plain.asc"):
        lines = (tmp_path / name).read_text().splitlines()
        assert lines[:6] == HEADER.lower().splitlines()
        found = np.loadtxt(lines[6:])
        assert np.array_equal(found == -9999, heights == -9999)
        assert np.abs(found - heights).mean() < 0.1  # of 41
    corner = ["ncols 6", "nrows 6", "xllcorner 500120.5", "yllcorner 4100120", "cellsize 30"]
    assert (tmp_path / "part.asc").read_text().splitlines()[:5] == corner
    assert np.loadtxt(tmp_path / "large.asc", skiprows=6).shape == (24, 32)
    assert (tmp_path / "small.lig").stat().st_size <= 400
    assert (tmp_path / "small.asc").read_text().splitlines()[:6] == HEADER.lower().splitlines()
