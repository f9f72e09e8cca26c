"""Files larger than the working set, from reading to decoding; memory is measured in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from ligeia.cli import run
from ligeia.core import InputError, OutputError
from ligeia.field import Field, load, save
from ligeia.files import _compare, compare, decode
from ligeia.fitting import passes
from ligeia.formats import read_signal
from ligeia.recipes import fit, to_signal
from ligeia.reports import draw_report
from ligeia.signals import Blocks

KIB = 1024
FIT = """
import resource, sys
from ligeia.cli import run
assert run(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture
def array() -> np.ndarray:
    z, y, x = np.indices((24, 40, 50)) / 25
    return (np.sin(3 * z + y) * np.cos(2 * x)).astype(np.float32)


def peak_bytes(path: Path, *options: str) -> int:
    """Return the largest resident size of a process that fits a file."""
    words = ["fit", path.name, "-o", "out.lig", "--quiet", "--hidden-features", "16", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", FIT, *words], cwd=path.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * (1 if sys.platform == "darwin" else KIB)


@pytest.mark.skipif(sys.platform == "win32", reason="resident memory is told by the module resource")
def test_a_fit_holds_a_quarter_of_its_file_at_most(tmp_path: Path) -> None:
    shape = (128, 1024, 1024)  # 512 MiB, next to none of them on disk
    with (tmp_path / "large.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        start = file.tell()
        for row in (0, 40_000, 131_071):
            file.seek(start + row * 4096)
            file.write(np.linspace(-1, 1, 1024, dtype=np.float32).data)
    np.save(tmp_path / "tiny.npy", np.random.default_rng(0).random((8, 8, 8), np.float32))
    size = (tmp_path / "large.npy").stat().st_size
    of_program = peak_bytes(tmp_path / "tiny.npy", "--passes", "100")
    options = ["--working-set", "32", "--passes", str(200 * 512 / np.prod(shape))]
    assert peak_bytes(tmp_path / "large.npy", *options) - of_program < size / 4


def field_of(path: Path, working_set: int = 60_000) -> Field:
    return fit(path, stop=passes(1), hidden_features=8, hidden_layers=1, working_set=working_set)


def test_the_command_line_bounds_the_working_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.random.default_rng(0).random((64, 100, 100), np.float32))
    words = ["fit", "a.npy", "-o", "a.lig", "--hidden-features", "8", "--passes", "0.01", "--json", "--quiet"]
    found = []
    for working_set in ("1", "2", "3"):  # MiB: the file has 2.4
        assert run([*words, "--working-set", working_set]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert [each["num_measured"] for each in found] == [10_922, 21_845, 640_000]
    assert run([*words, "--working-set", "1", "--recipe", "paper"]) == 2
    assert "expected batches for an array larger than the working set" in capsys.readouterr().err


@pytest.mark.parametrize("channels", [None, 3])
def test_a_zarr_array_goes_to_a_field_and_back(array: np.ndarray, channels: int | None, tmp_path: Path) -> None:
    array = (array * 1000).astype(np.int16)
    if channels:
        array = np.ascontiguousarray(np.stack([array[0], array[1], array[2]], axis=-1))
    zarr.create_array(tmp_path / "a.zarr", data=array, chunks=(5, 10, 20) if channels is None else (5, 10, 2))
    small, large = to_signal(tmp_path / "a.zarr"), to_signal(tmp_path / "a.zarr", working_set=5000)
    assert isinstance(large.values, Blocks)
    np.testing.assert_array_equal(np.asarray(large.values), small.values)
    assert small.source == read_signal(tmp_path / "a.zarr").source
    save(field_of(tmp_path / "a.zarr"), tmp_path / "a.lig")
    field = load(tmp_path / "a.lig")
    decode(field, tmp_path / "again.zarr")
    decode(field, tmp_path / "again.npy")
    again = zarr.open_array(tmp_path / "again.zarr", mode="r")
    assert (again.shape, again.dtype) == (array.shape, array.dtype)
    np.testing.assert_array_equal(np.asarray(again[...]), np.load(tmp_path / "again.npy"))
    with pytest.raises(OutputError, match=r"again.zarr: expected an output file, this is a directory"):
        decode(field, tmp_path / "again.zarr")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.lig", "a.zarr", "again.npy", "again.zarr"]


def test_a_zarr_array_is_written_in_chunks_that_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ligeia.formats._zarr_arrays._CHUNK_BYTES", 70)
    values = np.arange(5 * 7 * 3 * 2, dtype=np.uint16).reshape(5, 7, 3, 2)
    from ligeia.formats import write_zarr_array

    flat = values.reshape(-1, 2)
    pieces = [(start, min(start + 11, len(flat)), flat[start : start + 11]) for start in range(0, len(flat), 11)]
    write_zarr_array(tmp_path / "a.zarr", values.shape, values.dtype, pieces)
    again = zarr.open_array(tmp_path / "a.zarr", mode="r")
    assert again.chunks == (1, 5, 3, 2)
    np.testing.assert_array_equal(np.asarray(again[...]), values)


def test_a_masked_array_stays_in_memory(array: np.ndarray) -> None:
    signal = to_signal(np.ma.masked_less(array, 0), working_set=1000)
    assert isinstance(signal.values, np.ndarray)
    assert signal.missing is not None


def test_a_memory_map_is_fitted_as_its_file_is(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    fields = [
        fit(source, stop=passes(1), hidden_features=8, hidden_layers=1, working_set=60_000)
        for source in (tmp_path / "a.npy", np.load(tmp_path / "a.npy", mmap_mode="r"))
    ]
    first, second = ([each.detach() for each in field.network.parameters()] for field in fields)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_report_of_samples_on_disk_is_drawn(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    signal = to_signal(tmp_path / "a.npy", working_set=60_000)
    assert isinstance(signal.values, Blocks)
    draw_report(field_of(tmp_path / "a.npy"), signal, tmp_path / "report.png")
    draw_report(field_of(tmp_path / "a.npy"), to_signal(array), tmp_path / "plain.png")
    assert (tmp_path / "report.png").read_bytes() != b""
    np.save(tmp_path / "line.npy", array.reshape(-1))
    with pytest.raises(InputError, match=r"expected a signal of one axis within the working set"):
        draw_report(
            field_of(tmp_path / "line.npy"), to_signal(tmp_path / "line.npy", working_set=60_000), tmp_path / "b.png"
        )


def test_large_files_are_not_compared(array: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", array)
    assert compare(tmp_path / "a.npy", tmp_path / "a.npy").mse == 0
    monkeypatch.setattr(_compare, "_MOST_BYTES", 1000)
    with pytest.raises(InputError, match=r"a.npy: expected at most 0 GiB, files are compared in memory, got 0.0 GiB"):
        compare(tmp_path / "a.npy", tmp_path / "a.npy")
