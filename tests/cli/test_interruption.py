"""Fits that are stopped or killed, and a disk that is full: nothing is lost, and nothing is half written."""

import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ligeia.cli import run
from support.commands import Command, checkpoints_at_every_step, small_disk

pytest_plugins = ["support.fixtures"]
FIT = ("fit", "photo.png", "--hidden-features", "8", "--device", "cpu", "--quiet")
Start = Callable[..., Command]


@pytest.fixture
def start(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Return what starts a command in the working folder of a test, after what changes its process."""

    def _start(*arguments: str, before: tuple[Callable[[], None], ...] = ()) -> Command:
        return Command(folder, tmp_path_factory.mktemp("printed"), arguments, *before)

    return _start


def wait_for(path: Path, command: Command) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert command.process.is_alive(), command.finish()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def interrupt(command: Command) -> None:
    assert command.process.pid is not None
    os.kill(command.process.pid, signal.SIGINT)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_killed_fit_resumes_to_the_bytes_of_an_uninterrupted_one(folder: Path, start: Start) -> None:
    arguments = (*FIT, "--passes", "200")
    assert start(*arguments, "-o", "whole.lig").finish()[0] == 0
    command = start(*arguments, "-o", "new.lig", before=(checkpoints_at_every_step,))
    wait_for(folder / "new.lig.checkpoint", command)
    time.sleep(0.1)
    command.process.kill()
    assert command.finish()[0] == -signal.SIGKILL
    assert not (folder / "new.lig").exists()
    assert start(*arguments, "-o", "new.lig", "--resume").finish() == (0, "", "")
    assert (folder / "new.lig").read_bytes() == (folder / "whole.lig").read_bytes()
    assert not (folder / "new.lig.checkpoint").exists()


def test_ctrl_c_keeps_a_checkpoint_says_so_and_resume_completes(folder: Path, start: Start) -> None:
    arguments = (*FIT, "-o", "new.lig", "--passes", "1000")
    command = start(*arguments, before=(checkpoints_at_every_step,))
    wait_for(folder / "new.lig.checkpoint", command)
    interrupt(command)
    status, out, err = command.finish()
    assert (status, out) == (1, "")
    assert err == (
        "ligeia: stopped; the checkpoint new.lig.checkpoint is kept: repeat the command with --resume to continue.\n"
    )
    assert names(folder) == ["new.lig.checkpoint", "photo.png"]
    other = start(*arguments, "--resume", "--seed", "1").finish()
    assert other[:2] == (2, "")
    assert "belongs to a fit of other data or with other options" in other[2]
    assert start(*arguments, "--resume").finish() == (0, "", "")
    assert names(folder) == ["new.lig", "photo.png"]


def test_a_full_disk_leaves_the_last_output_and_the_last_checkpoint(field: Path, start: Start) -> None:
    folder, output = field.parent, field.read_bytes()
    checkpoint = folder / "photo.lig.checkpoint"
    arguments = (*FIT, "-o", "photo.lig", "--passes", "800")
    command = start(*arguments, before=(checkpoints_at_every_step,))
    wait_for(checkpoint, command)
    interrupt(command)
    assert command.finish()[0] == 1
    kept = checkpoint.read_bytes()
    status, out, err = start(*arguments, "--resume", before=(checkpoints_at_every_step, small_disk)).finish()
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
