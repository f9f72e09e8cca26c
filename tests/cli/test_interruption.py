"""Fits that are stopped or killed, and a disk that is full: nothing is lost, and nothing is half written."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ligeia.cli import run

pytest_plugins = ["support.fixtures"]
FIT = ("fit", "photo.png", "--hidden-features", "8", "--device", "cpu", "--quiet")
# checkpoints at every step, so that a short fit has some; output files of at most a given size
EAGER = """
import ligeia.fitting._checkpoint as module
begin = module.Checkpointer.begin
def eager(self, *arguments):
    self._every_s = 0.0
    begin(self, *arguments)
module.Checkpointer.begin = eager
"""
SMALL_DISK = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))"


def start(folder: Path, *arguments: str, preamble: str = "") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", f"{preamble}\nfrom ligeia.cli import main; main()", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_killed_fit_resumes_to_the_bytes_of_an_uninterrupted_one(folder: Path) -> None:
    arguments = (*FIT, "--passes", "200")
    assert finish(start(folder, *arguments, "-o", "whole.lig"))[0] == 0
    process = start(folder, *arguments, "-o", "new.lig", preamble=EAGER)
    wait_for(folder / "new.lig.checkpoint", process)
    time.sleep(0.1)
    process.kill()
    assert finish(process)[0] == -signal.SIGKILL
    assert not (folder / "new.lig").exists()
    assert finish(start(folder, *arguments, "-o", "new.lig", "--resume")) == (0, "", "")
    assert (folder / "new.lig").read_bytes() == (folder / "whole.lig").read_bytes()
    assert not (folder / "new.lig.checkpoint").exists()


def test_ctrl_c_keeps_a_checkpoint_says_so_and_resume_completes(folder: Path) -> None:
    arguments = (*FIT, "-o", "new.lig", "--passes", "1000")
    process = start(folder, *arguments, preamble=EAGER)
    wait_for(folder / "new.lig.checkpoint", process)
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert (status, out) == (1, "")
    assert err == (
        "ligeia: stopped; the checkpoint new.lig.checkpoint is kept: repeat the command with --resume to go on.\n"
    )
    assert names(folder) == ["new.lig.checkpoint", "photo.png"]
    other = finish(start(folder, *arguments, "--resume", "--seed", "1"))
    assert other[:2] == (2, "")
    assert "belongs to a fit of other data or with other options" in other[2]
    assert finish(start(folder, *arguments, "--resume")) == (0, "", "")
    assert names(folder) == ["new.lig", "photo.png"]


def test_a_full_disk_leaves_the_last_output_and_the_last_checkpoint(field: Path) -> None:
    folder, output = field.parent, field.read_bytes()
    checkpoint = folder / "photo.lig.checkpoint"
    arguments = (*FIT, "-o", "photo.lig", "--passes", "800")
    process = start(folder, *arguments, preamble=EAGER)
    wait_for(checkpoint, process)
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == 1
    kept = checkpoint.read_bytes()
    status, out, err = finish(start(folder, *arguments, "--resume", preamble=EAGER + SMALL_DISK))
    assert (status, out) == (2, "")
    assert err.endswith("photo.lig: writing failed (File too large); nothing was changed.\n")
    assert err.count("\n") == 1
    assert field.read_bytes() == output
    assert checkpoint.read_bytes() == kept
    assert names(folder) == ["photo.lig", "photo.lig.checkpoint", "photo.png"]


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "bmp", "npy"])
def test_a_full_disk_leaves_the_last_rendering(field: Path, ending: str, capfd: pytest.CaptureFixture[str]) -> None:
    folder, target = field.parent, field.parent / f"large.{ending}"
    target.write_text("what stood there")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))  # bytes: fewer than any of these pictures has
    try:
        status = run(["render", "photo.lig", "-o", target.name, "--scale", "3", "--quiet"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    out, err = capfd.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert f"{target.name}: writing failed (" in err
    assert target.read_text() == "what stood there"
    assert names(folder) == [target.name, "photo.lig", "photo.png"]
