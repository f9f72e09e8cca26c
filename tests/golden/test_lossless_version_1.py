"""Lossless files of version 1 give the same samples with every later ligeia, and with a reader of the page alone.

Their bytes are frozen, but not what the writer makes of samples: it may come to predict them better.
"""

from pathlib import Path

import numpy as np
import pytest

from ligeia.codec import FieldRecord, decode, encode, exact_samples, with_samples
from ligeia.networks import NetworkConfig, SirenArchitecture
from ligeia.signals import Channel, Grid, ImageSource
from oracles.lossless_reader import read_lossless

FOLDER = Path(__file__).parent


def _record(names: tuple[str, ...]) -> FieldRecord:
    network = NetworkConfig(SirenArchitecture(hidden_features=3, hidden_layers=0, omegas=4.0), 2, len(names))
    tensors = tuple(
        (np.arange(np.prod(shape)) % 5 / 8 - 0.25).astype(np.float32).reshape(shape)
        for shape in network.tensor_shapes()
    )
    channels = tuple(Channel(name=name, low=0.0, high=255.0) for name in names)
    source = ImageSource(format="PNG", mode="L" if len(names) == 1 else "RGB", dtype="uint8")
    return FieldRecord(network, Grid.of((19, 23)), channels, source, tensors)


def _photo() -> np.ndarray:
    """Return colors that rise, fall and jump, with a little noise."""
    row, column, channel = np.ogrid[:19, :23, :3]
    noise = (row * 7919 + column * 104729 + channel * 31) % 10007 % 5
    jump = 90 * ((row - 9) ** 2 + (column - 11) ** 2 < 40)
    return (40 + 3 * row + 2 * column + 9 * channel + noise + jump).astype(np.uint8)


def _exact() -> np.ndarray:
    record = _record(("value",))
    weight, bias, out, last = (each.astype(np.float64) for each in record.tensors)  # type: ignore[union-attr]
    row, column = np.meshgrid((np.arange(19) * 2 + 1) / 19 - 1, (np.arange(23) * 2 + 1) / 23 - 1, indexing="ij")
    values = np.sin(4 * (np.stack([row, column], -1) @ weight.T + bias)) @ out.T + last
    return np.clip(np.rint(127.5 + 127.5 * values), 0, 255).astype(np.uint8)


FILES = {"lossless": (("red", "green", "blue"), _photo), "lossless_exact": (("value",), _exact)}


@pytest.mark.parametrize("name", FILES)
def test_a_frozen_lossless_file_gives_its_samples(name: str) -> None:
    channels, samples = FILES[name]
    frozen = (FOLDER / f"version_1_{name}.lig").read_bytes()
    for data in (frozen, encode(with_samples(_record(channels), samples()))):
        assert np.array_equal(exact_samples(decode(data)), samples())
        assert encode(decode(data)) == data
        assert read_lossless(data) == samples().reshape(-1).tolist()
