import math
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from ligeia.core import FormatError, InputError
from ligeia.field import Field, Report
from ligeia.fitting import (
    Adam,
    AdamState,
    Checkpointer,
    LRSchedule,
    Objective,
    Recipe,
    State,
    Step,
    Stop,
    Values,
    autograd_step,
    fit,
    passes,
    plateau,
)
from ligeia.signals import Signal

pytest_plugins = ["support.fixtures"]
Build = Callable[..., Field]
# stages of 4 and 8 steps, ...: a plateau fit of 40 steps is in its fourth
QUICK = Recipe(
    name="quick",
    optimizer=Adam(learning_rate=2e-3),
    batch_size=30,
    schedule=LRSchedule(warmup_steps=3, first_stage=4),
)
ENDS = {"passes": passes(10), "stages": plateau(1e-9, most_steps=60)}


class _InterruptedError(Exception):
    pass


class Lost:
    """Steps of autograd, but for one that gives NaN; counted by the optimizer, so that a resumed fit agrees."""

    def __init__(self, at: int | None) -> None:
        self.at = at

    def __call__(self, state: State, objective: Objective, indices: np.ndarray) -> float:
        loss = autograd_step(state, objective, indices)
        assert isinstance(state.optimizer_state, AdamState)
        if self.at is not None and state.optimizer_state.num_steps == self.at:
            self.at = None
            return math.nan
        return loss


def weights(field: Field) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in field.network.parameters()]


def equal(first: Field, second: Field) -> bool:
    return all(torch.equal(one, two) for one, two in zip(weights(first), weights(second), strict=True))


def run(
    field: Field,
    signal: Signal,
    stop: Stop,
    checkpoint: Checkpointer,
    *,
    identity: str = "this fit",
    stop_at: int | None = None,
    lost_at: int | None = None,
) -> Report:
    def interrupts(step: Step) -> None:
        if step.state.progress.steps == stop_at:
            checkpoint.write(step.state)
            raise _InterruptedError("between two steps")

    objective = Values(signal)
    state = State(field, QUICK, objective.num_points)
    checkpoint.begin(state, identity)
    return fit(
        field,
        objective,
        QUICK,
        stop,
        state=state,
        callbacks=[checkpoint, interrupts],
        take_step=Lost(lost_at),
    )


@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("step", [1, 4, 7, 21, 40])
def test_a_resumed_fit_has_the_bits_of_an_uninterrupted_one(
    signal: Signal, build: Build, tmp_path: Path, step: int, end: str
) -> None:
    whole, path = build(signal), tmp_path / "checkpoint"
    wanted = run(whole, signal, ENDS[end], Checkpointer(tmp_path / "other"))
    with pytest.raises(_InterruptedError, match="between two steps"):
        run(build(signal), signal, ENDS[end], Checkpointer(path), stop_at=step)
    resumed = build(signal, seed=99)  # other weights, which the checkpoint replaces
    report = run(resumed, signal, ENDS[end], Checkpointer(path, resume=True))
    assert equal(resumed, whole)
    assert report.steps == wanted.steps >= step
    assert report.psnr_db == wanted.psnr_db
    without_time = [[(each.steps, each.loss, each.psnr_db) for each in one.curve] for one in (report, wanted)]
    assert_close(without_time[0], without_time[1], rtol=0, atol=0, equal_nan=True)


def test_a_fit_resumed_after_a_restart_has_the_bits_of_an_uninterrupted_one(
    signal: Signal, build: Build, tmp_path: Path
) -> None:
    whole, path, stop = build(signal), tmp_path / "checkpoint", ENDS["stages"]
    wanted = run(whole, signal, stop, Checkpointer(tmp_path / "other"), lost_at=15)
    with pytest.raises(_InterruptedError, match="between two steps"):
        run(build(signal), signal, stop, Checkpointer(path), lost_at=15, stop_at=18)
    resumed = build(signal, seed=99)
    report = run(resumed, signal, stop, Checkpointer(path, resume=True))
    assert len(wanted.restarts) == 1
    assert report.restarts == wanted.restarts
    assert equal(resumed, whole)


