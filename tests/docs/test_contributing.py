"""The walk of CONTRIBUTING through a new network is walked: four touches in a copy of the source, then commands."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ligeia.codec.records._network import ARCHITECTURES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
WALK = TEXT[TEXT.index("## A network from its paper") : TEXT.index("## House rules")]

PROGRAM = """
import sys
from pathlib import Path
# the copy, not what is installed
sys.meta_path = [each for each in sys.meta_path if "editable" not in type(each).__module__]
sys.path[:0] = [str(Path("src").resolve()), str(Path("tests").resolve())]
import ligeia
assert Path(ligeia.__file__).is_relative_to(Path.cwd()), ligeia.__file__
from ligeia import networks
from ligeia.cli import run
assert networks.Hosc(sharpness=4.0).name == "hosc"
for line in sys.argv[1:]:
    assert run(line.split()) == 0, line
import pytest
generic = ["tests/networks/test_architectures.py", "tests/codec/test_architecture_files.py"]
options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-o", "pythonpath=tests"]
assert pytest.main([*options, "tests/networks/test_hosc.py"]) == 0
assert pytest.main([*options, *generic, "-k", "hosc"]) == 0
"""


def touched() -> dict[str, str]:
    """Return what each touch adds, by its file: a new file, or a line."""
    files = re.findall(r"`((?:src|tests)/[\w/]+\.py)`[^\n]*\n\n```python\n(.*?)```", WALK, flags=re.DOTALL)
    lines = re.findall(r"`(src/[\w/]+\.pyi?)`[^\n]*: `([^`]+)`\n", WALK)
    return dict(files) | dict(lines)


def test_the_walk_touches_one_new_file_two_lines_and_one_test_file() -> None:
    assert list(touched()) == [
        "src/ligeia/networks/_hosc.py",
        "tests/networks/test_hosc.py",
        "src/ligeia/networks/__init__.pyi",
        "src/ligeia/codec/records/_network.py",
    ]


def test_the_tag_of_the_walk_is_free() -> None:
    """The copy's table, as Python reads it, could not say so: of two equal keys it keeps the last."""
    (line,) = re.findall(r"`(\d+): networks\.Hosc,`", WALK)
    assert int(line) not in ARCHITECTURES
    table = (ROOT / "src" / "ligeia" / "codec" / "records" / "_network.py").read_text()
    tags = re.findall(r"^    (\d+): networks\.", table, flags=re.MULTILINE)
    assert len(tags) == len(set(tags)) == len(ARCHITECTURES)


def test_the_walk_makes_a_network_that_everything_takes(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    shutil.copytree(ROOT / "src" / "ligeia", tmp_path / "src" / "ligeia", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("support", "networks", "codec"):
        shutil.copytree(ROOT / "tests" / name, tmp_path / "tests" / name)
    for name, text in touched().items():
        path = tmp_path / name
        if not path.exists():
            path.write_text(text)
            continue
        lines = path.read_text().splitlines()
        if text.startswith("from"):
            lines.insert(next(number for number, line in enumerate(lines) if line.startswith("from ._")), text)
        else:
            lines.insert(lines.index("}"), f"    {text}")  # where the table ends
        path.write_text("\n".join(lines) + "\n")
    Image.fromarray(np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)).save(tmp_path / "photo.png")
    commands = [
        "fit photo.png -o photo.lig --network hosc:sharpness=4 --hidden-features 16 --passes 3 --quiet",
        "info photo.lig --quiet",
        "render photo.lig -o large.png --scale 2 --quiet",
        "render photo.lig -o bent.png --quantity laplacian --quiet",
        "decode photo.lig -o again.png --numpy --quiet",
        "explain photo.lig -o inside.png --quiet",
        "export photo.lig -o photo.onnx --quiet",
        "compress photo.png -o small.lig --network hosc --bytes 900 --effort 1 --quiet",
        "compress photo.png -o grids.lig --bytes 300 --effort 1 --quiet",  # and nothing else is lost by it
    ]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *commands], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"large.png", "bent.png", "again.png", "inside.png", "photo.onnx", "small.lig"} <= {
        path.name for path in tmp_path.iterdir()
    }
