"""Every block of docs/export.md runs, and the functions that it builds are the field."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image
from skimage.data import astronaut

from ligeia import load
from ligeia.cli import run

GUIDE = (Path(__file__).parents[2] / "docs" / "export.md").read_text()


def test_the_blocks_of_the_guide_run_and_build_the_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut()[60:220:4, 140:300:4]).save("photo.png")
    assert run(["fit", "photo.png", "-o", "photo.lig", "--passes", "10", "--hidden-features", "16", "--quiet"]) == 0
    names: dict[str, Any] = {}
    for language, block in re.findall(r"```(\w+)\n(.*?)```", GUIDE, flags=re.DOTALL):
        if language == "python":
            scope = dict(names)  # of its own: functions of several blocks have variables of the same names
            exec(compile(block, "docs/export.md", "exec"), scope)
            names |= scope
            continue
        assert language == "sh"
        for line in block.splitlines():
            program, *words = shlex.split(line.partition("#")[0])
            assert program == "ligeia"
            assert run([*words, "--quiet"]) == 0, line
    points = np.random.default_rng(0).uniform(-1, 1, (500, 2)).astype(np.float32)
    wanted = load("photo.lig")(torch.from_numpy(points)).detach().numpy()
    assert_allclose(names["phi"](torch.from_numpy(points)).numpy(), wanted, rtol=0, atol=1e-5 * 127.5)
    assert_allclose(names["psi"](points), wanted, rtol=0, atol=1e-5 * 127.5)
    assert Path("photo-again.lig").read_bytes() == Path("photo.lig").read_bytes()
