"""The kernel on the command line: chosen, told of, refused in one line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ligeia import experiments, kernels
from ligeia.cli import run
from ligeia.experiments import _bench
from ligeia.kernels import _native, available

pytest_plugins = ["support.fixtures"]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = kernels.system().asked
    yield
    kernels.use(before)


def test_the_system_is_told_in_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", "--system"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"kernel      {kernels.current_path()} (")
    assert all(name in lines[1] for name in available())


def test_the_system_as_json_has_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--kernel", "torch", "info", "--system", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["kernel"], result["kernel_asked"]) == ("torch", "torch")
    assert result["kernels"] == list(available())
    assert {"ligeia", "torch", "python", "threads", "machine", "cuda", "kernel_problem"} <= result.keys()


@pytest.mark.parametrize("words", [["info"], ["info", "a.lig", "--system"]])
def test_info_wants_a_field_or_the_system(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "expected either a field or --system" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["sse9", "neon" if "neon" not in available() else "avx2"])
def test_a_kernel_that_is_not_here_is_one_line_and_status_2(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--kernel", name, "fit", "photo.png", "-o", "a.lig"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"the kernel must be one of auto, torch, {', '.join(available()[1:])} here, got '{name}'" in captured.err
    assert not (folder / "a.lig").exists()


@pytest.mark.parametrize("kernel", available())
def test_a_fit_says_which_kernel_it_ran_on(
    folder: Path, kernel: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIGEIA_KERNEL", kernel)
    assert run(["fit", "photo.png", "-o", "a.lig", "--passes", "2", "--hidden-features", "8", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kernel"] == kernel


def test_a_broken_library_is_said_in_one_line_and_the_fit_goes_on(folder: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from ligeia.kernels import _native
Path("broken.so").write_bytes(b"no library")
_native.find = lambda: Path("broken.so")
from ligeia.cli import run
sys.exit(run(["fit", "{folder}/photo.png", "-o", "a.lig", "--passes", "1", "--hidden-features", "8"]))
"""
    alone = {name: value for name, value in os.environ.items() if name != "LIGEIA_KERNEL"}
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=alone)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("ligeia: broken.so cannot be used")
    assert "Going on with plain torch" in result.stderr


@pytest.mark.fits
def test_bench_prints_a_row_per_kernel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    camera = _bench.camera
    monkeypatch.setattr(_bench, "camera", lambda *, size, align: camera(size=size // 4, align=align))
    monkeypatch.setattr(_bench, "_TARGET_DB", 15.0)
    monkeypatch.setattr(_bench, "_TURN_S", 0.0)  # one call a turn
    monkeypatch.setattr(experiments, "measure_rates", partial(experiments.measure_rates, rounds=1))
    assert run(["bench", "--json", "--quiet"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [each["kernel"] for each in result["rates"]] == list(available())
    assert all(each["training"] > 0 and each["rendering"] > 0 for each in result["rates"])
    assert [each["peak_share"] is None for each in result["rates"]] == [name == "torch" for name in available()]
    assert result["fit"]["psnr_db"] >= 15


def test_the_names_of_the_paths_are_those_of_the_library() -> None:
    assert set(_native.runnable()) <= set(_native.PATHS)
    assert _native.preferred() in _native.runnable()


@pytest.mark.parametrize("words", [["--kernel", "torch"], ["--kernel=torch"]])
def test_a_kernel_without_a_command_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "expected a command" in capsys.readouterr().err