def test_a_state_taken_over_is_the_one_that_was_written(signal: Signal, build: Build) -> None:
    first = State(build(signal), QUICK, 120)
    fit(first.field, Values(signal), QUICK, passes(3), state=first)
    second = State(build(signal, seed=7), QUICK, 120)
    second.load_plain(first.to_plain())
    assert second.progress == first.progress
    assert equal(second.field, first.field)
    assert second.to_plain()["good"].keys() == first.to_plain()["good"].keys()


def test_a_checkpoint_of_another_fit_is_refused(signal: Signal, build: Build, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    Checkpointer(path).write(State(build(signal), QUICK, 120))
    with pytest.raises(InputError, match="belongs to a fit of other data or with other options"):
        run(build(signal), signal, passes(1), Checkpointer(path, resume=True))


def test_a_checkpoint_is_ignored_unless_it_is_to_be_resumed(signal: Signal, build: Build, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(b"anything")
    assert run(build(signal), signal, passes(1), Checkpointer(path)).steps == 4


def test_without_a_checkpoint_a_fit_that_is_to_be_resumed_begins(signal: Signal, build: Build, tmp_path: Path) -> None:
    assert run(build(signal), signal, passes(1), Checkpointer(tmp_path / "none", resume=True)).steps == 4


def test_a_damaged_checkpoint_is_refused_in_one_line(signal: Signal, build: Build, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    Checkpointer(path).write(State(build(signal), QUICK, 120))
    whole = path.read_bytes()
    damaged = [whole[: len(whole) // 2], whole[:-30], b"text", b"\x80", b"PK\3\4" + bytes(40), bytes(100)]
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(FormatError, match=r"checkpoint: not a readable checkpoint; delete it") as caught:
            run(build(signal), signal, passes(1), Checkpointer(path, resume=True))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [{"identity": "this fit"}, [1, 2], {"identity": "this fit", "state": {}}])
def test_a_checkpoint_of_another_form_is_refused(signal: Signal, build: Build, tmp_path: Path, content: object) -> None:
    path = tmp_path / "checkpoint"
    torch.save(content, path)
    with pytest.raises(FormatError, match="not a readable checkpoint"):
        run(build(signal), signal, passes(1), Checkpointer(path, resume=True))


class _Malicious:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.victim),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_never_run(signal: Signal, build: Build, tmp_path: Path, zipped: bool) -> None:
    path, victim = tmp_path / "checkpoint", tmp_path / "victim"
    plain = {"identity": "this fit", "state": _Malicious(victim)}
    if zipped:
        torch.save(plain, path)
    else:
        path.write_bytes(pickle.dumps(plain))
    with pytest.raises(FormatError, match="not a readable checkpoint"):
        run(build(signal), signal, passes(1), Checkpointer(path, resume=True))
    assert not victim.exists()


def test_a_checkpoint_that_cannot_be_written_ends_nothing_and_is_told(
    signal: Signal, build: Build, tmp_path: Path
) -> None:
    checkpoint = Checkpointer(tmp_path / "no folder" / "checkpoint", every_s=0.0)
    assert run(build(signal), signal, passes(2), checkpoint).steps == 8
    assert checkpoint.problem is not None
    assert "no folder does not exist; create it first" in checkpoint.problem


def test_a_full_disk_leaves_the_last_checkpoint(
    signal: Signal, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint"
    checkpoint, state = Checkpointer(path), State(build(signal), QUICK, 120)
    checkpoint.write(state)
    before = path.read_bytes()

    def is_full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", is_full)
    checkpoint.write(state)
    assert checkpoint.problem is not None
    assert "No space left on device" in checkpoint.problem
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_checkpoints_come_as_often_as_asked_for(signal: Signal, build: Build, tmp_path: Path) -> None:
    often, seldom = tmp_path / "often", tmp_path / "seldom"
    run(build(signal), signal, passes(1), Checkpointer(often, every_s=0.0))
    run(build(signal), signal, passes(1), Checkpointer(seldom, every_s=3600.0))
    assert often.exists()
    assert not seldom.exists()
