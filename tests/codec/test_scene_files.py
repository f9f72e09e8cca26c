"""What a scene adds to a file: cells, cameras, background. Oracle: there and back, and damage."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from jaxtyping import Bool

from ligeia.codec.records._bytes import RecordError
from ligeia.codec.records._source import pack_source, unpack_source
from ligeia.codec.voxels._cells import check_cells, pack_cells, unpack_cells
from ligeia.core import FormatError
from ligeia.signals import Camera, SceneSource


def shell(size: int) -> Bool[np.ndarray, "x y z"]:
    radius = np.linalg.norm(np.indices((size,) * 3) - (size - 1) / 2, axis=0)
    return np.asarray(abs(radius - 0.37 * size) < 1.5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 2), (16, 16, 16), (33, 7, 20)])
@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_cells_come_back(shape: tuple[int, int, int], share: float) -> None:
    bits = np.random.default_rng(0).random(shape) < share
    bits[-1, 0, 0] = True
    data = pack_cells(bits)
    assert np.array_equal(unpack_cells(data, shape), bits)
    assert len(data) <= 40 + bits.size // 4


def test_a_shell_takes_a_fraction_of_its_bits() -> None:
    bits = shell(64)
    data = pack_cells(bits)
    assert np.array_equal(unpack_cells(data, bits.shape), bits)
    assert len(data) < bits.size / 8 / 12


def test_no_cell_and_too_many_are_refused() -> None:
    with pytest.raises(RecordError, match="all are empty"):
        pack_cells(np.zeros((4, 4, 4), bool))
    with pytest.raises(RecordError, match="expected at most"):
        check_cells((1024, 1024, 1024), 100_000)
    with pytest.raises(RecordError, match="1 to 1024 cells"):
        check_cells((2000, 2, 2), 100_000)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_damaged_cells_are_refused(place: int, change: int) -> None:
    data = bytearray(pack_cells(shell(20)))
    data[place % len(data)] ^= change
    with pytest.raises(FormatError):
        unpack_cells(bytes(data), (20, 20, 20))


def source(count: int = 3) -> SceneSource:
    cameras = []
    for number in range(count):
        lens = {"k1": 0.1, "p2": -0.01} if number == 1 else {}
        pose = Camera.looking((1.0, number + 0.5, 2.0), (0.0, 0.1, 0.0), shape=(4, 6)).pose
        camera = Camera(pose=pose, focal_lengths=(5.0, 5.5), principal_point=(3.0, 2.0), shape=(4, 6), **lens)
        cameras.append(camera)
    names = tuple(f"images/{number}.png" for number in range(count))
    return SceneSource(background=(0.1, 0.0, 1.0), has_alpha=True, cameras=tuple(cameras), names=names)


def test_a_source_comes_back_and_a_lens_is_written_once() -> None:
    given_source = source()
    data = pack_source(given_source)
    found = unpack_source(data)
    assert isinstance(found, SceneSource)
    assert pack_source(found) == data
    assert (found.background, found.has_alpha, found.names) == ((0.1, 0.0, 1.0), True, given_source.names)
    for one, other in zip(found.cameras, given_source.cameras, strict=True):
        assert np.array_equal(one.pose, other.pose)
        assert (one.shape, one.focal_lengths, one.principal_point, one.distortion) == (
            other.shape, other.focal_lengths, other.principal_point, other.distortion,
        )  # fmt: skip
    pose_bytes = 12 * 9 + 1 + len("images/0.png") + 1  # no lens again
    assert len(pack_source(source(9))) - len(pack_source(source(8))) <= pose_bytes


def test_damaged_sources_are_refused() -> None:
    data = pack_source(source())
    for wrong in (data[:-1], data + b"\0", data[:1] + b"\xff" + data[2:]):
        with pytest.raises(RecordError):
            unpack_source(wrong)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x40
        try:
            assert isinstance(unpack_source(bytes(changed)), SceneSource)
        except FormatError:
            continue
