"""Quantized files of version 1 are read to the same integers by every later ligeia, and by a reader of the page alone.

Their bytes are frozen too, but not what the writer makes of a record: it may come to choose better models.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ligeia.codec import FieldRecord, QuantizedTensor, decode, encode
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import ArraySource, Channel, Grid, ImageSource
from oracles.quantized_reader import read_quantized

FOLDER = Path(__file__).parent
RGB = tuple(Channel(name=name, low=0.0, high=255.0) for name in ("red", "green", "blue"))
PHOTO = ImageSource(format="PNG", mode="RGB", dtype="uint8")


def _integers(shape: tuple[int, ...], number: int, spread: int) -> np.ndarray:
    """Return integers that fall off to both sides of 0, in rows of different scales."""
    place = np.arange(int(np.prod(shape)), dtype=np.int64) + 1000 * number
    noise = np.sum([place * place * factor % 10007 % 64 for factor in (31, 101, 7919)], axis=0) - 95
    rows = 1 + place.reshape(shape[0], -1) // shape[-1] * 37 % 5
    return (noise.reshape(rows.shape) * rows * spread // 480).reshape(shape).astype(np.int32)


def _image() -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=24, hidden_layers=2), 2, 3)
    tensors = [
        QuantizedTensor(_integers(shape, number, 8), (12 + number % 4) / 256)
        for number, shape in enumerate(network.tensor_shapes())
    ]
    return FieldRecord(network, Grid.of((512, 768)), RGB, PHOTO, tuple(tensors))


def _pruned() -> FieldRecord:
    network = NetworkConfig(
        SirenArchitecture(hidden_features=(17, 23, 9), hidden_layers=2, omegas=(60.0, 30.0, 30.0)), 2, 3
    )
    tensors: list[np.ndarray | QuantizedTensor] = []
    for number, shape in enumerate(network.tensor_shapes()):
        integers = _integers(shape, number, 40)
        tensors.append((integers / 64).astype(np.float16) if number < 2 else QuantizedTensor(integers, 0.015625))
    return FieldRecord(network, Grid.of((512, 768)), RGB, PHOTO, tuple(tensors))


def _models() -> FieldRecord:
    """Every tag stands in this file, put there by hand: float32, raw of 32 and of 5 bits, zero, shared, ..."""
    network = NetworkConfig(SirenArchitecture(hidden_features=(11, 12, 13, 14, 15, 16), hidden_layers=5), 1, 1)
    tensors: list[np.ndarray | QuantizedTensor] = []
    for number, shape in enumerate(network.tensor_shapes()):
        integers = _integers(shape, number, 6)
        if number == 0:
            integers.flat[:2] = (-(2**31), 2**31 - 1)
        if number in (1, 5):
            tensors.append((integers / 64).astype(np.float32 if number == 1 else np.float16))
        elif number == 3:
            tensors.append(QuantizedTensor(np.zeros_like(integers), 1.0))
        else:
            tensors.append(QuantizedTensor(integers, 2.0 ** -(number % 12)))
    source = ArraySource(dtype="<f4")
    return FieldRecord(network, Grid.of((100,)), RGB[:1], source, tuple(tensors))


RECORDS = {"quantized": _image, "quantized_pruned": _pruned, "quantized_models": _models}


@pytest.mark.parametrize("name", RECORDS)
def test_a_frozen_quantized_file_is_read_to_the_exact_integers(name: str) -> None:
    data = (FOLDER / f"version_1_{name}.lig").read_bytes()
    wanted = RECORDS[name]()
    for read in (decode(data), decode(encode(wanted))):
        assert (read.network, read.grid, read.channels) == (wanted.network, wanted.grid, wanted.channels)
        for ours, theirs in zip(read.tensors, wanted.tensors, strict=True):
            assert type(ours) is type(theirs)
            if isinstance(ours, QuantizedTensor) and isinstance(theirs, QuantizedTensor):
                assert ours.step == theirs.step
                assert np.array_equal(ours.integers, theirs.integers)
            elif isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
                assert (ours.dtype, ours.tobytes()) == (theirs.dtype, theirs.tobytes())


@pytest.mark.parametrize("name", RECORDS)
def test_a_reader_written_from_the_page_alone_finds_the_same_integers(name: str) -> None:
    quantized = [each for each in RECORDS[name]().tensors if isinstance(each, QuantizedTensor)]
    for data in ((FOLDER / f"version_1_{name}.lig").read_bytes(), encode(RECORDS[name]())):
        found = read_quantized(data)
        assert found == [(each.step, each.integers.ravel().tolist()) for each in quantized]


_DIGESTS = """
import hashlib, sys, torch
from pathlib import Path
from ligeia import codec
from ligeia.field import load
torch.set_num_threads(int(sys.argv[1]))
for path in map(Path, sys.argv[2:]):
    digest = hashlib.sha256()
    field, record = load(path), codec.read_record(path)
    for tensor, parameter in zip(record.tensors, field.network.parameters(), strict=True):
        digest.update(getattr(tensor, "integers", tensor).tobytes())
        digest.update(parameter.detach().numpy().tobytes())
    print(digest.hexdigest())
"""


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("instructions", ["default", "avx2", None])
def test_integers_and_weights_do_not_depend_on_processor_or_threads(instructions: str | None, num_threads: int) -> None:
    paths = [FOLDER / f"version_1_{name}.lig" for name in RECORDS]
    wanted = []
    for record in (decode(path.read_bytes()) for path in paths):
        digest = hashlib.sha256()
        for tensor, values in zip(record.tensors, record.float_tensors(), strict=True):
            digest.update((tensor.integers if isinstance(tensor, QuantizedTensor) else tensor).tobytes())
            digest.update(values.tobytes())
        wanted.append(digest.hexdigest())
    variables = {**os.environ, "OMP_NUM_THREADS": str(num_threads)}
    if instructions is not None:
        variables["ATEN_CPU_CAPABILITY"] = instructions
    command = [sys.executable, "-c", _DIGESTS, str(num_threads), *map(str, paths)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.split() == wanted
