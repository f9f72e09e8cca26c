"""Batches of samples on disk: every sample once a pass, any step at any time, bounded memory, the same bits again."""

import math
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from ligeia.core import FormatError, InputError
from ligeia.field import Field
from ligeia.fitting import BlockBatches, Checkpointer, Step, Values, passes
from ligeia.fitting._block_batches import _Reading, _readings
from ligeia.formats import read_signal
from ligeia.recipes import fit, paper
from ligeia.signals import Blocks, BoxBlocks, FileBlocks, Signal, from_array

WORKING_SET = 12_000


@pytest.fixture
def array() -> np.ndarray:
    z, y, x = np.indices((30, 20, 41)) / 20
    return (np.sin(3 * z + y) * np.cos(2 * x) + 0.1 * np.random.default_rng(0).normal(size=z.shape)).astype(np.float32)


def file_blocks(folder: Path, array: np.ndarray, block_bytes: int = 400, working_set: int = WORKING_SET) -> FileBlocks:
    array.tofile(folder / "raw")
    shape = (*array.shape, 1)
    return FileBlocks.open(folder / "raw", 0, shape, array.dtype, working_set=working_set, block_bytes=block_bytes)


def box_blocks(array: np.ndarray, box: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> BoxBlocks:
    monkeypatch.setattr("ligeia.signals._blocks._BOX_BYTES", 1)
    shape = (*array.shape, 1)
    return BoxBlocks(shape, array.dtype, box, lambda part: array[part], working_set=WORKING_SET)


@pytest.fixture(params=["runs", (4, 4, 5), (11, 6, 9)])
def blocks(
    request: pytest.FixtureRequest, tmp_path: Path, array: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> Blocks:
    if request.param == "runs":
        return file_blocks(tmp_path, array)
    return box_blocks(array, request.param, monkeypatch)


@pytest.fixture(params=[1, 16])
def most_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ligeia.fitting._block_batches._MOST_PARTS", request.param)


@pytest.mark.usefixtures("most_parts")
@pytest.mark.parametrize("batch_size", [100, 700])
def test_every_pass_sees_each_sample_once(blocks: Blocks, array: np.ndarray, batch_size: int) -> None:
    batches = BlockBatches(blocks, batch_size, seed=3)
    assert batches.num_per_pass == math.ceil(array.size / batch_size)
    for number in range(2):
        seen = []
        for step in range(number * batches.num_per_pass, (number + 1) * batches.num_per_pass):
            seen.append(batches[step])
            assert array.size // batches.num_per_pass <= len(seen[-1]) <= batch_size
            samples = batches.samples(seen[-1])
            assert samples is not None
            assert_array_equal(samples[:, 0], array.reshape(-1)[seen[-1]])
        assert_array_equal(np.sort(np.concatenate(seen)), np.arange(array.size))


def test_any_step_can_be_asked_for_in_any_order(blocks: Blocks) -> None:
    in_order = BlockBatches(blocks, 300, seed=1)
    wanted = [in_order[step].copy() for step in range(3 * in_order.num_per_pass)]
    jumping = BlockBatches(blocks, 300, seed=1)
    for step in np.random.default_rng(0).permutation(len(wanted)):
        assert_array_equal(jumping[int(step)], wanted[step])
    assert not np.array_equal(BlockBatches(blocks, 300, seed=2)[0], wanted[0])
    assert not np.array_equal(wanted[in_order.num_per_pass], wanted[0])


def test_two_groups_of_half_the_working_set_are_held_at_most(blocks: Blocks) -> None:
    batches = BlockBatches(blocks, 300, seed=0)
    for step in range(2 * batches.num_per_pass):
        batches[step]
        ahead = [] if batches._ahead is None else [batches._ahead[1].result()]
        held = [*batches._groups.values(), *ahead]
        assert 1 <= len(held) <= 2
        assert sum(group.samples.nbytes + group.order.nbytes for group in held) <= WORKING_SET


def test_a_batch_takes_from_many_places(tmp_path: Path, array: np.ndarray) -> None:
    blocks = file_blocks(tmp_path, array, block_bytes=40)
    indices = BlockBatches(blocks, 512, seed=0)[0]
    runs, counts = np.unique(indices // 10, return_counts=True)
    # 75 blocks of 10 samples are a group: drawn at random, 512 of 750 leave next to none out
    assert len(runs) >= 74
    assert counts.max() <= 10
    assert runs.max() - runs.min() > 0.8 * array.size / 10


def test_a_working_set_too_small_and_full_batches_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"expected a working set of 1 MiB or more for blocks .* got 0\.0"):
        BlockBatches(file_blocks(tmp_path, array, working_set=4000), 512, seed=0)
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match="expected batches for an array larger than the working set"):
        fit(tmp_path / "a.npy", configuration=paper(), hidden_features=8, working_set=40_000)


def test_a_file_that_was_cut_ends_the_fit(tmp_path: Path, array: np.ndarray) -> None:
    blocks = file_blocks(tmp_path, array)
    batches = BlockBatches(blocks, 512, seed=0)
    (tmp_path / "raw").write_bytes(b"")
    with pytest.raises(FormatError, match="the file ends"):
        batches[3]


def test_quality_is_measured_on_a_kept_random_part(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    field = fit(array, stop=passes(1), hidden_features=8, hidden_layers=1)
    on_disk = Values(read_signal(tmp_path / "a.npy", working_set=WORKING_SET))
    (tmp_path / "a.npy").write_bytes(b"")  # nothing is read any more
    quality = on_disk.quality(field)
    indices = on_disk._measured(on_disk.num_points)
    assert quality.num_measured == len(indices) == 4096
    assert np.unique(indices).size > 3500  # of 24,600, drawn with replacement
    error = field.sample().numpy()[..., 0].reshape(-1)[indices].clip(array.min(), array.max())
    error = np.mean((error - array.reshape(-1)[indices]) ** 2) / (array.max() - array.min()) ** 2
    assert quality.psnr_db == pytest.approx(-10 * math.log10(error), abs=1e-3)
    assert on_disk.constant_db == pytest.approx(Values(from_array(array)).constant_db, abs=0.3)
    assert set(on_disk._measured(100)) <= set(indices)


def weights(field: Field) -> torch.Tensor:
    return torch.cat([parameter.detach().reshape(-1) for parameter in field.network.parameters()])


class _InterruptedError(Exception):
    pass


@pytest.mark.parametrize("stop_at", [1, 20, 49, 97])
def test_a_resumed_fit_has_the_same_bits(tmp_path: Path, array: np.ndarray, stop_at: int) -> None:
    np.save(tmp_path / "a.npy", array)

    def run(*, resume: bool = False, interrupted: bool = False) -> Field:
        checkpoint = Checkpointer(tmp_path / "checkpoint", resume=resume)

        def interrupts(step: Step) -> None:
            if interrupted and step.state.progress.steps == stop_at:
                checkpoint.write(step.state)
                raise _InterruptedError

        source: Signal = read_signal(tmp_path / "a.npy", working_set=40_000)
        return fit(
            source,
            stop=passes(2),
            hidden_features=8,
            hidden_layers=1,
            checkpoint=checkpoint,
            callbacks=[interrupts],
        )

    whole = run()
    (tmp_path / "checkpoint").unlink(missing_ok=True)
    with pytest.raises(_InterruptedError):
        run(interrupted=True)
    resumed = run(resume=True)
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.report is not None
    assert whole.report is not None
    assert resumed.report.steps == whole.report.steps == 98


@pytest.mark.no_cover
def test_a_fit_from_disk_comes_as_far_as_one_from_memory(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    found = []
    for working_set in (40_000, 1 << 20):
        field = fit(tmp_path / "a.npy", stop=passes(10), hidden_features=32, hidden_layers=1, working_set=working_set)
        error = np.mean((field.sample().numpy()[..., 0] - array) ** 2)
        found.append(-10 * math.log10(error / (array.max() - array.min()) ** 2))
    assert found[0] == pytest.approx(found[1], abs=0.5)


def test_a_group_that_is_read_when_the_program_ends_is_left_after_its_block(
    array: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ligeia.signals._blocks._BOX_BYTES", 1)
    num_read = []

    def read(part: tuple[slice, ...]) -> np.ndarray:
        num_read.append(part)
        time.sleep(0.01)
        return array[part]

    blocks = BoxBlocks((*array.shape, 1), array.dtype, (4, 4, 5), read, working_set=WORKING_SET)
    reading = _Reading(blocks, np.arange(blocks.num_blocks), torch.Generator(), threading.Event())
    assert reading in _readings
    reading.end()
    assert not reading._thread.is_alive()
    assert len(num_read) < blocks.num_blocks
