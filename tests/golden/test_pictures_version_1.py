"""Picture files of version 1 are read to the same integers by every later ligeia, and by a reader of the page alone.

Their bytes are frozen too, but not what the writer makes of a record.
"""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from ligeia import kernels
from ligeia.codec import FieldRecord, Latents, NumpyField, QuantizedTensor, decode, encode, picture_network
from ligeia.codec.latents._layout import Steps, layout
from ligeia.codec.latents._networks import learned, sizes_for
from ligeia.codec.latents._stream import changed, coded_levels
from ligeia.field import from_record
from ligeia.signals import Channel, Grid, ImageSource
from oracles.picture_reader import read_picture

FOLDER = Path(__file__).parent
NAMES = ("red", "green", "blue", "alpha")
PICTURES = {"picture": ((61, 90), 3), "picture_gray": ((1, 7), 1), "picture_alpha": ((33, 20), 4)}


def _integers(shape: tuple[int, ...], number: int) -> np.ndarray:
    """Return integers, most of them near 0, a few large."""
    place = np.arange(int(np.prod(shape)), dtype=np.int64) + 1000 * number
    noise = np.sum([place * place * factor % 10007 % 64 for factor in (31, 101, 7919)], axis=0) - 95
    rare = np.where(place % 97 == 5, place % 13 * 300_000, 1)
    return (noise // 16 * rare).reshape(shape).astype(np.int32)


def _record(shape: tuple[int, int], num_channels: int) -> FieldRecord:
    config = picture_network(shape, num_channels)
    integers = [_integers(grid.shape, number) for number, grid in enumerate(layout(config))]
    parts = [QuantizedTensor(_integers((size,), 50) % 5 - 2, 2.0**-6) for size in sizes_for(config)]
    changes = (parts[0], parts[1], parts[2])
    networks = changed(learned(1).networks_for(2, config), changes)
    num_levels = layout(config)[0].level + 1
    split = [num_levels - 2, 2] if num_levels > 2 else [num_levels]
    chunks = coded_levels(config, integers, networks, 1, split)
    channels = tuple(Channel(name=name, low=0.0, high=255.0) for name in NAMES[:num_channels])
    source = ImageSource(format="PNG", mode="RGB", dtype="uint8")
    latents = Latents(1, 2, Steps(33, 4, 2), changes, chunks)
    return FieldRecord(config, Grid.of(shape), channels, source, latents=latents)


def _found(data: bytes) -> list[list[list[int]]]:
    record = decode(data)
    assert record.latents is not None
    rows, columns = record.grid.shape
    config = picture_network((rows, columns), len(record.channels))
    return [each.tolist() for each in record.latents.integers(config)]


@pytest.mark.no_cover
@pytest.mark.parametrize("name", PICTURES)
def test_a_frozen_picture_is_read_to_the_exact_integers(name: str) -> None:
    shape, num_channels = PICTURES[name]
    wanted = [
        _integers(grid.shape, number).tolist()
        for number, grid in enumerate(layout(picture_network(shape, num_channels)))
    ]
    data = (FOLDER / f"version_1_{name}.lig").read_bytes()
    for path in kernels.available():
        with kernels.using(path):
            assert _found(data) == wanted
            assert _found(encode(_record(shape, num_channels))) == wanted


@pytest.mark.no_cover
@pytest.mark.parametrize("name", PICTURES)
def test_a_reader_written_from_the_page_alone_finds_the_same_integers(name: str) -> None:
    file = resources.files("ligeia.codec.latents").joinpath("learned", "latents-1.bin")
    data = (FOLDER / f"version_1_{name}.lig").read_bytes()
    steps, integers = read_picture(data, file.read_bytes())
    shape, num_channels = PICTURES[name]
    config = picture_network(shape, num_channels)
    assert integers == _found(data)
    assert steps == [Steps(33, 4, 2).of(grid) for grid in layout(config)]


@pytest.mark.parametrize("name", PICTURES)
def test_torch_and_numpy_show_the_same_picture(name: str) -> None:
    record = decode((FOLDER / f"version_1_{name}.lig").read_bytes())
    one, other = from_record(record).sample().numpy(), NumpyField(record).sample()
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-3)
